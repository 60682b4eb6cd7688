import RealModule

/// Whether unhealthy episodes keep to one time of the day.
///
/// A test for a direction on the circle of 24 hours, like Rayleigh's. Each spell, of episodes that are not six
/// hours apart, weighs the same, however many they are, and by chance they turn together: one bad night is no
/// habit.
public struct TimeOfDayTest: Equatable, Sendable {
    /// What it comes to.
    public enum Verdict: Equatable, Sendable {
        /// Episodes keep to one time of the day.
        case correlated
        /// Why it cannot be told.
        case insufficient(String)
        /// They do not.
        case uncorrelated
    }

    /// Spells of episodes.
    public var spells: Int
    /// How close together the spells are, 0 (all around the clock) to 1 (at one moment).
    public var concentration: Double
    /// The middle of them, in seconds after 00:00 UTC.
    public var middle: Double
    /// Episodes within two hours of the middle.
    public var hits: Int
    /// The chance of as much concentration.
    public var chance: Double
    /// What it comes to.
    public var verdict: Verdict

    static let day = 86_400.0
    static let reach = 7200.0
    static let pause = 21_600.0
    /// Lower than that of other causes: it is no cause, but only when one acts.
    static let chanceLimit = 0.003

    /// Tests episodes.
    ///
    /// - Parameters:
    ///   - times: their beginnings in seconds since 1970 UTC.
    ///   - watched: for how long the tunnel was watched, in seconds.
    ///   - span: from the first moment to the last, in seconds.
    ///   - generator: for the shifts.
    init(
        _ times: [Double], watched: Double, span: Double,
        using generator: inout some RandomNumberGenerator
    ) {
        var groups: [(x: Double, y: Double, count: Double)] = []
        var last = -Double.infinity
        for time in times {
            if time - last > Self.pause { groups.append((0, 0, 0)) }
            let angle = 2 * Double.pi * (time / Self.day)
            groups[groups.count - 1].x += Double.cos(angle)
            groups[groups.count - 1].y += Double.sin(angle)
            groups[groups.count - 1].count += 1
            last = time
        }
        let means = groups.map { ($0.x / $0.count, $0.y / $0.count) }
        self.spells = means.count
        let sum = means.reduce((0.0, 0.0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        let length = Self.length(sum)
        concentration = means.isEmpty ? 0 : length / Double(means.count)
        let angle = Double.atan2(y: sum.1, x: sum.0) / (2 * Double.pi)
        let middle = (angle < 0 ? angle + 1 : angle) * Self.day
        self.middle = middle
        hits = times.count {
            let apart = abs($0 - ($0 / Self.day).rounded(.down) * Self.day - middle)
            return min(apart, Self.day - apart) <= Self.reach
        }
        chance = 1
        verdict = .uncorrelated
        if means.count < 3 {
            verdict = .insufficient(
                "too few to compare: \(FlapText.count(means.count, "spell")) of episodes, of three at least that "
                    + "are six hours apart")
        } else if span < 3 * Self.day || watched < 0.9 * span {
            verdict = .insufficient("the tunnel was not watched around the clock for three days")
        } else {
            var draws = ShiftGenerator(seededBy: &generator)
            var asMuch = 0
            for _ in 0..<CorrelationTest.shifts {
                let turned = means.reduce((0.0, 0.0)) { sum, mean in
                    let turn = draws.next(below: 2 * Double.pi)
                    let (cosine, sine) = (Double.cos(turn), Double.sin(turn))
                    return (
                        sum.0 + mean.0 * cosine - mean.1 * sine,
                        sum.1 + mean.0 * sine + mean.1 * cosine
                    )
                }
                if Self.length(turned) >= length { asMuch += 1 }
            }
            chance = Double(asMuch + 1) / Double(CorrelationTest.shifts + 1)
            if chance < Self.chanceLimit, concentration >= 0.7 { verdict = .correlated }
        }
    }

    private static func length(_ vector: (Double, Double)) -> Double {
        (vector.0 * vector.0 + vector.1 * vector.1).squareRoot()
    }
}
