extension WebConfigurationFile {
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
                    value,
                    "'\(text)' is no value of \(name); allowed: "
                        + allowed.joined(separator: ", "))
            }
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
                throw error(value, "a header's value is one line of ASCII")
            }
            headers.append((name, text))
        }
        return headers
    }

    func users(_ node: YAMLNode) throws(WebConfigurationError) -> [String: BcryptHash] {
        var users: [String: BcryptHash] = [:]
        for (key, value, name) in try entries(of: node, what: "basic_auth_users", allowed: nil) {
            guard !name.isEmpty, !name.contains(":") else {
                throw error(key, "a user's name is not empty and holds no colon (RFC 7617)")
            }
            guard let hash = BcryptHash(try text(value, name)) else {
                // The value itself is not shown: it may be a password that somebody wrote here.
                throw error(
                    value,
                    "the password of '\(name)' must be a bcrypt hash ($2y$10$ and 53 "
                        + "characters), as `htpasswd -nBC 10 \(name)` prints it")
            }
            users[name] = hash
        }
        return users
    }
}
