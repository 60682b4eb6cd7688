import NetworkSimulation

/// Logarithm and power by nothing but IEEE 754's four operations.
///
/// The C library may use fused operations on one machine and not on another, and differ in the last
/// bit; a stream must follow from its seed everywhere.
enum PortableMath {
    private static let ln2 = 0.693_147_180_559_945_3

    /// The natural logarithm of a positive, finite, normal number, to about 10⁻¹⁶.
    static func logarithm(_ number: Double) -> Double {
        var exponent = Double(number.exponent)
        var fraction = number.significand
        if fraction > 1.414_213_562_373_095 {
            fraction *= 0.5
            exponent += 1
        }
        // ln m = 2 artanh s, s = (m − 1) / (m + 1), |s| < 0.1716.
        let s = (fraction - 1) / (fraction + 1)
        let s2 = s * s
        var sum = 1.0 / 19
        sum = sum * s2 + 1.0 / 17
        sum = sum * s2 + 1.0 / 15
        sum = sum * s2 + 1.0 / 13
        sum = sum * s2 + 1.0 / 11
        sum = sum * s2 + 1.0 / 9
        sum = sum * s2 + 1.0 / 7
        sum = sum * s2 + 1.0 / 5
        sum = sum * s2 + 1.0 / 3
        sum = sum * s2 + 1
        return exponent * ln2 + 2 * s * sum
    }

    /// e to the power of a number between −700 and 700, to about 10⁻¹⁵.
    static func exponential(_ number: Double) -> Double {
        let whole = (number / ln2).rounded()
        let rest = number - whole * ln2
        var sum = 1.0
        for term in stride(from: 18.0, through: 1, by: -1) { sum = 1 + sum * rest / term }
        return Double(sign: .plus, exponent: Int(whole), significand: sum)
    }
}

extension SeededGenerator {
    /// An exponentially distributed number with mean 1.
    mutating func exponential() -> Double {
        // 1 − u is in 0 <... 1.
        -PortableMath.logarithm(1 - unit())
    }

    /// A normally distributed number with mean 0 and deviation 1 (Marsaglia's polar method).
    mutating func normal() -> Double {
        while true {
            let x = 2 * unit() - 1
            let y = 2 * unit() - 1
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            return x * (-2 * PortableMath.logarithm(square) / square).squareRoot()
        }
    }

    /// A Poisson distributed number; beyond a mean of 500 by its normal limit.
    mutating func poisson(_ mean: Double) -> UInt64 {
        guard mean < 500 else {
            return UInt64(max(0, (mean + mean.squareRoot() * normal()).rounded()))
        }
        var count: UInt64 = 0
        var sum = exponential()
        while sum <= mean {
            count += 1
            sum += exponential()
        }
        return count
    }

    /// A number in `low` ..< `high`.
    mutating func between(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * unit()
    }
}

/// A well mixed number for a number, different for different ones (SplitMix64's last steps).
func mixed(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}
