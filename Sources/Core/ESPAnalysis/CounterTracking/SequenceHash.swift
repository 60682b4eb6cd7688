/// The hash of the tables that sequence numbers are looked up in.
///
/// Whoever sends packets chooses the numbers, so the hash is keyed: without the seed nobody can
/// make numbers that fall on each other.
struct SequenceHash: Sendable {
    private let offset: UInt64
    private let factor: UInt64

    init(seed: UInt64) {
        var stream = SecretStream(seed: seed)
        offset = stream.next()
        factor = stream.next() | 1
    }

    /// 32 bits that depend on all bits of `key`; tables take the low ones.
    @inline(__always)
    func callAsFunction(_ key: UInt32) -> Int {
        var hash = (UInt64(key) &+ offset) &* factor
        hash ^= hash >> 32
        hash = hash &* 0xbf58_476d_1ce4_e5b9
        return Int(truncatingIfNeeded: hash >> 32)
    }
}

/// A map from 32-bit keys to small numbers: open addressing, at most half full, no tombstones.
///
/// Room doubles with need and is never given back; its owner bounds the number of keys.
struct SequenceTable: Sendable {
    private struct Slot {
        var key: UInt32
        /// The value plus one; 0 is an empty slot.
        var stored: UInt32
    }

    private var slots: ContiguousArray<Slot>
    private var mask: Int
    private(set) var count = 0
    private let hash: SequenceHash

    init(seed: UInt64) {
        hash = SequenceHash(seed: seed)
        slots = ContiguousArray(repeating: Slot(key: 0, stored: 0), count: 64)
        mask = 63
    }

    /// The bytes it occupies.
    var stateBytes: Int { slots.capacity * MemoryLayout<Slot>.stride }

    /// The value of `key`, or -1.
    @inline(__always)
    func find(_ key: UInt32) -> Int {
        var at = hash(key) & mask
        while true {
            let slot = slots[at]
            if slot.stored == 0 { return -1 }
            if slot.key == key { return Int(slot.stored &- 1) }
            at = (at &+ 1) & mask
        }
    }

    /// Adds a key that is not there.
    mutating func insert(_ key: UInt32, _ value: Int) {
        if count * 2 >= slots.count { grow() }
        place(Slot(key: key, stored: UInt32(value + 1)))
        count += 1
    }

    /// Removes a key; what stood behind it moves up, so that no look-up ever passes a grave.
    mutating func remove(_ key: UInt32) {
        var hole = hash(key) & mask
        while slots[hole].stored != 0, slots[hole].key != key { hole = (hole &+ 1) & mask }
        guard slots[hole].stored != 0 else { return }
        var at = hole
        while true {
            at = (at &+ 1) & mask
            let slot = slots[at]
            if slot.stored == 0 { break }
            // It may move up unless its home lies behind the hole.
            let home = hash(slot.key) & mask
            if (at &- home) & mask >= (at &- hole) & mask {
                slots[hole] = slot
                hole = at
            }
        }
        slots[hole].stored = 0
        count -= 1
    }

    private mutating func place(_ slot: Slot) {
        var at = hash(slot.key) & mask
        while slots[at].stored != 0 { at = (at &+ 1) & mask }
        slots[at] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: Slot(key: 0, stored: 0), count: old.count * 2)
        mask = slots.count - 1
        for slot in old where slot.stored != 0 { place(slot) }
    }
}
