/// The numbers that tracks jumped over, and the decoys that measure how often chance fills one.
///
/// A hole is a number its track has not given yet: a late packet may fill it within half a second,
/// after which it is lost. A decoy is a number its track *has* given, so that it cannot be filled
/// truly; it competes under the same rules, and its wins count the coincidences (§6).
///
/// Both stand in one ring buffer in the order they were opened, which is the order they expire in,
/// and in a seeded hash from number to the holes and decoys at it, oldest first.
///
/// Bound: 65 536 entries of 32 bytes and a table of 12-byte slots, at most half full. A ring that
/// is full lets its oldest entry expire early.
struct HoleLedger: Sendable {
    /// How long a hole may be filled, in nanoseconds: δ of algorithms §5.
    static let lifetime: Int64 = 500_000_000
    /// The most holes and decoys there are at one time.
    static let limit = 65_536

    struct Entry: Sendable {
        /// When the jump was seen, in nanoseconds.
        var opened: Int64
        var number: UInt32
        /// The track's serial, since slots are used again.
        var serial: UInt32
        /// The how-manieth packet of its track the jump was.
        var arrival: UInt32
        /// Neighbours among the entries of the same number and kind: a ring.
        var next: Int32
        var previous: Int32
        var track: UInt16
        var isDecoy: Bool
        /// False once it was filled.
        var isOpen: Bool
    }

    private struct Slot {
        var number: UInt32 = 0
        var hole: Int32 = -1
        var decoy: Int32 = -1

        @inline(__always)
        var isEmpty: Bool { hole & decoy == -1 }
    }

    private(set) var ring: ContiguousArray<Entry>
    /// Entries ever made and ever expired; the ring's positions are their low bits.
    private var written = 0
    private var expired = 0
    private var slots: ContiguousArray<Slot>
    private var mask: Int
    private var used = 0
    private let hash: SequenceHash
    /// When the oldest entry expires, in nanoseconds; the far end of time for none.
    private(set) var nextExpiry = Int64.max

    init(seed: UInt64) {
        hash = SequenceHash(seed: seed)
        slots = ContiguousArray(repeating: Slot(), count: 64)
        mask = 63
        ring = ContiguousArray(
            repeating: Entry(
                opened: 0, number: 0, serial: 0, arrival: 0, next: -1, previous: -1, track: 0,
                isDecoy: false, isOpen: false),
            count: 64)
    }

    var stateBytes: Int {
        ring.capacity * MemoryLayout<Entry>.stride + slots.capacity * MemoryLayout<Slot>.stride
    }

    /// Entries that are open or wait for their turn to leave the ring.
    var count: Int { written - expired }

    // MARK: Looking

    /// The oldest hole and the oldest decoy at a number, -1 for none.
    @inline(__always)
    func heads(at number: UInt32) -> (hole: Int, decoy: Int) {
        var at = hash(number) & mask
        while true {
            let slot = slots[at]
            if slot.isEmpty { return (-1, -1) }
            if slot.number == number { return (Int(slot.hole), Int(slot.decoy)) }
            at = (at &+ 1) & mask
        }
    }

    /// Whether neither holes nor decoys are at a number.
    @inline(__always)
    func isEmpty(at number: UInt32) -> Bool {
        let heads = heads(at: number)
        return heads.hole & heads.decoy == -1
    }

    // MARK: Changing

    /// Opens a hole or a decoy; whoever calls has made room.
    mutating func open(
        _ number: UInt32, isDecoy: Bool, track: Int, serial: UInt32, arrival: UInt32,
        at now: Int64
    ) {
        let at = written & (ring.count - 1)
        ring[at] = Entry(
            opened: now, number: number, serial: serial, arrival: arrival, next: -1, previous: -1,
            track: UInt16(truncatingIfNeeded: track), isDecoy: isDecoy, isOpen: true)
        written += 1
        if count == 1 { nextExpiry = Self.expiry(of: now) }
        chain(at)
    }

    /// Whether one more entry has room without growing beyond the limit.
    var isFull: Bool { count == Self.limit }

    /// Makes room for `more` entries where the limit allows.
    mutating func reserve(_ more: Int) {
        while count + more > ring.count, ring.count < Self.limit { grow() }
    }

    /// Takes an entry out that was filled, or that is a decoy which won.
    mutating func close(_ at: Int) {
        unchain(at)
        ring[at].isOpen = false
    }

