import NetworkPrimitives

/// Why a text is no JSON document (RFC 8259); offsets are in octets.
public enum JSONError: Error, Equatable, Sendable {
    /// The text ends inside the document.
    case truncated
    /// What stands at `offset` cannot stand there.
    case malformed(offset: Int)
    /// Arrays and objects inside each other, more than `JSONValue.depthLimit`.
    case tooDeep(offset: Int)
    /// More values than the caller takes.
    case tooManyValues(limit: Int)
}

extension JSONValue {
    /// The most arrays and objects inside each other.
    public static let depthLimit = 64

    /// Reads a document, from the first octet to the last.
    ///
    /// Keys keep their order, and one that comes twice is there twice. A number is `integer` where it
    /// is one of 64 bits. Octets that are no UTF-8 become U+FFFD.
    ///
    /// - Parameters:
    ///   - text: any octets.
    ///   - valueLimit: the most values to make, against texts of nothing but brackets.
    /// - Throws: `JSONError`.
    public init(parsing text: RawSpan, valueLimit: Int = 1 << 20) throws(JSONError) {
        var parser = JSONParser(valueLimit: valueLimit)
        self = try parser.value(in: text, depth: 0)
        parser.skipBlanks(in: text)
        guard parser.position == text.byteCount else {
            throw .malformed(offset: parser.position)
        }
    }

    /// The value of a key, the first of that name; nil for any other value than an object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text of a string; nil for any other value.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The values of an array; nil for any other value.
    public var elements: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// A whole number; nil for any other value.
    public var wholeNumber: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }
}

/// A recursive descent over a span.
private struct JSONParser {
    var position = 0
    private let valueLimit: Int
    private var values = 0

    init(valueLimit: Int) {
        self.valueLimit = valueLimit
    }

