/// Whether unhealthy episodes begin after occurrences of something, over hours and days (algorithms §11.3).
///
/// An episode after an occurrence proves nothing by itself: some fall there by chance. Two chances are
/// computed. One takes episodes as independent. The other shifts them all together, around the observed
/// time, which keeps their bursts and their rhythm. The larger counts.
public struct CorrelationTest: Equatable, Sendable {
    /// What it comes to.
    public enum Verdict: String, Sendable {
        /// Episodes follow the occurrences.
        case correlated
        /// It is the other way round: occurrences follow the episodes.
        case reversed
        /// Under three episodes or under two occurrences.
        case insufficient
        /// Occurrences are so frequent that an episode after one says nothing.
        case inconclusive
        /// Nothing of that kind.
        case uncorrelated
    }

    /// Episodes in the observed time.
    public var episodes: Int
    /// Occurrences in the observed time.
    public var occurrences: Int
    /// Episodes that began within the reach of an occurrence.
    public var hits: Int
    /// Episodes that began shortly before one.
    public var hitsBefore: Int
    /// The share of the time that lies within the reach of occurrences, 0...1.
    public var covered: Double
    /// The share of the time that lies as shortly before occurrences.
    var coveredBefore: Double
    /// The chance of as many hits by independent episodes.
    public var binomialChance: Double
    /// The chance of as many hits by the same episodes at another time.
    public var permutationChance: Double

    /// How often the episodes are shifted.
    public static let shifts = 999
    static let chanceLimit = 0.01
    static let coverLimit = 1.0 / 3

    /// Tests episodes against occurrences.
    ///
    /// - Parameters:
    ///   - episodes: their beginnings in order, in seconds from 0 to `length`.
    ///   - occurrences: beginning to end of each, by beginning.
    ///   - reach: where an episode counts.
    ///   - length: the observed time in seconds.
    ///   - shifts: how often they are shifted.
    ///   - generator: for the shifts.
    init(
        _ episodes: [Double], against occurrences: [ClosedRange<Double>], reach: FlapCause.Reach,
        in length: Double, shifts: Int = shifts, using generator: inout some RandomNumberGenerator
    ) {
        self.episodes = episodes.count
        self.occurrences = occurrences.count
        let windows = TimeWindows(around: occurrences, lead: reach.lead, tail: reach.tail)
        let before = TimeWindows(before: occurrences, from: reach.before, until: reach.lead)
        hits = windows.hits(episodes)
        hitsBefore = before.hits(episodes)
        covered = windows.coveredShare(from: 0, to: length)
        coveredBefore = before.coveredShare(from: 0, to: length)
        binomialChance = BinomialTail.probability(of: hits, in: episodes.count, at: covered)
        permutationChance = 1
        guard hasEnough, length > 0 else { return }
        var draws = ShiftGenerator(seededBy: &generator)
        var asMany = 0
        for _ in 0..<shifts {
            let shift = draws.next(below: length)
            // Those that go over the end come to the front, and stay in order.
            let cut = episodes.firstIndex { $0 + shift >= length } ?? episodes.count
            let front = windows.hits(
                episodes, in: cut..<episodes.count, shiftedBy: shift - length)
            let back = windows.hits(episodes, in: 0..<cut, shiftedBy: shift)
            if front + back >= hits { asMany += 1 }
        }
        permutationChance = Double(asMany + 1) / Double(shifts + 1)
    }

    /// The share of episodes that began within reach, as a multiple of what chance gives; nil where there is
    /// nothing to divide by.
    public var lift: Double? {
        guard episodes > 0, covered > 0 else { return nil }
        return Double(hits) / Double(episodes) / covered
    }

    /// The larger of the two chances.
    public var chance: Double { max(binomialChance, permutationChance) }

    /// Whether so many episodes before occurrences are no accident either.
    var isSurelyReversed: Bool {
        verdict == .reversed && hitsBefore >= 3
            && BinomialTail.probability(of: hitsBefore, in: episodes, at: coveredBefore)
                < Self.chanceLimit
    }

    private var hasEnough: Bool { episodes >= 3 && occurrences >= 2 }

    /// What it comes to.
    public var verdict: Verdict {
        guard hasEnough else { return .insufficient }
        if chance < Self.chanceLimit, hits >= 3, Double(hits) >= 0.3 * Double(episodes),
            lift.map({ $0 >= 3 }) ?? false, hits > 2 * hitsBefore
        {
            return .correlated
        }
        if hitsBefore > 2 * max(hits, 1) { return .reversed }
        return covered > Self.coverLimit ? .inconclusive : .uncorrelated
    }
}
