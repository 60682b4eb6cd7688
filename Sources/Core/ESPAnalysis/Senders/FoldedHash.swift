/// A keyed hash of numbers for the analysis' own tables: one or two multiplications.
///
/// Not for secrets. The key only keeps a sender of packets from choosing numbers that all land in
/// one place of a table (hash flooding).
struct FoldedHash: Sendable {
    private let mask: UInt64
    private let factor: UInt64

    /// A hash whose values follow from `seed`.
    init(seed: UInt64) {
        mask = seed ^ 0xa076_1d64_78bd_642f
        // Odd, so that no input bit is lost in the low half of the product.
        factor = (seed &* 0xe703_7ed1_a0b4_28db) | 1
    }

    /// The hash of one number.
    @inline(__always)
    func callAsFunction(_ number: UInt64) -> UInt64 {
        let folded = foldedProduct(number ^ mask, factor)
        // Once more: a product of one operand of the flooder's choice still shows its structure.
        return foldedProduct(folded ^ factor, 0x8ebc_6af0_9c88_c6e3)
    }

    /// The hash of two numbers in order.
    @inline(__always)
    func callAsFunction(_ first: UInt64, _ second: UInt64) -> UInt64 {
        self(self(first) &+ second)
    }
}
