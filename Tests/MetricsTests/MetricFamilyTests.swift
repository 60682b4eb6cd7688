import Metrics
import Testing

@Suite struct MetricFamilyTests {
    @Test(arguments: ["a", "_a", "a:b_9", "A"])
    func `accepts a metric name`(name: String) {
        #expect(MetricFamily.gauge(name, help: "", []).name == name)
    }

    @Test func `refuses what is no metric name`() async {
        await #expect(processExitsWith: .failure) { _ = MetricFamily.gauge("", help: "", []) }
        await #expect(processExitsWith: .failure) { _ = MetricFamily.gauge("9a", help: "", []) }
        await #expect(processExitsWith: .failure) { _ = MetricFamily.gauge("a-b", help: "", []) }
        await #expect(processExitsWith: .failure) { _ = MetricFamily.gauge("é", help: "", []) }
    }

    @Test func `refuses what is no label name`() async {
        await #expect(processExitsWith: .failure) { _ = MetricLabel("", "") }
        await #expect(processExitsWith: .failure) { _ = MetricLabel("a:b", "") }
        await #expect(processExitsWith: .failure) { _ = MetricLabel("__name__", "") }
        await #expect(processExitsWith: .failure) { _ = MetricLabel("0", "") }
    }

    @Test func `a counter is named _total, and nothing else is`() async {
        await #expect(processExitsWith: .failure) { _ = MetricFamily.counter("a", help: "", []) }
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily.gauge("a_total", help: "", [])
        }
    }

    @Test func `a counter below zero is a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily.counter("a_total", help: "", [MetricSample([], .integer(-1))])
        }
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily.counter("a_total", help: "", [MetricSample([], .number(-0.5))])
        }
    }

    @Test func `equal labels in another order are the same series twice`() async {
        await #expect(processExitsWith: .failure) {
            let (a, b) = (MetricLabel("a", "1"), MetricLabel("b", "2"))
            _ = MetricFamily.gauge(
                "g", help: "",
                [MetricSample([a, b], .integer(1)), MetricSample([b, a], .integer(2))])
        }
        await #expect(processExitsWith: .failure) {
            _ = MetricSample([MetricLabel("a", "1"), MetricLabel("a", "2")], .integer(1))
        }
    }

    @Test func `histograms and numbers do not mix`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily.histogram("h", help: "", [MetricSample([], .integer(1))])
        }
        await #expect(processExitsWith: .failure) {
            let snapshot = HistogramSnapshot(
                upperBounds: [1], cumulativeCounts: [0], sum: 0, count: 0)
            _ = MetricFamily.gauge("h", help: "", [MetricSample([], .histogram(snapshot))])
        }
        await #expect(processExitsWith: .failure) {
            let snapshot = HistogramSnapshot(
                upperBounds: [1], cumulativeCounts: [0], sum: 0, count: 0)
            _ = MetricFamily.histogram(
                "h", help: "", [MetricSample([MetricLabel("le", "1")], .histogram(snapshot))])
        }
    }

    @Test func `a state set knows only its states`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily.stateSet(
                "s", help: "", label: "state", states: ["up"],
                [.init(labels: [], current: "sideways")])
        }
    }
}
