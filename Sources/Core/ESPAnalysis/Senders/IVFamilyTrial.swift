/// Tries a family of IVs on a stream's first packets: how often its keys repeat, and whether each is
/// one counter (algorithms §4).
struct IVFamilyTrial {
    /// What a trial of one family found.
    struct Result {
        var family: IVFamily
        var packets: Int
        var distinctKeys: Int
        /// Keys of which some packet must be of another sender (§5).
        var conflictingKeys: Int

        private var repeats: Double { Double(packets - distinctKeys) }

        /// Repeats that random keys would have.
        private var expected: Double {
            let count = Double(packets)
            return count * count / 2
                / Double(sign: .plus, exponent: family.keyBitWidth, significand: 1)
        }

        /// Whether the keys repeat far more often than random ones.
        private var isAccepted: Bool {
            repeats >= max(8, 20 * expected)
                && (family.keyBitWidth == 64 || repeats >= Double(packets) / 4)
        }

        /// Whether the family may name the sender.
        var passes: Bool { isAccepted && conflictingKeys * 100 <= distinctKeys }

        /// Whether more packets may still make it pass.
        var isPromising: Bool {
            repeats >= max(4, 3 * expected) && conflictingKeys * 100 <= distinctKeys
        }
    }

    /// A key, and a counter's two points: the highest number, and the highest that is old enough for
    /// a smaller one to be no late packet.
    private struct Entry {
        var key: UInt64 = 0
        var trial: UInt32 = 0
        var top: UInt32 = 0
        var topTime: Int64 = 0
        var old: UInt32 = 0
        var oldTime: Int64 = 0
        var hasOld = false
        var hasConflict = false
    }

    private var entries: ContiguousArray<Entry>
    private var trial: UInt32 = 0
    private let hash: FoldedHash

    /// Makes a trial of up to `packetLimit` packets.
    init(packetLimit: Int, seed: UInt64) {
        var capacity = 64
        while capacity < packetLimit * 3 / 2 { capacity *= 2 }
        entries = ContiguousArray(repeating: Entry(), count: capacity)
        hash = FoldedHash(seed: seed)
    }

    /// Tries one family.
    mutating func run(
        _ family: IVFamily, on packets: ContiguousArray<IVFingerprint.Packet>
    ) -> Result {
        trial += 1
        var result = Result(
            family: family, packets: packets.count, distinctKeys: 0, conflictingKeys: 0)
        for packet in packets {
            let key = family.key(
                initializationVector: packet.initializationVector, sequence: packet.sequence)
            var slot = Int(truncatingIfNeeded: hash(key)) & (entries.count - 1)
            while entries[slot].trial == trial, entries[slot].key != key {
                slot = (slot + 1) & (entries.count - 1)
            }
            guard entries[slot].trial == trial else {
                entries[slot] = Entry(
                    key: key, trial: trial, top: packet.sequence, topTime: packet.arrival)
                result.distinctKeys += 1
                continue
            }
            if Self.note(packet, in: &entries[slot]) { result.conflictingKeys += 1 }
        }
        return result
    }

    /// Adds a packet to its key, and returns true when it is the key's first conflict.
    private static func note(_ packet: IVFingerprint.Packet, in entry: inout Entry) -> Bool {
        let step = Int32(bitPattern: packet.sequence &- entry.top)
        if packet.arrival &- entry.topTime > SenderTable.patience, step > 0 {
            entry.old = entry.top
            entry.oldTime = entry.topTime
            entry.hasOld = true
        }
        if step > 0 {
            // The old point moves on when the top before this one has become old enough.
            if !entry.hasOld || packet.arrival &- entry.oldTime > 2 * SenderTable.patience {
                entry.old = entry.top
                entry.oldTime = entry.topTime
                entry.hasOld = true
            }
            entry.top = packet.sequence
            entry.topTime = packet.arrival
            return false
        }
        let belowOld =
            entry.hasOld && packet.arrival &- entry.oldTime > SenderTable.patience
            && Int32(bitPattern: packet.sequence &- entry.old) <= 0
        guard step == 0 || packet.arrival &- entry.topTime > SenderTable.patience || belowOld
        else { return false }
        defer { entry.hasConflict = true }
        return !entry.hasConflict
    }
}
