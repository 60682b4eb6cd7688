import Foundation
import Testing

@Suite struct NowCommandTests {
    @Test func `an address that answers is healthy, and its counts are those of tcpdump`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let capture = try PacketCapture(lab, device: "wan0")
            let result = try lab.runProbe("now", "10.60.2.2", "--local", "--json")
            #expect(result.status == 0, "\(result)")
            #expect(result.seconds < 15)
            let status = try result.json()
            #expect(status["schema"].string == "tunnelprobe.status/1")
            #expect(status["verdict"].string == "healthy")
            let tunnel = status["tunnels"][0]
            #expect(tunnel["state"].string == "healthy")
            #expect(tunnel["state_source"].string == "outside")
            #expect(tunnel["local"].string == "10.60.1.2")
            #expect(tunnel["wan_interface"].string == "wan0")
            let requests = tunnel.row("outside", "request")
            let pairs = tunnel.row("outside", "reply")
            #expect(requests["received"].integer == 10)
            #expect(requests["sent"].integer == 10)
            #expect(pairs["received"].integer == 3, "the router answers hop-limited Echo Replies")
            #expect(pairs["lost"].integer == 0)
            #expect(pairs["hops"][0]["tests_sent"].integer == 3)
            let tests = pairs["hops"].array.compactMap { $0["tests_sent"].integer }
            #expect(pairs["sent"].integer == tests.reduce(0, +))
            #expect(pairs["hops"][0]["address"].string == "10.60.1.1")
            #expect(requests["unstamped_round_trips"].integer == 0)
            #expect(tunnel.row("inside", "request")["sent"].integer == 0)
            #expect(tunnel.row("inside", "request")["reason"].string != nil)

