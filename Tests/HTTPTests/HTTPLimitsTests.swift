import HTTP
import Testing

/// Clients that take more than their share, and what becomes of the others.
@Suite struct HTTPLimitsTests {
    private let ok: HTTPRouter.Handler = { _ in .text("ok\n") }

    private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    @Test func `a header over the limit is refused, one just under it is not`() async throws {
        try await withServer(limits: limits { $0.headerByteCount = 1000 }, ok) { _, port in
            let small = try RawClient(port: port)
            small.send(get("/", "X: " + String(repeating: "x", count: 900), "Connection: close"))
            #expect(try await small.receiveAll().text.hasPrefix("HTTP/1.1 200 "))

            let one = try RawClient(port: port)
            one.send(get("/", "X: " + String(repeating: "x", count: 1200)))
            let refused = try await one.receiveAll()
            #expect(refused.text.hasPrefix("HTTP/1.1 431 "), "\(refused)")
            #expect(refused.ending == .closed)

            let many = try RawClient(port: port)
            many.send(
                "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "A: b\r\n", count: 180)
                    + "\r\n")
            #expect(try await many.receiveAll().text.hasPrefix("HTTP/1.1 431 "))

            let path = try RawClient(port: port)
            path.send(get("/" + String(repeating: "p", count: 1200)))
            #expect(try await path.receiveAll().text.hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func `a header that never ends is cut off at the limit, not gathered`() async throws {
        try await withServer(limits: limits { $0.headerByteCount = 2000 }, ok) { server, port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n")
            let sent = try await blocking {
                var sent = 0
                while sent < 50_000_000,
                    client.send("X: " + String(repeating: "y", count: 500) + "\r\n")
                {
                    sent += 505
                }
                return sent
            }
            #expect(sent < 50_000_000)
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `a body over the limit is refused by its length before it comes`() async throws {
        try await withServer(limits: limits { $0.bodyByteCount = 100 }, ok) { _, port in
            let exact = try RawClient(port: port)
            exact.send(
                "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100\r\n\r\n"
                    + String(repeating: "b", count: 100))
            #expect(try await exact.receiveAll().text.hasPrefix("HTTP/1.1 200 "))

            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.text.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.ending == .closed)
        }
    }

    @Test func `a body that grows over the limit is refused, and the refusal arrives`() async throws
    {
        try await withServer(limits: limits { $0.bodyByteCount = 1000 }, ok) { _, port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            // The client goes on sending without reading, as most do.
            for _ in 0..<100 {
                client.send("3e8\r\n" + String(repeating: "b", count: 1000) + "\r\n")
            }
            #expect(try await client.receiveAll().text.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func `a request that trickles in is cut off, whatever it trickles`() async throws {
        try await withServer(limits: limits { $0.requestTime = .seconds(2) }, ok) {
            server, port in
            let head = try RawClient(port: port)
            let body = try RawClient(port: port)
            let silent = try RawClient(port: port)
            body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
            head.send("GET / HTTP/1.1\r\n")
            let trickle = Task {
                for number in 0..<600 {
                    head.send("X-\(number): y\r\n")
                    body.send("b")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let start = ContinuousClock.now
            #expect(try await head.receiveAll().text.hasPrefix("HTTP/1.1 408 "))
            #expect(try await body.receiveAll().text.hasPrefix("HTTP/1.1 408 "))
            let nothing = try await silent.receiveAll()
            #expect(nothing.text.isEmpty && nothing.ending == .closed)
            #expect(ContinuousClock.now - start < .seconds(8))
            trickle.cancel()
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `the time runs for every request of a connection anew`() async throws {
        try await withServer(limits: limits { $0.requestTime = .seconds(2) }, ok) {
            _, port in
            let client = try RawClient(port: port)
            for _ in 1...4 {
                client.send(get("/"))
                #expect(try await client.receive { $0.hasSuffix("ok\n") }.ending == .open)
                try await Task.sleep(for: .milliseconds(700))
            }
        }
    }

    @Test func `an idle connection is closed without a word`() async throws {
        try await withServer(limits: limits { $0.idleTime = .milliseconds(200) }, ok) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/"))
            let answer = try await client.receiveAll()
            #expect(answer.ending == .closed)
            #expect(answer.text.hasSuffix("\r\n\r\nok\n"))
        }
    }

    @Test func `a slow handler is not the client's fault`() async throws {
        let limits = limits {
            $0.requestTime = .seconds(2)
            $0.idleTime = .seconds(2)
            $0.writeStallTime = .seconds(2)
        }
        try await withServer(
            limits: limits,
            { _ in
                do { try await Task.sleep(for: .seconds(4)) } catch {
                    return .text("cancelled")
                }
                return .text("slow\n")
            }
        ) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/"))
            #expect(try await client.receiveAll().text.hasSuffix("slow\n"))
        }
    }

    @Test func `a client that does not read a big answer is cut off`() async throws {
        try await withServer(
            limits: limits { $0.writeStallTime = .milliseconds(400) },
            { _ in
                .bytes([UInt8](repeating: 0x78, count: 64 << 20), contentType: "text/plain")
            }
        ) { server, port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send(get("/"))
            #expect(try await eventually { server.connectionCount == 1 })
            // Another client is served all the while.
            let other = try await run(
                "curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                "http://127.0.0.1:\(port)/")
            #expect(other.output == "67108864", "\(other.errors)")
            #expect(try await eventually { server.connectionCount == 0 })
            let text = try await client.receiveAll().text
            #expect(text.utf8.count < 64 << 20)
        }
    }

    @Test func `a client that reads slowly but reads gets everything`() async throws {
        try await withServer(
            limits: limits { $0.writeStallTime = .seconds(1) },
            { _ in .bytes([UInt8](repeating: 0x78, count: 4 << 20), contentType: "text/plain") }
        ) { _, port in
            // 4 MiB at 2 MiB/s takes twice the stall time.
            let result = try await run(
                "curl", "-sS", "--limit-rate", "2M", "-o", "/dev/null", "-w", "%{size_download}",
                "http://127.0.0.1:\(port)/")
            #expect(result.output == "4194304", "\(result.errors)")
        }
    }

    @Test func `serves 200 connections at once`() async throws {
        let (asked, released) = (Counter(), Counter())
        try await withServer({ _ in
            asked.increment()
            do {
                while released.value == 0 { try await Task.sleep(for: .milliseconds(10)) }
            } catch {
                return .text("cancelled")
            }
            return .text("ok\n")
        }) { server, port in
            let clients = try (0..<200).map { _ in try RawClient(port: port) }
            for client in clients { client.send(get("/", "Connection: close")) }
            #expect(try await eventually(within: .seconds(20)) { asked.value == 200 })
            #expect(server.connectionCount == 200)
            released.increment()
            var served = 0
            for client in clients where try await client.receiveAll().text.hasSuffix("ok\n") {
                served += 1
            }
            #expect(served == 200)
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `a connection over the cap is told so, and the served ones do not notice`()
        async throws
    {
        try await withServer(limits: limits { $0.connectionCount = 3 }, ok) { server, port in
            let served = try (0..<3).map { _ in try RawClient(port: port) }
            #expect(try await eventually { server.connectionCount == 3 })
            for _ in 0..<5 {
                let excess = try RawClient(port: port)
                excess.send(get("/"))
                let answer = try await excess.receiveAll()
                #expect(answer.text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
                #expect(answer.ending == .closed)
            }
            for client in served {
                client.send(get("/", "Connection: close"))
                #expect(try await client.receiveAll().text.hasSuffix("ok\n"))
            }
            // And there is room again.
            #expect(try await eventually { server.connectionCount == 0 })
            let next = try RawClient(port: port)
            next.send(get("/", "Connection: close"))
            #expect(try await next.receiveAll().text.hasSuffix("ok\n"))
        }
    }

    @Test func `a burst far over the cap does no lasting harm`() async throws {
        try await withServer(limits: limits { $0.connectionCount = 2 }, ok) { server, port in
            var burst = try (0..<300).map { _ in try RawClient(port: port) }
            for client in burst { client.send(get("/")) }
            #expect(try await eventually { server.connectionCount == 2 })
            burst.removeAll()
            // Not at once: some of the burst may still wait to be accepted.
            let isServed = try await eventually {
                let next = try RawClient(port: port)
                next.send(get("/", "Connection: close"))
                return try await next.receiveAll().text.hasSuffix("ok\n")
            }
            #expect(isServed)
        }
    }

    @Test func `pipelined requests beyond measure are dropped when their sender ends`()
        async throws
    {
        let calls = Counter()
        try await withServer({ _ in
            calls.increment()
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return .text("cancelled") }
            return .text("ok\n")
        }) { server, port in
            let client = try RawClient(port: port)
            _ = try await blocking {
                client.send(String(repeating: get("/"), count: 2000))
                client.endOutput()
            }
            #expect(try await eventually(within: .seconds(10)) { server.connectionCount == 0 })
        }
        #expect(calls.value < 20)
    }
}
