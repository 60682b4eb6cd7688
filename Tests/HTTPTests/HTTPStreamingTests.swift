import HTTP
import Synchronization
import Testing

@Suite struct HTTPStreamingTests {
    /// A handler whose stream gives a numbered line now and then, and that knows when it was ended.
    private final class Ticker: Sendable {
        let started = Counter()
        let ended = Counter()

        func respond(to request: HTTPRequest) -> HTTPResponse {
            let (stream, continuation) = AsyncStream.makeStream(
                of: [UInt8].self, bufferingPolicy: .bufferingNewest(16))
            started.increment()
            let ticks = Task {
                for number in 1... {
                    continuation.yield(Array("tick \(number)\n".utf8))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            continuation.onTermination = { [ended] _ in
                ended.increment()
                ticks.cancel()
            }
            return .stream(stream, contentType: "text/plain")
        }
    }

    private func withTicker(
        limits: HTTPLimits = HTTPLimits(),
        _ body: (Ticker, HTTPServer, Int) async throws -> Void
    ) async throws {
        let ticker = Ticker()
        try await withServer(limits: limits, { ticker.respond(to: $0) }) { server, port in
            try await body(ticker, server, port)
        }
    }

    @Test func `pieces arrive while the stream goes on`() async throws {
        try await withTicker { ticker, _, port in
            let client = try RawClient(port: port)
            client.send(get("/"))
            let answer = try await client.receive { $0.contains("tick 3\n") }
            #expect(answer.ending == .open)
            #expect(answer.text.contains("Transfer-Encoding: chunked"))
            #expect(!answer.text.contains("Content-Length"))
            #expect(answer.text.contains("\r\n\r\n7\r\ntick 1\n\r\n7\r\ntick 2\n\r\n"))
            #expect(ticker.ended.value == 0)
        }
    }

    @Test func `a stream that ends lets the connection serve on`() async throws {
        try await withServer({ request in
            let stream = AsyncStream<[UInt8]> { continuation in
                for piece in ["a", "", "bc"] { continuation.yield(Array(piece.utf8)) }
                continuation.finish()
            }
            return .stream(stream, contentType: "text/plain")
        }) { _, port in
            let client = try RawClient(port: port)
            for _ in 1...2 {
                client.send(get("/"))
                let answer = try await client.receive { $0.hasSuffix("\r\n0\r\n\r\n") }
                #expect(answer.ending == .open)
                #expect(answer.text.hasSuffix("\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"))
            }
        }
    }

    @Test func `a stream to HTTP 1.0 goes without chunks to the end of the connection`()
        async throws
    {
        try await withServer({ _ in
            .stream(
                AsyncStream { continuation in
                    continuation.yield([0x61])
                    continuation.yield([0x62])
                    continuation.finish()
                }, contentType: "text/plain")
        }) { _, port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.text.hasSuffix("\r\n\r\nab"))
            #expect(answer.text.contains("Connection: close"))
        }
    }

    @Test(arguments: [true, false])
    func `a client that goes away ends the stream`(byReset: Bool) async throws {
        try await withTicker { ticker, server, port in
            var client: RawClient? = try RawClient(port: port)
            client?.send(get("/"))
            _ = try await client?.receive { $0.contains("tick 2\n") }
            if byReset { client?.reset() }
            client = nil
            #expect(try await eventually { ticker.ended.value == 1 })
            #expect(try await eventually { server.connectionCount == 0 })
            #expect(ticker.started.value == 1)
        }
    }

    @Test func `a client that goes away before the first piece ends the stream`() async throws {
        let ended = Counter()
        try await withServer({ _ in
            let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
            continuation.onTermination = { _ in ended.increment() }
            // The producer keeps its end and never says anything.
            Task {
                do { try await Task.sleep(for: .seconds(30)) } catch {}
                continuation.finish()
            }
            return .stream(stream, contentType: "text/plain")
        }) { server, port in
            var client: RawClient? = try RawClient(port: port)
            client?.send(get("/"))
            _ = try await client?.receive { $0.hasSuffix("\r\n\r\n") }
            client = nil
            #expect(try await eventually { ended.value == 1 })
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `a client that goes away cancels a handler that has not answered yet`() async throws
    {
        let (started, cancelled) = (Counter(), Counter())
        try await withServer({ _ in
            started.increment()
            do {
                try await Task.sleep(for: .seconds(30))
            } catch {
                cancelled.increment()
            }
            return .text("late")
        }) { _, port in
            var client: RawClient? = try RawClient(port: port)
            client?.send(get("/"))
            #expect(try await eventually { started.value == 1 })
            client = nil
            #expect(try await eventually { cancelled.value == 1 })
        }
    }

    @Test func `HEAD of a stream ends it without a byte of content`() async throws {
        try await withTicker { ticker, _, port in
            let client = try RawClient(port: port)
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await client.receive { $0.hasSuffix("\r\n\r\n") }
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(try await eventually { ticker.ended.value == 1 })
            // The connection is in step: the next answer comes right behind the head.
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveAll().text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func `a client that never reads a big stream is cut off and ends it`() async throws {
        var limits = HTTPLimits()
        limits.writeStallTime = .milliseconds(400)
        let (taken, ended) = (Counter(), Counter())
        /// Held by the stream's source, so it goes when the source is let go.
        final class Source: Sendable {
            let ended: Counter
            init(ended: Counter) { self.ended = ended }
            deinit { ended.increment() }
        }
        try await withServer(
            limits: limits,
            { request in
                guard request.path == "/flood" else { return .text("ok\n") }
                // Pulled, not pushed: a megabyte is made only when the last one is gone.
                let source = Source(ended: ended)
                let stream = AsyncStream<[UInt8]>(unfolding: {
                    withExtendedLifetime(source) { taken.increment() }
                    return [UInt8](repeating: 0x78, count: 1 << 20)
                })
                return .stream(stream, contentType: "text/plain")
            }
        ) { server, port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send(get("/flood"))
            #expect(try await eventually { taken.value > 0 })
            for _ in 0..<5 {
                let other = try RawClient(port: port)
                other.send(get("/", "Connection: close"))
                #expect(try await other.receiveAll().text.hasSuffix("ok\n"))
            }
            #expect(try await eventually { ended.value == 1 })
            #expect(try await eventually { server.connectionCount == 0 })
            // What was made is what the kernel's buffers hold, and one piece.
            #expect(taken.value < 16)
        }
    }

    @Test func `stop ends the streams`() async throws {
        let ticker = Ticker()
        var limits = HTTPLimits()
        limits.stopTime = .milliseconds(100)
        let server = HTTPServer(
            endpoint: .tcp(host: "127.0.0.1", port: 0), limits: limits,
            handler: { ticker.respond(to: $0) })
        try await server.start()
        let client = try RawClient(port: try #require(server.boundPort))
        client.send(get("/"))
        _ = try await client.receive { $0.contains("tick 2\n") }
        await server.stop()
        #expect(try await eventually { ticker.ended.value == 1 })
        // The reader can tell that this was not the end of the stream.
        #expect(try await !client.receiveAll().text.hasSuffix("0\r\n\r\n"))
    }
}
