/// What libFuzzer made up: a few numbers that steer a target, and octets to parse.
public struct FuzzInput: ~Copyable {
    private let octets: [UInt8]
    private var offset = 0

    /// Copies an input, so that a read beyond its end is a read beyond an allocation.
    @unsafe public init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        octets = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// The next octet; 0 after the end.
    public mutating func byte() -> UInt8 {
        guard offset < octets.count else { return 0 }
        defer { offset += 1 }
        return octets[offset]
    }

    /// A number in 0 ..< `bound`.
    public mutating func below(_ bound: Int) -> Int {
        Int(byte()) % max(bound, 1)
    }

    /// All octets that were not taken.
    public consuming func rest() -> [UInt8] {
        Array(octets[offset...])
    }
}

/// Sizes of pieces that follow from one seed: 1 to 255 octets, or everything for seed 0.
public struct PieceSizes {
    private var state: UInt64

    /// Sizes that follow from `seed`.
    public init(seed: UInt8) {
        state = UInt64(seed)
    }

    /// The next size.
    public mutating func next() -> Int {
        guard state != 0 else { return .max }
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 56 | 1)
    }
}
