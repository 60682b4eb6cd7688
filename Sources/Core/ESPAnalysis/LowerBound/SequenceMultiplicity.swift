/// How many different packets carried the same low sequence number: senders proven without any
/// assumption about time (algorithms §5).
///
/// M(q) is the number of different packets with number q, kept for q ≤ 64 from the SA's birth. No
/// sender repeats a number, so there are at least max M(q) senders. After a rekey, when all count
/// from 1, it is nearly all of them.
///
/// *Memory.* Nothing before the first packet with a low number, then 4 octets a slot of a table at
/// most half full, up to 4 MiB for 8 192 packets of each number; beyond them none is counted.
/// Packets are told apart by 32 bits of their identity: two that are taken for one (2 of 64 · 2
/// 000) make the bound smaller.
public struct SequenceMultiplicity: Sendable {
    /// The largest number looked at.
    public static let highestSequence = 64
    /// Packets of one number that are counted at most.
    public static let limit = 8192

    private let secret: UInt64
    /// Open addressing with linear probing, by the top bits of what is stored; 0 is free.
    private var slots: ContiguousArray<UInt32> = []
    private var slotShift: UInt32 = 32
    private var used = 0
    private var counts: ContiguousArray<Int32> = []

    /// Makes counts of a stream without packets.
    ///
    /// - Parameter seed: A secret random number, against identities chosen to collide.
    public init(seed: UInt64) {
        var stream = SecretStream(seed: seed)
        secret = stream.next()
    }

    /// The proven number of senders: the largest M(q); 0 without packets.
    public private(set) var bound = 0

    /// M(q), the number of different packets with a sequence number in 1...64.
    public func packets(with sequence: Int) -> Int {
        counts.isEmpty ? 0 : Int(counts[sequence - 1])
    }

    /// Takes in a packet; copies change nothing.
    @inline(__always)
    public mutating func receive(sequence: UInt32, identity: UInt64) {
        guard sequence &- 1 < UInt32(Self.highestSequence) else { return }
        note(Int(sequence) - 1, identity)
    }

    @inline(never)
    private mutating func note(_ number: Int, _ identity: UInt64) {
        if counts.isEmpty {
            counts = ContiguousArray(repeating: 0, count: Self.highestSequence)
            slots = ContiguousArray(repeating: 0, count: 256)
            slotShift = 32 - 8
        }
        guard counts[number] < Self.limit else { return }
        let mixed = SecretStream.mixed(identity ^ secret &+ UInt64(number) << 32)
        let mark = max(1, UInt32(truncatingIfNeeded: mixed >> 32))
        let index = slot(of: mark)
        guard slots[index] == 0 else { return }
        slots[index] = mark
        used += 1
        counts[number] += 1
        bound = max(bound, Int(counts[number]))
        if used * 2 > slots.count { grow() }
    }

    /// Where `mark` is, or the free slot where it belongs.
    private func slot(of mark: UInt32) -> Int {
        var index = Int(mark >> slotShift)
        while slots[index] != 0, slots[index] != mark { index = (index + 1) & (slots.count - 1) }
        return index
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: 0, count: old.count * 2)
        slotShift -= 1
        for mark in old where mark != 0 {
            let index = slot(of: mark)
            slots[index] = mark
        }
    }
}
