import NetworkPrimitives
import Testing

@testable import Agent

@Suite struct `The live view` {
    private func look(_ received: Int, _ verdict: String = "healthy", finding: String = "")
        -> [UInt8]
    {
        Array(
            """
            {"schema": "tunnelprobe.status/1", "generated_at": "2026-11-22T12:00:00.000Z",
             "agent": {"hostname": "edge-1"}, "verdict": "\(verdict)", "findings": [],
             "tunnels": [{"name": "cf-1", "local": "203.0.113.10", "remote": "198.51.100.1",
               "kind": "xfrm", "tunnel_interface": "ipsec0", "verdict": "\(verdict)",
               "state": "\(verdict)", "state_since": "2026-11-22T11:00:00.000Z", "flapping": false,
               "probes": [{"path": "inside", "style": "request", "received": \(received), "lost": 0,
                           "rtt_seconds": {"mean": 0.02}}],
               "streams": [], "findings": [\(finding)]},
              {"name": "cf-2", "verdict": "down", "state": "down", "probes": [], "findings": []}]}
            """.utf8)
    }

    private let finding = """
        {"id": "anti-replay-drops", "severity": "critical", "summary": "The window drops packets.",
         "remedy": ["swanctl --load-conns"], "explains": ["tunnel-flapping"]}
        """

    private func screen(_ view: WatchView, _ columns: Int = 80, _ rows: Int = 24) -> [String] {
        view.screen(columns: columns, rows: rows, format: ReportFormat(isJSON: false))
    }

    @Test func `it shows the state, the strip and what to fix first`() throws {
        var view = WatchView(tunnel: nil)
        try view.take(look(10), at: .zero + .seconds(1))
        try view.take(look(11, "degraded", finding: finding), at: .zero + .seconds(2))
        let lines = screen(view)
        #expect(lines[0].contains("edge-1") && lines[0].contains("DEGRADED"))
        #expect(lines.contains { $0.contains("> cf-1  DEGRADED  anti-replay-drops") })
        #expect(
            lines.contains { $0.contains("inside") && $0.contains("20.0 ms") && $0.hasSuffix(".") })
        #expect(lines.contains { $0.contains("fix first  anti-replay-drops: The window drops") })
        #expect(lines.contains { $0.contains("do         swanctl --load-conns") })
        #expect(lines.contains { $0.contains("explains   tunnel-flapping") })
    }

    @Test func `no line is wider and no screen higher than the terminal`() throws {
        var view = WatchView(tunnel: nil)
        for count in 0..<100 {
            try view.take(look(count, "degraded", finding: finding), at: .zero + .seconds(count))
        }
        for columns in [40, 61, 80, 200] {
            for rows in [1, 3, 10, 50] {
                let lines = screen(view, columns, rows)
                #expect(lines.count <= rows)
                #expect(lines.allSatisfy { $0.count <= columns })
            }
        }
    }

    @Test func `keys select tunnels and stop the view`() throws {
        var view = WatchView(tunnel: nil)
        try view.take(look(1), at: .zero)
        view.press(.next)
        #expect(screen(view).contains { $0.hasPrefix("> cf-2") })
        view.press(.next)
        #expect(screen(view).contains { $0.hasPrefix("> cf-1") })
        view.press(.previous)
        #expect(screen(view).contains { $0.hasPrefix("> cf-2") })
        view.press(.pause)
        #expect(view.isPaused)
    }

    @Test func `an unknown tunnel is named with those there are`() {
        var view = WatchView(tunnel: "cf-9")
        #expect(throws: WatchView.Fault.unknownTunnel("cf-9", known: ["cf-1", "cf-2"])) {
            try view.take(look(1), at: .zero)
        }
    }

    @Test func `an agent that does not answer leaves what was known in sight`() throws {
        var view = WatchView(tunnel: nil)
        try view.take(look(1), at: .zero)
        view.note(failure: "no agent is running")
        #expect(screen(view).contains { $0.contains("no agent is running") })
        #expect(screen(view).contains { $0.contains("cf-1") })
        try view.take(look(2), at: .zero + .seconds(1))
        #expect(!screen(view).contains { $0.contains("no agent is running") })
    }

    @Test func `what is no status is refused`() {
        var view = WatchView(tunnel: nil)
        #expect(throws: WatchView.Fault.self) { try view.take([1, 2, 3], at: .zero) }
        #expect(throws: WatchView.Fault.self) { try view.take(Array("{}".utf8), at: .zero) }
    }
}
