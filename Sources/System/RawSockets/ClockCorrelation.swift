// Kernel packet stamps are CLOCK_REALTIME, intervals are CLOCK_MONOTONIC. Linux disciplines the
// frequency of both alike (timekeeping.c keeps one rate and `wall_to_monotonic` beside it), so their
// difference is constant between steps, and every reading of both clocks bounds it. Cutting those
// bounds with each other gives an offset that gets tighter with time and does not jitter: two stamps
// of one round trip are converted with the same number. A reading that contradicts the bounds starts
// new ones; where it contradicts them by more than slewing could explain, somebody set the clock.

public import NetworkPrimitives

/// The wall clock read between two readings of the monotonic clock.
public struct ClockReading: Hashable, Sendable {
    /// The monotonic clock before the wall clock was read.
    public let before: MonotonicInstant
    /// The wall clock.
    public let wall: WallTime
    /// The monotonic clock after the wall clock was read.
    public let after: MonotonicInstant

    /// Makes a reading; for tests and simulations.
    ///
    /// - Precondition: `before` is not after `after`.
    public init(before: MonotonicInstant, wall: WallTime, after: MonotonicInstant) {
        precondition(before <= after, "clock readings out of order")
        self.before = before
        self.wall = wall
        self.after = after
    }

    /// Reads the clocks three times and keeps the tightest reading: a preemption between two clock
    /// calls costs precision, and seldom hits three times in a row.
    public static func now() -> ClockReading {
        var best = once()
        for _ in 0..<2 {
            let next = once()
            if next.after - next.before < best.after - best.before { best = next }
        }
        return best
    }

    private static func once() -> ClockReading {
        let before = MonotonicClock.now()
        let wall = WallClock.now()
        return ClockReading(before: before, wall: wall, after: MonotonicClock.now())
    }
}

/// Converts kernel stamps (CLOCK_REALTIME) to the monotonic clock, and detects clock steps.
public struct ClockCorrelation: Hashable, Sendable {
    /// How far outside its bounds a converted stamp may lie before it is disbelieved, and the least
    /// jump of the offset that counts as a step: 1 ms.
    public static let tolerance = Duration.milliseconds(1)

    /// How often the wall clock was seen to step.
    public private(set) var steps: UInt64 = 0

    /// The last reading's later edge; stamps up to here can be converted.
    public private(set) var sampledAt: MonotonicInstant

    /// Bounds of wall clock minus monotonic clock, in nanoseconds.
    private var bounds: ClosedRange<Int64>
    /// When the last step was noticed; it happened at or before this.
    private var stepSeenAt: MonotonicInstant?

    /// Starts from a reading.
    public init(_ reading: ClockReading = .now()) {
        bounds = Self.bounds(of: reading)
        sampledAt = reading.after
    }

    /// Takes another reading into account.
    ///
    /// Read the clocks after the stamps that are to be converted were fetched, so that a step
    /// between a stamp and this reading cannot go unseen.
    public mutating func sample(_ reading: ClockReading = .now()) {
        let new = Self.bounds(of: reading)
        let elapsed = sampledAt.duration(to: reading.after).nanoseconds
        sampledAt = reading.after
        guard !new.overlaps(bounds) else {
            bounds = new.clamped(to: bounds)
            return
        }
        let gap = max(new.lowerBound - bounds.upperBound, bounds.lowerBound - new.upperBound)
        bounds = new
        // adjtimex(2): NTP slews by at most 500 ppm, that is elapsed / 2000.
        guard gap > Self.tolerance.nanoseconds + max(0, elapsed) / 2000 else { return }
        steps += 1
        stepSeenAt = reading.after
    }

    /// The monotonic time of a kernel stamp that was taken between two instants.
    ///
    /// Nil when a step of the wall clock may lie between `notBefore` and the last reading, or when
    /// the result lies outside the bounds by more than `tolerance`: the stamp then belongs to
    /// another packet or to another time.
    public func convert(
        _ stamp: WallTime, notBefore: MonotonicInstant, notAfter: MonotonicInstant
    ) -> MonotonicInstant? {
        conversion(notBefore: notBefore, notAfter: notAfter).convert(stamp)
    }

    /// `convert` for many stamps that were taken between the same two instants.
    public func conversion(
        notBefore: MonotonicInstant, notAfter: MonotonicInstant
    ) -> StampConversion {
        if let stepSeenAt, notBefore <= stepSeenAt {
            return StampConversion(offset: offset, earliest: .max, latest: .min)
        }
        return StampConversion(
            offset: offset, earliest: (notBefore - Self.tolerance).nanoseconds,
            latest: (notAfter + Self.tolerance).nanoseconds)
    }

    private var offset: Int64 {
        bounds.lowerBound + (bounds.upperBound - bounds.lowerBound) / 2
    }

    /// The monotonic time of a stamp if the wall clock has not stepped since it was taken; nil when
    /// the monotonic clock has no such time.
    func estimate(_ stamp: WallTime) -> MonotonicInstant? {
        let (nanoseconds, overflow) = stamp.nanoseconds.subtractingReportingOverflow(offset)
        return overflow ? nil : MonotonicInstant(nanoseconds: nanoseconds)
    }

    private static func bounds(of reading: ClockReading) -> ClosedRange<Int64> {
        let wall = reading.wall.nanoseconds
        return (wall - reading.after.nanoseconds)...(wall - reading.before.nanoseconds)
    }
}

/// Converts kernel stamps that were taken between two instants, at the cost of a subtraction.
public struct StampConversion: Hashable, Sendable {
    @usableFromInline let offset: Int64
    /// In nanoseconds of the monotonic clock; none lies between when nothing can be converted.
    @usableFromInline let earliest: Int64
    @usableFromInline let latest: Int64

    /// The monotonic time of a stamp; nil as `ClockCorrelation.convert` has it.
    @inlinable
    public func convert(_ stamp: WallTime) -> MonotonicInstant? {
        let (nanoseconds, overflow) = stamp.nanoseconds.subtractingReportingOverflow(offset)
        guard !overflow, nanoseconds >= earliest, nanoseconds <= latest else { return nil }
        return MonotonicInstant(nanoseconds: nanoseconds)
    }
}
