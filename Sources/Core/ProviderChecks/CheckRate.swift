import NetworkPrimitives

/// How many checks come a second, and seconds in which far more came.
struct CheckRate: Sendable {
    struct Count: SlotValue, Hashable {
        var checks = 0

        static func += (left: inout Count, right: Count) { left.checks += right.checks }
    }

    /// A rise is judged against the median of so long, of which so much must have passed.
    private static let baseline = Duration.seconds(600)
    private static let minimum = 60

    private let start: MonotonicInstant
    private var seconds = Slots<Count>(length: .seconds(1), count: 604)
    private var surges = Slots<Count>(length: .seconds(10), count: 60)
    /// Up to when seconds were judged.
    private var judgedUntil: MonotonicInstant

    init(start: MonotonicInstant) {
        self.start = start
        judgedUntil = start
    }

    mutating func note(at instant: MonotonicInstant) {
        seconds.add(Count(checks: 1), at: instant)
    }

    /// Checks a second over the last minute, or since the start if that is shorter; nil in the first
    /// three seconds.
    func perSecond(at now: MonotonicInstant) -> Double? {
        let end = now - CheckMatching.patience
        let span = min(end - start, .seconds(60))
        // The second in progress is left out, and the one that the start fell into.
        let whole = Int(span.nanoseconds / 1_000_000_000) - 1
        guard whole >= 2 else { return nil }
        let values = seconds.values(of: .seconds(whole), before: end)
        return Double(values.reduce(0) { $0 + $1.checks }) / Double(whole)
    }

    /// Seconds of the last ten minutes in which at least twice as many came as usual, and too many for
    /// chance.
    func surgeCount(at now: MonotonicInstant) -> Int {
        surges.sum(of: Self.baseline, before: now).checks
    }

    mutating func advance(to now: MonotonicInstant) {
        let end = now - CheckMatching.patience
        guard end - judgedUntil >= .seconds(1) else { return }
        // After a long pause only the last second counts.
        let due = min(Int((end - judgedUntil).nanoseconds / 1_000_000_000), 10)
        judgedUntil = end
        let known = min(end - start, Self.baseline)
        let whole = Int(known.nanoseconds / 1_000_000_000) - 1
        guard whole >= Self.minimum else { return }
        let values = seconds.values(of: .seconds(whole), before: end).map(\.checks)
        let usual = values.sorted()[values.count / 2]
        guard usual > 0 else { return }
        let limit = max(
            2 * Double(usual), Double(usual) + 6 * Double(usual).squareRoot())
        for (age, value) in values.suffix(due).reversed().enumerated() where Double(value) >= limit
        {
            surges.add(Count(checks: 1), at: end - .seconds(age + 1))
        }
    }
}
