extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Reads dotted decimal, or the text forms of RFC 4291 §2.2; nil for anything else.
    ///
    /// Strict like inet_pton: four decimal parts without leading zeros, no zone, no spaces.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let bits = Self.parseV6(bytes[...]) else { return nil }
            self = .v6(bits)
        } else {
            guard let bits = Self.parseV4(bytes[...]) else { return nil }
            self = .v4(bits)
        }
    }

    /// Dotted decimal, or the recommended form of RFC 5952, with an IPv4-mapped address in its §5
    /// form, like `::ffff:192.0.2.1`.
    public var description: String {
        switch self {
        case .v4(let bits):
            "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let bits):
            // RFC 4291 §2.5.5.2: eighty zeros, sixteen ones, then the IPv4 address.
            bits >> 32 == 0xffff
                ? "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: bits)))"
                : Self.format(v6: bits)
        }
    }

    private static func parseV4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var bits: UInt32 = 0
        var value: UInt32 = 0
        var parts = 0
        var digits = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                // No leading zeros: inet_pton refuses what inet_aton takes for octal.
                guard digits == 0 || value > 0, digits < 3 else { return nil }
                value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
            case UInt8(ascii: "."):
                guard digits > 0, value <= 255, parts < 3 else { return nil }
                bits = bits << 8 | value
                parts += 1
                (value, digits) = (0, 0)
            default: return nil
            }
        }
        guard parts == 3, digits > 0, value <= 255 else { return nil }
        return bits << 8 | value
    }

    private static func parseV6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        // RFC 4291 §2.2: "::" may appear once and stands for one or more groups of zeros.
        let gaps = bytes.indices.dropLast().filter { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard gaps.count <= 1 else { return nil }
        guard let gap = gaps.first else {
            guard let groups = groups(of: bytes), groups.count == 8 else { return nil }
            return groups.reduce(0) { $0 << 16 | UInt128($1) }
        }
        let head = bytes[..<gap]
        let tail = bytes[(gap + 2)...]
        guard let high = head.isEmpty ? [] : groups(of: head, last: false),
            let low = tail.isEmpty ? [] : groups(of: tail), high.count + low.count <= 7
        else { return nil }
        let all = high + Array(repeating: 0, count: 8 - high.count - low.count) + low
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// The 16-bit groups of a run without "::"; the last may be dotted decimal where `last` allows.
    private static func groups(of bytes: ArraySlice<UInt8>, last: Bool = true) -> [UInt16]? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if last, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let v4 = parseV4(part) else { return nil }
                groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
                continue
            }
            guard (1...4).contains(part.count) else { return nil }
            var value: UInt16 = 0
            for byte in part {
                let digit: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
                default: return nil
                }
                value = value << 4 | UInt16(digit)
            }
            groups.append(value)
        }
        return groups
    }

    private static func format(v6 bits: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        // RFC 5952 §4.2: shorten the longest run of two or more zero groups, the first on a tie.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        func joined(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !best.isEmpty else { return joined(0..<8) }
        return joined(0..<best.lowerBound) + "::" + joined(best.upperBound..<8)
    }
}
