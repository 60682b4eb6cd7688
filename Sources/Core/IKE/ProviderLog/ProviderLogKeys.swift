import NetworkPrimitives

/// The keys of a log and the fields they stand for, in the order they appeared.
///
/// A key that was taken for a field stays that field's.
struct ProviderLogKeys: Sendable {
    struct Entry: Sendable {
        var name: [UInt8]
        var field: ProviderLogField?
        /// Whether it was told by its value.
        var isByValue = false
        /// How many records had it.
        var count: UInt64 = 0

        var isRenamed: Bool { field.map { Array($0.rawValue.utf8) != name } ?? false }
        var text: String { String(decoding: name, as: UTF8.self) }
    }

    /// The most keys that are known.
    static let limit = 128
    /// The longest name, in octets.
    static let nameLimit = 128

    private(set) var entries: [Entry] = []
    /// How often a key came for which there was no room.
    private(set) var otherCount: UInt64 = 0

    /// The number of a key; nil where there are too many, or it is too long.
    ///
    /// `hint` is the number that the key of the same place had in the last record.
    mutating func number(of name: [UInt8], hint: Int) -> Int? {
        if hint < entries.count, entries[hint].name == name { return hint }
        if let known = entries.firstIndex(where: { $0.name == name }) { return known }
        guard entries.count < Self.limit, name.count <= Self.nameLimit else {
            otherCount += 1
            return nil
        }
        entries.append(Entry(name: name, field: Self.field(named: name)))
        return entries.count - 1
    }

    mutating func count(_ number: Int) { entries[number].count += 1 }

    /// Takes a key for a field from now on.
    mutating func take(_ number: Int, as field: ProviderLogField) {
        entries[number].field = field
        entries[number].isByValue = true
    }

    /// The field that a name is, whatever its case and its separators.
    private static func field(named name: [UInt8]) -> ProviderLogField? {
        let plain = plainName(name)
        return ProviderLogField.allCases.first { plainName(Array($0.rawValue.utf8)) == plain }
    }

    /// Letters in lower case and digits.
    static func plainName(_ name: [UInt8]) -> [UInt8] {
        name.compactMap { octet in
            switch octet {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                octet
            default: nil
            }
        }
    }
}
