public import NetworkPrimitives

/// Says when a path's ladder has to be climbed again.
public struct ReplyPathWatch: Sendable {
    /// Why a ladder is due.
    public enum Cause: Hashable, Sendable {
        /// The interval has passed, or there was none yet.
        case interval
        /// The tunnel's state changed.
        case stateChanged
        /// The path changed: its routers, its route or its device.
        case pathChanged
    }

    /// The least time from the end of a ladder to the start of the next.
    public static let floor = Duration.seconds(30)

    /// Time between the starts of two ladders.
    public let interval: Duration
    /// When the next ladder is due; nil while one runs.
    public private(set) var nextDue: MonotonicInstant?

    private var asked: Cause?
    private var startedAt: MonotonicInstant?
    private var endedAt: MonotonicInstant?

    /// Starts a watch whose first ladder is due at `start`.
    ///
    /// - Precondition: `interval` is positive.
    public init(interval: Duration, start: MonotonicInstant) {
        precondition(interval > .zero, "an interval must be positive")
        self.interval = interval
        nextDue = start
    }

    /// Why a ladder is to be started at `now`; nil when none is due.
    ///
    /// Call `started` if it is started.
    public func due(at now: MonotonicInstant) -> Cause? {
        guard let nextDue, nextDue <= now else { return nil }
        return asked ?? .interval
    }

    /// Why the next ladder is due.
    public var cause: Cause { asked ?? .interval }

    /// Asks for a ladder at once, or as soon as the one that runs has ended and `floor` has passed.
    public mutating func ask(_ cause: Cause, at now: MonotonicInstant) {
        asked = asked ?? cause
        guard let due = nextDue else { return }
        let earliest = endedAt.map { $0 + Self.floor } ?? now
        nextDue = min(due, max(now, earliest))
    }

    /// Notes that a ladder started.
    public mutating func started(at now: MonotonicInstant) {
        startedAt = now
        nextDue = nil
        asked = nil
    }

    /// Notes that the ladder ended, or could not be started after all.
    public mutating func ended(at now: MonotonicInstant) {
        endedAt = now
        let earliest = now + Self.floor
        let regular = max(earliest, (startedAt ?? now) + interval)
        nextDue = asked == nil ? regular : earliest
    }
}
