internal import NIOSSL

/// The content of a web configuration file, as Prometheus' exporters share it:
/// <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>.
///
/// Every key of that page is known here. Those that ask for something this server does not do are
/// refused with the reason, rather than accepted and not done.
struct WebConfiguration {
    /// PEM text: in a file, or in the configuration itself.
    struct Credential {
        enum Place {
            case file(String)
            case inline(String)
        }

        var place: Place
        /// Where the configuration names it.
        var line: Int
        var column: Int
    }

    enum ClientAuthentication {
        case none
        case verifyIfGiven
        case required
    }

    struct TLS {
        var certificate: Credential
        var key: Credential
        var clientCA: Credential?
        var clientAuthentication = ClientAuthentication.none
        var minimumVersion = TLSVersion.tlsv12
        var maximumVersion = TLSVersion.tlsv13
        var cipherSuites: [NIOTLSCipher]?
        var curves: [NIOTLSCurve]?
    }

    var tls: TLS?
    var headers: [(name: String, value: String)] = []
    var users: [String: BcryptHash] = [:]

    /// Reads a file's text. Relative file names in it are relative to the file's own directory.
    init(parsing text: [UInt8], path: String) throws(WebConfigurationError) {
        let document: YAMLNode?
        do {
            document = try YAMLReader.document(in: text)
        } catch {
            throw WebConfigurationError(
                path: path, line: error.line, column: error.column,
                reason: "not YAML: \(error.reason)")
        }
        guard let document, !document.isNull else { return }  // An empty file secures nothing.
        let file = WebConfigurationFile(path: path)
        for (key, value, name) in try file.entries(
            of: document, what: "the file",
            allowed: ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"])
        {
            switch name {
            case "tls_server_config": tls = try file.tls(value)
            case "http_server_config": headers = try file.headers(value)
            case "basic_auth_users": users = try file.users(value)
            default:
                throw file.error(key, "'rate_limit' is not supported; remove it")
            }
        }
    }
}

/// Turns nodes of one file into settings, and mistakes into errors with their place.
private struct WebConfigurationFile {
    let path: String

    func error(_ node: YAMLNode, _ reason: String) -> WebConfigurationError {
        WebConfigurationError(path: path, line: node.line, column: node.column, reason: reason)
    }

    /// The entries of a mapping, each key known and given once; none for an empty value.
    func entries(
        of node: YAMLNode, what: String, allowed: [String]?
    ) throws(WebConfigurationError) -> [(key: YAMLNode, value: YAMLNode, name: String)] {
        if node.isNull { return [] }
        guard case .mapping(let pairs) = node.content else {
            throw error(node, "\(what) must be a mapping (key: value)")
        }
        var seen: [String: Int] = [:]
        var entries: [(key: YAMLNode, value: YAMLNode, name: String)] = []
        for (key, value) in pairs {
            guard case .scalar(let name, _) = key.content else {
                throw error(key, "a key must be plain text")
            }
            if let allowed, !allowed.contains(name) {
                throw error(
                    key,
                    "unknown key '\(name)' in \(what); allowed: \(allowed.joined(separator: ", "))")
            }
            if let line = seen.updateValue(key.line, forKey: name) {
                throw error(key, "'\(name)' is given twice, first in line \(line)")
            }
            entries.append((key, value, name))
        }
        return entries
    }

    // MARK: - tls_server_config

    private static let tlsKeys = [
        "cert", "key", "client_ca", "cert_file", "key_file", "client_auth_type", "client_ca_file",
        "client_allowed_sans", "min_version", "max_version", "cipher_suites",
        "prefer_server_cipher_suites", "curve_preferences",
    ]

