/// The shifts of a test: SplitMix64, whose sequence follows from one number of the caller's generator.
///
/// A concrete type: a thousand shifts of a thousand episodes cost milliseconds, and through a protocol ten
/// times as much.
struct ShiftGenerator {
    private var state: UInt64

    init(seededBy generator: inout some RandomNumberGenerator) { state = generator.next() }

    /// A number from 0 to under `bound`.
    mutating func next(below bound: Double) -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53 * bound
    }
}
