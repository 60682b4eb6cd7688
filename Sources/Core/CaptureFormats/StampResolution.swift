import NetworkPrimitives

/// How an interface of a pcapng file counts time: the options if_tsresol and if_tsoffset.
struct StampResolution: Sendable {
    /// Microseconds, which is what an interface without the options counts.
    static let microseconds = StampResolution(decimalExponent: 6)

    /// Nanoseconds since 1970 at which the count is 0; nil where that is no wall time.
    private var start: Int64? = 0
    /// Ticks times `multiplier` are nanoseconds, unless it is 0.
    private var multiplier: UInt64 = 0
    /// Ticks divided by `divisor` are nanoseconds, unless it is 0.
    private var divisor: UInt64 = 0
    /// Ticks divided by two to the power of `shift` are seconds.
    private var shift: UInt64 = 0

    private init(decimalExponent: Int) {
        func power(_ exponent: Int) -> UInt64 {
            (0..<exponent).reduce(1) { power, _ in power * 10 }
        }
        if decimalExponent <= 9 {
            multiplier = power(9 - decimalExponent)
        } else {
            divisor = power(decimalExponent - 9)
        }
    }

    /// The resolution that an if_tsresol octet says; nil where it is finer than 64 bits hold.
    ///
    /// The limits are libpcap's.
    init?(option: UInt8) {
        let exponent = Int(option & 0x7f)
        if option & 0x80 == 0 {
            guard exponent <= 19 else { return nil }
            self.init(decimalExponent: exponent)
        } else {
            guard exponent <= 63 else { return nil }
            self.init(decimalExponent: 9)
            multiplier = 0
            shift = UInt64(exponent)
        }
    }

    /// Sets the seconds since 1970 at which the count is 0.
    mutating func setOffset(seconds: Int64) {
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        start = overflow ? nil : nanoseconds
    }

    /// The time at a count; nil where it is none that a `WallTime` holds.
    func wallTime(ticks: UInt64) -> WallTime? {
        guard let start, let count = nanoseconds(ticks: ticks) else { return nil }
        let (sum, overflow) = start.addingReportingOverflow(count)
        return overflow ? nil : WallTime(nanoseconds: sum)
    }

    @inline(__always)
    private func nanoseconds(ticks: UInt64) -> Int64? {
        if multiplier != 0 {
            let (product, overflow) = ticks.multipliedReportingOverflow(by: multiplier)
            return overflow ? nil : Int64(exactly: product)
        }
        if divisor != 0 { return Int64(exactly: ticks / divisor) }
        let (seconds, overflow) = (ticks >> shift).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return nil }
        let fraction = ticks & (1 << shift - 1)
        let scaled = fraction.multipliedFullWidth(by: 1_000_000_000)
        // Below 10⁹, since the fraction is below 2 to the power of `shift`.
        let rest = shift == 0 ? 0 : scaled.high << (64 - shift) | scaled.low >> shift
        let (sum, overflowed) = seconds.addingReportingOverflow(rest)
        return overflowed ? nil : Int64(exactly: sum)
    }
}
