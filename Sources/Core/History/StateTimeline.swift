public import NetworkPrimitives

/// What a tunnel's state was, moment by moment, as far as it was watched.
public struct StateTimeline: Equatable, Sendable {
    /// A stretch of time with one state.
    public struct Segment: Equatable, Sendable {
        /// `healthy`, `degraded`, `down`, `unknown`, or `not_watched` where no agent ran.
        public var state: String
        /// When it began.
        public var from: WallTime
        /// When it ended.
        public var to: WallTime

        /// Makes a segment.
        public init(_ state: String, from: WallTime, to: WallTime) {
            self.state = state
            self.from = from
            self.to = to
        }

        /// How long it lasted.
        public var length: Duration { .nanoseconds(max(0, to.nanoseconds - from.nanoseconds)) }
        /// Whether packets were lost in it.
        public var isUnhealthy: Bool { state == "degraded" || state == "down" }
    }

    /// The state where no agent ran.
    public static let notWatched = "not_watched"

    /// The segments, which follow each other without a gap from the first to the last moment.
    public private(set) var segments: [Segment] = []

    /// Puts a timeline together.
    ///
    /// - Parameters:
    ///   - events: the tunnel's own events and the host's, in any order.
    ///   - tunnel: whose timeline it is.
    ///   - times: the first and the last moment.
    ///   - initial: the state before the first; nil where none is kept.
    ///   - watchedUntil: the last sign of life of the agent; nil for one that runs.
    public init(
        of events: [HistoryEvent], tunnel: String, _ times: ClosedRange<WallTime>,
        initial: String?, watchedUntil: WallTime? = nil
    ) {
        var state = initial ?? Self.notWatched
        var since = times.lowerBound
        // Of two at one moment the later one counts; equal times keep their order.
        let sorted = events.enumerated().filter { $0.element.tunnel ?? tunnel == tunnel }
            .sorted { left, right in
                left.element.at == right.element.at
                    ? left.offset < right.offset : left.element.at < right.element.at
            }.map(\.element)
        for event in sorted {
            guard let next = Self.state(after: event, state) else { continue }
            // What came before the first moment decides what the state is then.
            let at = min(max(event.at, times.lowerBound), times.upperBound)
            append(state, since, at)
            (state, since) = (next, at)
        }
        if let watchedUntil, watchedUntil < times.upperBound, state != Self.notWatched {
            let end = max(since, watchedUntil)
            append(state, since, end)
            (state, since) = (Self.notWatched, end)
        }
        append(state, since, times.upperBound)
    }

    private static func state(after event: HistoryEvent, _ before: String) -> String? {
        switch event.kind {
        case .stateChanged(let change): change.to
        case .agentStarted: "unknown"
        case .agentStopped: notWatched
        case .other("agent_lost"): notWatched
        case .other("tunnel_removed") where event.tunnel != nil: notWatched
        case .other("tunnel_added") where event.tunnel != nil && before == notWatched: "unknown"
        default: nil
        }
    }

    private mutating func append(_ state: String, _ from: WallTime, _ to: WallTime) {
        guard from < to else { return }
        if let last = segments.last, last.state == state {
            segments[segments.count - 1].to = to
        } else {
            segments.append(Segment(state, from: from, to: to))
        }
    }

    /// The part of it within a time.
    func clipped(_ times: ClosedRange<WallTime>) -> StateTimeline {
        var clipped = self
        clipped.segments = segments.compactMap { segment in
            let from = max(segment.from, times.lowerBound)
            let to = min(segment.to, times.upperBound)
            return from < to ? Segment(segment.state, from: from, to: to) : nil
        }
        return clipped
    }

    /// How long each state lasted within a stretch of time.
    public func lengths(_ times: ClosedRange<WallTime>) -> StateLengths {
        var lengths = StateLengths()
        for segment in segments {
            let from = max(segment.from, times.lowerBound)
            let to = min(segment.to, times.upperBound)
            guard from < to else { continue }
            lengths.add(segment.state, .nanoseconds(to.nanoseconds - from.nanoseconds))
        }
        return lengths
    }
}

/// How long each state lasted.
public struct StateLengths: Equatable, Sendable {
    /// Time in which probes were answered.
    public private(set) var healthy = Duration.zero
    /// Time in which some failed.
    public private(set) var degraded = Duration.zero
    /// Time in which all failed.
    public private(set) var down = Duration.zero
    /// Time that was watched and could not be judged.
    public private(set) var unknown = Duration.zero
    /// Time in which no agent ran; it counts as nothing.
    public private(set) var notWatched = Duration.zero

    /// Nothing lasted any time.
    public init() {}

    mutating func add(_ state: String, _ length: Duration) {
        switch state {
        case "healthy": healthy += length
        case "degraded": degraded += length
        case "down": down += length
        case StateTimeline.notWatched: notWatched += length
        default: unknown += length
        }
    }

    /// Time that was judged.
    public var judged: Duration { healthy + degraded + down }
    /// The share of the judged time in which the tunnel carried packets, healthy or degraded, 0...1; nil where
    /// nothing was judged.
    public var availability: Double? { share(healthy + degraded) }
    /// The share of the judged time in which it was healthy: the provider's SLI, for which degraded is
    /// failed; nil where nothing was judged.
    public var healthyShare: Double? { share(healthy) }

    private func share(_ part: Duration) -> Double? {
        judged == .zero ? nil : part / judged
    }
}

/// How fast the error budget of an objective is spent.
public struct BurnRate: Equatable, Sendable {
    /// The time it is of.
    public var window: Duration
    /// The share of good time in it, 0...1; nil where nothing was judged.
    public var indicator: Double?
    /// How many times faster than allowed the budget is spent; nil where nothing was judged, or the
    /// objective leaves no budget.
    public var rate: Double?

    /// Computes it.
    ///
    /// - Parameters:
    ///   - timeline: the tunnel's states.
    ///   - window: the time, up to `end`.
    ///   - end: the last moment.
    ///   - objective: the objective in percent, 0...100.
    public init(
        of timeline: StateTimeline, _ window: Duration, until end: WallTime, objective: Double
    ) {
        self.window = window
        indicator = timeline.lengths(end + (.zero - window)...end).healthyShare
        let budget = 1 - objective / 100
        rate = budget > 0 ? indicator.map { (1 - $0) / budget } : nil
    }

    /// Whether the objective is missed; nil where nothing was judged.
    public func isMissed(_ objective: Double) -> Bool? { indicator.map { $0 * 100 < objective } }
}
