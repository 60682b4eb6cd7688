import NetworkPrimitives

/// Finds the 50 % and the 99 % point of a succession in one pass, in constant memory.
///
/// With a step of 1 - x for each packet on the new SPI and of -x for each on a former one, a stretch of
/// arrivals has x % on the new one exactly if the walk does not end below where it began. So the
/// point from which on every stretch has is the first lowest place of the walk. Steps are scaled to whole
/// numbers, so nothing is rounded.
struct ConvergenceWalk: Sendable {
    private(set) var half: MonotonicInstant?
    private(set) var converged: MonotonicInstant?
    private(set) var tailPackets: Int64 = 0
    private(set) var lastTail: MonotonicInstant?
    private var lowestOfHalf: Int64 = 0
    private var lowestOfConverged: Int64 = 0

    /// Whether the next packet on the new SPI begins a stretch.
    var isWaiting: Bool { converged == nil }

    /// A packet on a former SPI, after `carried` on the new one.
    mutating func receiveFormer(at instant: MonotonicInstant, carried: Int64) {
        tailPackets += 1
        lastTail = instant
        if carried - tailPackets < lowestOfHalf {
            lowestOfHalf = carried - tailPackets
            half = nil
        }
        if carried - 99 * tailPackets < lowestOfConverged {
            lowestOfConverged = carried - 99 * tailPackets
            converged = nil
        }
    }

    /// A packet on the new SPI.
    mutating func receiveNew(at instant: MonotonicInstant) {
        if half == nil { half = instant }
        if converged == nil { converged = instant }
    }
}
