public import NetworkPrimitives

/// The two clocks of a simulated host: one that only runs, and one that people set.
///
/// Nothing here reads a real clock; a simulated day takes as long as its events.
public struct VirtualClock: Hashable, Sendable {
    /// The monotonic clock.
    public private(set) var now: MonotonicInstant
    /// The wall clock; `step(by:)` moves it against `now`.
    public private(set) var wall: WallTime

    /// Starts both clocks; the wall clock at 2026-11-22T12:00:00Z unless told.
    public init(
        now: MonotonicInstant = .zero,
        wall: WallTime = WallTime(nanoseconds: 1_795_348_800_000_000_000)
    ) {
        self.now = now
        self.wall = wall
    }

    /// Moves both clocks on.
    ///
    /// - Precondition: `instant` is not before `now`.
    public mutating func advance(to instant: MonotonicInstant) {
        precondition(instant >= now, "a monotonic clock cannot go from \(now) back to \(instant)")
        wall = wall + (instant - now)
        now = instant
    }

    /// Sets the wall clock by `duration`, forwards or back, as an operator or NTP would.
    public mutating func step(by duration: Duration) {
        wall = wall + duration
    }
}
