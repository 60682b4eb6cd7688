/// Names that a tunnel can have: safe as a label value, a file name, a unit instance, an argument.
public enum TunnelName {
    /// The most characters of a name.
    public static let maximumLength = 64

    /// What a name may be, in words.
    static let allowed =
        "1 to \(maximumLength) of A-Z a-z 0-9 _ . : - and first no . : -"

    /// Whether `text` can be a name.
    public static func isValid(_ text: String) -> Bool { problem(with: text) == nil }

    /// The nearest name to `text`: each octet that may not stand is `_`, and the rest is cut off.
    ///
    /// Devices may be called almost anything; a discovered tunnel needs a name all the same.
    public static func sanitized(_ text: String) -> String {
        var octets = text.utf8.prefix(maximumLength).map { isAllowed($0) ? $0 : UInt8(ascii: "_") }
        if octets.first.map(mayStart) != true {
            if octets.isEmpty {
                octets = [UInt8(ascii: "_")]
            } else {
                octets[0] = UInt8(ascii: "_")
            }
        }
        return String(decoding: octets, as: UTF8.self)
    }

    /// Why `text` cannot be a name, as what follows it in a sentence; nil when it can.
    static func problem(with text: String) -> String? {
        guard let first = text.utf8.first else { return "is empty" }
        guard text.utf8.count <= maximumLength else {
            return "is longer than \(maximumLength) characters"
        }
        guard
            let bad = text.unicodeScalars.first(where: {
                !$0.isASCII || !isAllowed(UInt8($0.value))
            })
        else {
            // A hidden file, or what a command takes for an option.
            return mayStart(first)
                ? nil : "starts with \(TOMLText.basicString(String(text.unicodeScalars.prefix(1))))"
        }
        return "holds \(TOMLText.basicString(String(bad))), not safe in labels, file and unit names"
    }

    private static func isAllowed(_ octet: UInt8) -> Bool {
        TOMLText.isBareKeyOctet(octet) || octet == UInt8(ascii: ".") || octet == UInt8(ascii: ":")
    }

    private static func mayStart(_ octet: UInt8) -> Bool {
        TOMLText.isBareKeyOctet(octet) && octet != UInt8(ascii: "-")
    }
}
