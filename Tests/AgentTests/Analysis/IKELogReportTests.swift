@testable import Agent
import Configuration
import Foundation
import IKE
import NetworkPrimitives
import Testing

@Suite struct IKELogReportTests {
    private static func report(_ messages: [(Int64?, String)]) -> IKELogReport {
        var report = IKELogReport(file: "log")
        for (second, message) in messages {
            var record = ProviderLogRecord()
            record.time = second.map { WallTime(nanoseconds: $0 * 1_000_000_000) }
            record.message = message
            report.digest.receive(record)
            report.tally.records += 1
        }
        report.tunnels = report.digest.peers.map { _ in nil }
        return report
    }

    @Test func `every null has its reason, with a capture and without`() throws {
        var damaged = IKELogReport(file: "-")
        damaged.damage = "cut"
        for log in [
            Self.report([]), Self.report([(nil, ""), (5, "NO_PROPOSAL_CHOSEN")]), damaged,
        ] {
            var both = AnalysisReport.made([.many])
            both.ikeLog = log
            for report in [AnalysisReport(ikeLog: log), both] {
                let document = try report.json.parsed()
                expectKeys(["ike_log", "timeline", "timeline_left_out"], in: document)
                expectKeys(
                    [
                        "file", "records", "unreadable_lines", "renamed_keys", "time_format",
                        "from", "to", "by_peer", "failures", "events",
                    ], in: document["ike_log"])
                expectReasons(document.filter { $0.key != "findings" })
            }
        }
    }

    @Test func `verdicts of a capture and a log are one`() {
        let fine = Self.report([(1, "established")])
        let failed = Self.report([(1, "TS_UNACCEPTABLE")])
        let empty = Self.report([])
        #expect(AnalysisReport(ikeLog: fine).verdict == .healthy)
        #expect(AnalysisReport(ikeLog: failed).verdict == .degraded)
        #expect(AnalysisReport(ikeLog: empty).verdict == .unknown)
        var report = AnalysisReport.made([.many])
        for (log, verdict) in [(fine, "healthy"), (failed, "degraded"), (empty, "unknown")] {
            report.ikeLog = log
            #expect(report.verdict.rawValue == verdict)
        }
        var broken = fine
        broken.tally.unreadableLines = 1
        #expect(AnalysisReport(ikeLog: broken).verdict == .unknown)
    }

    @Test func `a timeline without room keeps failures and what is late`() {
        let entries = (0..<3000).map { number in
            TimelineEntry(
                at: WallTime(nanoseconds: Int64(number)), source: .ikeLog, kind: "other",
                text: "\(number)", failure: number % 10 == 0 ? .noProposal : nil)
        }
        let timeline = Timeline(entries.reversed(), leftOut: 7)
        #expect(timeline.entries.count == 1000)
        #expect(timeline.leftOut == 2007)
        #expect(timeline.entries.count { $0.failure != nil } == 300)
        #expect(timeline.entries.map(\.at) == timeline.entries.map(\.at).sorted())
        #expect(timeline.entries.last?.text == "2999")
        let failures = Timeline(entries.filter { $0.failure != nil } + entries, leftOut: 0)
        #expect(failures.entries.count == 1000)
        #expect(Timeline([], leftOut: 0).entries.isEmpty)
    }

    @Test func `a peer is joined to a tunnel by either side's address`() throws {
        let remote = try #require(IPAddress("198.51.100.1"))
        let local = try #require(IPAddress("203.0.113.10"))
        let other = try #require(IPAddress("203.0.113.11"))
        let configuration = try AgentConfiguration.parse(
            """
            [[tunnel]]
            name = "any"
            remote = "198.51.100.1"
            [[tunnel]]
            name = "one"
            remote = "198.51.100.1"
            local = "203.0.113.10"
            """, file: "agent.conf")
        let tunnels = KnownTunnels(of: configuration)
        #expect(tunnels.name(between: remote, local) == "one")
        #expect(tunnels.name(between: local, remote) == "one")
        #expect(tunnels.name(between: remote, other) == "any")
        #expect(tunnels.name(between: nil, remote) == "any")
        #expect(tunnels.name(between: local, other) == nil)
        #expect(tunnels.name(between: nil, nil) == nil)
    }
}
