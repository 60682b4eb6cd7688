public import JSONText

/// Why a text is no JSON document (RFC 8259).
public enum JSONError: Error, Equatable, Sendable {
    /// The text ends inside the document, or before it.
    case truncated
    /// What stands at `offset`, in octets, cannot stand there.
    case malformed(offset: Int, JSONFault)
    /// Another document follows the first.
    case anotherDocument(offset: Int)
    /// More values than the caller takes.
    case tooManyValues(limit: Int)
}

extension JSONValue {
    /// Reads a document, an object or an array, from the first octet to the last.
    ///
    /// Keys keep their order, and one that comes twice is there twice. A number is `integer` where it
    /// is one of 64 bits. Octets that are no UTF-8 become U+FFFD.
    ///
    /// - Parameters:
    ///   - text: any octets.
    ///   - valueLimit: the most values to make, against texts of nothing but brackets.
    /// - Throws: `JSONError`; nested deeper than `JSONTokenizer.depthLimit` is malformed.
    public init(parsing text: RawSpan, valueLimit: Int = 1 << 20) throws(JSONError) {
        var tokenizer = JSONTokenizer(textLimit: max(text.byteCount, 1))
        var open: [OpenContainer] = []
        var document: JSONValue?
        var count = 0
        while true {
            switch tokenizer.next(in: text, isFinal: true) {
            case .fault(let fault): throw .malformed(offset: tokenizer.position, fault)
            case .cut, .needMore: throw .truncated
            case .end:
                guard let document else { throw .truncated }
                self = document
                return
            case .token(let token):
                guard document == nil else {
                    throw .anotherDocument(offset: tokenizer.position - 1)
                }
                if token == .key {
                    open[open.count - 1].key = String(decoding: tokenizer.text, as: UTF8.self)
                    continue
                }
                let value: JSONValue
                if token == .objectEnd || token == .arrayEnd {
                    value = open.removeLast().value
                } else {
                    count += 1
                    guard count <= valueLimit else { throw .tooManyValues(limit: valueLimit) }
                    guard let scalar = JSONValue(scalar: token, tokenizer.text) else {
                        open.append(OpenContainer(isObject: token == .objectStart))
                        continue
                    }
                    value = scalar
                }
                if open.isEmpty {
                    document = value
                } else {
                    open[open.count - 1].append(value)
                }
            }
        }
    }

    /// The value of a token that is whole by itself; nil for the start of a container.
    private init?(scalar token: JSONToken, _ text: [UInt8]) {
        switch token {
        case .string: self = .string(String(decoding: text, as: UTF8.self))
        case .bool(let value): self = .bool(value)
        case .null: self = .null
        case .number:
            let word = String(decoding: text, as: UTF8.self)
            // Whatever the grammar of numbers allows, `Double` reads.
            self = Int64(word).map { .integer($0) } ?? .number(Double(word) ?? .nan)
        case .objectStart, .arrayStart, .objectEnd, .arrayEnd, .key: return nil
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

/// An object or an array whose end was not read yet.
private struct OpenContainer {
    private let isObject: Bool
    private var elements: [JSONValue] = []
    private var members: [(key: String, value: JSONValue)] = []
    /// The key whose value comes next.
    var key = ""

    init(isObject: Bool) { self.isObject = isObject }

    mutating func append(_ value: JSONValue) {
        if isObject {
            members.append((key: key, value: value))
        } else {
            elements.append(value)
        }
    }

    var value: JSONValue { isObject ? .object(members) : .array(elements) }
}
