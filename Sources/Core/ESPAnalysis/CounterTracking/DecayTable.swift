/// e⁻ˣ for x ≥ 0 from a table of 2⁻ᶠ, to one part in a million.
///
/// Half of a packet's candidates may ask for one, and the library's function costs as much as all
/// the rest of a candidate.
struct DecayTable: Sendable {
    private static let steps = 256
    private let powers: ContiguousArray<Double>

    init() {
        // 2^(−i/256) by repeated products of the 256th root, found by eight square roots.
        var root = 0.5
        for _ in 0..<8 { root = root.squareRoot() }
        var powers = ContiguousArray<Double>()
        powers.reserveCapacity(Self.steps + 1)
        var power = 1.0
        for _ in 0...Self.steps {
            powers.append(power)
            power *= root
        }
        self.powers = powers
    }

    @inline(__always)
    func callAsFunction(_ value: Double) -> Double {
        // 2⁻¹⁰²² is the smallest that the bits below can make; nothing needs less.
        guard value < 700 else { return 0 }
        let scaled = value * (1.442_695_040_888_963_4 * Double(Self.steps))
        let whole = Int(scaled)
        let rest = scaled - Double(whole)
        let low = powers[whole & (Self.steps - 1)]
        let high = powers[(whole & (Self.steps - 1)) + 1]
        let scale = Double(bitPattern: UInt64(1023 - whole >> 8) << 52)
        return (low + (high - low) * rest) * scale
    }
}
