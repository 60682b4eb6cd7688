import NetworkPrimitives

/// Looks for secrets in what is about to be handed to somebody: known ones in every form in which they
/// could be written, and what by its look is one.
///
/// The last lock: nothing that is collected should hold a secret. What is found is named, never shown.
public struct SecretScan: Sendable {
    /// A secret that is known, in one of its forms.
    private struct Needle: Sendable {
        var what: String
        var octets: [UInt8]
    }

    /// The least octets of a secret that is looked for; shorter ones are everywhere.
    public static let minimumLength = 8

    private var needles: [Needle] = []

    /// Looks for nothing known yet.
    public init() {}

    /// Adds a secret: its octets, and those in hexadecimal of both cases and in base64.
    ///
    /// - Parameters:
    ///   - secret: its octets; fewer than `minimumLength` are not looked for.
    ///   - what: what it is, for people.
    public mutating func add(_ secret: RawSpan, _ what: String) {
        guard secret.byteCount >= Self.minimumLength else { return }
        var octets: [UInt8] = []
        octets.append(secret)
        needles.append(Needle(what: what, octets: octets))
        for digits in ["0123456789abcdef", "0123456789ABCDEF"] {
            let table = Array(digits.utf8)
            needles.append(
                Needle(
                    what: "\(what), in hexadecimal",
                    octets: octets.flatMap { [table[Int($0 >> 4)], table[Int($0 & 15)]] }))
        }
        // Where it stands among other octets, base64 of it begins at one of three places.
        for skipped in 0..<3 where octets.count - skipped >= 6 {
            let whole = octets.dropFirst(skipped)
            let count = whole.count / 3 * 3
            needles.append(
                Needle(what: "\(what), in base64", octets: Self.base64(whole.prefix(count))))
        }
    }

    /// What is found in a file: names of secrets, and of looks of secrets; empty when nothing is.
    public func findings(in contents: [UInt8]) -> [String] {
        var found: [String] = []
        contents.withRawSpan { text in
            for needle in needles where Self.contains(text, needle.octets) {
                found.append(needle.what)
            }
            found += SecretLook.findings(in: text)
        }
        return found
    }

    private static func contains(_ text: RawSpan, _ needle: [UInt8]) -> Bool {
        let count = needle.count
        guard text.byteCount >= count, let first = needle.first else { return false }
        for start in 0...(text.byteCount - count) where text.uint8(at: start) == first {
            var length = 1
            while length < count, text.uint8(at: start + length) == needle[length] { length += 1 }
            if length == count { return true }
        }
        return false
    }

    /// RFC 4648 §4, of a whole number of groups.
    private static func base64(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        var index = octets.startIndex
        while index + 2 < octets.endIndex {
            let group =
                UInt32(octets[index]) << 16 | UInt32(octets[index + 1]) << 8
                | UInt32(octets[index + 2])
            for shift: UInt32 in [18, 12, 6, 0] { text.append(alphabet[Int(group >> shift & 63)]) }
            index += 3
        }
        return text
    }
}
