import NetworkPrimitives

/// Round-trip times of one path and style: a histogram since the start and a summary of the latest.
public struct RoundTripStatistics: Sendable {
    /// Upper bounds of the histogram's buckets: 50 µs · 2ⁿ for n = 0...19, so 50 µs to 26 s.
    public static let bucketBounds: [Duration] = (0..<20).map { .microseconds(50 << $0) }

    /// How many of the latest round trips the summary covers.
    public static let recentCapacity = 600

    /// Round trips at most as long as the bound of the same index and longer than the one before.
    public private(set) var bucketCounts = [UInt64](repeating: 0, count: 20)
    /// All round trips, those above the last bound included.
    public private(set) var count: UInt64 = 0
    /// The sum of all round trips.
    public private(set) var sum = Duration.zero

    private var recent: [Int64] = []
    private var recentNext = 0

    /// Starts empty.
    public init() {}

    /// Counts one round trip.
    public mutating func record(_ roundTrip: Duration) {
        let nanoseconds = max(0, roundTrip.nanoseconds)
        count += 1
        sum += .nanoseconds(nanoseconds)
        // The bucket of the smallest n with nanoseconds ≤ 50 000 · 2ⁿ.
        let wholeUnits = UInt64(max(0, nanoseconds - 1) / 50_000)
        let bucket = 64 - wholeUnits.leadingZeroBitCount
        if bucket < bucketCounts.count { bucketCounts[bucket] += 1 }
        if recent.count < Self.recentCapacity {
            recent.append(nanoseconds)
        } else {
            recent[recentNext] = nanoseconds
            recentNext = (recentNext + 1) % Self.recentCapacity
        }
    }

    /// The spread of a set of round trips.
    public struct Summary: Hashable, Sendable {
        /// The shortest.
        public var minimum: Duration
        /// The arithmetic mean.
        public var mean: Duration
        /// The median (nearest rank).
        public var median: Duration
        /// The 95th percentile (nearest rank).
        public var percentile95: Duration
        /// The 99th percentile (nearest rank).
        public var percentile99: Duration
        /// The longest.
        public var maximum: Duration
        /// The mean absolute difference of consecutive round trips (after RFC 3393); zero for one.
        public var variation: Duration
    }

    /// The spread of the latest `recentCapacity` round trips; nil before the first.
    public var summary: Summary? {
        guard !recent.isEmpty else { return nil }
        let inOrder = recent[recentNext...] + recent[..<recentNext]
        let sorted = recent.sorted()
        func percentile(_ percent: Int) -> Duration {
            .nanoseconds(sorted[max(0, (sorted.count * percent + 99) / 100 - 1)])
        }
        let steps = zip(inOrder.dropFirst(), inOrder).map { abs($0 - $1) }
        // Wide, because a clock gone wrong may make one of them last centuries.
        func mean(_ values: [Int64]) -> Duration {
            let sum = values.reduce(Int128(0)) { $0 + Int128($1) }
            return .nanoseconds(values.isEmpty ? 0 : Int64(sum / Int128(values.count)))
        }
        return Summary(
            minimum: .nanoseconds(sorted[0]),
            mean: mean(sorted),
            median: percentile(50), percentile95: percentile(95), percentile99: percentile(99),
            maximum: .nanoseconds(sorted[sorted.count - 1]),
            variation: mean(steps))
    }
}
