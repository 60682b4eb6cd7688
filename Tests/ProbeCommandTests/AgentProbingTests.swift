import Foundation
import Testing

/// What `probe agent` makes of a network that breaks and mends.
@Suite struct AgentProbingTests {
    /// A tunnel that may leave degraded soon, for tests that cannot wait five minutes.
    private static let tunnel = Lab.tunnel + "\ndegraded_minimum = \"1s\""

    @Test func `the far end goes away: down within 3 s of the next probe, back through degraded`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Self.tunnel))
            try agent.wait(for: "healthy", within: 10)
            let fault = Date()
            // The far end of a veth pair that goes down takes this one's carrier with it, so the
            // packets are dropped beyond it.
            try shell(
                """
                nft() { ip netns exec \(lab.far) nft "$@"; }
                nft add table inet fault
                nft 'add chain inet fault in { type filter hook input priority 0; }'
                nft add rule inet fault in iifname tun0 drop
                """)
            try agent.wait(for: "down", within: 6)
            // The fault falls into a pause of up to one interval.
            #expect(Date().timeIntervalSince(fault) <= 4)
            let dead = try agent.status().tunnel("cf-1")
            #expect(dead["verdict"].string == "down")
            #expect(dead["changes_1h"].integer == 3)
            try shell("ip netns exec \(lab.far) nft delete table inet fault")
            try agent.wait(for: "degraded", within: 6)
            #expect(agent.command.errors.contains("tunnel cf-1: down -> degraded"))
            let row = try agent.status().tunnel("cf-1").row("inside", "request")
            #expect(try #require(row["retries"].integer) >= 2)
            #expect(try #require(row["lost"].integer) >= 1)
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `the link goes down: down within 3 s of the next probe`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Self.tunnel))
            try agent.wait(for: "healthy", within: 10)
            let fault = Date()
            try shell("ip -n \(lab.far) link set tun0 down")
            try agent.wait(for: "down", within: 6)
            #expect(Date().timeIntervalSince(fault) <= 4)
            try shell(
                """
                ip -n \(lab.far) link set tun0 up
                ip -n \(lab.far) route replace 10.253.0.0/24 via 10.60.2.1
                """)
            try agent.wait(for: "degraded", within: 6)
            #expect(try agent.stop().status == 0)
        }
    }

    @Test(arguments: ["10.252.0.0", "fd60:252::2"])
    func `a device that is removed and made anew is probed again`(target: String) async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(
                lab, lab.configuration(Self.tunnel + "\ninside_target = \"\(target)\""))
            try agent.wait(for: "healthy", within: 10)
            try shell("ip -n \(lab.client) link del tun0")
            let gone = try agent.wait(for: "down", within: 6)
            #expect(
                gone.tunnel("cf-1").row("inside", "request")["reason"].string?.isEmpty == false)
            let waiting = try eventually("it says what it waits for", within: 5) {
                try agent.status().tunnel("cf-1")["waiting_for"][0].string
            }
            #expect(waiting.contains("tun0"))
            try lab.addTunnelDevice()
            try agent.wait(for: "degraded", within: 8)
            let row = try agent.status().tunnel("cf-1").row("inside", "request")
            #expect(try #require(row["failed"]["send"].integer) >= 1)
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `counts of the daemon are those of tcpdump`() async throws {
        try await blocking {
            let lab = try Lab()
            let capture = try PacketCapture(lab, device: "tun0")
            let agent = try AgentProcess(
                lab, lab.configuration(Lab.tunnel + "\ninterval = \"100ms\""))
            try agent.wait(for: "healthy", within: 10)
            Thread.sleep(forTimeInterval: 2)
            agent.command.send(SIGSTOP)
            Thread.sleep(forTimeInterval: 0.3)
            agent.command.send(SIGCONT)
            Thread.sleep(forTimeInterval: 1.5)
            // Frozen, so that nothing leaves between the last look and the end of the capture.
            let status = try agent.status()
            #expect(try agent.stop().status == 0)
            let row = status.tunnel("cf-1").row("inside", "request")
            let packets = try capture.probes()
            let sent = try #require(row["sent"].integer)
            let requests = packets.count { $0.is(type: 8, to: "10.252.0.0") }
            // Probes that left between the status and SIGTERM, 0.1 s apart.
            #expect((sent...sent + 20).contains(requests), "\(sent) \(requests)")
            #expect(row["lost"].integer == 0)
            #expect(row["late_replies"].integer == 0, "a stall of this process is no late answer")
            #expect(row["retries"].integer == 0)
        }
    }
}

