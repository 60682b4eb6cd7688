internal import NIOSSL

extension WebConfigurationFile {
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
                    key,
                    "'client_allowed_sans' is not supported; use a CA of its own in "
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
                value,
                "this type asks for a certificate and does not check it; use "
                    + "RequireAndVerifyClientCert")
        case let other:
            throw error(
                value,
                "'\(other)' is no client_auth_type; allowed: NoClientCert, "
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
}
