import Foundation
import HTTP
import Testing

/// TLS and passwords as curl, an outside judge, sees them.
@Suite struct WebSecurityTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private let ok: HTTPRouter.Handler = { _ in .text("ok\n") }

    /// Makes a key and a certificate for 127.0.0.1, self-signed.
    private func makeCertificate(_ name: String, subject: String = "/CN=test") async throws {
        let result = try await run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", subject, "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", "\(directory.path)/\(name).key", "-out", "\(directory.path)/\(name).crt")
        try #require(result.status == 0, "\(result.errors)")
    }

    private let tls = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"

    private func curl(_ arguments: String..., port: Int, scheme: String = "https") async throws
        -> CommandResult
    {
        let all = arguments + ["-sS", "-m", "10", "\(scheme)://127.0.0.1:\(port)/"]
        return try await blocking {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            process.arguments = all
            let (output, errors) = (Pipe(), Pipe())
            (process.standardOutput, process.standardError) = (output, errors)
            try process.run()
            let text = try output.fileHandleForReading.readToEnd() ?? Data()
            let errorText = try errors.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return CommandResult(
                status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
                errors: String(decoding: errorText, as: UTF8.self))
        }
    }

    @Test func `serves TLS that curl verifies, and refuses those who do not trust it`() async throws
    {
        try await makeCertificate("server")
        let security = try WebSecurity(path: try directory.write("web.yml", tls))
        #expect(security.usesTLS)
        try await withServer(security: security, ok) { server, port in
            let ca = "\(directory.path)/server.crt"
            let trusting = try await curl("--cacert", ca, port: port)
            #expect(trusting.output == "ok\n", "\(trusting.errors)")
            #expect(try await curl("--cacert", ca, "--tls-max", "1.2", port: port).output == "ok\n")
            #expect(try await curl("--cacert", ca, "--tls-max", "1.1", port: port).status == 35)
            #expect(try await curl(port: port).status == 60)
            // Plain HTTP on the TLS port gets nothing and harms nobody.
            #expect(try await curl(port: port, scheme: "http").status != 0)
            #expect(try await curl("--cacert", ca, port: port).output == "ok\n")
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `limits hold under TLS, and refusals arrive`() async throws {
        try await makeCertificate("server")
        let security = try WebSecurity(path: try directory.write("web.yml", tls))
        var limits = HTTPLimits()
        limits.headerByteCount = 1000
        limits.requestTime = .seconds(3)
        try await withServer(limits: limits, security: security, ok) { server, port in
            let result = try await curl(
                "-k", "-i", "-H", "X: " + String(repeating: "x", count: 2000), port: port)
            #expect(result.output.hasPrefix("HTTP/1.1 431 "), "\(result)")
            // A handshake that does not come is cut off too.
            let silent = try RawClient(port: port)
            #expect(try await silent.receiveAll().ending == .closed)
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `takes a new certificate at the next handshake, and keeps the old for a bad one`()
        async throws
    {
        try await makeCertificate("server")
        let security = try WebSecurity(path: try directory.write("web.yml", tls))
        let certificate = "\(directory.path)/server.crt"
        try await withServer(security: security, ok) { _, port in
            #expect(try await curl("--cacert", certificate, port: port).output == "ok\n")

            let old = try await run("cp", certificate, "\(directory.path)/old.crt")
            #expect(old.status == 0)
            try await makeCertificate("server", subject: "/CN=renewed")
            #expect(try await curl("--cacert", certificate, port: port).output == "ok\n")
            #expect(
                try await curl("--cacert", "\(directory.path)/old.crt", port: port).status == 60)
            #expect(security.certificateError == nil)

            let renewed = try await run("cp", certificate, "\(directory.path)/renewed.crt")
            #expect(renewed.status == 0)
            _ = try directory.write("server.crt", "no certificate")
            #expect(
                try await curl("--cacert", "\(directory.path)/renewed.crt", port: port).output
                    == "ok\n")
            #expect(security.certificateError?.line == 2)
            #expect(
                security.certificateError?.reason
                    == "\(certificate): holds no certificate in PEM form")
        }
    }

    @Test func `demands a client certificate of the right authority`() async throws {
        for name in ["server", "client", "stranger"] { try await makeCertificate(name) }
        let security = try WebSecurity(
            path: try directory.write(
                "web.yml",
                tls + "  client_ca_file: client.crt\n"
                    + "  client_auth_type: RequireAndVerifyClientCert\n"))
        try await withServer(security: security, ok) { _, port in
            func curl(as name: String?) async throws -> CommandResult {
                guard let name else { return try await self.curl("-k", port: port) }
                return try await self.curl(
                    "-k", "--cert", "\(directory.path)/\(name).crt", "--key",
                    "\(directory.path)/\(name).key", port: port)
            }
            let client = try await curl(as: "client")
            #expect(client.output == "ok\n", "\(client.errors)")
            #expect(try await curl(as: "stranger").status != 0)
            #expect(try await curl(as: nil).status != 0)
        }
    }

    @Test func `files that cannot be used are errors with the line that names them`() async throws {
        let path = try directory.write("web.yml", tls)
        let missing = #expect(throws: WebConfigurationError.self) {
            _ = try WebSecurity(path: path)
        }
        #expect(missing?.line == 2)
        #expect(
            missing?.reason == "\(directory.path)/server.crt: No such file or directory")

        try await makeCertificate("server")
        try await makeCertificate("other")
        let mismatch = #expect(throws: WebConfigurationError.self) {
            _ = try WebSecurity(
                path: try directory.write(
                    "web2.yml",
                    "tls_server_config:\n  cert_file: server.crt\n  key_file: other.key\n"))
        }
        #expect(mismatch?.line == 3)
        #expect(mismatch?.reason.contains("does not belong to the certificate") == true)

        let none = #expect(throws: WebConfigurationError.self) {
            _ = try WebSecurity(path: "\(directory.path)/none.yml")
        }
        #expect(none?.description == "\(directory.path)/none.yml: No such file or directory")
    }

    // MARK: - Passwords

    // The hash of "U*U" from the test vectors of crypt_blowfish; cost 5 keeps the tests quick.
    private let users = """
        basic_auth_users:
          alice: $2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW
        http_server_config:
          headers:
            X-Frame-Options: deny

        """

    @Test func `lets in the right name and password only`() async throws {
        let security = try WebSecurity(path: try directory.write("web.yml", users))
        #expect(!security.usesTLS)
        let calls = Counter()
        try await withServer(
            security: security,
            { _ in
                calls.increment()
                return .text("ok\n")
            }
        ) { _, port in
            func status(_ arguments: String...) async throws -> String {
                let all = arguments
                switch all.count {
                case 0: return try await curl("-i", port: port, scheme: "http").output
                default:
                    return try await curl("-i", all[0], all[1], port: port, scheme: "http").output
                }
            }
            let missing = try await status()
            #expect(missing.hasPrefix("HTTP/1.1 401 "))
            #expect(missing.contains("\r\nWWW-Authenticate: Basic realm="))
            #expect(missing.contains("\r\nX-Frame-Options: deny\r\n"))
            for wrong in ["alice:wrong", "alice:", "bob:U*U", ":U*U", "Alice:U*U", "alice:U*U:"] {
                #expect(try await status("-u", wrong).hasPrefix("HTTP/1.1 401 "), "\(wrong)")
            }
            for header in ["Basic", "Basic !", "Bearer YWxpY2U6VSpV", "Basic YWxpY2U"] {
                let answer = try await status("-H", "Authorization: \(header)")
                #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(header)")
            }
            #expect(calls.value == 0)
            for _ in 1...2 {
                let right = try await status("-u", "alice:U*U")
                #expect(right.hasPrefix("HTTP/1.1 200 "))
                #expect(right.contains("\r\nX-Frame-Options: deny\r\n"))
            }
            // Remembering the right password does not let in a wrong one.
            #expect(try await status("-u", "alice:U*V").hasPrefix("HTTP/1.1 401 "))
            #expect(calls.value == 2)
        }
    }

    @Test func `a flood of wrong passwords does not hold up who is known`() async throws {
        // Cost 12: a quarter of a second each, so that the flood fills the line at once.
        let made = try await run("htpasswd", "-nbBC", "12", "alice", "right")
        let text: String
        if made.status == 0 {
            text = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                .replacingOccurrences(of: "alice:", with: "")
        } else {
            // No apache2-utils: Perl's crypt(3) is always there on Debian.
            let perl = try await run(
                "perl", "-e", #"print crypt("right", '$2y$12$abcdefghijklmnopqrstuu')"#)
            try #require(perl.status == 0)
            text = perl.output
        }
        let security = try WebSecurity(
            path: try directory.write("web.yml", "basic_auth_users:\n  alice: \(text)\n"))
        try await withServer(security: security, ok) { _, port in
            func ask(_ password: String) async throws -> (Int, Duration) {
                let credentials = Data("alice:\(password)".utf8).base64EncodedString()
                let start = ContinuousClock.now
                let response = try await HTTPClient(.tcp(host: "127.0.0.1", port: port)).send(
                    .get, "/", headers: [("Authorization", "Basic \(credentials)")])
                return (response.status, ContinuousClock.now - start)
            }
            #expect(try await ask("right").0 == 200)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 { group.addTask { try await ask("wrong \(number)").0 } }
                var slowest = Duration.zero
                for _ in 0..<20 {
                    let (status, time) = try await ask("right")
                    #expect(status == 200)
                    slowest = max(slowest, time)
                }
                #expect(slowest < .seconds(5))
                let statuses = try await group.reduce(into: [Int: Int]()) {
                    $0[$1, default: 0] += 1
                }
                #expect(Set(statuses.keys).isSubset(of: [401, 503]))
                #expect(statuses[503, default: 0] > 50, "\(statuses)")
                #expect(statuses[401, default: 0] > 0, "\(statuses)")
            }
        }
    }

    @Test func `reload takes new users; a mistake keeps the old ones`() async throws {
        let path = try directory.write("web.yml", users)
        let security = try WebSecurity(path: path)
        try await withServer(security: security, ok) { _, port in
            func isIn(_ user: String) async throws -> Bool {
                try await curl("-u", user, port: port, scheme: "http").output == "ok\n"
            }
            #expect(try await isIn("alice:U*U"))
            _ = try directory.write(
                "web.yml", users.replacingOccurrences(of: "alice", with: "carol"))
            #expect(try await isIn("alice:U*U"), "not before the reload")
            try security.reload()
            #expect(try await isIn("carol:U*U"))
            #expect(try await !isIn("alice:U*U"))

            _ = try directory.write("web.yml", "basic_auth_users:\n  dave: plain\n")
            let error = #expect(throws: WebConfigurationError.self) { try security.reload() }
            #expect(error?.line == 2)
            #expect(try await isIn("carol:U*U"))
        }
    }

    @Test func `a Unix socket does not ask for passwords`() async throws {
        let security = try WebSecurity(path: try directory.write("web.yml", users))
        let path = "\(directory.path)/s"
        let server = HTTPServer(endpoint: .unix(path: path), security: security, handler: ok)
        try await server.start()
        #expect(try await HTTPClient(.unix(path: path)).send(.get, "/").status == 200)
        await server.stop()
    }
}
