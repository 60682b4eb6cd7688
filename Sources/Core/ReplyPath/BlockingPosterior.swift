import RealModule

/// What was sent to one hop and answered from there.
public struct HopTally: Hashable, Sendable {
    /// Controls answered.
    public var controlsAnswered: Int
    /// Controls sent.
    public var controlsSent: Int
    /// Tests answered.
    public var testsAnswered: Int
    /// Tests sent.
    public var testsSent: Int

    /// Makes a tally.
    public init(
        controlsAnswered: Int = 0, controlsSent: Int = 0, testsAnswered: Int = 0,
        testsSent: Int = 0
    ) {
        self.controlsAnswered = controlsAnswered
        self.controlsSent = controlsSent
        self.testsAnswered = testsAnswered
        self.testsSent = testsSent
    }

    /// Whether a router was seen at this hop at all.
    public var isVisible: Bool { controlsAnswered > 0 || testsAnswered > 0 }
}

/// Where the tests of a ladder die, if they do, as a probability for each hop.
///
/// A hop answers with an unknown rate, Beta(1, 1) before anything is known, that controls and tests
/// share as far as the tests come. Beyond the block a test is answered by `noise` only. The path is
/// open with probability `priorOpen`, else blocked after any hop with the same probability.
public struct BlockingPosterior: Sendable {
    /// The probability that a path is open before anything is known.
    public static let priorOpen = 0.7
    /// The probability that a test seems answered which was dropped before.
    public static let noise = 0.01
    /// The probability that a verdict needs.
    public static let required = 0.99
    /// The share of the probability of a block that `likelyHops` hold.
    public static let credibility = 0.95

    /// What every flow must give the hop at which several agree, at least.
    static let leastAgreement = 0.001

    /// The probability that tests come as far as controls do.
    public let open: Double
    /// The probability that they die after hop b, where 0 is this host; for every b below the
    /// number of hops.
    public let blockedAfter: [Double]

    /// What follows from the tallies of hops 1, 2, and so on.
    ///
    /// A hop without controls says nothing. Of an empty ladder there is nothing to know: all of it,
    /// which is nothing, is open.
    public init(_ hops: [HopTally]) {
        self.init(flows: [hops])
    }

    /// What follows from the tallies of several flows that are open, or blocked after one hop,
    /// together; each may have routers of its own.
    public init(flows: [[HopTally]]) {
        let count = flows.map(\.count).max() ?? 0
        guard count > 0 else {
            open = 1
            blockedAfter = []
            return
        }
        // The evidence where a test comes to the hop, and where it does not.
        var alive = [Double](repeating: 0, count: count)
        var dead = alive
        for hops in flows {
            for (index, hop) in hops.enumerated() where hop.controlsSent > 0 {
                let controls = (Double(hop.controlsAnswered), Double(hop.controlsSent))
                let tests = (Double(hop.testsAnswered), Double(hop.testsSent))
                let misses = controls.1 - controls.0
                alive[index] +=
                    Self.logBeta(1 + controls.0 + tests.0, 1 + misses + tests.1 - tests.0)
                    - Self.logBeta(1 + controls.0, 1 + misses)
                dead[index] +=
                    tests.0 * Double.log(Self.noise) + (tests.1 - tests.0)
                    * Double.log(1 - Self.noise)
            }
        }
        var deadBeyond = dead.reduce(0, +)
        var aliveSoFar = 0.0
        var scores: [Double] = []
        let prior = Double.log((1 - Self.priorOpen) / Double(count))
        for hop in 0..<count {
            scores.append(prior + aliveSoFar + deadBeyond)
            aliveSoFar += alive[hop]
            deadBeyond -= dead[hop]
        }
        let openScore = Double.log(Self.priorOpen) + aliveSoFar
        let greatest = scores.reduce(openScore, max)
        let weights = scores.map { Double.exp($0 - greatest) }
        let openWeight = Double.exp(openScore - greatest)
        let total = weights.reduce(openWeight, +)
        open = openWeight / total
        blockedAfter = weights.map { $0 / total }
    }

    /// What several flows say together that are each blocked, perhaps with other routers.
    ///
    /// The verdict is as certain as the least certain of them. Nothing is blocked where one of them
    /// all but rules out the hop that they come to together.
    init(agreeing flows: [BlockingPosterior]) {
        let count = flows.map(\.blockedAfter.count).min() ?? 0
        let weights = (0..<count).map { hop in
            flows.reduce(1.0) { $0 * $1.blockedAfter[hop] }
        }
        let total = weights.reduce(0, +)
        let best = weights.max().flatMap { weights.firstIndex(of: $0) }
        guard let best, flows.allSatisfy({ $0.blockedAfter[best] >= Self.leastAgreement }) else {
            open = 1
            blockedAfter = []
            return
        }
        let certainty = flows.map(\.blocked).min() ?? 0
        open = 1 - certainty
        blockedAfter = weights.map { $0 / total * certainty }
    }

    /// The probability that tests die somewhere among the hops.
    public var blocked: Double { 1 - open }

    /// The hop after which a block is most likely, the nearest of equals; nil without hops.
    public var mostLikelyHop: Int? {
        guard let greatest = blockedAfter.max() else { return nil }
        return blockedAfter.firstIndex(of: greatest)
    }

    /// The hops around the most likely one that hold `credibility` of the probability of a block.
    public var likelyHops: ClosedRange<Int>? {
        guard let best = mostLikelyHop else { return nil }
        var range = best...best
        var held = blockedAfter[best]
        while held < Self.credibility * blocked,
            range.lowerBound > 0 || range.upperBound < blockedAfter.count - 1
        {
            let below = range.lowerBound > 0 ? blockedAfter[range.lowerBound - 1] : -1
            let above =
                range.upperBound < blockedAfter.count - 1 ? blockedAfter[range.upperBound + 1] : -1
            if below >= above {
                range = range.lowerBound - 1...range.upperBound
                held += below
            } else {
                range = range.lowerBound...range.upperBound + 1
                held += above
            }
        }
        return range
    }

    private static func logBeta(_ first: Double, _ second: Double) -> Double {
        Double.logGamma(first) + Double.logGamma(second) - Double.logGamma(first + second)
    }
}
