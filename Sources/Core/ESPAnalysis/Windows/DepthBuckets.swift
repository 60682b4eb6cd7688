/// Sorts depths by how many of some thresholds they reach, in a handful of instructions.
///
/// The usual thresholds are powers of two, of which at most one begins in every octave of depths;
/// so the octave's table entry is nearly the answer, and one comparison finds the next threshold
/// larger.
struct DepthBuckets: Sendable {
    /// The thresholds in order, and a last one that no depth reaches.
    private let thresholds: ContiguousArray<Int>
    /// By a depth's number of significant bits: how many thresholds the octave's least depth
    /// reaches.
    private let octaves: ContiguousArray<UInt8>

    /// - Parameter thresholds: Positive numbers in ascending order, at most 255.
    init(thresholds: [Int]) {
        precondition(thresholds.count <= 255, "too many thresholds")
        self.thresholds = ContiguousArray(thresholds) + [.max]
        octaves = ContiguousArray(
            (0..<64).map { bits in
                let least = bits == 0 ? 0 : 1 << (bits - 1)
                return UInt8(thresholds.count { $0 <= least })
            })
    }

    /// How many thresholds are not larger than `depth`.
    @inline(__always)
    func bucket(of depth: Int) -> Int {
        var bucket = Int(octaves[(64 - depth.leadingZeroBitCount) & 63])
        while thresholds[bucket] <= depth { bucket += 1 }
        return bucket
    }
}
