import NetworkPrimitives

/// Byte-identical copies by what made them (algorithms §8).
///
/// Whether the network or the capture makes the young ones is decided for every thousand packets by
/// how many have a copy, and never again, so that the counts can be metrics. A report that comes
/// before has it decided by fewer, and by all packets so far where they are too few to tell.
struct CopyTally: Sendable {
    /// Copies younger than this were made on the way here.
    static let youngLimit: Duration = .milliseconds(100)
    /// Copies older than this were kept by somebody.
    static let oldLimit: Duration = .seconds(1)
    /// From this share of packets with a young copy on, the capture sees packets twice.
    static let captureShare = 0.45
    private static let blockLimit: UInt64 = 1000
    /// A share of fewer packets says nothing: one packet and its copy would be a capture that
    /// doubles everything.
    private static let leastBlock: UInt64 = 200

    /// The copies so far; young ones of the block in progress are `pending`.
    private(set) var counts = DuplicateCounts()
    /// Young copies of the block in progress.
    private var pending: UInt64 = 0
    private var block: UInt64 = 0
    /// All packets that are no copies.
    private var packets: UInt64 = 0
    /// All young copies.
    private(set) var young: UInt64 = 0
    /// Old copies whose hop limit differs from the first copy's.
    private(set) var oldWithOtherHopLimit: UInt64 = 0
    /// The least and the greatest age of an old copy.
    private(set) var oldAges: ClosedRange<Duration>?

    /// Counts a packet that is no copy.
    @inline(__always)
    mutating func notePacket() {
        block += 1
        packets += 1
        if block == Self.blockLimit { settle() }
    }

    /// Counts a copy.
    @inline(never)
    mutating func noteCopy(age: Duration, hopLimitDiffers: Bool) {
        if age < Self.youngLimit {
            young += 1
            pending += 1
        } else if age > Self.oldLimit {
            counts.replay += 1
            if hopLimitDiffers { oldWithOtherHopLimit += 1 }
            let ages = oldAges ?? age...age
            oldAges = min(ages.lowerBound, age)...max(ages.upperBound, age)
        } else {
            counts.undecided += 1
        }
    }

    /// Decides about the young copies of the block in progress.
    mutating func settle() {
        let isTelling = block >= Self.leastBlock
        let (copies, base) = isTelling ? (pending, block) : (young, packets)
        if Double(copies) > Self.captureShare * Double(base) {
            counts.capture += pending
        } else {
            counts.network += pending
        }
        pending = 0
        block = 0
    }
}
