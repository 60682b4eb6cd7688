/// A JSON document as a value, with the keys of objects in the order they were written.
///
/// Foundation's encoder either sorts keys or shuffles them; a status that people read at three in
/// the morning should have its verdict first.
public enum JSONValue: Sendable {
    /// JSON null.
    case null
    /// A boolean.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// A number with a fraction; NaN and infinities are written as null.
    case number(Double)
    /// Text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Keys and values in order.
    case object([(key: String, value: JSONValue)])

    /// The document as UTF-8, indented by two spaces and ended by a newline, or on one line.
    public func encoded(indented: Bool) -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output, indentation: indented ? 0 : nil)
        if indented { output.append(UInt8(ascii: "\n")) }
        return output
    }

    private func write(to output: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += String(value).utf8
        case .number(let value):
            output += (value.isFinite ? "\(value)" : "null").utf8
        case .string(let text): Self.write(text, to: &output)
        case .array(let values):
            Self.writeList(values, "[", "]", to: &output, indentation: indentation) {
                value, output, inner in value.write(to: &output, indentation: inner)
            }
        case .object(let members):
            Self.writeList(members, "{", "}", to: &output, indentation: indentation) {
                member, output, inner in
                Self.write(member.key, to: &output)
                output += (inner == nil ? ":" : ": ").utf8
                member.value.write(to: &output, indentation: inner)
            }
        }
    }

    private static func writeList<Element>(
        _ elements: [Element], _ open: String, _ close: String, to output: inout [UInt8],
        indentation: Int?, _ body: (Element, inout [UInt8], Int?) -> Void
    ) {
        output += open.utf8
        let inner = indentation.map { $0 + 2 }
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            newline(inner, to: &output)
            body(element, &output, inner)
        }
        if !elements.isEmpty { newline(indentation, to: &output) }
        output += close.utf8
    }

    private static func newline(_ indentation: Int?, to output: inout [UInt8]) {
        guard let indentation else { return }
        output.append(UInt8(ascii: "\n"))
        output += repeatElement(UInt8(ascii: " "), count: indentation)
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output += "\\\"".utf8
            case UInt8(ascii: "\\"): output += "\\\\".utf8
            case UInt8(ascii: "\n"): output += "\\n".utf8
            case UInt8(ascii: "\t"): output += "\\t".utf8
            case UInt8(ascii: "\r"): output += "\\r".utf8
            // RFC 8259 §7: the other control characters have no short form.
            case 0..<0x20:
                output += "\\u00".utf8
                output += (byte < 16 ? "0" : "").utf8
                output += String(byte, radix: 16).utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}

/// Builds an object of the status documents, whose every key is present.
///
/// "What is not known is `null` with a sibling `<key>_reason`": `put` with an optional writes both.
struct JSONObject {
    private(set) var members: [(key: String, value: JSONValue)] = []

    var value: JSONValue { .object(members) }

    /// Puts all of another object's members after those that are there.
    mutating func append(_ other: JSONObject) { members += other.members }

    mutating func put(_ key: String, _ value: JSONValue) { members.append((key, value)) }

    mutating func put(_ key: String, _ text: String) { put(key, .string(text)) }

    mutating func put(_ key: String, _ flag: Bool) { put(key, .bool(flag)) }

    mutating func put(_ key: String, _ number: some BinaryInteger) {
        put(key, .integer(Int64(clamping: number)))
    }

    mutating func put(_ key: String, _ number: Double) { put(key, .number(number)) }

    mutating func put(_ key: String, _ duration: Duration) { put(key, .number(duration.rounded)) }

    /// A value, or null with the reason why it is not known.
    mutating func put(
        _ key: String, _ value: JSONValue?, orBecause reason: @autoclosure () -> String
    ) {
        put(key, value ?? .null)
        if value == nil { put("\(key)_reason", reason()) }
    }
}

extension Duration {
    /// Seconds without the noise of binary fractions: whole nanoseconds divided once.
    var rounded: Double { Double(nanosecondsOfReport) / 1e9 }

    private var nanosecondsOfReport: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
