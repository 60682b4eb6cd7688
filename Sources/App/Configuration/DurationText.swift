/// Durations as operators write them: `10ms`, `1.5s`, `5m`, `2h`, `30d`, `1m30s`.
public enum DurationText {
    /// The units, longest first, in nanoseconds.
    private static let units: [(suffix: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000), ("ms", 1_000_000),
    ]

    /// Reads one or more numbers, each directly followed by a unit: d, h, m, s or ms.
    ///
    /// Units go from long to short and each appears once. A number may have a fraction of up to nine
    /// digits; what is finer than a nanosecond is cut off. There is no sign.
    ///
    /// - Returns: nil for anything else, and for more than 292 years.
    public static func parse(_ text: String) -> Duration? {
        var rest = Array(text.utf8)[...]
        guard !rest.isEmpty else { return nil }
        var nextUnit = 0
        var total: Int64 = 0
        while !rest.isEmpty {
            guard let (whole, fraction) = number(&rest) else { return nil }
            let letters = rest.prefix { (0x61...0x7a).contains($0) }
            rest = rest.dropFirst(letters.count)
            guard
                let unit = units.indices.first(where: {
                    units[$0].suffix.utf8.elementsEqual(letters)
                }),
                unit >= nextUnit
            else { return nil }
            nextUnit = unit + 1
            let size = units[unit].nanoseconds
            let (product, overflow) = whole.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            // 128 bits: a nine-digit fraction times a day's nanoseconds passes 2^63.
            let part = Int64(
                Int128(fraction.numerator) * Int128(size) / Int128(fraction.denominator))
            let (withPart, carried) = product.addingReportingOverflow(part)
            let (sum, overflowed) = total.addingReportingOverflow(withPart)
            guard !carried, !overflowed else { return nil }
            total = sum
        }
        return .nanoseconds(total)
    }

    /// Takes `digits[.digits]` off the front of `rest`.
    private static func number(
        _ rest: inout ArraySlice<UInt8>
    ) -> (whole: Int64, fraction: (numerator: Int64, denominator: Int64))? {
        func digits() -> ArraySlice<UInt8> {
            let run = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(run.count)
            return run
        }
        let run = digits()
        guard let whole = Int64(String(decoding: run, as: UTF8.self)) else { return nil }
        guard rest.first == UInt8(ascii: ".") else { return (whole, (0, 1)) }
        rest = rest.dropFirst()
        let decimals = digits()
        guard (1...9).contains(decimals.count),
            let numerator = Int64(String(decoding: decimals, as: UTF8.self))
        else { return nil }
        return (whole, (numerator, decimals.reduce(1) { product, _ in product * 10 }))
    }

    /// Writes a duration so that `parse` reads it back: `1m30s`, `2400ms` as `2s400ms`, zero as `0s`.
    ///
    /// - Precondition: the duration is not negative.
    public static func format(_ duration: Duration) -> String {
        precondition(duration >= .zero, "a negative duration has no text")
        let seconds = duration.components.seconds
        let nanoseconds = duration.components.attoseconds / 1_000_000_000
        guard seconds != 0 || nanoseconds != 0 else { return "0s" }
        var rest = seconds
        var text = ""
        for unit in units.prefix(4) {
            let size = unit.nanoseconds / 1_000_000_000
            if rest >= size { text += "\(rest / size)\(unit.suffix)" }
            rest %= size
        }
        guard nanoseconds > 0 else { return text }
        let milliseconds = nanoseconds / 1_000_000
        let below = nanoseconds % 1_000_000
        guard below > 0 else { return text + "\(milliseconds)ms" }
        var digits = String(below)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return text + "\(milliseconds).\(digits)ms"
    }
}
