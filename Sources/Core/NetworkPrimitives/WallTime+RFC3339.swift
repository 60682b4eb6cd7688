extension WallTime {
    /// Reads a date and a time of day with their offset, like `2026-11-22T12:00:00.123Z`.
    ///
    /// RFC 3339 §5.6; small letters and a space before the time are taken too (§5.6, note), digits
    /// beyond nanoseconds are dropped, a leap second is the second after it. nil for anything else,
    /// a day that the month does not have too, and for what does not fit, before 1677 and after 2262.
    public init?(rfc3339 text: ArraySlice<UInt8>) {
        var reader = TimeTextReader(rest: text)
        guard let year = reader.number(4), reader.take("-"),
            let month = reader.number(2), reader.take("-"), let day = reader.number(2),
            reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2),
            reader.take(":"), let second = reader.number(2),
            let fraction = reader.fraction(), let offset = reader.offset(), reader.rest.isEmpty,
            (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carries) = whole.addingReportingOverflow(fraction)
        guard !overflow, !carries else { return nil }
        self.init(nanoseconds: sum)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The day number of a date of year 0 or later, day 0 being 1970-01-01.
    ///
    /// Years begin on 1 March here, so the leap day is the last day of a year.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = year - (month <= 2 ? 1 : 0)
        // January and February of year 0 lie in the era before.
        let era = (marchYear < 0 ? marchYear - 399 : marchYear) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// Takes the parts of a time's text from its front.
private struct TimeTextReader {
    var rest: ArraySlice<UInt8>

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard let first = rest.first, first == UInt8(ascii: scalar) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { return nil }
        rest.removeFirst()
        return Int64(first - UInt8(ascii: "0"))
    }

    /// A number of exactly `width` digits.
    mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The fraction of a second in nanoseconds, 0 without one.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        guard let first = digit() else { return nil }
        var unit: Int64 = 100_000_000
        var value = first * unit
        while let digit = digit() {
            unit /= 10
            value += digit * unit
        }
        return value
    }

    /// The offset from UTC in seconds, east positive.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isEast = take("+")
        guard isEast || take("-"), let hours = number(2), take(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 3600 + minutes * 60)
    }
}
