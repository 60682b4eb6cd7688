/// What a reader found of a log besides its records.
public struct ProviderLogTally: Equatable, Sendable {
    /// A place that could not be read.
    public struct Trouble: Equatable, Sendable {
        /// Its line, from 1.
        public var line: UInt64
        /// Why, without a full stop.
        public var reason: String
    }

    /// Records that were read.
    public var records: UInt64 = 0
    /// Lines, and objects inside a line, that are no record.
    public var unreadableLines: UInt64 = 0
    /// The first of them.
    public var firstUnreadable: Trouble?
    /// Records without a time that could be read.
    public var recordsWithoutTime: UInt64 = 0
    /// Records without a text.
    public var recordsWithoutMessage: UInt64 = 0
    /// Texts that were longer than what is kept.
    public var cutTexts: UInt64 = 0
    /// Records by how their time is written.
    public var timeFormats: [ProviderTimeFormat: UInt64] = [:]
    /// Keys that were taken for a field by another name, in the order they appeared.
    public var renamedKeys: [RenamedKey] = []
    /// Keys that are no field, with how many records had them.
    public var unknownKeys: [(key: String, records: UInt64)] = []
    /// How often a key came for which there was no room.
    public var otherKeys: UInt64 = 0
    /// Whether the text ends inside a record.
    public var isTruncated = false
    /// Why the file was not read at all.
    public var refusal: ProviderLogRefusal?

    /// Makes the tally of nothing.
    public init() {}

    /// Compares everything.
    public static func == (left: Self, right: Self) -> Bool {
        left.records == right.records && left.unreadableLines == right.unreadableLines
            && left.firstUnreadable == right.firstUnreadable
            && left.recordsWithoutTime == right.recordsWithoutTime
            && left.recordsWithoutMessage == right.recordsWithoutMessage
            && left.cutTexts == right.cutTexts && left.timeFormats == right.timeFormats
            && left.renamedKeys == right.renamedKeys
            && left.unknownKeys.elementsEqual(right.unknownKeys, by: ==)
            && left.otherKeys == right.otherKeys && left.isTruncated == right.isTruncated
            && left.refusal == right.refusal
    }
}

/// What a file is that is no log of JSON records.
public enum ProviderLogRefusal: String, CaseIterable, Hashable, Sendable {
    /// Values with delimiters between them.
    case csv
    /// A pcap or pcapng file.
    case capture
    /// Text in UTF-16.
    case utf16

    /// What it is and what would be right, without a full stop.
    public var description: String {
        switch self {
        case .csv:
            "it is CSV; what can be read is JSON: set the Logpush job's output_type to \"ndjson\", with "
                + "the field_names "
                + ProviderLogField.allCases.map(\.rawValue).joined(separator: ", ")
        case .capture:
            "it is a capture; a capture goes without --ike-log: probe analyze FILE --ike-log LOG"
        case .utf16:
            "it is UTF-16; what can be read is UTF-8, as Logpush writes it: iconv -f utf-16 -t utf-8"
        }
    }

    /// Judges the first line of a file that does not begin as JSON does; nil where it may be a line of
    /// JSON that broke.
    init?(firstLine line: [UInt8]) {
        let magics: [[UInt8]] = [
            [0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d],
            [0x4d, 0x3c, 0xb2, 0xa1],
        ]
        if line.starts(with: [0xff, 0xfe]) || line.starts(with: [0xfe, 0xff]) {
            self = .utf16
        } else if magics.contains(where: { line.starts(with: $0) }) {
            self = .capture
        } else if Self.isCSV(line) {
            self = .csv
        } else {
            return nil
        }
    }

    /// Whether a line has several cells, and among them names of the dataset, an address or a time.
    private static func isCSV(_ line: [UInt8]) -> Bool {
        for delimiter in [",", "\t", ";", "|"] as [Unicode.Scalar] {
            let cells = line.split(separator: UInt8(ascii: delimiter)).map(unquoted)
            guard cells.count >= 2 else { continue }
            let names = Set(ProviderLogField.allCases.map(\.rawValue))
            let named = cells.count { names.contains(String(decoding: $0, as: UTF8.self)) }
            let valued = cells.count {
                ProviderTimeText($0) != nil || ProviderLogValue.address($0) != nil
            }
            if named >= 2 || cells.count >= 3 && valued >= 1 { return true }
        }
        return false
    }

    private static func unquoted(_ cell: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var cell = cell
        while let last = cell.last, [UInt8(ascii: "\r"), UInt8(ascii: " ")].contains(last) {
            cell.removeLast()
        }
        let quote = UInt8(ascii: "\"")
        guard cell.count >= 2, cell.first == quote, cell.last == quote else { return cell }
        return cell.dropFirst().dropLast()
    }
}
