import Glibc
import Testing

@testable import HostFacts

/// The service manager's side: a datagram socket that is bound to a path or an abstract name.
private final class Manager {
    let descriptor: Int32
    let name: String

    init(_ name: String) throws {
        self.name = name
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_UNIX, kind, 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var octets = Array(name.utf8)
        let isAbstract = octets.first == UInt8(ascii: "@")
        if isAbstract { octets[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
        // An abstract name is as long as the address says: one octet more is another name.
        let length = socklen_t(2 + octets.count + (isAbstract ? 0 : 1))
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
            }
        }
        try #require(bound == 0)
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// The next message; nil when there is none.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    var notification: ServiceNotification {
        ServiceNotification(socket: name, watchdogMicroseconds: nil, watchdogPID: nil)
    }
}

private func unique(_ prefix: String) -> String {
    "\(prefix)\(getpid())-\(UInt32.random(in: 0 ... .max))"
}

@Suite struct ServiceNotificationTests {
    @Test(arguments: ["/tmp/tunnel-probe-notify-", "@tunnel-probe-notify-"])
    func `sends one datagram a call, to a path or an abstract name`(prefix: String) throws {
        let manager = try Manager(unique(prefix))
        let notification = manager.notification
        #expect(notification.ready() == .sent)
        #expect(manager.receive() == "READY=1")
        #expect(notification.ready(status: "2 tunnels") == .sent)
        #expect(manager.receive() == "READY=1\nSTATUS=2 tunnels")
        #expect(notification.stopping() == .sent)
        #expect(manager.receive() == "STOPPING=1")
        #expect(notification.watchdog() == .sent)
        #expect(manager.receive() == "WATCHDOG=1")
        #expect(manager.receive() == nil)
    }

    @Test func `a status stays one assignment whatever is in it`() throws {
        let manager = try Manager(unique("@tunnel-probe-status-"))
        #expect(manager.notification.status("waits for\nREADY=1\ré") == .sent)
        #expect(manager.receive() == "STATUS=waits for READY=1 é")
    }

    @Test func `a reload carries the monotonic time at which it began`() throws {
        func monotonicMicroseconds() -> Int64 {
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        }
        let manager = try Manager(unique("@tunnel-probe-reload-"))
        let before = monotonicMicroseconds()
        #expect(manager.notification.reloading() == .sent)
        let after = monotonicMicroseconds()
        let lines = try #require(manager.receive()).split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let prefix = "MONOTONIC_USEC="
        let line = try #require(lines.last)
        try #require(line.hasPrefix(prefix))
        let time = try #require(Int64(line.dropFirst(prefix.count)))
        #expect((before...after).contains(time))
    }

    @Test func `without a service manager nothing happens`() {
        for socket in [nil, ""] as [String?] {
            let notification = ServiceNotification(
                socket: socket, watchdogMicroseconds: nil, watchdogPID: nil)
            #expect(notification.ready() == .notWanted)
            #expect(notification.watchdogInterval == nil)
        }
    }

    @Test func `never waits for a manager that does not read`() throws {
        let manager = try Manager(unique("@tunnel-probe-full-"))
        let clock = ContinuousClock()
        let start = clock.now
        var outcomes: Set<ServiceNotification.Outcome> = []
        for _ in 0..<2000 { outcomes.insert(manager.notification.watchdog()) }
        #expect(
            outcomes == [
                .sent, .failed("sendto \(manager.name): Resource temporarily unavailable"),
            ])
        #expect(clock.now - start < .seconds(5))
    }

    @Test func `says why a message could not be sent`() {
        func outcome(_ socket: String) -> ServiceNotification.Outcome {
            ServiceNotification(socket: socket, watchdogMicroseconds: nil, watchdogPID: nil).ready()
        }
        #expect(
            outcome("/nonexistent/notify")
                == .failed("sendto /nonexistent/notify: No such file or directory"))
        let absent = unique("@tunnel-probe-absent-")
        #expect(outcome(absent) == .failed("sendto \(absent): Connection refused"))
        #expect(
            outcome("vsock:2:1234")
                == .failed("NOTIFY_SOCKET \"vsock:2:1234\" is neither a path nor an abstract name"))
        let long = "/" + String(repeating: "x", count: 107)
        #expect(outcome(long) == .failed("NOTIFY_SOCKET \"\(long)\" is longer than unix(7) allows"))
    }

    @Test func `takes names up to the length of unix(7)`() throws {
        let name = unique("@tunnel-probe-long-")
        let longest = name + String(repeating: "x", count: 107 - name.utf8.count)
        let manager = try Manager(longest)
        #expect(manager.notification.ready() == .sent)
        #expect(manager.receive() == "READY=1")
    }

    @Test func `leaves no descriptor open`() throws {
        let manager = try Manager(unique("@tunnel-probe-leak-"))
        for _ in 0..<5000 {
            #expect(manager.notification.ready() == .sent)
            _ = manager.receive()
        }
        // A leak of one a call would be above any number the other tests hold.
        #expect(try OpenDescriptors.count() < 2500)
    }

    @Test(
        arguments: [
            ("30000000", nil, 30_000_000), ("30000000", "\(getpid())", 30_000_000), ("1", nil, 1),
            ("30000000", "1", nil), ("0", nil, nil), ("-5", nil, nil), ("x", nil, nil),
            ("", nil, nil),
            (nil, nil, nil), ("30000000", "", nil),
        ] as [(String?, String?, Int64?)])
    func `the watchdog is on where it is asked for, for this process`(
        microseconds: String?, pid: String?, interval: Int64?
    ) {
        let notification = ServiceNotification(
            socket: "@x", watchdogMicroseconds: microseconds, watchdogPID: pid)
        #expect(notification.watchdogInterval == interval.map { .microseconds($0) })
    }
}
