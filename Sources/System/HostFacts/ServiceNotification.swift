internal import CLinux
internal import Glibc

/// Tells the service manager how this service is: the protocol of sd_notify(3), without its library.
///
/// Every call is one datagram and never waits. Outside a unit of `Type=notify` there is nobody to
/// tell, and calls do nothing.
public struct ServiceNotification: Sendable {
    /// What became of a message.
    public enum Outcome: Hashable, Sendable {
        /// The kernel took it.
        case sent
        /// No service manager asked for it.
        case notWanted
        /// It was not sent, and why in words.
        case failed(String)
    }

    /// How often the manager wants to hear from the watchdog, at the latest; nil when it does not.
    ///
    /// sd_watchdog_enabled(3) advises to call `watchdog` in half of this time.
    public let watchdogInterval: Duration?

    private let socketName: String?

    /// Takes the settings from the environment of this process.
    public init() {
        self.init(
            socket: environmentVariable("NOTIFY_SOCKET"),
            watchdogMicroseconds: environmentVariable("WATCHDOG_USEC"),
            watchdogPID: environmentVariable("WATCHDOG_PID"))
    }

    /// Takes the settings as the environment variables of their names would hold them.
    ///
    /// - Parameters:
    ///   - socket: NOTIFY_SOCKET, an absolute path or, with a leading `@`, an abstract name.
    ///   - watchdogMicroseconds: WATCHDOG_USEC; no interval unless it is a positive number.
    ///   - watchdogPID: WATCHDOG_PID; no interval when it is another process.
    init(socket: String?, watchdogMicroseconds: String?, watchdogPID: String?) {
        socketName = socket?.isEmpty == false ? socket : nil
        let isMine = watchdogPID.map { $0 == String(getpid()) } ?? true
        let microseconds = watchdogMicroseconds.flatMap { Int64($0) } ?? 0
        watchdogInterval = isMine && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The service has started, or has finished a reload.
    @discardableResult
    public func ready(status: String? = nil) -> Outcome {
        send(["READY=1"] + (status.map { [Self.statusLine($0)] } ?? []))
    }

    /// The service reloads its configuration; `ready` ends that.
    ///
    /// sd_notify(3): for `Type=notify-reload` the message must carry the monotonic time at which the
    /// reload began.
    @discardableResult
    public func reloading() -> Outcome {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        return send(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"])
    }

    /// The service begins to stop.
    @discardableResult
    public func stopping() -> Outcome { send(["STOPPING=1"]) }

    /// One line for `systemctl status`; line breaks in it become spaces.
    @discardableResult
    public func status(_ text: String) -> Outcome { send([Self.statusLine(text)]) }

    /// The service is alive.
    @discardableResult
    public func watchdog() -> Outcome { send(["WATCHDOG=1"]) }

    private static func statusLine(_ text: String) -> String {
        var line = "STATUS="
        for scalar in text.unicodeScalars {
            line.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
        }
        return line
    }

    private func send(_ assignments: [String]) -> Outcome {
        guard let socketName else { return .notWanted }
        guard socketName.hasPrefix("/") || socketName.hasPrefix("@") else {
            // sd_notify(3) also knows vsock:CID:PORT, which reaches the host of a virtual machine
            // and is given to its init, not to a service.
            return .failed("NOTIFY_SOCKET \"\(socketName)\" is neither a path nor an abstract name")
        }
        var name = Array(socketName.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // unix(7): a path ends with a NUL; an abstract name does not, so its length decides.
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return .failed("NOTIFY_SOCKET \"\(socketName)\" is longer than unix(7) allows")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = MemoryLayout<sa_family_t>.size + name.count + (name[0] == 0 ? 0 : 1)

        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return .failed("socket: \(errorText(errno))") }
        defer { close(descriptor) }
        let message = Array(assignments.joined(separator: "\n").utf8)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(
                    descriptor, message, message.count, Int32(MSG_NOSIGNAL), address,
                    socklen_t(length))
            }
        }
        guard sent == message.count else {
            return .failed("sendto \(socketName): \(errorText(errno))")
        }
        return .sent
    }
}
