import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct RoundTripStatisticsTests {
    @Test func `has buckets from 50 µs to 26 s, each twice the one before`() {
        #expect(RoundTripStatistics.bucketBounds.count == 20)
        #expect(RoundTripStatistics.bucketBounds.first == .microseconds(50))
        #expect(RoundTripStatistics.bucketBounds.last == .microseconds(26_214_400))
        let bounds = RoundTripStatistics.bucketBounds
        for (lower, upper) in zip(bounds, bounds.dropFirst()) { #expect(upper == lower * 2) }
    }

    @Test(arguments: 0..<20)
    func `counts a bound itself in its bucket and a nanosecond more in the next`(bucket: Int) {
        let bound = RoundTripStatistics.bucketBounds[bucket]
        for (roundTrip, expected) in [
            (bound - .nanoseconds(1), bucket), (bound, bucket),
            (bound + .nanoseconds(1), bucket + 1),
        ] {
            var statistics = RoundTripStatistics()
            statistics.record(roundTrip)
            let counts = (0..<20).map { UInt64($0 == expected ? 1 : 0) }
            #expect(statistics.bucketCounts == counts)
            #expect(statistics.count == 1)
            #expect(statistics.sum == roundTrip)
        }
    }

    @Test func `counts nothing and less than nothing in the first bucket`() {
        var statistics = RoundTripStatistics()
        for duration in [Duration.zero, .nanoseconds(1), .seconds(-1)] {
            statistics.record(duration)
        }
        #expect(statistics.bucketCounts[0] == 3)
        #expect(statistics.sum == .nanoseconds(1))
    }

    @Test func `survives stamps that make no sense`() throws {
        var statistics = RoundTripStatistics()
        for _ in 0..<700 { statistics.record(.seconds(Int64.max)) }
        statistics.record(.seconds(Int64.min))
        #expect(statistics.count == 701)
        #expect(statistics.bucketCounts.reduce(0, +) == 1)
        let summary = try #require(statistics.summary)
        #expect(summary.maximum == .nanoseconds(Int64.max))
        #expect(summary.minimum == .zero)
    }

    @Test func `gives percentiles by nearest rank`() throws {
        for count in [1, 2, 3, 19, 20, 21, 99, 100, 101, 600] {
            var statistics = RoundTripStatistics()
            var generator = SeededGenerator(seed: UInt64(count))
            let values = (1...count).shuffled(using: &generator)
            for value in values { statistics.record(.microseconds(value)) }
            let summary = try #require(statistics.summary)
            // The smallest value that at least so many percent do not exceed.
            func nearestRank(_ percent: Int) -> Duration {
                let rank = (1...count).first { $0 * 100 >= percent * count }
                return .microseconds(rank ?? 0)
            }
            #expect(summary.minimum == .microseconds(1))
            #expect(summary.median == nearestRank(50))
            #expect(summary.percentile95 == nearestRank(95))
            #expect(summary.percentile99 == nearestRank(99))
            #expect(summary.maximum == .microseconds(count))
            #expect(summary.mean == .nanoseconds((count + 1) * 500))
            let steps = zip(values, values.dropFirst()).map { abs($0 - $1) }
            let variation = steps.isEmpty ? 0 : steps.reduce(0, +) * 1000 / steps.count
            #expect(summary.variation == .nanoseconds(variation))
        }
    }

    @Test func `summarises the latest 600 and counts all`() throws {
        var statistics = RoundTripStatistics()
        #expect(statistics.summary == nil)
        for value in 1...1_450 { statistics.record(.microseconds(value)) }
        let summary = try #require(statistics.summary)
        #expect(statistics.count == 1_450)
        #expect(statistics.sum == .microseconds(1_450 * 1_451 / 2))
        #expect(summary.minimum == .microseconds(851))
        #expect(summary.maximum == .microseconds(1_450))
        // Across the seam of the ring too, neighbours differ by 1 µs.
        #expect(summary.variation == .microseconds(1))
    }
}
