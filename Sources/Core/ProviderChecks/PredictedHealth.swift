import NetworkPrimitives

/// The state that the provider's own rules give a tunnel, from what this side sees of its checks.
///
/// The rules as published: degraded once two checks of the last five minutes failed and they are at
/// least 0.1 %; down once every sample of the last second failed, three at least; from down to degraded
/// with three good ones in a row; from degraded to healthy after five minutes, with none of the last 30
/// failed. The provider applies them to each of its places by itself, and does not say what it decided;
/// here all checks are one place's. A failed check is repeated twice at once, so three failures in a row
/// with no success for a second are down, however slow the checks come. A check that was not answered
/// here has failed there; one that was answered may be lost behind this host all the same.
struct PredictedHealth: Sendable {
    typealias State = ProviderChecksReport.PredictedState

    struct Count: SlotValue {
        var checks = 0
        var failures = 0

        static func += (left: inout Count, right: Count) {
            left.checks += right.checks
            left.failures += right.failures
        }
    }

    static let window = Duration.seconds(300)
    static let samples = 30

    /// Nil until enough was seen.
    private(set) var state: State?
    private var since: MonotonicInstant?
    private var first: MonotonicInstant?
    private var lastSuccess: MonotonicInstant?
    private var failuresInRow = 0
    private var successesInRow = 0
    private var count = 0
    private var recent = Slots<Count>(length: .seconds(5), count: 61)

    /// A check was judged.
    mutating func note(isAnswered: Bool, at now: MonotonicInstant) {
        if first == nil { first = now }
        count += 1
        if isAnswered {
            successesInRow += 1
            failuresInRow = 0
            lastSuccess = now
        } else {
            failuresInRow += 1
            successesInRow = 0
        }
        recent.add(Count(checks: 1, failures: isAnswered ? 0 : 1), at: now)
        step(now)
    }

    private mutating func step(_ now: MonotonicInstant) {
        let isSecondLost = lastSuccess.map { now - $0 > .seconds(1) } ?? true
        if failuresInRow >= 3, isSecondLost {
            enter(.down, now)
            return
        }
        switch state {
        case .down:
            if successesInRow >= 3 { enter(.degraded, now) }
        case .degraded:
            let stay = since.map { now - $0 } ?? .zero
            if stay >= Self.window, successesInRow >= Self.samples, !hasFailures(now) {
                enter(.healthy, now)
            }
        case .healthy, nil:
            if hasFailures(now) {
                enter(.degraded, now)
            } else if state == nil, isKnownWell(now) {
                enter(.healthy, now)
            }
        }
    }

    /// At least two of the last five minutes failed, and 0.1 %.
    private func hasFailures(_ now: MonotonicInstant) -> Bool {
        let sum = recent.sum(of: Self.window, before: now)
        return sum.failures >= 2 && sum.failures * 1_000 >= sum.checks
    }

    private func isKnownWell(_ now: MonotonicInstant) -> Bool {
        count >= Self.samples
            || count >= 3 && (first.map { now - $0 >= Self.window } ?? false)
    }

    private mutating func enter(_ new: State, _ now: MonotonicInstant) {
        guard new != state else { return }
        state = new
        since = now
    }
}
