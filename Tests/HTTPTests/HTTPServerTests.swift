import HTTP
import Testing

@Suite struct HTTPServerTests {
    /// Answers what it was asked, after the time the query names.
    private let echo: HTTPRouter.Handler = { request in
        if let time = request.query["ms"].flatMap(Int.init) {
            do { try await Task.sleep(for: .milliseconds(time)) } catch {
                return .text("cancelled")
            }
        }
        return .text(
            "\(request.method) \(request.path) \(String(decoding: request.body, as: UTF8.self))\n")
    }

    @Test func `serves one request after the other on a connection that stays open`() async throws {
        try await withServer(echo) { server, port in
            let client = try RawClient(port: port)
            for path in ["/a", "/b", "/c"] {
                client.send(get(path))
                let answer = try await client.receive { $0.hasSuffix("\n") && $0.contains("GET") }
                #expect(answer.ending == .open)
                #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.text.hasSuffix("\r\n\r\nGET \(path) \n"))
                #expect(!answer.text.contains("Connection: close"))
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `answers pipelined requests in order though the first takes longest`() async throws {
        try await withServer(echo) { _, port in
            let client = try RawClient(port: port)
            client.send(
                get("/1?ms=200") + get("/2?ms=50") + "POST /3 HTTP/1.1\r\nHost: h\r\n"
                    + "Content-Length: 4\r\n\r\nbody" + get("/4", "Connection: close"))
            let answer = try await client.receiveAll()
            #expect(answer.ending == .closed)
            let bodies = answer.text.components(separatedBy: "\r\n\r\n").dropFirst().map {
                $0.components(separatedBy: "\n")[0]
            }
            #expect(bodies == ["GET /1 ", "GET /2 ", "POST /3 body", "GET /4 "])
        }
    }

    @Test func `a client that half-closes still gets all its answers`() async throws {
        try await withServer({ .text("got \($0.path)\n") }) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/1") + get("/2") + get("/3"))
            client.endOutput()
            let answer = try await client.receiveAll()
            #expect(answer.ending == .closed)
            for path in ["/1", "/2", "/3"] { #expect(answer.text.contains("got \(path)\n")) }
        }
    }

    @Test func `keeps a connection of HTTP 1.0 open only when asked to`() async throws {
        try await withServer(echo) { _, port in
            let closing = try RawClient(port: port)
            closing.send("GET /a HTTP/1.0\r\n\r\n")
            let answer = try await closing.receiveAll()
            #expect(answer.ending == .closed)
            #expect(answer.text.hasPrefix("HTTP/1.0 200 OK\r\n"))

            let staying = try RawClient(port: port)
            for _ in 1...2 {
                staying.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let answer = try await staying.receive { $0.hasSuffix("GET /a \n") }
                #expect(answer.ending == .open)
            }
        }
    }

    @Test func `takes a chunked body`() async throws {
        try await withServer(echo) { _, port in
            let client = try RawClient(port: port)
            client.send(
                "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            #expect(try await client.receiveAll().text.hasSuffix("POST / abcde\n"))
        }
    }

    @Test func `tells a client that waits for it to go on with the body`() async throws {
        try await withServer(echo) { _, port in
            let client = try RawClient(port: port)
            client.send(
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let interim = try await client.receive { $0.hasSuffix("\r\n\r\n") }
            #expect(interim.text.hasPrefix("HTTP/1.1 100 Continue\r\n"))
            client.send("ok")
            let answer = try await client.receive { $0.hasSuffix("POST / ok\n") }
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400),  // A TLS client on the plain port.
        ("GET / HTTP/1.1\r\n\r\n", 400),  // No Host.
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET nonsense HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ])
    func `refuses a malformed request and closes`(request: String, status: Int) async throws {
        let calls = Counter()
        try await withServer({ _ in
            calls.increment()
            return .text("ok")
        }) { _, port in
            let client = try RawClient(port: port)
            client.send(request)
            let answer = try await client.receiveAll()
            #expect(answer.text.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.text.contains("\r\nConnection: close\r\n"))
            #expect(answer.ending == .closed)
        }
        #expect(calls.value == 0)
    }

    @Test func `a malformed request behind a good one does not cost the good one its answer`()
        async throws
    {
        try await withServer(echo) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/good?ms=50") + "GARBAGE\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.text.contains("GET /good \n"))
            #expect(answer.text.contains("HTTP/1.1 400 "))
            #expect(answer.ending == .closed)
        }
    }

    @Test func `the request says who asks, and has its headers in any case`() async throws {
        try await withServer({ request in
            guard case .network(let peer) = request.peer else { return .text("no peer") }
            return .text("\(peer.hasPrefix("127.0.0.1:")) \(request.headers["x-THING"] ?? "none")")
        }) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/", "X-Thing: 7", "x-thing: 8", "Connection: close"))
            #expect(try await client.receiveAll().text.hasSuffix("true 7"))
        }
    }

    @Test func `listens on IPv6`() async throws {
        try await withServer(host: "::1", echo) { _, port in
            let result = try await run("curl", "-sS", "-g", "http://[::1]:\(port)/six")
            #expect(result.output == "GET /six \n", "\(result.errors)")
        }
    }

    @Test func `a port in use and an address of another host are told apart`() async throws {
        try await withServer(echo) { _, port in
            let endpoint = HTTPEndpoint.tcp(host: "127.0.0.1", port: port)
            let second = HTTPServer(endpoint: endpoint, handler: echo)
            await #expect(throws: HTTPServerError.addressInUse(endpoint: endpoint)) {
                try await second.start()
            }
        }
        for host in ["192.0.2.1", "no-such-host.invalid"] {
            let endpoint = HTTPEndpoint.tcp(host: host, port: 0)
            await #expect(throws: HTTPServerError.addressNotAvailable(endpoint: endpoint)) {
                try await HTTPServer(endpoint: endpoint, handler: echo).start()
            }
        }
    }

    @Test func `starts once`() async throws {
        try await withServer(echo) { server, _ in
            await #expect(throws: HTTPServerError.alreadyStarted) { try await server.start() }
        }
    }

    @Test func `stop lets a running answer end, closes idle connections and frees the port`()
        async throws
    {
        var limits = HTTPLimits()
        limits.stopTime = .seconds(20)
        let (asked, released) = (Counter(), Counter())
        let server = HTTPServer(
            endpoint: .tcp(host: "127.0.0.1", port: 0), limits: limits,
            handler: { request in
                guard request.path == "/busy" else { return .text("idle\n") }
                asked.increment()
                do {
                    while released.value == 0 { try await Task.sleep(for: .milliseconds(10)) }
                } catch {
                    return .text("cancelled\n")
                }
                return .text("busy\n")
            })
        try await server.start()
        let port = try #require(server.boundPort)
        let idle = try RawClient(port: port)
        idle.send(get("/idle"))
        _ = try await idle.receive { $0.hasSuffix("idle\n") }
        let busy = try RawClient(port: port)
        busy.send(get("/busy"))
        #expect(try await eventually { asked.value == 1 })

        let stopped = Task { await server.stop() }
        #expect(try await idle.receiveAll().ending == .closed)
        released.increment()
        let answer = try await busy.receiveAll()
        #expect(answer.text.hasSuffix("busy\n"))
        #expect(answer.text.contains("Connection: close"))
        await stopped.value
        #expect(server.connectionCount == 0)

        let next = HTTPServer(endpoint: .tcp(host: "127.0.0.1", port: port), handler: echo)
        try await next.start()
        await next.stop()
    }

    @Test func `stop cuts off an answer that does not end`() async throws {
        var limits = HTTPLimits()
        limits.stopTime = .milliseconds(200)
        let server = HTTPServer(
            endpoint: .tcp(host: "127.0.0.1", port: 0), limits: limits, handler: echo)
        try await server.start()
        let client = try RawClient(port: try #require(server.boundPort))
        client.send(get("/?ms=60000"))
        #expect(try await eventually { server.connectionCount == 1 })
        try await Task.sleep(for: .milliseconds(50))
        let start = ContinuousClock.now
        await server.stop()
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(try await client.receiveAll().text.isEmpty)
    }

    @Test func `curl agrees on status, headers and body`() async throws {
        try await withServer({ _ in .bytes([0x68, 0x69], contentType: "text/x", status: 201) }) {
            _, port in
            let result = try await run("curl", "-sS", "-i", "http://127.0.0.1:\(port)/x")
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.components(separatedBy: "\r\n")
            #expect(lines.first == "HTTP/1.1 201 Created")
            #expect(lines.contains("Content-Type: text/x"))
            #expect(lines.contains("Content-Length: 2"))
            #expect(lines.contains { $0.hasPrefix("Date: ") && $0.hasSuffix(" GMT") })
            #expect(lines.last == "hi")
        }
    }

    @Test func `a header that would split the response is not sent`() async throws {
        try await withServer({ _ in
            HTTPResponse(status: 200, headers: [("X", "a\r\nY: b")], body: .bytes([0x61]))
        }) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/"))
            let answer = try await client.receiveAll()
            #expect(!answer.text.contains("Y: b"))
        }
    }

    @Test func `framing that a handler sets itself does not reach the client`() async throws {
        try await withServer({ _ in
            HTTPResponse(
                status: 200,
                headers: [("content-length", "99"), ("Transfer-Encoding", "chunked")],
                body: .bytes([0x61]))
        }) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/", "Connection: close"))
            let text = try await client.receiveAll().text
            #expect(text.contains("\r\nContent-Length: 1\r\n"))
            #expect(!text.contains("99") && !text.contains("chunked"))
        }
    }

    @Test func `204 has no body and no length`() async throws {
        try await withServer({ _ in HTTPResponse(status: 204, body: .bytes([])) }) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/", "Connection: close"))
            let text = try await client.receiveAll().text
            #expect(text.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(!text.lowercased().contains("content-length"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }
}
