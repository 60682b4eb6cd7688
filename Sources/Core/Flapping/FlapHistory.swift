public import NetworkPrimitives

/// What happened to one tunnel in the last seven days, as far as it bears on why it flaps.
///
/// Occurrences may come in any order, so that it can be filled again from a store after a restart.
///
/// *Bounded.* 4096 changes of state, rekeys and losses of each path, 1024 route changes, 512 changes of the
/// path MTU: about 400 KiB when full. What is forgotten shortens the time that is looked at.
public struct FlapHistory: Sendable {
    /// A state, in the order of badness.
    public enum Health: Int, Comparable, Sendable {
        /// Not judged: what comes after it is no change for the worse.
        case unknown
        /// Probes are answered.
        case healthy
        /// Some fail.
        case degraded
        /// All recent ones fail.
        case down

        /// Orders by badness.
        public static func < (left: Health, right: Health) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// How far back it reaches.
    public static let reach = Duration.seconds(7 * 86_400)
    /// Losses on the underlay that are not as far apart as this are one.
    static let lossGap = Duration.seconds(2)
    var watched = ObservedTime()
    var worsenings = OccurrenceLog(capacity: 4096)
    var rekeys = OccurrenceLog(capacity: 4096)
    var routeChanges = OccurrenceLog(capacity: 1024)
    var underlayLosses = OccurrenceLog(capacity: 4096)
    var insideLosses = OccurrenceLog(capacity: 4096)
    var sizeChanges = OccurrenceLog(capacity: 512)

    /// An empty history.
    public init() {}

    /// Notes that the tunnel was watched for a time, to its end at least.
    public mutating func noteWatch(from start: MonotonicInstant, to end: MonotonicInstant) {
        watched.note(from: start, to: end)
    }

    /// Notes a change of state; only one for the worse counts.
    public mutating func noteChange(from: Health, to: Health, at instant: MonotonicInstant) {
        guard from != .unknown, to > from else { return }
        worsenings.note(from: instant, to: instant)
    }

    /// Notes a rekey, by the installation of the new SA or its first packet.
    public mutating func noteRekey(at instant: MonotonicInstant) {
        rekeys.note(from: instant, to: instant)
    }

    /// Whether a rekey at that moment is noted.
    public func hasRekey(at instant: MonotonicInstant) -> Bool {
        rekeys.entries.reversed().lazy.prefix { $0.start >= instant }
            .contains { $0.start == instant }
    }

    /// Notes that the route or next hop to the endpoint is another.
    public mutating func noteRouteChange(at instant: MonotonicInstant) {
        routeChanges.note(from: instant, to: instant)
    }

    /// Notes a lost probe of the underlay, by the time it was sent.
    public mutating func noteUnderlayLoss(at instant: MonotonicInstant) {
        underlayLosses.noteAgain(at: instant, gap: Self.lossGap)
    }

    /// Notes a stretch of loss on the underlay.
    public mutating func noteUnderlayLoss(
        from start: MonotonicInstant, to end: MonotonicInstant
    ) {
        underlayLosses.note(from: start, to: end)
    }

    /// Notes a lost probe through the tunnel, by the time it was sent.
    public mutating func noteInsideLoss(at instant: MonotonicInstant) {
        insideLosses.note(from: instant, to: instant)
    }

    /// Notes that losses through the tunnel are known from an instant on only.
    public mutating func forgetInsideLosses(before instant: MonotonicInstant) {
        insideLosses.forgetKnowledge(before: instant)
    }

    /// Notes that the underlay's path MTU changed at some moment between two measurements.
    public mutating func noteSizeChange(
        between before: MonotonicInstant, and after: MonotonicInstant
    ) {
        sizeChanges.note(from: before, to: after)
    }

    /// Notes the time, and forgets what is too old.
    public mutating func advance(to now: MonotonicInstant) {
        watched.advance(to: now)
        let limit = now - Self.reach
        watched =
            watched.spans.first.map { $0.start < limit } == true
            ? watched.since(limit) : watched
        worsenings.forget(before: limit)
        rekeys.forget(before: limit)
        routeChanges.forget(before: limit)
        underlayLosses.forget(before: limit)
        insideLosses.forget(before: limit)
        sizeChanges.forget(before: limit)
    }

    func log(of cause: FlapCause) -> OccurrenceLog? {
        switch cause {
        case .rekeys: rekeys
        case .routeChanges: routeChanges
        case .underlayLoss: underlayLosses
        case .pathMTU: sizeChanges
        case .timeOfDay: nil
        }
    }
}
