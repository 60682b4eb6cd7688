/// What replay windows of all sizes would do to one ESP stream, exactly and in one pass.
///
/// A packet above the highest number so far is accepted by *every* window, so the highest number H
/// does not depend on the window. For equal numbers the depth D = H − q never falls with time;
/// hence if a later copy has D < W, the first copy had D < W too and was accepted. One bitmap of
/// the numbers seen and one count of depths therefore tell for every W (algorithms §2.1): too old
/// are all packets with D ≥ W, already seen are the repeats with D < W.
///
/// *Where it begins.* With a stream's first packet nothing has been seen: H is 0, so that packet
/// advances H, whatever its number. From an SA's first packet on this is exact. In mid-SA it is
/// what a receiver with an empty window would do; a real one may know a higher H and numbers seen
/// before, so it drops at most what lies below them: feed the kernel's state with
/// ``resume(highest:ring:window:)`` to be exact for windows up to the kernel's own. Only packets
/// that authenticate move a receiver's window, so forged packets must not be fed.
///
/// *Cost.* O(1) a packet and no allocation. A bit of `summary` says whether a word of the ring
/// means anything, so a jump clears at most `reach` / 4096 words (256 at the default reach),
/// however far it goes: a stream that jumps with every packet costs tens of nanoseconds a packet.
///
/// *Memory.* `reach` / 8 octets rounded up to a power of two, and 1/64 of that: 130 KiB at the
/// default reach, and 16 · (windows + 3) octets.
public struct ReplayWindowPredictor: Sendable {
    /// What a packet was, to all windows at once.
    public enum Outcome: Hashable, Sendable {
        /// Its number is the highest yet: no window drops it.
        case advanced
        /// The first with its number, `depth` below the highest: dropped by windows of `depth` and
        /// smaller.
        case late(depth: Int)
        /// Its number was seen before, and is `depth` below the highest: dropped by every window.
        case repeated(depth: Int)
        /// `depth` below the highest, which is beyond the memory: dropped by every window.
        case beyondReach(depth: Int)
        /// Its number is 0, which no window accepts (RFC 4303 §2.2).
        case zero
    }

    /// The windows predicted for, in packets, sorted, without repetition.
    public let windows: [Int]
    /// How far below the highest number packets are told apart.
    public let reach: Int
    /// Whether the SA has extended sequence numbers, of which packets carry the low half.
    public private(set) var isExtended: Bool

    /// The highest number, with inferred high half when `isExtended`: counted from 1 then, so that
    /// a packet from before the first wrap has a place.
    private var top: UInt64 = 0
    private var seen: SeenNumbers
    /// Those that advanced, zeros, those beyond reach; then for every bucket of depths the first
    /// ones and the repeats.
    private var counts: ContiguousArray<UInt64>
    private let buckets: DepthBuckets

    private static let advancedOffset = 0
    private static let zeroOffset = 1
    private static let beyondReachOffset = 2
    private static let bucketsOffset = 3

    /// Makes a predictor that has seen nothing.
    ///
    /// - Parameters:
    ///   - windows: The window sizes in packets, each 1...`reach`.
    ///   - reach: How far below the highest number to remember, 1...2³⁰ packets.
    ///   - isExtended: Whether the SA has extended sequence numbers (RFC 4303 §2.2.1). Without, a
    ///     sender may not let its number wrap (§3.3.3), and one that does is dropped by all
    ///     windows.
    public init(windows: [Int], reach: Int = 1 << 20, isExtended: Bool = false) {
        precondition(reach >= 1 && reach <= 1 << 30, "a reach out of range")
        precondition(windows.allSatisfy { (1...reach).contains($0) }, "a window beyond the reach")
        self.windows = Set(windows).sorted()
        self.reach = reach
        self.isExtended = isExtended
        buckets = DepthBuckets(thresholds: self.windows)
        seen = SeenNumbers(reach: reach)
        counts = ContiguousArray(
            repeating: 0, count: Self.bucketsOffset + 2 * (self.windows.count + 1))
    }

    /// Takes the numbers for low halves of extended ones from here on, those seen included.
    ///
    /// For an SA that turns out to have them before its numbers wrap.
    public mutating func extend() {
        guard !isExtended else { return }
        isExtended = true
        // The places of the numbers in the ring stay: its size divides an epoch.
        if top != 0 { top |= Self.firstEpoch }
    }

    /// The highest sequence number seen, its low half when the numbers are extended; 0 before the
    /// first packet.
    public var highest: UInt32 { UInt32(truncatingIfNeeded: top) }

