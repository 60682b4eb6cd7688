import Testing

@testable import HTTP

@Suite struct WebConfigurationTests {
    private let hash = "$2y$10$abcdefghijklmnopqrstuuNGNqGYt4IDUCXYoAbzpCyBfJMRBcCTi"

    private func parse(_ text: String) throws -> WebConfiguration {
        try WebConfiguration(parsing: Array(text.utf8), path: "/etc/x/web.yml")
    }

    @Test func `reads every key that is supported`() throws {
        let configuration = try parse(
            """
            # comment
            tls_server_config:
              cert_file: server.crt
              key_file: /abs/server.key
              client_ca_file: "ca.crt"
              client_auth_type: RequireAndVerifyClientCert
              min_version: TLS12
              max_version: TLS13
              cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
              prefer_server_cipher_suites: true
              curve_preferences:
                - X25519
                - CurveP256
            http_server_config:
              http2: false
              headers:
                X-Frame-Options: deny
                X-Content-Type-Options: nosniff
                Strict-Transport-Security: max-age=31536000
                X-XSS-Protection:
            basic_auth_users:
              alice: \(hash)
              'bob': "\(hash)"
            """)
        let tls = try #require(configuration.tls)
        guard case .file("/etc/x/server.crt") = tls.certificate.place,
            case .file("/abs/server.key") = tls.key.place,
            case .file("/etc/x/ca.crt")? = tls.clientCA?.place
        else {
            Issue.record("\(tls)")
            return
        }
        #expect(tls.clientAuthentication == .required)
        #expect(tls.cipherSuites?.count == 1)
        #expect(tls.curves?.count == 2)
        #expect(
            configuration.headers.map { "\($0.name): \($0.value)" } == [
                "X-Frame-Options: deny", "X-Content-Type-Options: nosniff",
                "Strict-Transport-Security: max-age=31536000",
            ])
        #expect(configuration.users.keys.sorted() == ["alice", "bob"])
    }

    @Test(arguments: ["", "# only a comment\n", "---\n", "tls_server_config:\n", "{}", "~"])
    func `an empty file secures nothing`(text: String) throws {
        let configuration = try parse(text)
        #expect(configuration.tls == nil)
        #expect(configuration.users.isEmpty && configuration.headers.isEmpty)
    }

    @Test(arguments: [
        (
            "tls_config: {}", 1, 1,
            "unknown key 'tls_config' in the file; allowed: tls_server_config,"
        ),
        (
            "tls_server_config:\n  cert_file: a\n  key_fil: b", 3, 3,
            "unknown key 'key_fil' in tls_server_config"
        ),
        ("tls_server_config:\n  key_file: b", 2, 3, "needs cert_file"),
        ("tls_server_config:\n  cert_file: b", 2, 3, "needs key_file"),
        ("tls_server_config:\n  cert_file: b\n  cert: c", 3, 3, "only one of cert, cert_file"),
        ("tls_server_config:\n  cert_file: [a]", 2, 14, "'cert_file' must be text"),
        ("tls_server_config:\n  cert_file:", 2, 13, "'cert_file' is empty"),
        ("tls_server_config:\n  min_version: TLS14", 2, 16, "allowed: TLS10, TLS11, TLS12, TLS13"),
        (
            "tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS13\n"
                + "  max_version: TLS12", 2, 3, "min_version is over max_version"
        ),
        (
            "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c", 4, 3,
            "a client CA without client_auth_type has no effect"
        ),
        (
            "tls_server_config:\n  cert_file: a\n  key_file: b\n"
                + "  client_auth_type: RequireAndVerifyClientCert", 2, 3, "needs client_ca_file"
        ),
        ("tls_server_config:\n  client_auth_type: Maybe", 2, 21, "'Maybe' is no client_auth_type"),
        (
            "tls_server_config:\n  client_auth_type: RequireAnyClientCert", 2, 21,
            "does not check it; use RequireAndVerifyClientCert"
        ),
        ("tls_server_config:\n  cipher_suites: [RC4]", 2, 19, "'RC4' is no value of cipher_suites"),
        ("tls_server_config:\n  curve_preferences: X25519", 2, 22, "must be a list"),
        ("tls_server_config:\n  client_allowed_sans: [a]", 2, 3, "is not supported"),
        (
            "tls_server_config:\n  prefer_server_cipher_suites: false", 2, 32,
            "the server's order always counts"
        ),
        ("http_server_config:\n  http2: true", 2, 10, "HTTP/1.1 only"),
        ("http_server_config:\n  http2: maybe", 2, 10, "'maybe' is no value of http2"),
        ("http_server_config:\n  headers:\n    X-Mine: y", 3, 5, "unknown key 'X-Mine' in headers"),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow", 3, 22,
            "allowed: deny, sameorigin"
        ),
        (
            "http_server_config:\n  headers:\n    Content-Security-Policy: \"a\\r\\nb\"", 3, 30,
            "one line of ASCII"
        ),
        ("basic_auth_users:\n  alice: secret", 2, 10, "must be a bcrypt hash"),
        ("basic_auth_users:\n  alice:", 2, 9, "must be a bcrypt hash"),
        ("basic_auth_users:\n  'a:b': x", 2, 3, "holds no colon"),
        ("basic_auth_users: [alice]", 1, 19, "basic_auth_users must be a mapping"),
        ("rate_limit:\n  burst: 1", 1, 1, "'rate_limit' is not supported"),
        ("http_server_config:\nhttp_server_config:", 2, 1, "given twice, first in line 1"),
        ("- a", 1, 1, "the file must be a mapping"),
        ("a: [", 2, 1, "not YAML: "),
        ("a: b: c", 1, 5, "not YAML: "),
        ("\ttls_server_config:", 1, 1, "not YAML: "),
        ("a: &x 1\nb: *x", 2, 4, "aliases (*name) are not supported"),
        ("a: &x [*x]", 1, 8, "aliases (*name) are not supported"),
        ("{}\n---\n{}", 2, 1, "a second document"),
        ("? [a]\n: b", 1, 3, "a key must be plain text"),
    ])
    func `a mistake has its place and what would be right`(
        text: String, line: Int, column: Int, reason: String
    ) throws {
        let error = #expect(throws: WebConfigurationError.self) { _ = try parse(text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
        #expect(error?.description.hasPrefix("/etc/x/web.yml:\(line):\(column): ") == true)
    }

    @Test func `a password that was written where its hash belongs is not repeated`() throws {
        let error = #expect(throws: WebConfigurationError.self) {
            _ = try parse("basic_auth_users:\n  alice: hunter2")
        }
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func `nesting that would exhaust the stack is refused`() {
        let error = #expect(throws: WebConfigurationError.self) {
            _ = try parse(String(repeating: "[", count: 100_000))
        }
        #expect(error?.line == 1)
    }

    @Test func `any bytes are either read or refused`() {
        var generator = SystemRandomNumberGenerator()
        let letters =
            Array("a:-[]{}&*!|>'\"%@`#\n\t ,?\\\u{0}\u{7f}tls_server_config".utf8) + [0xff, 0xc3]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? 0
            }
            do {
                _ = try WebConfiguration(parsing: text, path: "w")
            } catch {
                #expect(!error.reason.isEmpty, "\(text)")
            }
        }
    }
}

