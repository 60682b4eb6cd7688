/// The packets of the last δ, oldest first, and the latest of each number among them.
///
/// *Memory.* A ring of 16 octets a packet and a table of 8 octets a slot, at most half full. Both
/// double when needed, up to `limit` packets: 4 MiB. They do not shrink.
struct PendingPackets: Sendable {
    /// A packet whose chain is known and which may still be overtaken.
    struct Packet: Sendable {
        /// When it arrived, in nanoseconds.
        var arrival: Int64
        /// Its number, never 0.
        var sequence: UInt32
        /// Its chain's length in the life of the SA.
        var height: UInt16
        /// Its chain's length in the present window; 0 if it came before the window began.
        var windowHeight: UInt16
    }

    /// No more packets are kept; 262 000 packets/s at δ = 0.5 s.
    static let limit = 1 << 17

    private var ring: ContiguousArray<Packet>
    private var head = 0
    private(set) var count = 0
    /// Open addressing with linear probing: sequence ≪ 32 | height ≪ 16 | windowHeight; 0 is free.
    private var slots: ContiguousArray<UInt64>
    private var slotShift: UInt64
    private let multiplier: UInt64

    init(seed: UInt64) {
        var stream = SecretStream(seed: seed)
        multiplier = stream.next() | 1
        ring = ContiguousArray(
            repeating: Packet(arrival: 0, sequence: 0, height: 0, windowHeight: 0), count: 64)
        slots = ContiguousArray(repeating: 0, count: 128)
        slotShift = 64 - 7
    }

    /// Whether no more packets can be kept.
    var isFull: Bool { count == Self.limit }

    /// When the oldest packet arrived; nil without packets.
    @inline(__always)
    var firstArrival: Int64? { count == 0 ? nil : ring[head].arrival }

    /// The heights of the latest packet with `sequence`, 0 without one.
    @inline(__always)
    func heights(of sequence: UInt32) -> (life: Int, window: Int) {
        let slot = slots[index(of: sequence)]
        return (Int(slot >> 16 & 0xffff), Int(slot & 0xffff))
    }

    /// Appends the latest packet.
    ///
    /// - Precondition: Not `isFull`.
    @inline(__always)
    mutating func append(_ packet: Packet) {
        precondition(!isFull, "no room for a packet")
        if count == ring.count { grow() }
        ring[(head + count) & (ring.count - 1)] = packet
        count += 1
        let index = index(of: packet.sequence)
        slots[index] =
            UInt64(packet.sequence) << 32 | UInt64(packet.height) << 16
            | UInt64(packet.windowHeight)
    }

    /// Removes the oldest packet.
    @inline(__always)
    mutating func removeFirst() -> Packet {
        let packet = ring[head]
        head = (head + 1) & (ring.count - 1)
        count -= 1
        let index = index(of: packet.sequence)
        // A later packet with the number has a longer chain.
        if UInt16(truncatingIfNeeded: slots[index] >> 16) == packet.height { vacate(index) }
        return packet
    }

    /// Forgets the heights in the present window.
    mutating func beginWindow() {
        for offset in 0..<count {
            let position = (head + offset) & (ring.count - 1)
            ring[position].windowHeight = 0
            let index = index(of: ring[position].sequence)
            slots[index] &= ~0xffff
        }
    }

    /// The slot of `sequence`, or the free one where it belongs.
    @inline(__always)
    private func index(of sequence: UInt32) -> Int {
        let slots = slots.span
        var index = home(of: sequence)
        while slots[index] != 0, UInt32(truncatingIfNeeded: slots[index] >> 32) != sequence {
            index = (index + 1) & (slots.count - 1)
        }
        return index
    }

    @inline(__always)
    private func home(of sequence: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(sequence) &* multiplier) >> slotShift)
    }

    /// Frees a slot, and moves those after it that would not be found any more.
    private mutating func vacate(_ index: Int) {
        let mask = slots.count - 1
        var free = index
        var next = index
        while true {
            next = (next + 1) & mask
            let slot = slots[next]
            guard slot != 0 else { break }
            let home = home(of: UInt32(truncatingIfNeeded: slot >> 32))
            // Stays if its home lies after the free slot.
            if (next &- home) & mask < (next &- free) & mask { continue }
            slots[free] = slot
            free = next
        }
        slots[free] = 0
    }

    private mutating func grow() {
        let packets = (0..<count).map { ring[(head + $0) & (ring.count - 1)] }
        let room = Packet(arrival: 0, sequence: 0, height: 0, windowHeight: 0)
        ring = ContiguousArray(packets) + ContiguousArray(repeating: room, count: ring.count)
        head = 0
        let old = slots
        slots = ContiguousArray(repeating: 0, count: old.count * 2)
        slotShift -= 1
        for slot in old where slot != 0 {
            let index = index(of: UInt32(truncatingIfNeeded: slot >> 32))
            slots[index] = slot
        }
    }
}