    func tls(_ node: YAMLNode) throws(WebConfigurationError) -> WebConfiguration.TLS? {
        var certificate: WebConfiguration.Credential?
        var privateKey: WebConfiguration.Credential?
        var clientCA: WebConfiguration.Credential?
        var authentication = WebConfiguration.ClientAuthentication.none
        var versions: (minimum: TLSVersion, maximum: TLSVersion) = (.tlsv12, .tlsv13)
        var cipherSuites: [NIOTLSCipher]?
        var curves: [NIOTLSCurve]?
        let entries = try entries(of: node, what: "tls_server_config", allowed: Self.tlsKeys)
        guard !entries.isEmpty else { return nil }
        for (key, value, name) in entries {
            switch name {
            case "cert", "cert_file":
                try set(&certificate, value, key, name, "cert, cert_file")
            case "key", "key_file":
                try set(&privateKey, value, key, name, "key, key_file")
            case "client_ca", "client_ca_file":
                try set(&clientCA, value, key, name, "client_ca, client_ca_file")
            case "client_auth_type": authentication = try clientAuthentication(value)
            case "min_version": versions.minimum = try choice(value, name, Self.versions)
            case "max_version": versions.maximum = try choice(value, name, Self.versions)
            case "cipher_suites": cipherSuites = try list(value, name, Self.cipherSuites)
            case "curve_preferences": curves = try list(value, name, Self.curves)
            case "prefer_server_cipher_suites":
                guard try choice(value, name, Self.booleans) else {
                    throw error(
                        value, "the server's order always counts here; remove it or write true")
                }
            default:
                throw error(
                    key, "'client_allowed_sans' is not supported; use a CA of its own in "
                        + "client_ca_file with RequireAndVerifyClientCert")
            }
        }
        guard let certificate else {
            throw error(node, "tls_server_config needs cert_file (or cert)")
        }
        guard let privateKey else {
            throw error(node, "tls_server_config needs key_file (or key)")
        }
        if let clientCA, authentication == .none {
            throw WebConfigurationError(
                path: path, line: clientCA.line, column: clientCA.column,
                reason: "a client CA without client_auth_type has no effect; add "
                    + "client_auth_type: RequireAndVerifyClientCert")
        }
        if clientCA == nil, authentication != .none {
            throw error(node, "client_auth_type needs client_ca_file (or client_ca)")
        }
        guard Self.rank(versions.minimum) <= Self.rank(versions.maximum) else {
            throw error(node, "min_version is over max_version")
        }
        return WebConfiguration.TLS(
            certificate: certificate, key: privateKey, clientCA: clientCA,
            clientAuthentication: authentication, minimumVersion: versions.minimum,
            maximumVersion: versions.maximum, cipherSuites: cipherSuites, curves: curves)
    }

    private func set(
        _ credential: inout WebConfiguration.Credential?, _ value: YAMLNode, _ key: YAMLNode,
        _ name: String, _ choices: String
    ) throws(WebConfigurationError) {
        guard credential == nil else { throw error(key, "only one of \(choices) may be given") }
        let text = try self.text(value, name)
        guard !text.isEmpty else { throw error(value, "'\(name)' is empty") }
        credential = WebConfiguration.Credential(
            place: name.hasSuffix("_file") ? .file(resolved(text)) : .inline(text),
            line: key.line, column: key.column)
    }

    private func resolved(_ file: String) -> String {
        guard !file.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return file }
        return path[...slash] + file
    }

    private func clientAuthentication(
        _ value: YAMLNode
    ) throws(WebConfigurationError) -> WebConfiguration.ClientAuthentication {
        switch try text(value, "client_auth_type") {
        case "", "NoClientCert": return .none
        case "VerifyClientCertIfGiven": return .verifyIfGiven
        case "RequireAndVerifyClientCert": return .required
        case "RequestClientCert", "RequireAnyClientCert", "RequireClientCert":
            throw error(
                value, "this type asks for a certificate and does not check it; use "
                    + "RequireAndVerifyClientCert")
        case let other:
            throw error(
                value, "'\(other)' is no client_auth_type; allowed: NoClientCert, "
                    + "VerifyClientCertIfGiven, RequireAndVerifyClientCert")
        }
    }

    private static func rank(_ version: TLSVersion) -> Int {
        switch version {
        case .tlsv1: 0
        case .tlsv11: 1
        case .tlsv12: 2
        case .tlsv13: 3
        }
    }

