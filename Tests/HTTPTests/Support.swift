import Foundation
import HTTP
import Synchronization
import Testing

/// A directory that is gone with the test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/http-tests-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("cannot remove \(path): \(error)")
        }
    }

    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}

/// Runs blocking work on a thread of its own, so that the servers under test keep theirs.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// What an outside program made of it.
struct CommandResult: Sendable {
    var status: Int32
    var output: String
    var errors: String
}

/// Runs a program to its end.
func run(_ arguments: String...) async throws -> CommandResult {
    try await blocking {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // curl and openssl write little to stderr: it fits the pipe.
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let errorText = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return CommandResult(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errorText, as: UTF8.self))
    }
}

/// Starts a server on a free loopback port, calls `body` with the port, and stops the server.
func withServer(
    limits: HTTPLimits = HTTPLimits(), security: WebSecurity? = nil, host: String = "127.0.0.1",
    _ handler: @escaping HTTPRouter.Handler,
    _ body: (_ server: HTTPServer, _ port: Int) async throws -> Void
) async throws {
    let server = HTTPServer(
        endpoint: .tcp(host: host, port: 0), limits: limits, security: security, handler: handler)
    try await server.start()
    do {
        try await body(server, try #require(server.boundPort))
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Waits until something is so; false after `time`.
func eventually(
    within time: Duration = .seconds(5), _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// A number that several tasks change.
final class Counter: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func increment() { number.withLock { $0 += 1 } }
}

/// A client that says exactly what it is told to: a blocking socket on a thread of its own.
final class RawClient: Sendable {
    private let descriptor: Int32

    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "connect: \(String(cString: strerror(errno)))")
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Sends all of the text; false when the server has closed.
    @discardableResult
    func send(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Says that nothing more will be sent.
    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an orderly end.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        // The number stays taken until deinit: dup2 of /dev/null would race less, but nobody
        // else opens descriptors by number here.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    enum Ending { case open, closed, reset, timedOut }

    /// Reads until the text so far satisfies `isEnough`, or the connection ends.
    func receive(
        until isEnough: @escaping @Sendable (String) -> Bool
    ) async throws -> (text: String, ending: Ending) {
        let descriptor = descriptor
        return try await blocking {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let text = String(decoding: bytes, as: UTF8.self)
                if isEnough(text) { return (text, .open) }
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count == 0 { return (text, .closed) }
                if count < 0 { return (text, errno == EAGAIN ? .timedOut : .reset) }
                bytes += buffer[..<count]
            }
        }
    }

    /// Reads until the server closes.
    func receiveAll() async throws -> (text: String, ending: Ending) {
        try await receive { _ in false }
    }
}

/// A request line and the least of headers.
func get(_ path: String, _ headers: String...) -> String {
    "GET \(path) HTTP/1.1\r\nHost: h\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n"
}
