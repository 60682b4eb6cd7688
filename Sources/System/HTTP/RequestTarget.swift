/// The path and query of a request line's target (RFC 9112 §3.2).
struct RequestTarget: Equatable {
    var path: String
    var query: [String: String]

    /// Nil when the target has none of the forms a server gets, or decodes to invalid UTF-8.
    init?(_ target: String) {
        var rest = Substring(target)
        if rest == "*" {
            (path, query) = ("*", [:])
            return
        }
        if !rest.hasPrefix("/") {
            // Absolute form, which a server must accept: drop scheme and authority.
            guard let scheme = ["http://", "https://"].first(where: rest.lowercased().hasPrefix)
            else { return nil }
            rest = rest.dropFirst(scheme.count)
            rest = rest.firstIndex { $0 == "/" || $0 == "?" }.map { rest[$0...] } ?? "/"
            if rest.hasPrefix("?") { rest = "/" + rest }
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = percentDecoded(parts[0], plusIsSpace: false) else { return nil }
        self.path = path
        query = [:]
        guard parts.count == 2 else { return }
        for pair in parts[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(sides[0], plusIsSpace: true),
                let value = percentDecoded(sides.count == 2 ? sides[1] : "", plusIsSpace: true)
            else { return nil }
            if query[name] == nil { query[name] = value }
        }
    }
}

/// Decodes `%41`, and `+` in a query; nil for a bad escape or octets that are not UTF-8.
private func percentDecoded(_ text: Substring, plusIsSpace: Bool) -> String? {
    var octets: [UInt8] = []
    octets.reserveCapacity(text.utf8.count)
    var source = text.utf8.makeIterator()
    while let octet = source.next() {
        switch octet {
        case UInt8(ascii: "%"):
            guard let high = source.next().flatMap(hexDigit),
                let low = source.next().flatMap(hexDigit)
            else { return nil }
            octets.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: octets.append(UInt8(ascii: " "))
        default: octets.append(octet)
        }
    }
    return String(validating: octets, as: UTF8.self)
}

private func hexDigit(_ octet: UInt8) -> UInt8? {
    switch octet {
    case 0x30...0x39: octet - 0x30  // 0-9
    case 0x41...0x46: octet - 0x41 + 10  // A-F
    case 0x61...0x66: octet - 0x61 + 10  // a-f
    default: nil
    }
}
