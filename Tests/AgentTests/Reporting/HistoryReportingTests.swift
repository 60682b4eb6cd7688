import Foundation
import History
import NetworkPrimitives
import Testing

@testable import Agent

/// A day of two tunnels, one of which had a bad morning.
struct MadeUpHistory: HistorySource {
    /// A midnight.
    static let start: Int64 = 20_000 * 86_400
    static let times = at(0)...at(86_400)

    static func at(_ seconds: Int64) -> WallTime {
        WallTime(nanoseconds: (start + seconds) * 1_000_000_000)
    }

    func events(_ times: ClosedRange<WallTime>, of tunnel: String?) throws(Never) -> [HistoryEvent]
    {
        func event(_ seconds: Int64, _ tunnel: String?, _ kind: HistoryEvent.Kind) -> HistoryEvent {
            HistoryEvent(at: Self.at(seconds), tunnel: tunnel, kind)
        }
        func state(_ seconds: Int64, _ from: String, _ to: String) -> HistoryEvent {
            event(seconds, "cf-1", .stateChanged(StateChange(from: from, to: to, source: "inside")))
        }
        return [
            event(0, nil, .agentStarted(version: "0.1.0")),
            event(
                2, "cf-1",
                .stateChanged(StateChange(from: "unknown", to: "healthy", source: "inside"))),
            event(
                3, "cf-2",
                .stateChanged(StateChange(from: "unknown", to: "healthy", source: "inside"))),
            event(
                29_990, "cf-1",
                .rekeyed(
                    RekeyEntry(
                        spi: "0xc0de0002", convergenceSeconds: 1.5, probesSent: 3, probesLost: 1))),
            state(30_000, "healthy", "down"), state(31_200, "down", "degraded"),
            event(
                30_004, "cf-1",
                .findingRaised(
                    FindingRecord(
                        id: "anti-replay-drops", severity: "critical", confidence: 0.98,
                        summary: "The window <32> drops packets.", evidence: ["594 of 776 & more"],
                        remedy: ["ip -s xfrm state"]))),
            event(
                30_006, "cf-1",
                .findingRaised(
                    FindingRecord(
                        id: "tunnel-flapping", severity: "warning", confidence: 0.9,
                        summary: "It flaps.", explainedBy: "anti-replay-drops"))),
            event(31_500, "cf-1", .findingCleared(id: "anti-replay-drops")),
            state(31_600, "degraded", "healthy"),
            event(
                40_000, "cf-1",
                .pathMTUChanged(
                    PathMTUChange(path: "outside", from: 1500, to: 1400, isBlackHole: true))),
            event(50_000, nil, .agentStopped), event(54_000, nil, .agentStarted(version: "0.1.0")),
            event(
                54_003, "cf-1",
                .stateChanged(StateChange(from: "unknown", to: "healthy", source: "inside"))),
            event(
                54_003, "cf-2",
                .stateChanged(StateChange(from: "unknown", to: "healthy", source: "inside"))),
        ].filter { times.contains($0.at) && (tunnel == nil || $0.tunnel == tunnel) }
    }

    func minutes(_ times: ClosedRange<WallTime>, of tunnel: String) throws(Never) -> [HistoryMinute]
    {
        (0..<Int64(1440)).map { minute in
            var row = HistoryMinute(at: Self.at(minute * 60), tunnel: tunnel)
            row.sent = 60
            row.lost = tunnel == "cf-1" && (500..<520).contains(minute) ? 60 : 0
            return row
        }
    }

    func tunnels() throws(Never) -> [String] { ["cf-1", "cf-2"] }
    func state(of tunnel: String, before: WallTime) throws(Never) -> String? { nil }

    static var report: HistoryReport {
        HistoryReport(MadeUpHistory(), times, objective: 98)
    }
}

@Suite struct `A history for people and programs` {
    @Test(arguments: [80, 120])
    func `the text stands as it is kept`(columns: Int) throws {
        let text = HistoryText(palette: TextPalette(isColored: false), columns: columns)
            .render(MadeUpHistory.report)
        try expectGolden("history-\(columns)", text)
        for line in text.split(separator: "\n") {
            #expect(line.count <= columns || line.contains("ip -s xfrm"), "\(line)")
            #expect(line.last != " ")
        }
    }

    @Test func `the document has every key, and every null its reason`() throws {
        let json = MadeUpHistory.report.json.encoded(indented: false)
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        #expect(document["schema"] as? String == "tunnelprobe.history/1")
        for key in ["timeline", "availability", "episodes", "rekeys", "findings", "events"] {
            #expect((document[key] as? [[String: Any]])?.isEmpty == false, "\(key)")
        }
        let rates = try #require(document["burn_rate"] as? [String: Any])
        #expect(rates["5m"] is NSNumber && rates["1h"] is NSNumber)
        func check(_ value: Any) {
            if let object = value as? [String: Any] {
                for (key, value) in object {
                    if value is NSNull { #expect(object["\(key)_reason"] is String, "\(key)") }
                    check(value)
                }
            } else if let array = value as? [Any] {
                array.forEach(check)
            }
        }
        check(document)
        let episode = try #require((document["episodes"] as? [[String: Any]])?.first)
        #expect(episode["seconds"] as? Double == 1600)
        #expect(episode["rekeys_before"] as? Int == 1)
        #expect(
            (episode["causes"] as? [[String: Any]])?.map { $0["id"] as? String } == [
                "anti-replay-drops"
            ])
    }

    @Test func `the page is well-formed, escapes what is not its own, and needs nothing else`()
        throws
    {
        let html = HistoryPage(report: MadeUpHistory.report, hostname: "edge<1>").html
        #expect(html.contains("edge&lt;1&gt;") && !html.contains("edge<1>"))
        #expect(html.contains("The window &lt;32&gt; drops packets."))
        for word in ["<script", "http://", "https://", "src="] { #expect(!html.contains(word)) }
        for tag in ["svg", "section", "table", "details", "g", "ul"] {
            func count(_ text: String) -> Int { html.components(separatedBy: text).count - 1 }
            #expect(count("<\(tag)>") + count("<\(tag) ") == count("</\(tag)>"), "\(tag)")
        }
        // To look at it: HISTORY_PAGE names a file.
        if ProcessInfo.processInfo.environment["HISTORY_PAGE"] != nil {
            try html.write(
                toFile: try #require(ProcessInfo.processInfo.environment["HISTORY_PAGE"]),
                atomically: true, encoding: .utf8)
        }
    }

    @Test(arguments: ["24h", "7d", "90m", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00+01:00"])
    func `a moment comes back through the query`(text: String) throws {
        let moment = try #require(HistoryOrder.Moment(text))
        #expect(HistoryOrder.Moment(moment.text) == moment)
    }

    @Test(arguments: ["", "yesterday", "-5m", "24", "2026-13-01T00:00:00Z", "5000d"])
    func `what is no moment is refused`(text: String) {
        #expect(HistoryOrder.Moment(text) == nil)
        #expect(HistoryOrder(query: ["since": text]) == nil)
    }
}
