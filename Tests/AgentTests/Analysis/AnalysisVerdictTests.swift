@testable import Agent
import Configuration
import Diagnosis
import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct AnalysisVerdictTests {
    @Test func `many senders alone are nothing wrong`() {
        #expect(AnalysisReport.made([.many, .unidentifiable]).verdict == .healthy)
        #expect(AnalysisReport.made([.many, .unidentifiable]).findings.isEmpty)
    }

    @Test func `reordering, replays and a named window that drops are degraded`() {
        #expect(AnalysisReport.made([.many, .reordered]).verdict == .degraded)
        #expect(AnalysisReport.made([.replayed]).verdict == .degraded)
        var named = AnalysisReport.made([.many])
        named.namedWindows = [1024]
        #expect(named.verdict == .degraded)
        #expect(named.droppingWindows.map(\.window) == [1024])
        var doubled = AnalysisReport.made([.doubled])
        doubled.namedWindows = [64]
        #expect(doubled.verdict == .healthy, "no receiver saw what only the capture doubled")
        var harmless = AnalysisReport.made([.doubled])
        harmless.streams[0].report.windows = CapturedStream.forecasts([(1024, 0, 0)], of: 2000)
        harmless.namedWindows = [1024]
        #expect(harmless.verdict == .healthy)
    }

    @Test func `nothing to analyse and a corrupt file are unknown, a cut record is not`() {
        #expect(AnalysisReport.made([]).verdict == .unknown)
        var report = AnalysisReport.made([.many])
        report.isTruncated = true
        #expect(report.verdict == .healthy)
        report.damage = .init(offset: 1000, problem: "a record of 4 GiB")
        #expect(report.verdict == .unknown)
        report.streams.append(.reordered)
        #expect(report.verdict == .degraded, "what was found stays true")
    }

    @Test func `findings carry the streams and what to do`() throws {
        let findings = AnalysisReport.made([.reordered, .replayed]).findings
        #expect(findings.map(\.id) == [.pathReordering, .replaySuspected])
        #expect(findings.map(\.severity) == [.warning, .warning])
        #expect(findings[0].evidence[0].hasPrefix("0xc0de0002 to 203.0.113.10: 25000 of 50000"))
        #expect(findings[0].remedy.contains { $0.contains("1024 or more") })
        for finding in findings {
            #expect(finding.id.severities.contains(finding.severity))
        }
    }

    @Test func `a file that says what it lacks is incomplete`() throws {
        var report = AnalysisReport.made([.many])
        report.captureDrops = 0
        #expect(report.findings.isEmpty)
        report.captureDrops = 17
        report.isTruncated = true
        report.frames.count(.unreadable(.truncatedESP))
        let finding = try #require(report.findings.first)
        #expect(finding.id == .captureIncomplete)
        #expect(finding.severity == .info)
        #expect(finding.evidence.count == 3)
        #expect(report.verdict == .healthy, "an info changes nothing")
    }
}

@Suite struct ReplayWindowReadingTests {
    private static func shape(
        _ rows: [(Int, UInt64, UInt64)], copies: UInt64 = 0
    ) -> ReplayWindowReading {
        var report = CapturedStream.bare(packets: 10_000).report
        report.windows = CapturedStream.forecasts(rows, of: 10_000)
        report.duplicates.network = copies
        return ReplayWindowReading(report)
    }

    @Test func `the shape of the drops tells senders from reordering`() {
        #expect(Self.shape([(64, 0, 0), (4096, 0, 0)]).shape == .noDrops)
        #expect(Self.shape([(64, 49, 0), (4096, 49, 0)]).shape == .small)
        #expect(Self.shape([(64, 5000, 0), (4096, 4000, 0)]).shape == .flat)
        #expect(Self.shape([(64, 5000, 0), (4096, 1000, 0)]).shape == .falling)
        #expect(Self.shape([(64, 5000, 0), (4096, 2500, 0)]).shape == .between)
        #expect(Self.shape([(64, 0, 5000), (4096, 0, 5000)], copies: 5000).shape == .copies)
        #expect(Self.shape([(64, 0, 5000), (4096, 0, 5000)], copies: 100).shape == .flat)
        #expect(Self.shape([(64, 40, 0), (4096, 0, 40)], copies: 40).shape == .copies)
        #expect(Self.shape([(64, 41, 0), (4096, 0, 41)], copies: 40).shape == .small)
    }

    @Test func `the smallest window with at most a thousandth dropped is enough`() {
        #expect(Self.shape([(64, 500, 0), (512, 11, 0), (1024, 10, 0)]).sufficientWindow == 1024)
        #expect(Self.shape([(64, 500, 0), (512, 400, 0)]).sufficientWindow == nil)
        #expect(Self.shape([]).sufficientWindow == nil)
        #expect(Self.shape([]).shape == .noDrops)
    }
}

@Suite struct KnownTunnelsTests {
    private static func tunnels(_ text: String) throws -> KnownTunnels {
        KnownTunnels(of: try AgentConfiguration.parse(text, file: "agent.conf"))
    }

    private static func stanza(_ name: String, _ lines: String...) -> String {
        "[[tunnel]]\nname = \"\(name)\"\n" + lines.joined(separator: "\n") + "\n"
    }

    private static func report(from source: String, to destination: String) -> StreamReport {
        var report = CapturedStream.bare().report
        report.sources = [ip(source)]
        report.id.destination = ip(destination)
        return report
    }

    @Test func `the far end's address gives direction and tunnel`() throws {
        let tunnels = try Self.tunnels(Self.stanza("cf-1", "remote = \"198.51.100.1\""))
        let inbound = tunnels.placed(
            Self.report(from: "198.51.100.1", to: "203.0.113.10"), lastSeen: CapturedStream.moment)
        #expect(inbound.direction == .inbound)
        #expect(inbound.tunnel == "cf-1")
        #expect(inbound.unknownBecause == nil)
        let outbound = tunnels.placed(
            Self.report(from: "203.0.113.10", to: "198.51.100.1"), lastSeen: CapturedStream.moment)
        #expect(outbound.direction == .outbound)
        let other = tunnels.placed(
            Self.report(from: "203.0.113.10", to: "192.0.2.1"), lastSeen: CapturedStream.moment)
        #expect(other.direction == nil)
        #expect(other.tunnel == nil)
        #expect(other.unknownBecause == "no tunnel of the configuration has these addresses")
    }

    @Test func `a tunnel whose both ends are configured wins, and wants both`() throws {
        let tunnels = try Self.tunnels(
            Self.stanza("any", "remote = \"198.51.100.1\"")
                + Self.stanza("two", "remote = \"198.51.100.1\"", "local = \"203.0.113.10\""))
        func name(_ source: String, _ destination: String) -> String? {
            tunnels.placed(
                Self.report(from: source, to: destination), lastSeen: CapturedStream.moment
            ).tunnel
        }
        #expect(name("198.51.100.1", "203.0.113.10") == "two")
        #expect(name("203.0.113.10", "198.51.100.1") == "two")
        #expect(name("198.51.100.1", "203.0.113.11") == "any")
        #expect(name("203.0.113.11", "198.51.100.1") == "any")
    }

    @Test func `without a configuration the reason says why`() {
        let tunnels = KnownTunnels(absentBecause: "there is no agent.conf")
        let stream = tunnels.placed(CapturedStream.bare().report, lastSeen: CapturedStream.moment)
        #expect(stream.unknownBecause == "there is no agent.conf")
        #expect(tunnels.names.isEmpty)
        #expect(tunnels.replayWindows == [32, 64, 128, 256, 512, 1024, 2048, 4096])
    }
}
