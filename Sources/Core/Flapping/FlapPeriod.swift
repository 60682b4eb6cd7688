import RealModule

/// The rhythm of unhealthy episodes.
public struct FlapPeriod: Equatable, Sendable {
    /// From one episode to the next, in seconds.
    public var seconds: Double
    /// How well the gaps keep to it or to a small multiple: 1 to the moment, 0 not at all.
    public var strength: Double

    static let strengthLimit = 0.8
    static let fewestEpisodes = 6
    static let mostMultiples = 4.0

    /// The period of episodes; nil where they have none, or are under six.
    ///
    /// Gaps and not phases are compared: a rhythm that drifts is still one.
    ///
    /// - Parameter beginnings: of the episodes in order, in seconds; the latest 200 are looked at.
    init?(of beginnings: [Double]) {
        guard beginnings.count >= Self.fewestEpisodes else { return nil }
        let latest = beginnings.suffix(200)
        let gaps = zip(latest.dropFirst(), latest).map { $0 - $1 }
        var best: FlapPeriod?
        for gap in gaps {
            let period = Self.refined(gap, gaps)
            let strength = Self.strength(of: period, gaps)
            let isBetter =
                best.map {
                    strength > $0.strength + 1e-9
                        || (strength > $0.strength - 1e-9 && period > $0.seconds)
                } ?? true
            if isBetter { best = FlapPeriod(seconds: period, strength: strength) }
        }
        guard let best, best.strength >= Self.strengthLimit else { return nil }
        self = best
    }

    private init(seconds: Double, strength: Double) {
        self.seconds = seconds
        self.strength = strength
    }

    /// The mean of the gaps that are this one or a multiple, roughly.
    private static func refined(_ period: Double, _ gaps: [Double]) -> Double {
        var (sum, count) = (0.0, 0.0)
        for gap in gaps {
            let multiple = (gap / period).rounded()
            guard multiple >= 1, multiple <= mostMultiples,
                abs(gap / period - multiple) <= 0.15
            else { continue }
            sum += gap
            count += multiple
        }
        return count == 0 ? period : sum / count
    }

    private static func strength(of period: Double, _ gaps: [Double]) -> Double {
        let sum = gaps.reduce(0.0) { sum, gap in
            let multiple = (gap / period).rounded()
            if multiple < 1 { return sum - 1 }
            // A longer silence speaks neither for nor against it.
            if multiple > mostMultiples { return sum }
            return sum + Double.cos(2 * Double.pi * (gap / period - multiple))
        }
        return max(0, sum / Double(gaps.count))
    }

    /// The autocorrelation of episodes at a lag.
    ///
    /// - Parameters:
    ///   - beginnings: of the episodes in order, from 0 to `length` seconds.
    ///   - lag: in seconds; 5 % to either side count.
    ///   - length: the observed time in seconds.
    /// - Returns: the share of them that another follows after it, beyond what chance gives; at most 1, nil
    ///   where too few can be followed.
    static func autocorrelation(
        of beginnings: [Double], at lag: Double, in length: Double
    ) -> Double? {
        let slack = 0.05 * lag
        let able = beginnings.count { $0 + lag + slack <= length }
        guard able >= 3 else { return nil }
        let windows = TimeWindows(
            around: beginnings.map { $0 + lag...$0 + lag }, lead: slack, tail: slack)
        // Counted from the followers, each once, so that a dense burst is not counted twice.
        let followed = min(windows.hits(beginnings), able)
        let chance = min(0.99, Double(beginnings.count) * 2 * slack / length)
        return (Double(followed) / Double(able) - chance) / (1 - chance)
    }
}
