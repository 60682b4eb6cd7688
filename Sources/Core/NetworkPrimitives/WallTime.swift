/// A point on the wall clock (CLOCK_REALTIME), in nanoseconds since 1970-01-01 UTC.
///
/// Kernel packet stamps and everything shown to people are of this type; intervals are measured
/// with `MonotonicInstant`, and the two are never subtracted from each other.
public struct WallTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// Makes a wall time from nanoseconds since 1970-01-01T00:00:00Z.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Orders wall times.
    public static func < (left: WallTime, right: WallTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The wall time `duration` later; saturates at both ends, in 1677 and 2262.
    public static func + (time: WallTime, duration: Duration) -> WallTime {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        guard overflow else { return WallTime(nanoseconds: sum) }
        return WallTime(nanoseconds: duration < .zero ? .min : .max)
    }

    /// Seconds since 1970-01-01T00:00:00Z, with a fraction.
    public var unixSeconds: Double {
        Double(nanoseconds) / 1e9
    }
}

extension WallTime: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds, like `2026-11-22T12:00:00.000Z`.
    public var description: String {
        let milliseconds = nanoseconds.flooredQuotient(by: 1_000_000)
        let secondsOfDay = milliseconds.flooredQuotient(by: 1000)
        let days = secondsOfDay.flooredQuotient(by: 86_400)
        let (year, month, day) = Self.civil(daysSinceEpoch: days)
        let second = secondsOfDay - days * 86_400
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time =
            "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(date)T\(time).\(padded(milliseconds - secondsOfDay * 1000, 3))Z"
    }

    /// The proleptic Gregorian date of a day number, day 0 being 1970-01-01.
    ///
    /// Counts in 400-year eras that start on 1 March, so the leap day is the last day of a year.
    private static func civil(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
