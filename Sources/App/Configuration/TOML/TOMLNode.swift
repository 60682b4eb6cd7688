internal import TOMLKit

/// A value of a TOML document, apart from the library that read it.
indirect enum TOMLNode: Equatable {
    case string(String)
    case integer(Int)
    case float(Double)
    case boolean(Bool)
    case date
    case time
    case dateTime
    case array([TOMLNode])
    /// The entries in no particular order.
    ///
    /// Not a dictionary: TOML tells keys apart by code points, `String` by canonical equivalence.
    case table([TOMLEntry])

    /// The type with its article, in the words of the TOML specification.
    var typeName: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .float: "a float"
        case .boolean: "a boolean"
        case .date: "a date"
        case .time: "a time"
        case .dateTime: "a date-time"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

/// A key of a table and its value.
struct TOMLEntry: Equatable {
    let key: String
    let value: TOMLNode
}

/// Why a text is no TOML document, and where.
struct TOMLSyntaxError: Error {
    let position: SourcePosition
    let problem: String
}

extension TOMLNode {
    /// Reads a document with toml++, which TOMLKit wraps.
    ///
    /// The text passes C strings, so the caller makes sure that no NUL is in it, in no escaped form
    /// either. TOMLKit never frees a document: some kilobytes a reload.
    ///
    /// - Throws: the first syntax error, the only one that toml++ reports.
    static func document(_ text: String) throws(TOMLSyntaxError) -> TOMLNode {
        do {
            return node(try TOMLTable(string: text))
        } catch let error as TOMLParseError {
            // Each begins "Error while parsing", then says what, like "string: …".
            let prefix = "Error while parsing "
            let words = TOMLText.oneLine(error.description)
            throw TOMLSyntaxError(
                position: SourcePosition(
                    line: error.source.begin.line, column: error.source.begin.column),
                problem: words.hasPrefix(prefix) ? "TOML " + words.dropFirst(prefix.count) : words)
        } catch {
            throw TOMLSyntaxError(
                position: SourcePosition(line: 1, column: 1), problem: "\(error)")
        }
    }

    private static func node(_ table: TOMLTable) -> TOMLNode {
        .table(
            table.keys.compactMap { key in
                table[key].map { TOMLEntry(key: key, value: node($0)) }
            })
    }

    private static func node(_ value: any TOMLValueConvertible) -> TOMLNode {
        let converted: TOMLNode? =
            switch value.type {
            case .string: value.string.map(TOMLNode.string)
            case .int: value.int.map(TOMLNode.integer)
            case .double: value.double.map(TOMLNode.float)
            case .bool: value.bool.map(TOMLNode.boolean)
            case .date: .date
            case .time: .time
            case .dateTime: .dateTime
            case .array: value.array.map { .array($0.map { node($0) }) }
            case .table: value.table.map { node($0) }
            }
        guard let converted else { preconditionFailure("TOMLKit: a value not of its own type") }
        return converted
    }
}
