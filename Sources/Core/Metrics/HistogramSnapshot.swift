/// A histogram at one moment.
public struct HistogramSnapshot: Equatable, Sendable {
    /// The buckets' upper bounds, inclusive, in rising order; +Inf is understood.
    public let upperBounds: [Double]

    /// For each bound, the observations not above it.
    public let cumulativeCounts: [UInt64]

    /// The sum of all observations.
    public let sum: Double

    /// The number of all observations; the +Inf bucket.
    public let count: UInt64

    /// Makes a snapshot from counts.
    ///
    /// - Precondition: `upperBounds` are finite, rise strictly, and there is at least one;
    ///   `cumulativeCounts` has one entry for each and never falls; the last is not over `count`.
    public init(upperBounds: [Double], cumulativeCounts: [UInt64], sum: Double, count: UInt64) {
        Self.check(upperBounds)
        precondition(
            cumulativeCounts.count == upperBounds.count, "one cumulative count for each bound")
        var previous: UInt64 = 0
        for next in cumulativeCounts + [count] {
            precondition(next >= previous, "cumulative counts fall")
            previous = next
        }
        self.upperBounds = upperBounds
        self.cumulativeCounts = cumulativeCounts
        self.sum = sum
        self.count = count
    }

    private static func check(_ bounds: [Double]) {
        precondition(!bounds.isEmpty, "a histogram has at least one bound")
        var previous = -Double.infinity
        for bound in bounds {
            precondition(bound.isFinite && bound > previous, "bounds are finite and rise strictly")
            previous = bound
        }
    }
}
