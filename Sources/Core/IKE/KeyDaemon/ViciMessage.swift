import NetworkPrimitives

/// A message of strongSwan's vici protocol: a tree of named values, lists and sections.
///
/// The format is that of the protocol's README in strongSwan's libcharon/plugins/vici.
public struct ViciMessage: Equatable, Sendable {
    /// What stands under a name.
    public enum Element: Equatable, Sendable {
        /// A value; octets that are no UTF-8 are replaced.
        case value(String)
        /// Values in order.
        case list([String])
        /// A tree of its own.
        case section(ViciMessage)
    }

    /// A name and what stands under it.
    public struct Entry: Equatable, Sendable {
        /// The name.
        public var name: String
        /// What stands under it.
        public var element: Element

        /// Makes an entry.
        public init(_ name: String, _ element: Element) {
            self.name = name
            self.element = element
        }
    }

    /// The entries, as they came.
    public var entries: [Entry]

    /// Makes a message.
    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// The value under a name; nil when there is none.
    public func value(_ name: String) -> String? {
        guard case .value(let value) = self[name] else { return nil }
        return value
    }

    /// The list under a name; empty when there is none.
    public func list(_ name: String) -> [String] {
        guard case .list(let values) = self[name] else { return [] }
        return values
    }

    /// The section under a name; nil when there is none.
    public func section(_ name: String) -> ViciMessage? {
        guard case .section(let section) = self[name] else { return nil }
        return section
    }

    /// All sections with their names.
    public var sections: [(name: String, section: ViciMessage)] {
        entries.compactMap { entry in
            guard case .section(let section) = entry.element else { return nil }
            return (entry.name, section)
        }
    }

    private subscript(name: String) -> Element? {
        entries.first { $0.name == name }?.element
    }
}

/// Why octets are no vici message.
public enum ViciError: Error, Equatable, Sendable {
    /// They end in the middle of an element.
    case truncated
    /// They contradict the protocol.
    case malformed
}

extension ViciMessage {
    private enum Kind: UInt8 {
        case sectionStart = 1
        case sectionEnd = 2
        case keyValue = 3
        case listStart = 4
        case listItem = 5
        case listEnd = 6
    }

    /// strongSwan nests five deep.
    private static let depthLimit = 16

    /// Reads a message.
    ///
    /// - Throws: `ViciError` for octets that hold none.
    public init(parsing bytes: RawSpan) throws(ViciError) {
        var reader = ViciReader(offset: 0)
        self.init(try Self.entries(bytes, &reader, depth: 0))
    }

    private static func entries(
        _ bytes: RawSpan, _ reader: inout ViciReader, depth: Int
    ) throws(ViciError) -> [Entry] {
        guard depth < depthLimit else { throw .malformed }
        var entries: [Entry] = []
        while reader.offset < bytes.byteCount {
            switch Kind(rawValue: try reader.octet(bytes)) {
            case .sectionStart:
                let name = try reader.name(bytes)
                entries.append(
                    Entry(
                        name,
                        .section(ViciMessage(try Self.entries(bytes, &reader, depth: depth + 1)))))
            case .sectionEnd:
                guard depth > 0 else { throw .malformed }
                return entries
            case .keyValue:
                entries.append(Entry(try reader.name(bytes), .value(try reader.value(bytes))))
            case .listStart:
                entries.append(Entry(try reader.name(bytes), .list(try list(bytes, &reader))))
            case .listItem, .listEnd, nil:
                throw .malformed
            }
        }
        // A section that was opened must be closed.
        guard depth == 0 else { throw .truncated }
        return entries
    }

    private static func list(
        _ bytes: RawSpan, _ reader: inout ViciReader
    ) throws(ViciError) -> [String] {
        var values: [String] = []
        while true {
            switch Kind(rawValue: try reader.octet(bytes)) {
            case .listItem: values.append(try reader.value(bytes))
            case .listEnd: return values
            default: throw .malformed
            }
        }
    }

    /// The message on the wire.
    ///
    /// - Precondition: names are at most 255 octets long and values 65 535.
    public var octets: [UInt8] {
        var octets: [UInt8] = []
        for entry in entries {
            switch entry.element {
            case .value(let value):
                octets.append(Kind.keyValue.rawValue)
                octets.append(viciName: entry.name)
                octets.append(viciValue: value)
            case .list(let values):
                octets.append(Kind.listStart.rawValue)
                octets.append(viciName: entry.name)
                for value in values {
                    octets.append(Kind.listItem.rawValue)
                    octets.append(viciValue: value)
                }
                octets.append(Kind.listEnd.rawValue)
            case .section(let section):
                octets.append(Kind.sectionStart.rawValue)
                octets.append(viciName: entry.name)
                octets += section.octets
                octets.append(Kind.sectionEnd.rawValue)
            }
        }
        return octets
    }
}

/// Where the reading of vici octets stands.
struct ViciReader {
    var offset: Int

    mutating func octet(_ bytes: RawSpan) throws(ViciError) -> UInt8 {
        guard offset < bytes.byteCount else { throw .truncated }
        defer { offset += 1 }
        return bytes.uint8(at: offset)
    }

    /// A name behind its length of one octet.
    mutating func name(_ bytes: RawSpan) throws(ViciError) -> String {
        try text(bytes, Int(try octet(bytes)))
    }

    /// A value behind its length of two octets.
    mutating func value(_ bytes: RawSpan) throws(ViciError) -> String {
        guard bytes.byteCount - offset >= 2 else { throw .truncated }
        let count = Int(bytes.bigEndianUInt16(at: offset))
        offset += 2
        return try text(bytes, count)
    }

    private mutating func text(_ bytes: RawSpan, _ count: Int) throws(ViciError) -> String {
        guard bytes.byteCount - offset >= count else { throw .truncated }
        defer { offset += count }
        var octets: [UInt8] = []
        octets.reserveCapacity(count)
        for place in offset..<offset + count { octets.append(bytes.uint8(at: place)) }
        return String(decoding: octets, as: UTF8.self)
    }
}

extension [UInt8] {
    mutating func append(viciName name: String) {
        precondition(name.utf8.count <= 255, "a vici name is too long")
        append(UInt8(name.utf8.count))
        self += name.utf8
    }

    fileprivate mutating func append(viciValue value: String) {
        precondition(value.utf8.count <= 65_535, "a vici value is too long")
        append(bigEndian: UInt16(value.utf8.count))
        self += value.utf8
    }
}
