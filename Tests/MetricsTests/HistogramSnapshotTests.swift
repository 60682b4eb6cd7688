import Metrics
import Testing

@Suite struct HistogramSnapshotTests {
    @Test func `an empty histogram has all its buckets at zero`() {
        let snapshot = HistogramSnapshot(
            upperBounds: [1, 2], cumulativeCounts: [0, 0], sum: 0, count: 0)
        #expect(snapshot.cumulativeCounts == [0, 0])
        #expect(snapshot.count == 0)
    }

    @Test func `refuses bounds that do not rise`() async {
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [], cumulativeCounts: [], sum: 0, count: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [2, 1], cumulativeCounts: [0, 0], sum: 0, count: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(
                upperBounds: [1, .infinity], cumulativeCounts: [0, 0], sum: 0, count: 0)
        }
    }

    @Test func `refuses counts that contradict each other`() async {
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [1, 2], cumulativeCounts: [0], sum: 0, count: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [1, 2], cumulativeCounts: [2, 1], sum: 0, count: 2)
        }
        await #expect(processExitsWith: .failure) {
            _ = HistogramSnapshot(upperBounds: [1], cumulativeCounts: [2], sum: 0, count: 1)
        }
    }
}
