/// A number of octets, written with a unit: `4MiB`, `200MB`, `65536B`.
public struct ByteCount: Hashable, Comparable, Sendable {
    /// The number of octets, never negative.
    public let bytes: Int

    /// Makes a count of octets.
    ///
    /// - Precondition: `bytes` is not negative.
    public init(bytes: Int) {
        precondition(bytes >= 0, "a negative number of octets")
        self.bytes = bytes
    }

    /// A count in units of 1 048 576 octets.
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }

    /// Orders counts by size.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// The units, largest first; the binary ones of IEC 80000-13 before the decimal ones of the SI.
    private static let units: [(suffix: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000),
        ("B", 1),
    ]
}

extension ByteCount: CustomStringConvertible, LosslessStringConvertible {
    /// Reads a whole number directly followed by a unit: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB.
    ///
    /// Nil for anything else and for more than `Int.max` octets. The case of a unit matters, as in
    /// the SI.
    public init?(_ text: String) {
        for unit in Self.units where text.hasSuffix(unit.suffix) {
            let digits = text.dropLast(unit.suffix.count)
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int(digits)
            else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
            guard !overflow else { return nil }
            self.init(bytes: bytes)
            return
        }
        return nil
    }

    /// The count in the largest unit that leaves no remainder: `4MiB`, `1500B`.
    public var description: String {
        for unit in Self.units where bytes >= unit.bytes && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.suffix)"
        }
        return "\(bytes)B"
    }
}
