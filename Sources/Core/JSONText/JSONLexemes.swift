import NetworkPrimitives

/// `true`, `false` and `null`.
enum Literal: UInt8 {
    case `true`, `false`, null

    init?(first octet: UInt8) {
        switch octet {
        case UInt8(ascii: "t"): self = .true
        case UInt8(ascii: "f"): self = .false
        case UInt8(ascii: "n"): self = .null
        default: return nil
        }
    }

    private static let texts = [Array("true".utf8), Array("false".utf8), Array("null".utf8)]

    var octets: [UInt8] { Self.texts[Int(rawValue)] }

    var token: JSONToken {
        switch self {
        case .true: .bool(true)
        case .false: .bool(false)
        case .null: .null
        }
    }
}

/// An escape sequence of RFC 8259 §7, as far as it was read.
struct EscapeSequence: Sendable {
    private enum State: UInt8 { case closed, begun, hexadecimal }

    private var state = State.closed
    private var digits = 0
    private var unit: UInt16 = 0
    /// The first half of a surrogate pair whose second has not come.
    private var high: UInt16?
    private var octets: [UInt8] = []

    var isOpen: Bool { state != .closed }

    mutating func begin() { state = .begun }

    /// Takes in the next octet; false where the sequence is none.
    mutating func take(_ octet: UInt8) -> Bool {
        if state == .hexadecimal { return takeDigit(octet) }
        let plain: UInt8
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = octet
        case UInt8(ascii: "b"): plain = 8
        case UInt8(ascii: "f"): plain = 12
        case UInt8(ascii: "n"): plain = 10
        case UInt8(ascii: "r"): plain = 13
        case UInt8(ascii: "t"): plain = 9
        case UInt8(ascii: "u"):
            (state, digits, unit) = (.hexadecimal, 0, 0)
            return true
        default: return false
        }
        state = .closed
        octets = takeUnpaired() + [plain]
        return true
    }

    private mutating func takeDigit(_ octet: UInt8) -> Bool {
        let digit: UInt8
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = octet - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = octet - UInt8(ascii: "A") + 10
        default: return false
        }
        unit = unit << 4 | UInt16(digit)
        digits += 1
        if digits == 4 { finishUnit() }
        return true
    }

    private mutating func finishUnit() {
        state = .closed
        if let first = high, (0xdc00...0xdfff).contains(unit) {
            high = nil
            let scalar = 0x10000 + (UInt32(first) - 0xd800) << 10 + UInt32(unit) - 0xdc00
            octets = Self.utf8(scalar)
            return
        }
        octets = takeUnpaired()
        if (0xd800...0xdbff).contains(unit) {
            high = unit
        } else {
            octets += Self.utf8(UInt32(unit))
        }
    }

    /// The octets that the sequence stands for, once.
    mutating func takeOctets() -> [UInt8] {
        guard !octets.isEmpty else { return [] }
        defer { octets = [] }
        return octets
    }

    /// U+FFFD for a half of a pair that something else follows.
    mutating func takeUnpaired() -> [UInt8] {
        guard high != nil else { return [] }
        high = nil
        return Self.utf8(0xfffd)
    }

    private static func utf8(_ value: UInt32) -> [UInt8] {
        Array(String(Character(Unicode.Scalar(value) ?? "\u{fffd}")).utf8)
    }
}

/// The grammar of numbers, RFC 8259 §6.
enum NumberText {
    static func mayHold(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    static func isNumber(_ text: [UInt8]) -> Bool {
        var offset = 0
        func octet() -> UInt8 { offset < text.count ? text[offset] : 0 }
        func digits() -> Int {
            let start = offset
            while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet()) { offset += 1 }
            return offset - start
        }
        if octet() == UInt8(ascii: "-") { offset += 1 }
        let hasLeadingZero = octet() == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || whole > 1 && !hasLeadingZero else { return false }
        if octet() == UInt8(ascii: ".") {
            offset += 1
            guard digits() > 0 else { return false }
        }
        if octet() | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if octet() == UInt8(ascii: "+") || octet() == UInt8(ascii: "-") { offset += 1 }
            guard digits() > 0 else { return false }
        }
        return offset == text.count
    }
}