            let packets = try capture.probes()
            // Hop-limited packets are those of the pairs; the 64 hops of all others are the system's.
            let near = packets.filter { $0.destination == "10.60.2.2" && $0.timeToLive <= 3 }
            let far = packets.filter { $0.destination == "10.60.2.2" && $0.timeToLive > 3 }
            #expect(far.count { $0.type == 8 } == requests["sent"].integer)
            #expect(near.count { $0.type == 0 } == pairs["sent"].integer)
            let controls = pairs["hops"].array.compactMap { $0["controls_sent"].integer }
            #expect(near.count { $0.type == 8 } == controls.reduce(0, +))
            // The far side answers the requests, and the controls that got there.
            let reached = near.count { $0.type == 8 && $0.timeToLive >= 2 }
            #expect(
                packets.count { $0.is(type: 0, to: "10.60.1.2") } - reached
                    == requests["received"].integer)
            #expect(packets.count { $0.is(type: 11, to: "10.60.1.2") } == 6)
        }
    }

    @Test func `an IPv6 address that answers is healthy`() async throws {
        try await blocking {
            let lab = try Lab()
            let result = try lab.runProbe("now", "fd60:2::2", "--local", "--json")
            #expect(result.status == 0, "\(result)")
            let tunnel = try result.json()["tunnels"][0]
            #expect(tunnel.row("outside", "request")["received"].integer == 10)
            #expect(tunnel.row("outside", "reply")["received"].integer == 3)
            #expect(tunnel.row("outside", "reply")["hops"][0]["address"].string == "fd60:1::1")
            #expect(tunnel.row("outside", "request")["unstamped_round_trips"].integer == 0)
        }
    }

    @Test func `an address that does not answer is down`() async throws {
        try await blocking {
            let lab = try Lab()
            let result = try lab.runProbe(
                "now", "10.60.3.1", "--local", "--json", "--timeout", "10")
            #expect(result.status == 2, "\(result)")
            let tunnel = try result.json()["tunnels"][0]
            #expect(tunnel["state"].string == "down")
            let row = tunnel.row("outside", "request")
            #expect(row["received"].integer == 0)
            #expect(row["lost"].integer == row["sent"].integer)
            #expect(row["loss_ratio"].number == 1)
            #expect(row["failed"]["unreachable"].integer == 0)
            #expect(row["rtt_seconds"].value == nil)
            #expect(row["rtt_seconds_reason"].string != nil)
        }
    }

    @Test(
        arguments: [
            ("10.60.3.2", "unreachable", "3/1"), ("10.60.3.3", "filtered", "3/13"),
        ])
    func `ICMP errors are counted by reason and by type`(
        address: String, reason: String, code: String
    ) async throws {
        try await blocking {
            let lab = try Lab()
            // Else ladders and sizes would take from the few errors that the router sends.
            _ = try run([
                "ip", "netns", "exec", lab.router, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0",
            ])
            let capture = try PacketCapture(lab, device: "wan0")
            // Errors that answer IKE probes are counted with these, and the router sends only so many.
            let path = try lab.write(
                "agent.conf", lab.configuration("[defaults]\nike_probe = \"never\""))
            let result = try lab.runProbe(
                "now", address, "--config", path, "--local", "--json", "--timeout", "5")
            #expect(result.status == 2, "\(result)")
            let row = try result.json()["tunnels"][0].row("outside", "request")
            let errors = try #require(row["icmp_errors"][code].integer)
            #expect(errors > 0)
            #expect(try #require(row["failed"][reason].integer) > 0)
            #expect(row["lost"].integer == row["sent"].integer)
            let seen = try capture.probes().count { $0.is(type: 3, to: "10.60.1.2") }
            let pairs = try result.json()["tunnels"][0].row("outside", "reply")
            #expect(seen == errors + (pairs["icmp_errors"][code].integer ?? 0))
        }
    }

    @Test func `a configured tunnel is probed inside and outside`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let capture = try PacketCapture(lab, device: "tun0")
            let result = try lab.runProbe("now", "cf-1", "--config", path, "--json")
            #expect(result.status == 0, "\(result)")
            let tunnel = try result.json().tunnel("cf-1")
            #expect(tunnel["state_source"].string == "inside")
            #expect(tunnel["tunnel_interface"].string == "tun0")
            let row = tunnel.row("inside", "request")
            #expect(row["received"].integer == 10)
            let pairs = tunnel.row("inside", "reply")
            #expect(pairs["received"].integer == 3)
            #expect(pairs["hops"][0]["address"].string == "10.252.0.0")
            let packets = try capture.probes()
            #expect(packets.count { $0.is(type: 8, to: "10.252.0.0") } == row["sent"].integer)
            #expect(packets.count { $0.is(type: 0, to: "10.252.0.1") } == row["received"].integer)
            #expect(packets.count { $0.is(type: 0, to: "10.253.0.1") } == pairs["sent"].integer)
        }
    }

    @Test func `text has no escape codes in a pipe, and columns line up`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let result = try lab.runProbe("now", "--config", path, "--timeout", "4")
            #expect(!result.output.contains("\u{1b}"))
            #expect(result.errors == "", "no progress where there is no terminal")
            let lines = result.output.split(separator: "\n")
            #expect(
                lines.first?.hasPrefix("cf-1  HEALTHY  10.60.1.2 -> 10.60.2.2") == true, "\(result)"
            )
            let header = try #require(lines.first { $0.contains("answered") })
            let end = header.range(of: "answered").map {
                header.distance(from: header.startIndex, to: $0.upperBound)
            }
            let row = try #require(lines.first { $0.hasPrefix("  inside   request") })
            let column = try #require(end)
            #expect(row.prefix(column).hasSuffix("10"), "\(result.output)")
        }
    }

    @Test func `an unfinished examination says that the time was up`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let result = try lab.runProbe(
                "now", "--config", path, "--json", "--timeout", "1")
            // Far from the 15 s of the default, also beside other tests.
            #expect(result.seconds < 8)
            let tunnel = try result.json().tunnel("cf-1")
            let row = tunnel.row("inside", "request")
            #expect(try #require(row["sent"].integer) < 10)
            #expect(row["reason"].string == "time limit")
            let pairs = tunnel.row("inside", "reply")
            #expect(pairs["rtt_seconds"].value == nil)
            #expect(pairs["rtt_seconds_reason"].string == "time limit")
        }
    }

    @Test(arguments: ["nowhere", "no where", "a&timeout=9", "ü%zz", "x,y"])
    func `an unknown tunnel is wrong usage, and the known ones are named`(
        name: String
    ) async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let here = try lab.runProbe("now", name, "--config", path)
            #expect(here.status == 64, "\(here)")
            #expect(here.errors.contains("'\(name)'") && here.errors.contains("cf-1"), "\(here)")
            #expect(here.output == "")
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let there = try lab.runProbe("now", name, "--config", path)
            #expect(there.status == 64, "\(there)")
            #expect(there.errors == here.errors, "the agent says the same")
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `no tunnel at all is unknown, with a hint`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(""))
            let text = try lab.runProbe("now", "--config", path)
            #expect(text.status == 3, "\(text)")
            #expect(text.output.contains("probe now ADDRESS"))
            #expect(text.output.contains("agent.conf"))
            let json = try lab.runProbe("now", "--config", path, "--json")
            #expect(json.status == 3)
            #expect(try json.json()["verdict"].string == "unknown")
            #expect(try json.json()["tunnels"].array.isEmpty)
        }
    }

    @Test func `without privilege it names the capability and a command`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            for arguments in [["now", "--config", path], ["agent", "--config", path]] {
                let result = try run(
                    lab.probe(arguments, prefix: Lab.unprivileged()), within: 10)
                #expect(result.status == 77, "\(arguments[0]): \(result)")
                #expect(result.errors.contains("CAP_NET_RAW"))
                #expect(result.errors.contains("sudo "))
            }
        }
    }

    @Test func `a closed pipe does not hang`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let command = try RunningCommand(
                lab.probe(["now", "--config", path, "--timeout", "2"]), closedOutput: true)
            let result = try command.wait(seconds: 6)
            #expect(result.seconds < 6)
        }
    }

    @Test(arguments: [
        ["--timeout", "0"], ["--timeout", "x"], ["--wrong"], ["10.0.0.1", "10.0.0.2"],
    ])
    func `wrong usage is 64`(arguments: [String]) async throws {
        try await blocking {
            let result = try run([ProbeBinary.path, "now"] + arguments, within: 10)
            #expect(result.status == 64, "\(result)")
            #expect(result.errors.contains("Usage"), "\(result)")
        }
    }
}
