import NetworkPrimitives

/// How long rekeys took until 99 % of the arrivals were on the new SPI.
public struct ConvergenceHistogram: Equatable, Sendable {
    /// The upper bounds of the buckets in seconds; one more is above all of them.
    ///
    /// From what a single sender takes to what the provider calls typical, 90 to 150 s.
    public static let bounds = [
        0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 2, 3, 5, 10, 20, 30, 60, 90, 120, 150, 180, 300,
    ]

    /// Rekeys not above each bound and above the one before; the last count is of those above all.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// The sum of all times.
    public private(set) var sum = Duration.zero
    /// The number of finished rekeys.
    public var count: UInt64 { counts.reduce(0, +) }

    /// Makes an empty histogram.
    public init() {}

    /// Adds a finished rekey.
    public mutating func add(_ convergence: Duration) {
        let seconds = convergence.seconds
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += convergence
    }

    /// Adds another histogram.
    public mutating func add(_ other: ConvergenceHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}
