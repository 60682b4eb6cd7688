import Glibc
public import NetworkPrimitives

/// The clock that intervals are measured with: CLOCK_MONOTONIC.
///
/// It never steps. It stands still while the machine sleeps.
public enum MonotonicClock {
    /// The time now.
    public static func now() -> MonotonicInstant {
        MonotonicInstant(nanoseconds: nanoseconds(of: CLOCK_MONOTONIC))
    }
}

/// The clock that people and kernel packet stamps use: CLOCK_REALTIME, which may step.
public enum WallClock {
    /// The time now.
    public static func now() -> WallTime {
        WallTime(nanoseconds: nanoseconds(of: CLOCK_REALTIME))
    }
}

private func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    let result = unsafe clock_gettime(clock, &time)
    // clock_gettime(2) fails for an unknown clock or a bad pointer only.
    precondition(result == 0, "clock_gettime(\(clock))")
    return time.totalNanoseconds
}

extension timespec {
    /// The time as one number, in nanoseconds.
    var totalNanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}
