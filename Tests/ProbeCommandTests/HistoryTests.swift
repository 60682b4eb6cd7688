import Foundation
import Testing

/// What an agent keeps in its event store, read by SQLite's own command as a stranger would.
@Suite struct HistoryTests {
    private static func query(_ lab: Lab, _ sql: String) throws -> String {
        try shell("sqlite3 -readonly \(lab.directory)/events.sqlite \"\(sql)\"")
    }

    @Test func `what happened is there after a kill and a restart`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 15)
            try shell("ip -n \(lab.far) link set tun0 down")
            try agent.wait(for: "down", within: 15)
            let changes = """
                SELECT json_extract(body, '\\$.from') || '>' || json_extract(body, '\\$.to')
                FROM event JOIN tunnel ON tunnel.id = event.tunnel
                WHERE kind = 'state_changed' AND tunnel.name = 'cf-1' ORDER BY at
                """
            // A change of state is committed at once.
            let before = try eventually("the fault is stored", within: 5) {
                let text = try Self.query(lab, changes)
                return text.contains(">down") ? text : nil
            }
            #expect(before.hasPrefix("unknown>healthy"), "\(before)")
            #expect(try agent.metric("tunnelprobe_store_working") == 1)
            #expect(try agent.metric("tunnelprobe_store_rows_dropped_total") == 0)
            #expect(try shell("stat -c %a \(lab.directory)/events.sqlite").hasPrefix("640"))
            agent.command.send(SIGKILL)
            _ = try agent.command.wait(seconds: 8)
            #expect(try Self.query(lab, changes).hasPrefix(before))
            try shell("ip -n \(lab.far) link set tun0 up")

            let next = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try next.wait(for: "healthy", within: 15)
            #expect(try next.stop().status == 0)
            #expect(try Self.query(lab, changes).hasPrefix(before))
            let kinds = try Self.query(
                lab, "SELECT kind FROM event WHERE kind LIKE 'agent%' ORDER BY id"
            )
            .split(separator: "\n")
            #expect(kinds.filter { $0 == "agent_started" }.count == 2, "\(kinds)")
            #expect(kinds.filter { $0 == "agent_lost" }.count == 1, "\(kinds)")
            #expect(kinds.last == "agent_stopped", "\(kinds)")
            let minutes = try Self.query(
                lab, "SELECT sum(json_extract(body, '\\$.h')) > 0 FROM minute")
            #expect(minutes.hasPrefix("1"))
        }
    }

    @Test func `without a place for the store the agent goes on and says so`() async throws {
        try await blocking {
            let lab = try Lab()
            try shell("mkdir \(lab.directory)/events.sqlite")
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let status = try agent.wait(for: "healthy", within: 15)
            #expect(try agent.metric("tunnelprobe_store_working") == 0)
            #expect(try agent.metric("tunnelprobe_store_failures_total") ?? 0 >= 1)
            let finding = try #require(
                status["findings"].array.first { $0["id"].string == "agent-degraded" })
            #expect("\(finding)".contains("the history is not stored"), "\(finding)")
            #expect(try agent.stop().status == 0)
        }
    }
}
