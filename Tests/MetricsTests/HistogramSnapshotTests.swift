import Metrics
import Testing

@Suite struct HistogramTests {
    @Test func `bounds are inclusive and counts cumulative`() {
        var histogram = Histogram(upperBounds: [1, 2, 4])
        for value in [0, 1, 1.5, 2, 4, 4.5, -1, .infinity] { histogram.observe(value) }
        let snapshot = histogram.snapshot
        #expect(snapshot.cumulativeCounts == [3, 5, 6])
        #expect(snapshot.count == 8)
        #expect(snapshot.sum == .infinity)
    }

    @Test func `an empty histogram has all its buckets at zero`() {
        let snapshot = Histogram(upperBounds: [1, 2]).snapshot
        #expect(snapshot.cumulativeCounts == [0, 0])
        #expect(snapshot.count == 0)
        #expect(snapshot.sum == 0)
    }

    @Test func `doubling from 50 µs gives the bounds of the round-trip times`() {
        let bounds = Histogram.exponentialBounds(first: 50e-6, factor: 2, count: 16)
        #expect(bounds.count == 16)
        #expect(bounds.first == 5e-5)
        #expect(bounds[1] == 1e-4)
        #expect(bounds.last == 50e-6 * 32768)
    }

    @Test func `puts each of many values where a linear search would`() {
        let bounds = Histogram.exponentialBounds(first: 50e-6, factor: 2, count: 20)
        var histogram = Histogram(upperBounds: bounds)
        var generator = SystemRandomNumberGenerator()
        let values = (0..<2000).map { _ in Double.random(in: 0...100, using: &generator) / 1000 }
        for value in values { histogram.observe(value) }
        for (bound, count) in zip(bounds, histogram.snapshot.cumulativeCounts) {
            #expect(count == UInt64(values.count { $0 <= bound }), "le \(bound) of \(values)")
        }
    }

    @Test func `refuses bounds and counts that contradict themselves`() async {
        await #expect(processExitsWith: .failure) { _ = Histogram(upperBounds: []) }
        await #expect(processExitsWith: .failure) { _ = Histogram(upperBounds: [2, 1]) }
        await #expect(processExitsWith: .failure) { _ = Histogram(upperBounds: [1, .infinity]) }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [1, 2], cumulativeCounts: [2, 1], sum: 0, count: 2)
        }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [1], cumulativeCounts: [2], sum: 0, count: 1)
        }
        await #expect(processExitsWith: .failure) {
            var histogram = Histogram(upperBounds: [1])
            histogram.observe(.nan)
        }
    }
}
