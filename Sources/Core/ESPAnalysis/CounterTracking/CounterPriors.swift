/// What the tracker has learnt about the stream as a whole (§6: priors, hazards, Good–Turing).
///
/// Counts change with each packet that teaches; the weights made of them are worked out anew only
/// every so often, because they move slowly: `refresh` every 64 packets, more often while there
/// are few.
struct CounterPriors: Sendable {
    /// Gaps beyond this have no weight but an outage's.
    static let gapLimit = 60

    // Steps by 1 and jumps; how long jumps are; holes filled and holes lost; how late the late are.
    private(set) var steps = 99.0
    private(set) var jumps = 1.0
    private var extensions = 1.0
    private var endings = 2.0
    private var fills = 1.0
    private var losses = 1.0
    private var lateness = 0.02
    private var sameClass = 500.0
    private var otherClass = 0.5
    /// A moving mean of the confidence over a thousand packets.
    private var certainty = 1.0

    /// Weight of a gap g, 0...63: `gaps[1]` is a step.
    private(set) var gaps = ContiguousArray(repeating: 0.0, count: 64)
    /// What a jump after an outage starts with.
    private(set) var outage = 1e-4
    /// The chance that a hole is filled, over the mean lateness, and the inverse of that.
    private(set) var fillChance = 0.5
    private(set) var inverseLateness = 50.0
    /// The chance that a packet has, or has not, the class of its sender.
    private(set) var same = 1.0
    private(set) var other = 0.0
    /// Seconds per packet of a mean track.
    private(set) var meanGap = 1.0
    /// The largest that `meanGap` has been, over what it is.
    private(set) var shrinkage = 1.0
    private var largestMeanGap = 0.0
    /// One over the seconds since the first packet, and over the packets.
    private(set) var perElapsed = 1.0
    private(set) var perPacket = 1.0

    private var refreshPackets: UInt64 = 0
    private var refreshTime = Int64.min
    private var gapsAreStale = true

    @inline(__always)
    func needsRefresh(packets: UInt64, now: Int64) -> Bool {
        packets >= refreshPackets || now >= refreshTime
    }

    /// Births change the mean track and the chance of another birth at once.
    mutating func wantRefresh() { refreshPackets = 0 }

    mutating func refresh(packets: UInt64, tracks: Int, elapsed: Double, now: Int64) {
        let elapsed = max(elapsed, 1e-3)
        perElapsed = 1 / elapsed
        perPacket = 1 / Double(packets)
        let rate = Double(packets) * perElapsed
        meanGap = 1 / max(rate / Double(max(1, tracks)), 1e-6)
        largestMeanGap = max(largestMeanGap, meanGap)
        shrinkage = largestMeanGap / meanGap
        outage = max(1e-4, 0.1 * (1 - certainty) * (1 - certainty))
        if fills + losses > 4_000 {
            fills /= 2
            losses /= 2
        }
        if jumps + steps > 200_000 {
            jumps /= 2
            steps /= 2
        }
        fillChance = fills / (fills + losses)
        inverseLateness = 1 / lateness
        same = sameClass / (sameClass + otherClass)
        other = otherClass / (sameClass + otherClass)
        let jump = jumps / (jumps + steps)
        gaps[1] = 1 - jump
        if gapsAreStale || packets & 0x3ff < 64 {
            gapsAreStale = false
            let longer = extensions / (extensions + endings)
            var weight = jump * (1 - longer)
            for gap in 2..<Self.gapLimit {
                gaps[gap] = weight
                weight *= longer
            }
        }
        let pause = min(64, packets / 64 + 1)
        refreshPackets = packets + pause
        // A rate is out of date after a long silence, whatever the number of packets.
        let wait = Int64(min(elapsed, 1e9) * 1.5e7) + 1_000_000
        refreshTime = now > .max - wait ? .max : now + wait
    }

    // MARK: Learning

    @inline(__always)
    mutating func learnCertainty(_ confidence: Double) {
        certainty += (confidence - certainty) * 1e-3
    }

    /// A step by 1 of a track with the packet's class.
    @inline(__always)
    mutating func learnInOrder(_ confidence: Double) {
        learnCertainty(confidence)
        if confidence > 0.9 { steps += 1 }
        if confidence > 0.98 { sameClass += 1 }
    }

    @inline(__always)
    mutating func learnStep() { steps += 1 }

    mutating func learnJump(gap: Int) {
        jumps += 1
        extensions += Double(min(gap - 2, 8))
        endings += 1
        gapsAreStale = true
    }

    mutating func learnFill(after seconds: Double) {
        lateness = 0.98 * lateness + 0.02 * max(seconds, 1e-4)
        fills += 1
    }

    mutating func learnLoss() { losses += 1 }

    @inline(__always)
    mutating func learnSameClass() { sameClass += 1 }

    mutating func learnOtherClass() { otherClass += 1 }
}
