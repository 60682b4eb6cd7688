import Metrics
import Testing

@Suite struct MetricFormatTests {
    @Test(arguments: [
        // Prometheus 2.42, as it sends it.
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        "application/openmetrics-text",
        "Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8",
        "text/plain, application/openmetrics-text",
        "text/plain;q=0.2 , application/openmetrics-text ; q=0.2",
        "application/openmetrics-text;x=\"a,b;q=0\"",
        "application/openmetrics-text, */*;q=1, text/plain;q=0.1, text/*;q=1",
    ])
    func `OpenMetrics for a scraper that prefers it`(accept: String) {
        #expect(MetricFormat.negotiated(accept: accept) == .openMetrics)
    }

    @Test(arguments: [
        nil, "", "*/*", "text/plain", "text/html,application/xhtml+xml,*/*;q=0.8",
        "application/*", "application/openmetrics-text;q=0", "application/openmetrics-text;q=0.0",
        "application/openmetrics-text;version=0.0.1,text/plain;q=0.1",
        "application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.1",
        "application/openmetrics-text;q=0.5,text/plain",
        "application/openmetrics-text;q=0.5,*/*;q=0.9",
        "application/openmetrics-text;q=nan", "application/openmetrics-text;q=7",
        "application/openmetrics-text;q=", ";;,,;q=1", "\"", "q=1", "application/json",
    ])
    func `the text format for everyone else`(accept: String?) {
        #expect(MetricFormat.negotiated(accept: accept) == .prometheusText)
    }

    @Test func `content types name format, version and charset`() {
        #expect(
            MetricFormat.prometheusText.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            MetricFormat.openMetrics.contentType
                == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }
}
