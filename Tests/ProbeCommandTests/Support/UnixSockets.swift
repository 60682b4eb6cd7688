import Foundation

/// A client on a Unix stream socket that does just what a test tells it.
final class RawClient: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withAddress(path) { connect(descriptor, $0, $1) }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw SocketFailed(what: "connect \(path)", code: code)
        }
    }

    deinit { close(descriptor) }

    @discardableResult
    func write(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// What is there within `seconds`; nil when the peer has closed.
    func read(within seconds: Double) -> String? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else { return "" }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}

/// What systemd gives a service as NOTIFY_SOCKET: a datagram socket that it listens on.
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withAddress(path) { bind(descriptor, $0, $1) }
        guard result == 0 else { throw SocketFailed(what: "bind \(path)", code: errno) }
        chmod(path, 0o777)
    }

    deinit { close(descriptor) }

    /// The next message within `seconds`, as the lines it holds.
    func message(within seconds: Double) -> [String]? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    /// Waits for a message with `line` and returns all that came until then.
    func wait(for line: String, within seconds: Double) throws -> [[String]] {
        let end = Date() + seconds
        var messages: [[String]] = []
        while Date() < end {
            guard let message = message(within: max(0, end.timeIntervalSinceNow)) else { continue }
            messages.append(message)
            if message.contains(line) { return messages }
        }
        throw NeverHappened(what: "\(line) on \(path)", seconds: seconds, last: "\(messages)")
    }
}

struct SocketFailed: Error, CustomStringConvertible {
    var what: String
    var code: Int32

    var description: String { "\(what): \(String(cString: strerror(code)))" }
}

private func withAddress<Value>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
) -> Value {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
        target.copyBytes(from: path.utf8.prefix(target.count - 1))
    }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
