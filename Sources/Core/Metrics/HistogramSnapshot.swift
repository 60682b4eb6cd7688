/// Counts of observations by upper bound, while they are being made.
public struct Histogram: Sendable {
    /// The buckets' upper bounds, inclusive, in rising order; +Inf is understood.
    public let upperBounds: [Double]

    /// Observations per bucket, not cumulative; the last is the one above every bound.
    private var counts: [UInt64]

    /// The sum of all observations.
    public private(set) var sum = 0.0

    /// Makes an empty histogram.
    ///
    /// - Precondition: `upperBounds` are finite, rise strictly, and there is at least one.
    public init(upperBounds: [Double]) {
        checkBounds(upperBounds)
        self.upperBounds = upperBounds
        counts = Array(repeating: 0, count: upperBounds.count + 1)
    }

    /// The bounds `first`, `first`·`factor`, `first`·`factor`² and so on.
    ///
    /// - Precondition: `first` is over 0, `factor` over 1, `count` at least 1, and no bound overflows.
    public static func exponentialBounds(first: Double, factor: Double, count: Int) -> [Double] {
        precondition(first > 0 && factor > 1 && count > 0, "no exponential bounds")
        var bounds = [first]
        while bounds.count < count { bounds.append(bounds[bounds.count - 1] * factor) }
        checkBounds(bounds)
        return bounds
    }

    /// Counts one observation.
    ///
    /// - Precondition: `value` is not NaN, which belongs to no bucket and would spoil the sum.
    public mutating func observe(_ value: Double) {
        precondition(!value.isNaN, "a histogram cannot count NaN")
        // Binary search: the first bound not below the value.
        var low = 0
        var high = upperBounds.count
        while low < high {
            let middle = (low + high) / 2
            if upperBounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        counts[low] += 1
        sum += value
    }

    /// The histogram as it is now.
    public var snapshot: HistogramSnapshot {
        var cumulative: [UInt64] = []
        cumulative.reserveCapacity(upperBounds.count)
        var running: UInt64 = 0
        for count in counts.dropLast() {
            running += count
            cumulative.append(running)
        }
        return HistogramSnapshot(
            upperBounds: upperBounds, cumulativeCounts: cumulative, sum: sum,
            count: running + counts[counts.count - 1])
    }
}

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

    /// Makes a snapshot from counts kept elsewhere.
    ///
    /// - Precondition: `upperBounds` are finite, rise strictly, and there is at least one;
    ///   `cumulativeCounts` has one entry for each and never falls; the last is not over `count`.
    public init(upperBounds: [Double], cumulativeCounts: [UInt64], sum: Double, count: UInt64) {
        checkBounds(upperBounds)
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
}

private func checkBounds(_ bounds: [Double]) {
    precondition(!bounds.isEmpty, "a histogram has at least one bound")
    var previous = -Double.infinity
    for bound in bounds {
        precondition(bound.isFinite && bound > previous, "bounds are finite and rise strictly")
        previous = bound
    }
}
