import Diagnosis
import Testing

@testable import Agent

private func finding(_ id: FindingID, explaining others: [FindingID] = []) -> Finding {
    var made = Finding(
        id: id, severity: id.severities[0], confidence: 1, summary: "It is so.",
        evidence: ["seen"], remedy: ["do"])
    made.explained = others.map { finding($0) }
    return made
}

@Suite struct `Findings in the log` {
    @Test func `each comes once and goes once`() {
        var log = FindingLog()
        var report = StatusReport(
            generatedAt: .init(nanoseconds: 0),
            agent: .init(version: "1", hostname: "h", uptime: .zero), findings: [], tunnels: [])
        report.findings = [finding(.agentDegraded)]
        #expect(
            log.lines(of: report).map(\.text)
                == ["this host: info agent-degraded: It is so."])
        #expect(log.lines(of: report).isEmpty)
        report.findings = []
        #expect(log.lines(of: report).map(\.text) == ["this host: agent-degraded is over"])
        #expect(log.lines(of: report).isEmpty)
    }

    @Test func `what another finding explains from now on is not over`() {
        var log = FindingLog()
        var report = StatusReport(
            generatedAt: .init(nanoseconds: 0),
            agent: .init(version: "1", hostname: "h", uptime: .zero), findings: [], tunnels: [])
        report.findings = [finding(.tunnelFlapping)]
        _ = log.lines(of: report)
        report.findings = [finding(.underlayDown, explaining: [.tunnelFlapping])]
        #expect(
            log.lines(of: report).map(\.text)
                == ["this host: critical underlay-down: It is so."])
    }
}
