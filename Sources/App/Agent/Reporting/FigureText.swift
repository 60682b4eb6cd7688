import NetworkPrimitives

/// Figures as people read them.
enum FigureText {
    /// A number with so many decimals, 0...9.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        let unit = (0..<decimals).reduce(1.0) { result, _ in result * 10 }
        let scaled = (value.magnitude * unit).rounded(.toNearestOrAwayFromZero)
        guard scaled.isFinite, scaled < 9e18 else { return "\(value)" }
        let digits = String(Int64(scaled))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }

    /// A share as a percentage with about three digits, never rounded to 0 or 100.
    static func percent(_ ratio: Double) -> String {
        let percent = ratio * 100
        switch percent {
        case 0: return "0 %"
        case ..<0.001: return "<0.001 %"
        case ..<0.0995: return "\(fixed(percent, 3)) %"
        case ..<9.995: return "\(fixed(percent, 2)) %"
        case ..<99.95: return "\(fixed(percent, 1)) %"
        case ..<100: return ">99.9 %"
        default: return "100 %"
        }
    }

    /// A rate with about three digits.
    static func rate(_ perSecond: Double) -> String {
        switch perSecond {
        case ..<9.995: "\(fixed(perSecond, 2)) /s"
        case ..<99.95: "\(fixed(perSecond, 1)) /s"
        default: "\(fixed(perSecond, 0)) /s"
        }
    }

    /// Octets with a decimal prefix, as file managers and routers show them.
    static func octets(_ count: UInt64) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(count)
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        return "\(fixed(value, decimals)) \(units[unit])"
    }

    /// A time in the two largest of its units.
    static func duration(_ duration: Duration) -> String {
        let seconds = duration.seconds
        switch seconds {
        case ..<0.001: return "\(fixed(seconds * 1e6, 0)) us"
        case ..<0.9995:
            return "\(fixed(seconds * 1e3, seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0)) ms"
        case ..<59.95: return "\(fixed(seconds, 1)) s"
        default: break
        }
        let whole = Int64(seconds.rounded())
        switch whole {
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    /// A count and its noun, in the plural where there is not exactly one.
    static func count(_ count: some BinaryInteger, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }
}