    /// Takes the oldest entry off the ring, and hands it out if it was still open.
    mutating func expireOldest() -> Entry? {
        let at = expired & (ring.count - 1)
        let entry = ring[at]
        if entry.isOpen { close(at) }
        expired += 1
        let oldest = expired & (ring.count - 1)
        nextExpiry = written == expired ? .max : Self.expiry(of: ring[oldest].opened)
        return entry.isOpen ? entry : nil
    }

    private static func expiry(of opened: Int64) -> Int64 {
        opened > .max - lifetime ? .max : opened + lifetime
    }

    private mutating func chain(_ at: Int) {
        if used * 2 > slots.count { growTable() }
        if Self.link(at, hash, mask, &slots, &ring) { used += 1 }
    }

    private mutating func unchain(_ at: Int) {
        if let emptied = Self.unlink(at, hash, mask, &slots, &ring) { fillGap(emptied) }
    }

    // Static, so that the table and the ring can be held as spans at once: one check of uniqueness
    // for each instead of one for each access.

    /// Puts an entry last in its ring; whether its number took a new slot of the table.
    private static func link(
        _ at: Int, _ hash: SequenceHash, _ mask: Int, _ table: inout ContiguousArray<Slot>,
        _ entries: inout ContiguousArray<Entry>
    ) -> Bool {
        var slots = table.mutableSpan
        var ring = entries.mutableSpan
        let number = ring[at].number
        let isDecoy = ring[at].isDecoy
        var index = hash(number) & mask
        while !slots[index].isEmpty, slots[index].number != number { index = (index &+ 1) & mask }
        let isNew = slots[index].isEmpty
        let head = isDecoy ? slots[index].decoy : slots[index].hole
        let own = Int32(truncatingIfNeeded: at)
        guard head < 0 else {
            let tail = ring[Int(head)].previous
            ring[Int(tail)].next = own
            ring[at].previous = tail
            ring[at].next = head
            ring[Int(head)].previous = own
            return false
        }
        ring[at].next = own
        ring[at].previous = own
        slots[index].number = number
        if isDecoy { slots[index].decoy = own } else { slots[index].hole = own }
        return isNew
    }

    /// Takes an entry out of its ring; the slot of the table that became empty, if one did.
    private static func unlink(
        _ at: Int, _ hash: SequenceHash, _ mask: Int, _ table: inout ContiguousArray<Slot>,
        _ entries: inout ContiguousArray<Entry>
    ) -> Int? {
        var slots = table.mutableSpan
        var ring = entries.mutableSpan
        let own = Int32(truncatingIfNeeded: at)
        let number = ring[at].number
        let next = ring[at].next
        var index = hash(number) & mask
        while slots[index].number != number || slots[index].isEmpty { index = (index &+ 1) & mask }
        if next != own {
            let previous = ring[at].previous
            ring[Int(previous)].next = next
            ring[Int(next)].previous = previous
        }
        let replacement = next == own ? -1 : next
        if ring[at].isDecoy {
            if slots[index].decoy == own { slots[index].decoy = replacement }
        } else if slots[index].hole == own {
            slots[index].hole = replacement
        }
        return slots[index].isEmpty ? index : nil
    }

    /// Moves up what stood behind a slot that became empty.
    private mutating func fillGap(_ index: Int) {
        used -= 1
        var gap = index
        var at = index
        while true {
            at = (at &+ 1) & mask
            let slot = slots[at]
            if slot.isEmpty { break }
            let home = hash(slot.number) & mask
            if (at &- home) & mask >= (at &- gap) & mask {
                slots[gap] = slot
                gap = at
            }
        }
        slots[gap] = Slot()
    }

    private mutating func grow() {
        let old = ring
        let empty = old[0]
        ring = ContiguousArray(repeating: empty, count: old.count * 2)
        slots = ContiguousArray(repeating: Slot(), count: slots.count)
        used = 0
        let oldest = expired
        let newest = written
        for position in oldest..<newest {
            let at = position & (ring.count - 1)
            ring[at] = old[position & (old.count - 1)]
            if ring[at].isOpen { chain(at) }
        }
    }

    private mutating func growTable() {
        let old = slots
        slots = ContiguousArray(repeating: Slot(), count: old.count * 2)
        mask = slots.count - 1
        for slot in old where !slot.isEmpty {
            var index = hash(slot.number) & mask
            while !slots[index].isEmpty { index = (index &+ 1) & mask }
            slots[index] = slot
        }
    }
}