@Suite struct BcryptHashTests {
    @Test func `agrees with published vectors`() {
        // From the test vectors of the original bcrypt and of crypt_blowfish.
        let vectors = [
            ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s."),
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U*", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ]
        for (password, text) in vectors.dropFirst() {
            #expect(BcryptHash(text)?.matches(password: Array(password.utf8)) == true)
            #expect(BcryptHash(text)?.matches(password: Array("u*u".utf8)) == false)
        }
        #expect(BcryptHash(vectors[0].1) == nil, "one character is missing")
    }

    @Test func `a NUL does not end the password early`() throws {
        let hash = try #require(
            BcryptHash("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"))
        #expect(!hash.matches(password: Array("U*U\0x".utf8)))
        #expect(!hash.matches(password: [UInt8](repeating: 0x61, count: 100_000)))
    }

    @Test(arguments: [
        "", "secret", "$2y$10$short", "$1$CCCCCCCC$E5YPO9kmyuRGyh0XouQYb4",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$32$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC!E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
    ])
    func `refuses what is no bcrypt hash`(text: String) {
        #expect(BcryptHash(text) == nil)
    }
}

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"),
        ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar"), ("Zg", "f"),
    ])
    func `decodes the vectors of RFC 4648`(text: String, plain: String) {
        #expect(base64Decoded(text) == Array(plain.utf8))
    }

    @Test(arguments: ["Z", "Zm9vY", "Zg===", "Z g=", "Zm9v!", "=", "Zg=a"])
    func `refuses other characters and impossible lengths`(text: String) {
        #expect(base64Decoded(text) == nil)
    }
}