    mutating func skipBlanks(in text: RawSpan) {
        while position < text.byteCount {
            switch text.uint8(at: position) {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    private func peek(in text: RawSpan) throws(JSONError) -> UInt8 {
        guard position < text.byteCount else { throw .truncated }
        return text.uint8(at: position)
    }

    private mutating func expect(_ octet: UInt8, in text: RawSpan) throws(JSONError) {
        guard try peek(in: text) == octet else { throw .malformed(offset: position) }
        position += 1
    }

    mutating func value(in text: RawSpan, depth: Int) throws(JSONError) -> JSONValue {
        skipBlanks(in: text)
        values += 1
        guard values <= valueLimit else { throw .tooManyValues(limit: valueLimit) }
        let first = try peek(in: text)
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth < JSONValue.depthLimit else { throw .tooDeep(offset: position) }
            position += 1
            return first == UInt8(ascii: "{")
                ? try object(in: text, depth: depth + 1) : try array(in: text, depth: depth + 1)
        case UInt8(ascii: "\""):
            return .string(try string(in: text))
        case UInt8(ascii: "t"):
            return try literal("true", .bool(true), in: text)
        case UInt8(ascii: "f"):
            return try literal("false", .bool(false), in: text)
        case UInt8(ascii: "n"):
            return try literal("null", .null, in: text)
        default:
            return try number(in: text)
        }
    }

    private mutating func literal(
        _ word: StaticString, _ value: JSONValue, in text: RawSpan
    ) throws(JSONError) -> JSONValue {
        for octet in word.description.utf8 { try expect(octet, in: text) }
        return value
    }

    /// Whether another member follows; steps over the comma or the closing bracket.
    private mutating func hasNext(
        before close: UInt8, in text: RawSpan
    ) throws(JSONError) -> Bool {
        skipBlanks(in: text)
        let octet = try peek(in: text)
        guard octet == close || octet == UInt8(ascii: ",") else {
            throw .malformed(offset: position)
        }
        position += 1
        return octet != close
    }

    private mutating func isEmpty(
        before close: UInt8, in text: RawSpan
    ) throws(JSONError) -> Bool {
        skipBlanks(in: text)
        guard try peek(in: text) == close else { return false }
        position += 1
        return true
    }

    private mutating func array(
        in text: RawSpan, depth: Int
    ) throws(JSONError) -> JSONValue {
        let close = UInt8(ascii: "]")
        guard try !isEmpty(before: close, in: text) else { return .array([]) }
        var elements: [JSONValue] = []
        repeat {
            elements.append(try value(in: text, depth: depth))
        } while try hasNext(before: close, in: text)
        return .array(elements)
    }

    private mutating func object(
        in text: RawSpan, depth: Int
    ) throws(JSONError) -> JSONValue {
        let close = UInt8(ascii: "}")
        guard try !isEmpty(before: close, in: text) else { return .object([]) }
        var members: [(key: String, value: JSONValue)] = []
        repeat {
            skipBlanks(in: text)
            let key = try string(in: text)
            skipBlanks(in: text)
            try expect(UInt8(ascii: ":"), in: text)
            members.append((key: key, value: try value(in: text, depth: depth)))
        } while try hasNext(before: close, in: text)
        return .object(members)
    }

    // MARK: Strings

    private mutating func string(in text: RawSpan) throws(JSONError) -> String {
        try expect(UInt8(ascii: "\""), in: text)
        var octets: [UInt8] = []
        while true {
            let octet = try peek(in: text)
            switch octet {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: octets, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                octets += try escaped(in: text)
            case 0..<0x20:
                // RFC 8259 §7: control characters stand escaped only.
                throw .malformed(offset: position)
            default:
                octets.append(octet)
                position += 1
            }
        }
    }

    private mutating func escaped(in text: RawSpan) throws(JSONError) -> [UInt8] {
        let octet = try peek(in: text)
        position += 1
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [octet]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(try scalar(in: text).utf8)
        default: throw .malformed(offset: position - 1)
        }
    }

    /// The character of `\uXXXX`, or of a pair of surrogates; U+FFFD for half a pair.
    private mutating func scalar(in text: RawSpan) throws(JSONError) -> String {
        let first = try hexadecimal(in: text)
        guard first & 0xfc00 == 0xd800 else {
            return String(Unicode.Scalar(first) ?? "\u{fffd}")
        }
        let afterFirst = position
        guard try peek(in: text) == UInt8(ascii: "\\") else { return "\u{fffd}" }
        position += 1
        guard try peek(in: text) == UInt8(ascii: "u") else {
            position = afterFirst
            return "\u{fffd}"
        }
        position += 1
        let second = try hexadecimal(in: text)
        guard second & 0xfc00 == 0xdc00 else {
            position = afterFirst
            return "\u{fffd}"
        }
        let scalar = 0x1_0000 + (UInt32(first & 0x3ff) << 10 | UInt32(second & 0x3ff))
        return String(Unicode.Scalar(scalar) ?? "\u{fffd}")
    }

    private mutating func hexadecimal(in text: RawSpan) throws(JSONError) -> UInt16 {
        var number: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(try peek(in: text))).hexDigitValue else {
                throw .malformed(offset: position)
            }
            number = number << 4 | UInt16(digit)
            position += 1
        }
        return number
    }

    // MARK: Numbers

    /// `[-] int [frac] [exp]` of RFC 8259 §6.
    private mutating func number(in text: RawSpan) throws(JSONError) -> JSONValue {
        let start = position
        if try peek(in: text) == UInt8(ascii: "-") { position += 1 }
        let isZero = try peek(in: text) == UInt8(ascii: "0")
        let leading = try digits(in: text)
        guard !isZero || leading == 1 else { throw .malformed(offset: start) }
        var isWhole = true
        if position < text.byteCount, text.uint8(at: position) == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            _ = try digits(in: text)
        }
        if position < text.byteCount, text.uint8(at: position) | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            let sign = try peek(in: text)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            _ = try digits(in: text)
        }
        let octets = (start..<position).map { text.uint8(at: $0) }
        let word = String(decoding: octets, as: UTF8.self)
        if isWhole, let integer = Int64(word) { return .integer(integer) }
        guard let number = Double(word) else { throw .malformed(offset: start) }
        return .number(number)
    }

    /// Steps over digits, one at least; how many there were.
    private mutating func digits(in text: RawSpan) throws(JSONError) -> Int {
        let start = position
        while position < text.byteCount, text.uint8(at: position) &- 0x30 <= 9 { position += 1 }
        guard position > start else {
            _ = try peek(in: text)
            throw .malformed(offset: position)
        }
        return position - start
    }
}
