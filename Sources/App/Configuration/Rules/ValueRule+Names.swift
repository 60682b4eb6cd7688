extension ValueRule where Value == String {
    /// The name of a tunnel; see `TunnelName`.
    static var tunnelName: ValueRule {
        .string(allowed: TunnelName.allowed) { (text) throws(ValueMistake) in
            guard let problem = TunnelName.problem(with: text) else { return text }
            throw ValueMistake("\(TOMLText.excerpt(text)) \(problem)")
        }
    }

    /// The name of a network device: what dev_valid_name() of net/core/dev.c takes.
    static var interfaceName: ValueRule {
        let allowed = "a device name of 1 to 15 octets without space, \"/\" and \":\""
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            // IFNAMSIZ is 16, the NUL included.
            guard text.utf8.count <= 15 else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is longer than 15 octets")
            }
            let isName =
                !text.isEmpty && text != "." && text != ".."
                && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != 0x2f && $0 != 0x3a }
            guard isName else {
                throw ValueMistake("\(TOMLText.excerpt(text)) cannot be a device")
            }
            return text
        }
    }

    /// The name of a network namespace: a plain file name under /run/netns (ip-netns(8)).
    static var namespaceName: ValueRule {
        let allowed = "a name as `ip netns list` prints it, without \"/\""
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            let isName =
                (1...255).contains(text.utf8.count) && text != "." && text != ".."
                && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != 0x2f }
            guard isName else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is no plain file name")
            }
            return text
        }
    }

    /// The absolute path of a file or directory.
    static var path: ValueRule {
        .string(allowed: "an absolute path") { (text) throws(ValueMistake) in
            // PATH_MAX is 4096, the NUL included.
            try absolutePath(text, octets: 4095)
        }
    }

    /// The absolute path of a Unix socket: sun_path of unix(7) holds 108 octets, the NUL included.
    static var socketPath: ValueRule {
        let octets = 107
        let allowed = "an absolute path of at most \(octets) octets"
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            try absolutePath(text, octets: octets)
        }
    }
}

extension ValueRule where Value == CharonLog {
    /// A word, or a file.
    static var charonLog: ValueRule {
        .string(allowed: "\"journal\" or an absolute path") { (text) throws(ValueMistake) in
            text == "journal" ? .journal : .file(try absolutePath(text, octets: 4095))
        }
    }
}

private func absolutePath(_ text: String, octets: Int) throws(ValueMistake) -> String {
    guard text.hasPrefix("/") else {
        throw ValueMistake("\(TOMLText.excerpt(text)) is no absolute path")
    }
    guard text.utf8.count <= octets else {
        throw ValueMistake("\(TOMLText.excerpt(text)) is longer than \(octets) octets")
    }
    return text
}
