import Foundation
import Testing

/// `probe agent` as a service: start, reload, watchdog, end.
@Suite struct AgentServiceTests {
    @Test func `starts, answers, and ends on SIGTERM without its socket`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 10)
            #expect(try agent.getTCP("/-/healthy").status == "200")
            #expect(try agent.getTCP("/-/ready").status == "200")
            let page = try agent.getTCP("/")
            #expect(page.status == "200")
            #expect(page.body.contains("cf-1"))
            #expect(!page.body.contains("<script"))
            #expect(try agent.getTCP("/nothing").status == "404")
            #expect(try agent.getTCP("/api/v1/now").status == "404", "only on the control socket")
            #expect(try agent.getTCP("/-/reload").status == "405")
            let attributes = try FileManager.default.attributesOfItem(atPath: lab.socket)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o660)
            let began = Date()
            let result = try agent.stop()
            #expect(result.status == 0, "\(result)")
            #expect(Date().timeIntervalSince(began) < 5)
            #expect(!FileManager.default.fileExists(atPath: lab.socket))
        }
    }

    @Test func `SIGTERM ends it within 5 s though clients hang on it`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let stalled = try RawClient(lab.socket)
            stalled.write("GET /metrics HT")
            let busy = try RunningCommand(
                lab.probe(["now", "--config", agent.configuration]))
            _ = try eventually("the command is connected", within: 5) {
                // A connection is listed in the namespace of the process that made it.
                let sockets = try shell("ip netns exec \(lab.client) ss -xaH")
                let ends = sockets.split(separator: "\n").filter {
                    $0.contains("ESTAB") && $0.contains(lab.socket)
                }
                return ends.isEmpty ? nil : true
            }
            let began = Date()
            #expect(try agent.stop().status == 0)
            #expect(Date().timeIntervalSince(began) < 5)
            #expect(!FileManager.default.fileExists(atPath: lab.socket))
            let result = try busy.wait(seconds: 10)
            #expect(result.status == 69, "the agent went away in the middle: \(result)")
        }
    }

    @Test func `tells systemd that it is ready, alive, reloading and stopping`() async throws {
        try await blocking {
            let lab = try Lab()
            let notify = try NotifySocket("\(lab.directory)/notify")
            let agent = try AgentProcess(
                lab, lab.configuration(Lab.tunnel),
                environment: ["NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "1000000"])
            let start = try notify.wait(for: "READY=1", within: 5)
            #expect(start.last?.contains { $0.hasPrefix("STATUS=") } == true)
            for _ in 1...3 { _ = try notify.wait(for: "WATCHDOG=1", within: 1) }
            agent.command.send(SIGHUP)
            let reload = try notify.wait(for: "READY=1", within: 5)
            let reloading = reload.first { $0.contains("RELOADING=1") }
            #expect(reloading?.contains { $0.hasPrefix("MONOTONIC_USEC=") } == true)
            agent.command.send(SIGTERM)
            _ = try notify.wait(for: "STOPPING=1", within: 5)
            #expect(try agent.command.wait(seconds: 5).status == 0)
        }
    }

    @Test func `a reload keeps the counters of a tunnel that did not change`() async throws {
        try await blocking {
            let lab = try Lab()
            let second = """
                [[tunnel]]
                name = "second"
                remote = "10.60.2.2"
                """
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel + "\n" + second))
            try agent.wait(for: "healthy", within: 10)
            let sent =
                #"tunnelprobe_probes_sent_total{tunnel="cf-1",path="inside",style="request"}"#
            let before = try #require(try agent.metric(sent))
            let since = try agent.status().tunnel("cf-1")["state_since"].string
            #expect(before >= 3)
            try lab.write(
                "agent.conf",
                lab.configuration(
                    Lab.tunnel + "\n" + second.replacingOccurrences(of: "second", with: "third")))
            agent.command.send(SIGHUP)
            _ = try eventually("the third tunnel is there", within: 5) {
                try agent.status().tunnel("third")["name"].string
            }
            let status = try agent.status()
            #expect(status.tunnel("second")["name"].string == nil)
            #expect(status.tunnel("cf-1")["state_since"].string?.prefix(19) == since?.prefix(19))
            let after = try #require(try agent.metric(sent))
            #expect(after >= before)
            // A longer interval is another schedule, and the same counters.
            try lab.write(
                "agent.conf", lab.configuration(Lab.tunnel + "\ninterval = \"500ms\""))
            #expect(try agent.get("/-/reload", post: true).status == "200")
            _ = try eventually("the third tunnel is gone", within: 5) {
                try agent.status().tunnel("third")["name"].string == nil ? true : nil
            }
            #expect(try #require(try agent.metric(sent)) >= after)
            #expect(try agent.status().tunnel("cf-1")["state"].string == "healthy")

            let good = "tunnelprobe_config_last_reload_successful"
            #expect(try agent.metric(good) == 1)
            try lab.write("agent.conf", "[agent]\nlisten = 5\n")
            agent.command.send(SIGHUP)
            _ = try eventually("the reload failed", within: 5) {
                try agent.metric(good) == 0 ? true : nil
            }
            #expect(agent.command.errors.contains("agent.conf:2:10: agent.listen"))
            let refused = try agent.get("/-/reload", post: true)
            #expect(refused.status == "500")
            #expect(refused.body.contains("agent.conf:2:10: agent.listen"))
            #expect(try agent.status().tunnel("cf-1")["state"].string == "healthy")
            #expect(try #require(try agent.metric(sent)) >= after)
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `starts without device, route and DNS, says what it waits for, and takes them up`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            try shell(
                """
                ip -n \(lab.client) link del tun0
                ip -n \(lab.client) route del default
                """)
            let named = """
                [[tunnel]]
                name = "named"
                remote = "edge.invalid"
                """
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel + "\n" + named))
            let status = try eventually("what it waits for", within: 5) {
                let status = try agent.status()
                return status.tunnel("cf-1")["waiting_for"].array.count == 2 ? status : nil
            }
            let waiting = status.tunnel("cf-1")["waiting_for"].array.compactMap(\.string)
            #expect(waiting.contains { $0.contains("a route to 10.60.2.2") })
            #expect(waiting.contains { $0.contains("device tun0") })
            let name = status.tunnel("named")["waiting_for"].array.compactMap(\.string)
            #expect(name.contains { $0.contains("edge.invalid") }, "\(name)")
            #expect(agent.command.errors.contains("tunnel cf-1 waits for"))
            try shell("ip -n \(lab.client) route add default via 10.60.1.1")
            try lab.addTunnelDevice()
            // Down for want of a way, it comes back through degraded; unknown becomes healthy.
            _ = try eventually("the tunnel answers", within: 10) {
                let tunnel = try agent.status().tunnel("cf-1")
                let received = tunnel.row("inside", "request")["received"].integer ?? 0
                return tunnel["waiting_for"].array.isEmpty && received >= 3 ? true : nil
            }
            #expect(agent.command.errors.contains("everything it waited for is there"))
            #expect(try agent.stop().status == 0)
        }
    }
}
