import HTTP
import Testing

@Suite struct HTTPRouterTests {
    private var router: HTTPRouter {
        var router = HTTPRouter()
        router.on(.get, "/metrics") { _ in .text("numbers\n") }
        router.on(.post, "/-/reload") { _ in .text("done\n") }
        router.on(.get, "/both") { _ in .text("got\n") }
        router.on(.post, "/both") { _ in .text("posted\n") }
        return router
    }

    @Test(arguments: [
        ("GET", "/metrics", 200, "numbers\n"), ("POST", "/-/reload", 200, "done\n"),
        ("GET", "/both", 200, "got\n"), ("POST", "/both", 200, "posted\n"),
        ("GET", "/metrics/", 404, "404 there is nothing at /metrics/\n"),
        ("GET", "/Metrics", 404, "404 there is nothing at /Metrics\n"),
        ("POST", "/metrics", 405, "405 /metrics answers GET, HEAD, not POST\n"),
        ("DELETE", "/metrics", 405, "405 /metrics answers GET, HEAD, not DELETE\n"),
        ("GET", "/-/reload", 405, "405 /-/reload answers POST, not GET\n"),
        ("HEAD", "/-/reload", 405, "405 /-/reload answers POST, not HEAD\n"),
        ("PUT", "/both", 405, "405 /both answers GET, HEAD, POST, not PUT\n"),
    ])
    func `chooses by path and method`(
        method: String, path: String, status: Int, body: String
    ) async throws {
        let response = await router.respond(to: HTTPRequest(method: .init(method), path: path))
        #expect(response.status == status)
        guard case .bytes(let bytes) = response.body else {
            Issue.record("not bytes")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == body)
    }

    @Test func `405 names what is allowed in its header`() async {
        let response = await router.respond(to: HTTPRequest(method: .post, path: "/metrics"))
        #expect(HTTPFields(response.headers)["allow"] == "GET, HEAD")
    }

    @Test func `HEAD gets the headers of GET, its length too, and no body`() async throws {
        try await withServer(router.respond) { _, port in
            let client = try RawClient(port: port)
            client.send("HEAD /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.text.contains("\r\nContent-Length: 8\r\n"))
            #expect(answer.text.hasSuffix("\r\n\r\n"))
            let curl = try await run("curl", "-sSI", "http://127.0.0.1:\(port)/metrics")
            #expect(curl.status == 0, "\(curl.errors)")
        }
    }

    @Test func `over the wire: 404, and 405 with Allow`() async throws {
        try await withServer(router.respond) { _, port in
            let client = try RawClient(port: port)
            client.send(get("/none") + "PUT /both HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let text = try await client.receiveAll().text
            #expect(text.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(text.contains("HTTP/1.1 405 Method Not Allowed\r\n"))
            #expect(text.contains("\r\nAllow: GET, HEAD, POST\r\n"))
        }
    }

    @Test func `two handlers for one route are a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            var router = HTTPRouter()
            router.on(.get, "/a") { _ in .text("1") }
            router.on(.get, "/a") { _ in .text("2") }
        }
    }
}