    /// Takes in the next packet, copies included.
    ///
    /// - Parameter sequence: The number on the wire.
    /// - Returns: What the packet was.
    public mutating func receive(_ sequence: UInt32) -> Outcome {
        let number = isExtended ? extended(sequence) : UInt64(sequence)
        // Of extended numbers only the very first 0 is refused, as Linux does.
        guard sequence != 0 || (isExtended && number > Self.firstEpoch) else {
            counts[Self.zeroOffset] &+= 1
            return .zero
        }
        guard number <= top else {
            seen.advance(from: top, to: number)
            top = number
            counts[Self.advancedOffset] &+= 1
            return .advanced
        }
        let depth = Int(truncatingIfNeeded: top &- number)
        guard depth < reach else {
            counts[Self.beyondReachOffset] &+= 1
            return .beyondReach(depth: depth)
        }
        let isFirst = seen.insert(number)
        let bucket = Self.bucketsOffset + 2 * buckets.bucket(of: depth)
        counts[isFirst ? bucket : bucket + 1] &+= 1
        return isFirst ? .late(depth: depth) : .repeated(depth: depth)
    }

    /// Where extended numbers are counted from, as the high half of an SA in progress is unknown.
    private static let firstEpoch: UInt64 = 1 << 32

    /// The whole number of which a packet carries the low half.
    ///
    /// RFC 4303 appendix A2 takes the high half with which the number is in the window or above it.
    /// The window here is 2³¹, so the result is the number nearest to the highest; a receiver with
    /// a smaller window takes a packet below it for one of the next epoch, which then fails
    /// authentication and moves nothing (algorithms §2.3).
    private func extended(_ sequence: UInt32) -> UInt64 {
        guard top != 0 else { return Self.firstEpoch | UInt64(sequence) }
        let step = Int32(bitPattern: sequence &- UInt32(truncatingIfNeeded: top))
        return top &+ UInt64(bitPattern: Int64(step))
    }

    // MARK: The kernel's state

    /// Takes over a receiver's state where the SA's window is in `XFRMA_REPLAY_ESN_VAL`.
    ///
    /// `XFRM_MSG_GETAE` tells it (algorithms §2.3). Counts stay. From here on the prediction is
    /// exact for windows up to `window`.
    ///
    /// - Parameters:
    ///   - highest: The kernel's `seq`.
    ///   - ring: The kernel's `bmp`: the bit of number q is (q − 1) mod `window`, counted from the
    ///     lowest of the first word.
    ///   - window: The kernel's `replay_window`, 1 ... 32 · `ring.count`.
    public mutating func resume(highest: UInt32, ring: [UInt32], window: Int) {
        precondition(window >= 1 && window <= 32 * ring.count, "a window the ring does not hold")
        let newest = Int((highest &- 1) % UInt32(window))
        resume(highest: highest, window: window) { depth in
            let bit = depth <= newest ? newest - depth : newest - depth + window
            return ring[bit >> 5] & 1 << UInt32(bit & 31) != 0
        }
    }

    /// Takes over a receiver's state where the SA's window is in `xfrm_replay_state`.
    ///
    /// Bit d of its register stands for `highest` − d. Counts stay.
    public mutating func resume(highest: UInt32, shiftRegister: UInt32) {
        resume(highest: highest, window: 32) { shiftRegister & 1 << UInt32($0) != 0 }
    }

    private mutating func resume(
        highest: UInt32, window: Int, isReceived: (_ depth: Int) -> Bool
    ) {
        seen.removeAll()
        top = isExtended && highest != 0 ? Self.firstEpoch | UInt64(highest) : UInt64(highest)
        guard highest != 0 else { return }
        _ = seen.insert(top)
        // Numbers below 1 exist only as those of the epoch before.
        let depths = min(reach, isExtended ? window : min(window, Int(highest)))
        for depth in 0..<depths where isReceived(depth) {
            _ = seen.insert(top &- UInt64(depth))
        }
    }

    // MARK: Results

    /// All packets, copies and zeros included.
    public var packets: UInt64 { counts.reduce(0, +) }

    /// Packets deeper than the memory reaches.
    public var beyondReach: UInt64 { counts[Self.beyondReachOffset] }

    /// Packets whose number was seen before: what even an endless window would drop.
    public var repeats: UInt64 {
        (0...windows.count).reduce(0) { $0 + counts[Self.bucketsOffset + 2 * $1 + 1] }
    }

    /// What each window does to the stream, sorted by size.
    public var forecasts: [ReplayWindowForecast] {
        let packets = packets
        return windows.indices.map { index in
            var tooOld = beyondReach
            var alreadySeen: UInt64 = 0
            for bucket in 0...windows.count {
                let first = counts[Self.bucketsOffset + 2 * bucket]
                let repeated = counts[Self.bucketsOffset + 2 * bucket + 1]
                // Bucket b holds the depths that b windows are too small for.
                if bucket > index { tooOld += first + repeated } else { alreadySeen += repeated }
            }
            return ReplayWindowForecast(
                window: windows[index], tooOld: tooOld, alreadySeen: alreadySeen,
                zero: counts[Self.zeroOffset], packets: packets)
        }
    }
}
