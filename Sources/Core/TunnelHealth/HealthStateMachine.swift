public import NetworkPrimitives

/// Judges a tunnel by its probe samples, with the provider's published thresholds.
///
/// ```
///              3 successes in a row
///   unknown ─────────────────────────► healthy ◄──────────────────────────────┐
///      │                                  │  ≥ 2 failures and ≥ 0.1 %        │ last 30 pass,
///      │ 3 or more samples in 1 s,        ▼  of the last 5 min               │ minimum stay over,
///      │ all failed                    degraded ─────────────────────────────┘ 5 min clean
///      ▼                                  ▲ │ 3 or more samples
///     down ◄──────────────────────────────┼─┘ in 1 s, all failed (from healthy too)
///      └──────────────────────────────────┘
///              3 successes in a row
/// ```
///
/// Every rule runs on the samples' own monotonic send times, so neither a clock step nor a pause
/// of this process changes a state. Samples come in the order they were sent.
public struct HealthStateMachine: Sendable {
    /// The thresholds.
    public struct Thresholds: Equatable, Sendable {
        /// The window of the degraded rule.
        public var degradedWindow = Duration.seconds(300)
        /// Failures in that window that make a healthy tunnel degraded, at least.
        public var degradedFailures = 2
        /// The share of failures in that window that makes a healthy tunnel degraded, at least.
        public var degradedRatio = 0.001
        /// The window of the down rule.
        public var downWindow = Duration.seconds(1)
        /// Samples in that window, all failed, that make a tunnel down.
        public var downSamples = 3
        /// Successes in a row that lift down to degraded, and unknown to healthy.
        public var recoverySuccesses = 3
        /// Successes in a row that lift degraded to healthy.
        public var healthySuccesses = 30
        /// The shortest stay in degraded.
        public var degradedMinimum = Duration.seconds(300)

        /// The published thresholds.
        public init() {}
    }

    /// A change of state.
    public struct Transition: Equatable, Sendable {
        /// The state before.
        public var from: TunnelState
        /// The state after.
        public var to: TunnelState
        /// The send time of the sample that decided it.
        public var at: MonotonicInstant

        /// Describes a change.
        public init(from: TunnelState, to: TunnelState, at: MonotonicInstant) {
            self.from = from
            self.to = to
            self.at = at
        }
    }

    /// The thresholds in force.
    public var thresholds: Thresholds
    /// The state now.
    public private(set) var state = TunnelState.unknown
    /// Whether any sample ever succeeded.
    public private(set) var hasEverSucceeded = false
    /// When the state was entered; nil before the first transition.
    public private(set) var since: MonotonicInstant?

    private var samples: [Sample] = []
    private var oldest = 0
    private var failuresInWindow = 0
    private var successesInARow = 0
    private var successesWhileDegraded = 0

    private struct Sample {
        var at: MonotonicInstant
        var succeeded: Bool
    }

    /// A machine that knows nothing yet.
    public init(thresholds: Thresholds = Thresholds()) {
        self.thresholds = thresholds
    }

    /// Takes the next sample.
    ///
    /// - Parameters:
    ///   - succeeded: whether the probe was answered in time.
    ///   - instant: when it was sent; not before the sample taken last.
    ///   - mayBeDown: false while other evidence shows the tunnel carries traffic although the
    ///     target never answered; then silence means "unknown".
    /// - Returns: the transition that the sample causes, if any.
    public mutating func record(
        succeeded: Bool, sentAt instant: MonotonicInstant, mayBeDown: Bool = true
    ) -> Transition? {
        samples.append(Sample(at: instant, succeeded: succeeded))
        if succeeded {
            successesInARow += 1
            successesWhileDegraded += 1
            hasEverSucceeded = true
        } else {
            failuresInWindow += 1
            successesInARow = 0
            successesWhileDegraded = 0
        }
        forget(before: instant - thresholds.degradedWindow)

        if isAllFailed(at: instant) {
            if hasEverSucceeded || mayBeDown { return enter(.down, at: instant) }
            return enter(.unknown, at: instant)
        }
        switch state {
        case .unknown where successesInARow >= thresholds.recoverySuccesses:
            return enter(.healthy, at: instant)
        case .down where successesInARow >= thresholds.recoverySuccesses:
            return enter(.degraded, at: instant)
        case .healthy where isFailing:
            return enter(.degraded, at: instant)
        case .degraded
        where successesWhileDegraded >= thresholds.healthySuccesses && !isFailing
            && since.map { instant - $0 >= thresholds.degradedMinimum } ?? true:
            return enter(.healthy, at: instant)
        case .unknown, .down, .healthy, .degraded:
            return nil
        }
    }

    /// Forgets all samples, because what they were samples of is no longer probed; the state stays
    /// until new samples change it.
    public mutating func forgetSamples() {
        samples = []
        oldest = 0
        failuresInWindow = 0
        successesInARow = 0
        successesWhileDegraded = 0
        hasEverSucceeded = false
    }

    /// Knows nothing any more, because nothing can be probed: forgets all samples and is unknown.
    ///
    /// - Parameter instant: when that came to light.
    /// - Returns: the transition, unless the state was unknown already.
    public mutating func loseSight(at instant: MonotonicInstant) -> Transition? {
        forgetSamples()
        return enter(.unknown, at: instant)
    }

    /// Samples in memory; a few more than the window holds.
    var rememberedSampleCount: Int { samples.count }

    private var isFailing: Bool {
        let total = samples.count - oldest
        return failuresInWindow >= thresholds.degradedFailures
            && Double(failuresInWindow) >= thresholds.degradedRatio * Double(total)
    }

    private func isAllFailed(at instant: MonotonicInstant) -> Bool {
        var count = 0
        for sample in samples[oldest...].reversed() {
            guard instant - sample.at <= thresholds.downWindow else { break }
            if sample.succeeded { return false }
            count += 1
        }
        return count >= thresholds.downSamples
    }

    private mutating func enter(_ next: TunnelState, at instant: MonotonicInstant) -> Transition? {
        guard next != state else { return nil }
        let transition = Transition(from: state, to: next, at: instant)
        state = next
        since = instant
        if next == .degraded { successesWhileDegraded = 0 }
        return transition
    }

    private mutating func forget(before instant: MonotonicInstant) {
        while oldest < samples.count, samples[oldest].at < instant {
            if !samples[oldest].succeeded { failuresInWindow -= 1 }
            oldest += 1
        }
        if oldest > 256, oldest * 2 > samples.count {
            samples.removeFirst(oldest)
            oldest = 0
        }
    }
}