    private static let versions: [(String, TLSVersion)] = [
        ("TLS10", .tlsv1), ("TLS11", .tlsv11), ("TLS12", .tlsv12), ("TLS13", .tlsv13),
    ]

    private static let booleans: [(String, Bool)] = [("true", true), ("false", false)]

    private static let curves: [(String, NIOTLSCurve)] = [
        ("CurveP256", .secp256r1), ("CurveP384", .secp384r1), ("CurveP521", .secp521r1),
        ("X25519", .x25519),
    ]

    // For TLS 1.2; those of TLS 1.3 are all on and cannot be chosen, in Go as here.
    private static let cipherSuites: [(String, NIOTLSCipher)] = [
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA),
        ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        ),
    ]

    // MARK: - http_server_config

    func headers(
        _ node: YAMLNode
    ) throws(WebConfigurationError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (_, value, name) in try entries(
            of: node, what: "http_server_config", allowed: ["http2", "headers"])
        {
            guard name == "headers" else {
                // Off is what this server does; on cannot be promised.
                guard try !choice(value, name, Self.booleans) else {
                    throw error(
                        value, "this server speaks HTTP/1.1 only; remove http2 or write false")
                }
                continue
            }
            headers = try responseHeaders(value)
        }
        return headers
    }

    private func responseHeaders(
        _ node: YAMLNode
    ) throws(WebConfigurationError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (_, value, name) in try entries(
            of: node, what: "headers",
            allowed: [
                "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options",
                "X-XSS-Protection", "Strict-Transport-Security",
            ])
        {
            let text = try self.text(value, name)
            let allowed: [String: [String]] = [
                "X-Frame-Options": ["deny", "sameorigin"], "X-Content-Type-Options": ["nosniff"],
            ]
            if text.isEmpty { continue }
            if let allowed = allowed[name], !allowed.contains(text.lowercased()) {
                throw error(
                    value, "'\(text)' is no value of \(name); allowed: "
                        + allowed.joined(separator: ", "))
            }
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
                throw error(value, "a header's value is one line of ASCII")
            }
            headers.append((name, text))
        }
        return headers
    }

    // MARK: - basic_auth_users

    func users(_ node: YAMLNode) throws(WebConfigurationError) -> [String: BcryptHash] {
        var users: [String: BcryptHash] = [:]
        for (key, value, name) in try entries(of: node, what: "basic_auth_users", allowed: nil) {
            guard !name.isEmpty, !name.contains(":") else {
                throw error(key, "a user's name is not empty and holds no colon (RFC 7617)")
            }
            guard let hash = BcryptHash(try text(value, name)) else {
                // The value itself is not shown: it may be a password that somebody wrote here.
                throw error(
                    value, "the password of '\(name)' must be a bcrypt hash ($2y$10$ and 53 "
                        + "characters), as `htpasswd -nBC 10 \(name)` prints it")
            }
            users[name] = hash
        }
        return users
    }

    // MARK: - Values

    private func text(_ node: YAMLNode, _ name: String) throws(WebConfigurationError) -> String {
        if node.isNull { return "" }
        guard case .scalar(let text, _) = node.content else {
            throw error(node, "'\(name)' must be text")
        }
        return text
    }

    private func choice<Value>(
        _ node: YAMLNode, _ name: String, _ choices: [(String, Value)]
    ) throws(WebConfigurationError) -> Value {
        let text = try self.text(node, name)
        guard let choice = choices.first(where: { $0.0 == text }) else {
            throw error(
                node, "'\(text)' is no value of \(name); allowed: "
                    + choices.map(\.0).joined(separator: ", "))
        }
        return choice.1
    }

    private func list<Value>(
        _ node: YAMLNode, _ name: String, _ choices: [(String, Value)]
    ) throws(WebConfigurationError) -> [Value]? {
        if node.isNull { return nil }
        guard case .sequence(let items) = node.content else {
            throw error(node, "'\(name)' must be a list")
        }
        var values: [Value] = []
        for item in items { values.append(try choice(item, name, choices)) }
        return values.isEmpty ? nil : values
    }
}
