@testable import Agent
import Diagnosis
import Testing
import TunnelHealth

/// Interface page §2, "Verdict".
@Suite struct VerdictTests {
    @Test(
        arguments: [
            (TunnelState.healthy, TunnelState.degraded), (.unknown, .degraded),
            (.degraded, .degraded), (.down, .down),
        ])
    func `a critical finding lifts healthy and unknown to degraded`(
        state: TunnelState, verdict: TunnelState
    ) {
        #expect(TunnelReport.verdict(of: state, [.made(.critical)]) == verdict)
        #expect(TunnelReport.verdict(of: state, [.made(.info), .made(.critical)]) == verdict)
    }

    @Test(arguments: TunnelState.allCases)
    func `warnings and infos change nothing`(state: TunnelState) {
        #expect(TunnelReport.verdict(of: state, [.made(.warning), .made(.info)]) == state)
        #expect(TunnelReport.verdict(of: state, []) == state)
    }

    @Test func `the top-level verdict is the worst tunnel's: down, degraded, unknown, healthy`() {
        let order = [TunnelState.down, .degraded, .unknown, .healthy]
        for (index, worst) in order.enumerated() {
            var report = StatusReport.fresh
            let tunnel = report.tunnels[0]
            report.tunnels = order[index...].reversed().map {
                var tunnel = tunnel
                tunnel.state = $0
                return tunnel
            }
            #expect(report.verdict == worst)
        }
    }

    @Test func `without a tunnel it is unknown`() {
        var report = StatusReport.fresh
        report.tunnels = []
        #expect(report.verdict == .unknown)
        report.findings = [.made(.info)]
        #expect(report.verdict == .unknown)
    }
}
