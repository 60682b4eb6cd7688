@testable import Agent
import Foundation
import Metrics
import NetworkPrimitives
import Testing

/// What is captured, in JSON, text and metrics.
@Suite struct CaptureReportingTests {
    /// A report whose first tunnel has streams.
    private static var captured: StatusReport {
        var report = StatusReport.busy
        var capture = TunnelCapture()
        capture.reason = nil
        capture.place = CapturePlace(namespace: nil, device: "wan0")
        var outbound = CapturedStream.reordered
        outbound.direction = .outbound
        capture.streams = [.many, outbound]
        capture.traffic.add(CapturedStream.many.report, .inbound)
        capture.traffic.add(outbound.report, .outbound)
        capture.senders = TunnelSenders(of: capture.streams, at: at(30))
        capture.completeness = .complete(
            .init(captured: 1000, kernel: 1001, drops: 0, length: .seconds(10)))
        capture.kernelWindow = 64
        report.tunnels[0].capture = capture
        return report
    }

    private static func tunnel(_ report: StatusReport) throws -> [String: Any] {
        let bytes = report.json().encoded(indented: true)
        let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        return try #require((document?["tunnels"] as? [[String: Any]])?.first)
    }

    private static func series(_ report: StatusReport) -> [String: String] {
        var series: [String: String] = [:]
        let families = CaptureMetrics(report: report).families
        let text = String(
            decoding: MetricExposition.render(families, as: .prometheusText), as: UTF8.self)
        for line in text.split(separator: "\n") {
            guard let space = line.lastIndex(of: " "), !line.hasPrefix("#") else { continue }
            series[String(line[..<space])] = String(line[line.index(after: space)...])
        }
        return series
    }

    @Test func `streams are in the status, or the reason why not`() throws {
        let tunnel = try Self.tunnel(Self.captured)
        let streams = try #require(tunnel["streams"] as? [[String: Any]])
        #expect(streams.map { $0["direction"] as? String } == ["inbound", "outbound"])
        let capture = try #require(tunnel["capture"] as? [String: Any])
        #expect(capture["running"] as? Bool == true)
        #expect(capture["interface"] as? String == "wan0")
        #expect(capture["complete"] as? Bool == true)
        #expect((capture["compared"] as? [String: Any])?["kernel_packets"] as? Int == 1001)
        let without = try Self.tunnel(.busy)
        #expect(without["streams"] is NSNull)
        #expect((without["streams_reason"] as? String)?.isEmpty == false)
        #expect((without["capture"] as? [String: Any])?["complete"] is NSNull)
    }

    @Test func `a device that went down keeps the streams it had`() throws {
        var report = Self.captured
        report.tunnels[0].capture.reason = "the device is down"
        let tunnel = try Self.tunnel(report)
        #expect((tunnel["streams"] as? [Any])?.count == 2)
        #expect((tunnel["capture"] as? [String: Any])?["running"] as? Bool == false)
        #expect(
            StatusText(palette: TextPalette(isColored: false)).render(report).contains(
                "no longer captured: the device is down"))
    }

    @Test func `the text has a short line for each direction`() {
        let text = StatusText(palette: TextPalette(isColored: false)).render(Self.captured)
        #expect(
            text.contains(
                "  ESP in   100000 packets, 2 senders, 1010 lost on the way, "
                    + "this host's window of 64 drops 49.7 %\n"), "\(text)")
        #expect(text.contains("  ESP out  50000 packets, 1 sender\n"), "\(text)")
        #expect(text.contains("  ESP      not captured: this host was not looked at yet\n"))
        #expect(StatusPage(report: Self.captured).html.contains("<p>ESP in: 100000 packets"))
    }

    @Test(arguments: [nil, 0, 100, 32])
    func `the window that drops most is named where the kernel's own is not predicted`(
        window: Int?
    ) {
        var report = Self.captured
        report.tunnels[0].capture.kernelWindow = window
        let text = StatusText(palette: TextPalette(isColored: false)).render(report)
        switch window {
        case 32: #expect(text.contains("this host's window of 32 drops 49.9 %"), "\(text)")
        case 0:
            #expect(
                text.contains(
                    "an anti-replay window of 32 would drop 49.9 % (anti-replay is off here)"))
        default: #expect(text.contains("an anti-replay window of 32 would drop 49.9 %\n"))
        }
    }

    @Test func `every series of a tunnel is there before the first packet`() {
        let series = Self.series(.fresh)
        let tunnel = "tunnel=\"fresh\""
        for direction in ["inbound", "outbound"] {
            let labels = "\(tunnel),direction=\"\(direction)\""
            for name in [
                "packets", "bytes", "out_of_order", "sender_reordered", "lost", "fragments",
            ] {
                #expect(series["tunnelprobe_esp_\(name)_total{\(labels)}"] == "0", "\(name)")
            }
            for kind in ["network", "capture", "replay"] {
                #expect(
                    series["tunnelprobe_esp_duplicates_total{\(labels),kind=\"\(kind)\"}"] == "0")
            }
            #expect(series["tunnelprobe_esp_loss_known{\(labels)}"] == "NaN")
        }
        for window in [32, 64, 128, 256, 512, 1024, 2048, 4096] {
            let name = "tunnelprobe_esp_replay_would_drop_total{\(tunnel),window=\"\(window)\"}"
            #expect(series[name] == "0")
        }
        #expect(series["tunnelprobe_esp_senders{\(tunnel)}"] == "NaN")
        #expect(series["tunnelprobe_esp_senders_min{\(tunnel)}"] == "NaN")
    }

    @Test func `the series of a captured tunnel say what was captured`() {
        let series = Self.series(Self.captured)
        let inbound = "tunnel=\"cf-1\",direction=\"inbound\""
        #expect(series["tunnelprobe_esp_packets_total{\(inbound)}"] == "100000")
        #expect(series["tunnelprobe_esp_duplicates_total{\(inbound),kind=\"network\"}"] == "12")
        #expect(series["tunnelprobe_esp_loss_known{\(inbound)}"] == "1")
        #expect(series[#"tunnelprobe_esp_senders{tunnel="cf-1"}"#] == "2")
        #expect(series[#"tunnelprobe_esp_senders_min{tunnel="cf-1"}"#] == "2")
        #expect(
            series[#"tunnelprobe_esp_replay_would_drop_total{tunnel="cf-1",window="64"}"#]
                == "49720")
        #expect(series[#"tunnelprobe_esp_packets_total{tunnel="dead",direction="inbound"}"#] == "0")
        #expect(
            Set(series.keys.filter { $0.contains("lossy") }).count
                == Set(series.keys.filter { $0.contains("cf-1") }).count)
    }
}
