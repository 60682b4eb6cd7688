import Glibc
import IKE
import KeyDaemon
import Testing

/// A daemon that does on its socket what a test has it do.
private final class MadeUpDaemon {
    let path: String
    private let listener: Int32
    private var client: Int32 = -1

    init(backlog: Int32 = 4) throws {
        path = "/tmp/vici-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let octets = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        try #require(listen(listener, backlog) == 0)
    }

    deinit {
        hangUp()
        close(listener)
        unlink(path)
    }

    func accept() { client = Glibc.accept(listener, nil, nil) }

    func send(_ octets: [UInt8]) {
        _ = Glibc.send(client, octets, octets.count, Int32(MSG_NOSIGNAL))
    }

    func hangUp() {
        if client >= 0 { close(client) }
        client = -1
    }

    /// What the agent sent.
    func receive() -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 4096)
        let count = recv(client, &octets, octets.count, 0)
        return Array(octets.prefix(max(count, 0)))
    }
}

@Suite struct ViciConnectionTests {
    /// The reason of an error.
    private func reason(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `what is sent arrives and what comes is taken, in pieces too`() throws {
        let daemon = try MadeUpDaemon()
        let connection = try ViciConnection(path: daemon.path)
        daemon.accept()
        try connection.send(.register("log"))
        #expect(daemon.receive() == ViciPacket.register("log").octets)
        let event = ViciPacket.event("log", ViciMessage([.init("msg", .value("text"))])).octets
        daemon.send([0, 0, 0, 1, 5] + event.prefix(7))
        #expect(try connection.receive() == [.confirmed])
        daemon.send(Array(event.dropFirst(7)))
        #expect(try connection.receive().map(\.octets) == [event])
    }

    @Test func `a daemon that says nothing is not waited for`() throws {
        let daemon = try MadeUpDaemon()
        let connection = try ViciConnection(path: daemon.path)
        #expect(try connection.receive().isEmpty)
    }

    @Test func `a daemon that is not there is a reason`() {
        let path = "/tmp/vici-test-none-\(getpid())"
        let reason = reason { _ = try ViciConnection(path: path) }
        #expect(reason?.contains(path) == true)
        #expect(reason?.contains("No such file") == true)
    }

    /// A number that is closed twice may by then be another thread's.
    @Test func `a failed attempt closes its own descriptor, and once`() async {
        let path = "/tmp/vici-test-none-\(getpid())"
        let stolen = await withTaskGroup(of: Int.self) { group in
            group.addTask {
                for _ in 0..<20_000 {
                    do { _ = try ViciConnection(path: path) } catch { continue }
                }
                return 0
            }
            for _ in 0..<2 {
                group.addTask {
                    (0..<40_000).count { _ in
                        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                        return descriptor >= 0 && close(descriptor) != 0
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(stolen == 0)
    }

    @Test func `a daemon that left its socket behind is a reason`() throws {
        let daemon = try MadeUpDaemon()
        let left = daemon.path + "-left"
        #expect(rename(daemon.path, left) == 0)
        _ = consume daemon
        let reason = reason { _ = try ViciConnection(path: left) }
        unlink(left)
        #expect(reason?.contains("refused") == true)
    }

    @Test(arguments: ["/tmp/" + String(repeating: "x", count: 200), "/tmp/a\0b"])
    func `a path that no socket can have is a reason`(path: String) {
        #expect(reason { _ = try ViciConnection(path: path) }?.contains("no path") == true)
    }

    @Test func `what a daemon said before it went away is taken, then its end is a reason`() throws
    {
        let daemon = try MadeUpDaemon()
        let connection = try ViciConnection(path: daemon.path)
        daemon.accept()
        daemon.send([0, 0, 0, 1, 5])
        daemon.hangUp()
        #expect(try connection.receive() == [.confirmed])
        #expect(reason { _ = try connection.receive() }?.contains("closed") == true)
    }

    @Test(
        arguments: [
            [0xff, 0xff, 0xff, 0xff, 1], [0, 0, 0, 1, 9], [0, 0, 0, 0], [0, 0, 0, 2, 1, 1],
        ] as [[UInt8]])
    func `garbage is a reason`(octets: [UInt8]) throws {
        let daemon = try MadeUpDaemon()
        let connection = try ViciConnection(path: daemon.path)
        daemon.accept()
        daemon.send(octets)
        #expect(reason { _ = try connection.receive() }?.contains("no vici") == true)
    }

    @Test func `a daemon that reads nothing fills no memory`() throws {
        let daemon = try MadeUpDaemon()
        let connection = try ViciConnection(path: daemon.path)
        daemon.accept()
        let message = ViciMessage([.init("a", .value(String(repeating: "x", count: 60_000)))])
        let reason = reason {
            for _ in 0..<1000 { try connection.send(.request("x", message)) }
        }
        #expect(reason?.contains("takes no more") == true)
    }
}
