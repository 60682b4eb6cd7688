import Foundation
import Testing

@testable import HTTP

@Suite struct HTTPClientTests {
    @Test func `sends method, target, headers and body, and reads the answer`() async throws {
        try await withServer({ request in
            var response = HTTPResponse.text(
                "\(request.method) \(request.path) \(request.query["q"] ?? "") "
                    + "\(request.headers["X-One"] ?? "") "
                    + String(decoding: request.body, as: UTF8.self),
                status: 418)
            response.headers.append(("X-Two", "2"))
            return response
        }) { _, port in
            let client = HTTPClient(.tcp(host: "127.0.0.1", port: port))
            let response = try await client.send(
                .post, "/p?q=v", headers: [("X-One", "1")], body: Array("body".utf8))
            #expect(response.status == 418)
            #expect(response.headers["x-two"] == "2")
            let body = try await response.body.collect(upTo: 1000)
            #expect(String(decoding: body, as: UTF8.self) == "POST /p v 1 body")
        }
    }

    @Test func `no socket: the agent is not running`() async throws {
        let path = "/tmp/no-such-directory/control.sock"
        await #expect(throws: HTTPClientError.noSocket(path: path)) {
            _ = try await HTTPClient(.unix(path: path)).send(.get, "/")
        }
    }

    @Test func `a port where nobody listens refuses`() async throws {
        // Bound, so that nobody else gets it, but not listening.
        let (descriptor, port) = try boundSocket()
        defer { close(descriptor) }
        let target = HTTPClient.Server.tcp(host: "127.0.0.1", port: port)
        await #expect(throws: HTTPClientError.refused(target)) {
            _ = try await HTTPClient(target).send(.get, "/")
        }
    }

    @Test func `permission denied names the group to join`() {
        // Root is never denied, so only the translation is shown here; that the kernel denies
        // others is in UnixListenerTests.
        let error = HTTPClientError.connecting(to: .unix(path: "/s"), errno: EACCES)
        #expect(error == .permissionDenied(path: "/s"))
        #expect(error.description.contains("adduser USER tunnel-probe"))
    }

    @Test func `an unresolvable name is unreachable`() async throws {
        let target = HTTPClient.Server.tcp(host: "no-such-host.invalid", port: 1)
        await #expect(
            throws: HTTPClientError.unreachable(target, reason: "the name has no address")
        ) { _ = try await HTTPClient(target).send(.get, "/") }
    }

    @Test func `a server that does not answer times out`() async throws {
        try await withServer({ _ in
            do { try await Task.sleep(for: .seconds(30)) } catch {}
            return .text("late")
        }) { _, port in
            let target = HTTPClient.Server.tcp(host: "127.0.0.1", port: port)
            let start = ContinuousClock.now
            await #expect(
                throws: HTTPClientError.timedOut(target, after: .milliseconds(200))
            ) {
                _ = try await HTTPClient(target).send(
                    .get, "/", responseTime: .milliseconds(200))
            }
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func `cancelling the task ends the wait for the head`() async throws {
        let cancelled = Counter()
        try await withServer({ _ in
            do { try await Task.sleep(for: .seconds(30)) } catch { cancelled.increment() }
            return .text("late")
        }) { server, port in
            let waiting = Task {
                try await HTTPClient(.tcp(host: "127.0.0.1", port: port)).send(.get, "/")
            }
            #expect(try await eventually { server.connectionCount == 1 })
            try await Task.sleep(for: .milliseconds(50))
            waiting.cancel()
            await #expect(throws: HTTPClientError.cancelled) { _ = try await waiting.value }
            #expect(try await eventually { cancelled.value == 1 })
        }
    }

    @Test func `a stream is read as it comes, and letting go of it ends it at the server`()
        async throws
    {
        let ended = Counter()
        try await withServer({ _ in
            let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
            let ticks = Task {
                while true {
                    continuation.yield([0x2e])
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            continuation.onTermination = { _ in
                ticks.cancel()
                ended.increment()
            }
            return .stream(stream, contentType: "text/plain")
        }) { _, port in
            let client = HTTPClient(.tcp(host: "127.0.0.1", port: port))
            var count = 0
            for try await piece in try await client.send(.get, "/").body {
                count += piece.count
                if count >= 3 { break }
            }
            #expect(try await eventually { ended.value == 1 })

            // So does cancelling the task that reads.
            let reading = Task {
                for try await _ in try await client.send(.get, "/").body {}
            }
            try await Task.sleep(for: .milliseconds(200))
            reading.cancel()
            await #expect(throws: HTTPClientError.cancelled) { try await reading.value }
            #expect(try await eventually { ended.value == 2 })
        }
    }

    @Test func `a slow reader slows the server down and loses nothing`() async throws {
        let made = Counter()
        try await withServer({ _ in
            let numbers = Counter()
            return .stream(
                AsyncStream(unfolding: {
                    guard numbers.value < 400 else { return nil }
                    numbers.increment()
                    made.increment()
                    return [UInt8](repeating: 0x78, count: 65536)
                }), contentType: "application/octet-stream")
        }) { _, port in
            let response = try await HTTPClient(.tcp(host: "127.0.0.1", port: port)).send(.get, "/")
            var pieces = response.body.makeAsyncIterator()
            var total = try await pieces.next()?.count ?? 0
            try await Task.sleep(for: .milliseconds(500))
            let madeMeanwhile = made.value
            #expect(madeMeanwhile < 400, "what nobody reads stays unmade")
            while let piece = try await pieces.next() { total += piece.count }
            #expect(total == 400 * 65536)
        }
    }

    @Test func `a body over the limit is an error`() async throws {
        try await withServer({ _ in .text("123456") }) { _, port in
            let client = HTTPClient(.tcp(host: "127.0.0.1", port: port))
            let exact = try await client.send(.get, "/").body.collect(upTo: 6)
            #expect(exact.count == 6)
            await #expect(throws: HTTPClientError.bodyTooLarge(limit: 5)) {
                _ = try await client.send(.get, "/").body.collect(upTo: 5)
            }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ])
    func `an answer that ends early is cut short, not complete`(answer: String) async throws {
        let server = try OneShotServer(answer)
        let target = HTTPClient.Server.tcp(host: "127.0.0.1", port: server.port)
        await #expect(throws: HTTPClientError.cutShort(target)) {
            _ = try await HTTPClient(target).send(.get, "/").body.collect(upTo: 100)
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-"])
    func `a connection that ends before the head is cut short`(answer: String) async throws {
        let server = try OneShotServer(answer)
        let target = HTTPClient.Server.tcp(host: "127.0.0.1", port: server.port)
        await #expect(throws: HTTPClientError.cutShort(target)) {
            _ = try await HTTPClient(target).send(.get, "/")
        }
    }

    @Test func `what is not HTTP is malformed`() async throws {
        let server = try OneShotServer("SSH-2.0-OpenSSH_9.2\r\n")
        let target = HTTPClient.Server.tcp(host: "127.0.0.1", port: server.port)
        await #expect(throws: HTTPClientError.malformedResponse(target)) {
            _ = try await HTTPClient(target).send(.get, "/")
        }
    }

    @Test func `an answer of HTTP 1.0 ends with its connection`() async throws {
        let server = try OneShotServer("HTTP/1.0 200 OK\r\n\r\nall of it")
        let client = HTTPClient(.tcp(host: "127.0.0.1", port: server.port))
        let body = try await client.send(.get, "/").body.collect(upTo: 100)
        #expect(String(decoding: body, as: UTF8.self) == "all of it")
    }
}

/// Accepts one connection, reads the request's head, sends fixed bytes and closes.
private final class OneShotServer: Sendable {
    let port: Int

    init(_ answer: String) throws {
        let (listener, port) = try boundSocket()
        self.port = port
        try #require(listen(listener, 1) == 0)
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = recv(connection, &buffer, buffer.count, 0)
            _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
            close(connection)
            close(listener)
        }
    }
}

/// A TCP socket on a loopback port that the kernel chose.
private func boundSocket() throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    try #require(isBound)
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}
