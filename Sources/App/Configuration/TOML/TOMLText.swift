/// The text forms of TOML strings: what escapes mean, and how any text is written as a string.
enum TOMLText {
    /// A text as a basic string, in quotes (TOML 1.0, "String").
    static func basicString(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return "\"\(oneLine(quoted))\""
    }

    /// A text with its control characters and line breaks escaped, so that it shows as one line.
    static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{8}": line += "\\b"
            case "\t": line += "\\t"
            case "\n": line += "\\n"
            case "\u{c}": line += "\\f"
            case "\r": line += "\\r"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    /// A text as a basic string for a message: no longer than about 60 characters.
    static func excerpt(_ text: String) -> String {
        let limit = 60
        let scalars = text.unicodeScalars
        guard scalars.count > limit else { return basicString(text) }
        return basicString(String(String.UnicodeScalarView(scalars.prefix(limit)))) + "…"
    }

    /// A key as it stands in a document: bare where TOML allows that, else quoted.
    static func key(_ text: String) -> String {
        !text.isEmpty && text.utf8.allSatisfy(isBareKeyOctet) ? text : excerpt(text)
    }

    /// Whether an octet may stand in a bare key.
    static func isBareKeyOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The text that the inside of a one-line basic string stands for.
    ///
    /// An unknown escape stands for itself: documents are judged elsewhere.
    static func unescape(_ octets: ArraySlice<UInt8>) -> String {
        var text = ""
        var rest = octets
        while let octet = rest.first {
            guard octet == UInt8(ascii: "\\") else {
                let run = rest.prefix { $0 != UInt8(ascii: "\\") }
                text += String(decoding: run, as: UTF8.self)
                rest = rest.dropFirst(run.count)
                continue
            }
            rest = rest.dropFirst()
            guard let escape = rest.popFirst() else { return text + "\\" }
            switch escape {
            case UInt8(ascii: "b"): text += "\u{8}"
            case UInt8(ascii: "t"): text += "\t"
            case UInt8(ascii: "n"): text += "\n"
            case UInt8(ascii: "f"): text += "\u{c}"
            case UInt8(ascii: "r"): text += "\r"
            case UInt8(ascii: "u"), UInt8(ascii: "U"):
                let digits = rest.prefix(escape == UInt8(ascii: "u") ? 4 : 8)
                rest = rest.dropFirst(digits.count)
                let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
                text.unicodeScalars.append(number.flatMap(Unicode.Scalar.init) ?? "\u{fffd}")
            default: text += String(decoding: [escape], as: UTF8.self)
            }
        }
        return text
    }
}
