import NetworkPrimitives

/// What secrets look like in texts: each line is read by itself.
enum SecretLook {
    /// What a text holds by its look, each kind once.
    static func findings(in text: RawSpan) -> [String] {
        var found: [String] = []
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.uint8(at: end) != UInt8(ascii: "\n") { end += 1 }
            for what in findings(inLine: text.extracting(start..<end)) where !found.contains(what) {
                found.append(what)
            }
            start = end + 1
        }
        return found
    }

    private static func findings(inLine line: RawSpan) -> [String] {
        var found: [String] = []
        for offset in 0..<line.byteCount {
            switch line.uint8(at: offset) {
            case UInt8(ascii: "0") where isKey(line, at: offset): found.append("a key of an SA")
            case UInt8(ascii: "$") where isPasswordHash(line, at: offset):
                found.append("a password's hash")
            case UInt8(ascii: "-")
            where has("-----BEGIN ", line, at: offset)
                && holds("PRIVATE KEY-----", line, from: offset):
                found.append("a private key")
            case UInt8(ascii: "P")
            where has("PSK \"", line, at: offset) || has("PSK 0", line, at: offset):
                found.append("a preshared key")
            case UInt8(ascii: ":") where isPasswordOfURL(line, at: offset):
                found.append("a password in a URL")
            case UInt8(ascii: "B"), UInt8(ascii: "b"):
                if isToken(line, at: offset) { found.append("a bearer token") }
            default: break
            }
        }
        return found
    }

    /// 0x and 32 or more hexadecimal digits, after a word for an algorithm that has a key.
    private static func isKey(_ line: RawSpan, at start: Int) -> Bool {
        guard has("0x", line, at: start) else { return false }
        var end = start + 2
        while end < line.byteCount, isHexadecimal(line.uint8(at: end)) { end += 1 }
        guard end - start - 2 >= 32 else { return false }
        return ["enc ", "auth ", "auth-trunc ", "aead ", "key", "secret", "psk"].contains {
            holds($0, line.extracting(0..<start), from: 0)
        }
    }

    /// bcrypt ($2b$), and what crypt(5) has with other letters: a prefix, then 20 octets or more.
    private static func isPasswordHash(_ line: RawSpan, at start: Int) -> Bool {
        let kinds = ["$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$gy$", "$7$"]
        guard let kind = kinds.first(where: { has($0, line, at: start) }) else { return false }
        var end = start + kind.utf8.count
        while end < line.byteCount, isOfCrypt(line.uint8(at: end)) { end += 1 }
        return end - start - kind.utf8.count >= 20
    }

    /// `//name:password@`.
    private static func isPasswordOfURL(_ line: RawSpan, at start: Int) -> Bool {
        guard has("://", line, at: start) else { return false }
        var colon = false
        for offset in (start + 3)..<max(start + 3, line.byteCount) {
            switch line.uint8(at: offset) {
            case UInt8(ascii: "@"): return colon
            case UInt8(ascii: ":"): colon = true
            case UInt8(ascii: "/"), UInt8(ascii: "\""), UInt8(ascii: "'"), 0...32: return false
            default: break
            }
        }
        return false
    }

    /// `Bearer` and 16 octets or more.
    private static func isToken(_ line: RawSpan, at start: Int) -> Bool {
        guard has("Bearer ", line, at: start) || has("bearer ", line, at: start) else {
            return false
        }
        var end = start + 7
        while end < line.byteCount, line.uint8(at: end) > 32 { end += 1 }
        return end - start - 7 >= 16
    }

    private static func isHexadecimal(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(octet | 0x20)
    }

    private static func isOfCrypt(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet | 0x20)
            || octet == UInt8(ascii: ".") || octet == UInt8(ascii: "/")
            || octet == UInt8(ascii: "$")
    }

    private static func has(_ word: String, _ line: RawSpan, at start: Int) -> Bool {
        guard start + word.utf8.count <= line.byteCount else { return false }
        var offset = start
        for octet in word.utf8 {
            guard line.uint8(at: offset) == octet else { return false }
            offset += 1
        }
        return true
    }

    private static func holds(_ word: String, _ line: RawSpan, from start: Int) -> Bool {
        guard line.byteCount >= start else { return false }
        return (start...line.byteCount).contains { has(word, line, at: $0) }
    }
}
