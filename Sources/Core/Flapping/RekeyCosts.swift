public import NetworkPrimitives

/// What the rekeys of the last hour cost in probes through the tunnel, and what was lost otherwise.
///
/// No statistics: where every rekey loses probes and nothing else does, counting is enough.
public struct RekeyCosts: Equatable, Sendable {
    /// A rekey, with what was measured of it.
    public struct Rekey: Equatable, Sendable {
        /// When the new SA was installed, or seen first.
        public var at: MonotonicInstant
        /// From then until 99 % of the packets were on the new SPI; nil where that is not known.
        public var convergence: Duration?

        /// Makes a rekey.
        public init(at: MonotonicInstant, convergence: Duration?) {
            self.at = at
            self.convergence = convergence
        }
    }

    /// Rekeys.
    public var rekeys = 0
    /// Those after which probes were lost.
    public var disturbed = 0
    /// Probes that were lost after rekeys.
    public var lostAfter = 0
    /// Probes that were lost at other times.
    public var lostElsewhere = 0
    /// Probes of the underlay that were lost after rekeys.
    public var underlayLost = 0
    /// From a rekey to the last probe that was lost after it, at most.
    public var longest = Duration.zero
    /// The share of the time that counts as after a rekey, 0...1.
    public var covered = 0.0
    /// The time that was looked at: from the first rekey to now.
    public var span = Duration.zero

    /// Rekeys of this time are counted.
    static let reach = Duration.seconds(3600)
    /// So long after one that is not measured, at most a third of the time to the next.
    static let unmeasured = Duration.seconds(5)
    /// The longest that the provider names.
    static let longestReach = Duration.seconds(180)
    /// What clocks and stamps may be apart.
    static let slack = Duration.milliseconds(500)

    /// No rekeys.
    public init() {}

    /// Whether rekeys lose probes: three at least and most of them, and hardly anything else does.
    public var isDisruption: Bool {
        disturbed >= 3 && 4 * disturbed >= 3 * rekeys && 10 * lostElsewhere <= lostAfter
            && covered <= 0.6 && 3 * underlayLost <= lostAfter
    }
}

extension FlapHistory {
    /// What rekeys cost.
    ///
    /// - Parameters:
    ///   - measured: rekeys that were timed; of the others, only the moment is known.
    ///   - now: the current instant.
    /// - Returns: the counts; zeros without a rekey.
    public func rekeyCosts(
        measured: [RekeyCosts.Rekey], at now: MonotonicInstant
    ) -> RekeyCosts {
        let start = max(
            now - RekeyCosts.reach, max(insideLosses.knownSince, rekeys.knownSince))
        let moments = rekeys.entries(from: start, through: now).map(\.start)
        var costs = RekeyCosts()
        guard let first = moments.first else { return costs }
        let begun = max(start, first - RekeyCosts.slack)
        costs.rekeys = moments.count
        costs.span = now - begun
        let lost = insideLosses.entries(from: begun, through: now).map(\.start)
        var place = 0
        var covered = Duration.zero
        for (index, moment) in moments.enumerated() {
            let next = index + 1 < moments.count ? moments[index + 1] : nil
            let convergence = measured.first { $0.at == moment }?.convergence
            let from = moment - RekeyCosts.slack / 2
            let end = Self.end(of: moment, convergence, next: next, now: now)
            covered += end - from
            while place < lost.count, lost[place] < from { place += 1 }
            let before = place
            while place < lost.count, lost[place] <= end { place += 1 }
            if place > before {
                costs.disturbed += 1
                costs.lostAfter += place - before
                costs.longest = max(costs.longest, lost[place - 1] - moment)
            }
            costs.underlayLost += underlayLosses.entries.reduce(0) { sum, entry in
                entry.start <= end && entry.end >= from ? sum + entry.count : sum
            }
        }
        costs.lostElsewhere = lost.count - costs.lostAfter
        costs.covered =
            costs.span > .zero ? min(1, covered.seconds / costs.span.seconds) : 1
        return costs
    }

    /// Until when something counts as lost because of a rekey.
    private static func end(
        of moment: MonotonicInstant, _ convergence: Duration?, next: MonotonicInstant?,
        now: MonotonicInstant
    ) -> MonotonicInstant {
        let gap = (next ?? now) - moment
        let reach =
            convergence.map { $0 + RekeyCosts.slack }
            ?? (next == nil ? RekeyCosts.unmeasured : min(RekeyCosts.unmeasured, gap / 3))
        return min(moment + min(reach, RekeyCosts.longestReach), next ?? now)
    }
}