/// What one client of the control socket does harms no other.
@Suite struct ControlClientTests {
    @Test func `clients that stall, flood and vanish harm nobody`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 10)
            let stalled = try (0..<20).map { _ in try RawClient(lab.socket) }
            for client in stalled { client.write("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Ha") }
            let flood = try (0..<180).map { _ in try RawClient(lab.socket) }
            for client in flood { client.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") }
            #expect(try agent.get("/-/healthy").status == "200")
            // One that asks for an examination and is gone in the middle of it, ten times.
            // Two run at a time: until the agent has seen that an earlier one is gone, it refuses.
            for _ in 1...10 {
                _ = try eventually("progress", within: 10, every: 0.1) {
                    let client = try RawClient(lab.socket)
                    client.write("POST /api/v1/now?timeout=15 HTTP/1.1\r\nHost: x\r\n\r\n")
                    var answer = ""
                    while let piece = client.read(within: 5), !piece.isEmpty {
                        answer += piece
                        if answer.contains("progress") { return true }
                    }
                    return nil
                }
            }
            let late = try #require(try agent.metric("tunnelprobe_late_probes_total"))
            let result = try lab.runProbe("now", "--config", agent.configuration, "--json")
            #expect(result.status == 0, "\(result)")
            let row = try result.json().tunnel("cf-1").row("inside", "request")
            #expect(row["sent"].integer == 10)
            #expect(row["received"].integer == 10)
            #expect(try agent.status().tunnel("cf-1")["state"].string == "healthy")
            // Of some 300 probes in this time; a busy machine makes some late without any client.
            #expect(try #require(try agent.metric("tunnelprobe_late_probes_total")) <= late + 30)
            // Half a request is cut off after ten seconds.
            let cut = try eventually("the stalled are cut off", within: 15, every: 0.2) {
                stalled[0].read(within: 0.1).map { $0.contains("408") ? true : nil } ?? true
            }
            #expect(cut == true)
            withExtendedLifetime(flood) {}
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a non-root member of the socket's group needs no privilege`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 10)
            try shell("chgrp 7654 \(lab.socket)")
            let result = try run(
                lab.probe(
                    ["now", "cf-1", "--config", agent.configuration, "--json"],
                    prefix: Lab.unprivileged(group: 7654)))
            #expect(result.status == 0, "\(result)")
            let tunnel = try result.json().tunnel("cf-1")
            #expect(tunnel["verdict"].string == "healthy")
            #expect(tunnel.row("inside", "request")["received"].integer == 10)
            #expect(tunnel.row("inside", "reply")["received"].integer == 3)
            let adhoc = try run(
                lab.probe(
                    ["now", "10.60.3.1", "--config", agent.configuration, "--timeout", "4"],
                    prefix: Lab.unprivileged(group: 7654)))
            #expect(adhoc.status == 2, "\(adhoc)")
            #expect(adhoc.output.contains("10.60.3.1  DOWN"))
            #expect(
                try agent.status()["tunnels"].array.count == 1, "an ad-hoc tunnel leaves no trace")
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `an agent that serves as many clients as it may is unavailable, not wrongly used`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let crowd = try (0..<256).map { _ in try RawClient(lab.socket) }
            Thread.sleep(forTimeInterval: 0.3)
            // Again and again, because the answer may or may not come before the connection ends.
            for command in ["now", "status", "now", "status", "now", "now", "now"] {
                let result = try lab.runProbe(command, "--config", agent.configuration)
                #expect(result.status == 69, "\(result)")
            }
            withExtendedLifetime(crowd) {}
            #expect(try agent.stop().status == 0)
        }
    }
}
