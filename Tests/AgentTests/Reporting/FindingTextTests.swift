import Diagnosis
import Testing

@testable import Agent

@Suite struct `Findings for people` {
    private func finding(
        _ id: FindingID, _ severity: Finding.Severity, _ confidence: Double = 1,
        remedy: [String] = ["swanctl --load-conns  # and a rekey"]
    ) -> Finding {
        Finding(
            id: id, severity: severity, confidence: confidence,
            summary: "The kernel's replay window drops packets of the tunnel.",
            evidence: [
                "the inbound SA 0xc0de0001 has a window of 32 and dropped 1250 of 5000 packets in 10.0 s"
            ], remedy: remedy, guide: "Tunnel up, health checks failing: anti-replay protection")
    }

    private var report: StatusReport {
        var report = StatusReport.busy
        var cause = finding(.antiReplayDrops, .critical, 0.98)
        cause.explained = [finding(.insidePathDown, .critical), finding(.tunnelFlapping, .warning)]
        report.tunnels[0].findings = [
            cause, finding(.mssNotClamped, .warning), finding(.saReboundNAT, .info),
        ]
        return report
    }

    @Test func `what to fix first stands before any figure, what is worth knowing behind them`()
        throws
    {
        let text = StatusText(palette: TextPalette(isColored: false), columns: 80).render(report)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func place(_ part: String) throws -> Int {
            try #require(lines.firstIndex { $0.contains(part) }, "\(part)")
        }
        let first = try place("fix first  anti-replay-drops (critical, 98 % sure)")
        #expect(first == 3)
        #expect(try place("explains   inside-path-down, tunnel-flapping") > first)
        #expect(try place("also       mss-not-clamped (warning)") < place("  path     style"))
        #expect(try place("note       sa-rebound-nat (info)") > place("  path     style"))
        #expect(try lines[first..<place("  path     style")].allSatisfy { $0.count <= 80 })
    }

    @Test func `what can be pasted stays on one line`() throws {
        let command =
            "iptables -t mangle -A FORWARD -o ipsec0 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360"
        let text = FindingText(
            layout: TextLayout(
                palette: TextPalette(isColored: false), glyphs: .ascii, columns: 60))
        let lines = text.lines(finding(.mssNotClamped, .warning, remedy: [command]), .first)
        #expect(lines.contains("  do         " + command))
    }

    @Test func `verbose says what every rule said, and shows what is explained`() {
        var report = report
        report.tunnels[0].diagnosis.checks = [
            .init(.ikeNoProposal, .excluded(because: ["an IKE SA is up"])),
            .init(.espBlocked, .unknown(missing: ["ESP is not captured"])),
            .init(.dpdNotRestart, .notApplicable(because: "the keys are set by hand")),
        ]
        let text = StatusText(
            palette: TextPalette(isColored: false), columns: 100, isVerbose: true
        ).render(report)
        #expect(text.contains("ike-no-proposal") && text.contains("excluded: an IKE SA is up"))
        #expect(text.contains("unknown: ESP is not captured"))
        #expect(text.contains("inside-path-down: the inbound SA"))
        #expect(text.contains("guide      Tunnel up, health checks failing"))
    }

    @Test func `a sick tunnel without a cause says what was looked at`() {
        var report = StatusReport.busy
        report.tunnels[0].diagnosis.unexplained = "No cause found among 33 checks: 20 are excluded."
        let text = StatusText(palette: TextPalette(isColored: false), columns: 100).render(report)
        #expect(text.contains("cause    not found No cause found among 33 checks"))
    }

    @Test func `the page has them in the same order`() throws {
        let page = StatusPage(report: report).html
        let first = try #require(page.range(of: "Fix first: anti-replay-drops"))
        let figures = try #require(page.range(of: "<th>Path"))
        let note = try #require(page.range(of: "<summary>sa-rebound-nat"))
        #expect(first.lowerBound < figures.lowerBound && figures.lowerBound < note.lowerBound)
        #expect(page.contains("<code>swanctl --load-conns"))
    }
}
