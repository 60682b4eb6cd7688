public import NetworkPrimitives

/// The least number of senders that explains a stream, proven (algorithms §5).
///
/// Packets of one sender never repeat a number (RFC 4303 §3.3.3), and none overtakes another of the
/// same sender by more than δ. Two packets that break that cannot be one sender's: a *conflict*,
/// which is a strict partial order, so by Mirsky's theorem the longest chain of conflicts is
/// exactly the least number of senders. Say it as: "at least N independent sequence counters,
/// assuming no packet overtook another of the same sender by more than 0.5 s".
///
/// It counts *counters*: a sender that starts again counts again. `bound` is for the life of the
/// SA, `windowBound` and `previousWindowBound` for tumbling windows, whose counters lived at one
/// time.
///
/// Leave out byte-identical copies, which would prove a sender each; forged packets inflate the
/// bound. Number 0 is left out, since no sender sends it. Begin a new one for every SPI, and when
/// extended numbers wrap.
///
/// *Bounded.* 4 MiB for packets of the last δ at the most and 1 MiB for levels; 25 KiB at
/// the start. Above 131 072 packets in δ further ones do not
/// get into memory and there is no ceiling k (``OvertakingCeiling``), and chains longer than 65 535
/// are not told: the bound gets weaker, never wrong. O(log bound) a packet.
public struct SenderLowerBound: Sendable {
    private let delta: UInt64
    private let window: Int64
    /// A fixed k instead of the one the rate gives.
    private let fixedCeiling: Int?
    private var first: Int64?
    private var latest: Int64 = .min
    private var windowEnd: Int64 = .min
    private var pending: PendingPackets
    private var ceiling = OvertakingCeiling()
    private var levels = ConflictLevels()
    /// The bound of the window before the present one; 0 without one.
    public private(set) var previousWindowBound = 0

    /// Makes a bound for a stream without packets.
    ///
    /// - Parameters:
    ///   - delta: By how much packets of one sender overtake each other at most.
    ///   - window: The length of tumbling windows; one begins with the first packet after the last.
    ///   - maximumOvertaking: By how many numbers packets overtake at most, k; nil derives it from
    ///     the rate.
    ///   - seed: A secret random number, against numbers chosen to collide in the table.
    public init(
        delta: Duration = .milliseconds(500), window: Duration = .seconds(60),
        maximumOvertaking: Int? = nil, seed: UInt64
    ) {
        precondition(delta >= .zero && window > delta, "a window longer than the overtaking")
        self.delta = UInt64(delta.nanoseconds)
        self.window = window.nanoseconds
        fixedCeiling = maximumOvertaking
        pending = PendingPackets(seed: seed)
    }

    /// The bound for the life of the SA; 0 before the first packet.
    public var bound: Int { levels.bound }

    /// The bound for the present window; 0 before the first packet.
    public var windowBound: Int { levels.windowBound }

    /// Takes in the next packet, not a copy.
    ///
    /// - Parameters:
    ///   - sequence: Its number.
    ///   - arrival: When it arrived; a time before its predecessor's counts as that.
    /// - Returns: The length of the longest chain of conflicts that it ends; 0 for number 0.
    @discardableResult
    public mutating func receive(_ sequence: UInt32, at arrival: MonotonicInstant) -> Int {
        guard sequence != 0 else { return 0 }
        let time = max(arrival.nanoseconds, latest)
        latest = time
        if first == nil { first = time }
        while let packet = pending.removeFirst(olderThan: delta, at: time) {
            levels.mature(packet.sequence, packet.heights)
        }
        if time >= windowEnd { beginWindow(at: time) }

        let elapsed = UInt64(bitPattern: time &- (first ?? time))
        let k = fixedCeiling ?? ceiling.update(pending.count + 1, at: elapsed)
        let highest = k.map { UInt32(clamping: Int(sequence) + $0) } ?? .max
        let equal = pending.takeHeights(of: sequence)
        let before = pending.guess(for: sequence)
        let chains = levels.longestChains(
            above: sequence, ceiling: highest,
            guess: .init(life: max(before.life - 1, 0), window: max(before.window - 1, 0)))
        let heights = ConflictLevels.Heights(
            life: min(max(chains.life, equal.life) + 1, ConflictLevels.limit),
            window: min(max(chains.window, equal.window) + 1, ConflictLevels.limit))
        levels.add(sequence, heights)
        if !pending.append(sequence, arrival: time, heights: heights) {
            ceiling.loseCount(at: elapsed, delta: delta)
        }
        return heights.life
    }

    /// Goes on after packets that were left out.
    ///
    /// What was proven stays proven: a chain among some of the packets is one among all. Only how
    /// many a sender can have sent within δ is not known until ten seconds have been counted again.
    public mutating func resume(at arrival: MonotonicInstant) {
        guard let first else { return }
        let time = max(arrival.nanoseconds, latest)
        ceiling.loseCount(at: UInt64(bitPattern: time &- first), delta: delta)
    }
    /// Loads ahead of need where `receive` will look for packets with `sequence`; the second step,
    /// ``touchPacket(_:)``, takes what this returns.
    @inline(__always)
    func touchBucket(of sequence: UInt32) -> UInt32 { pending.touchBucket(of: sequence) }

    /// Loads ahead of need the packet that ``touchBucket(of:)`` found; returns something of it, which
    /// keeps the load from being left out.
    @inline(__always)
    func touchPacket(_ found: UInt32) -> UInt32 { pending.touchPacket(found) }

    private mutating func beginWindow(at time: Int64) {
        let (end, overflow) = time.addingReportingOverflow(window)
        windowEnd = overflow ? .max : end
        previousWindowBound = levels.windowBound
        levels.beginWindow()
        pending.beginWindow()
    }
}
