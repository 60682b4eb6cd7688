/// Wilson's score interval of a share (Wilson 1927), at 95 %.
public struct WilsonInterval: Hashable, Sendable {
    /// The lower bound, 0...1.
    public let low: Double
    /// The upper bound, 0...1.
    public let high: Double

    /// The interval for `successes` of `trials`; nil without a trial.
    ///
    /// - Precondition: `successes` is within `0...trials`.
    public init?(successes: Int, trials: Int) {
        precondition((0...max(trials, 0)).contains(successes), "more successes than trials")
        guard trials > 0 else { return nil }
        let z = 1.959_963_984_540_054
        let count = Double(trials)
        let share = Double(successes) / count
        let centre = share + z * z / (2 * count)
        let spread = z * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
        let scale = 1 + z * z / count
        low = successes == 0 ? 0 : max(0, (centre - spread) / scale)
        high = successes == trials ? 1 : min(1, (centre + spread) / scale)
    }
}
