import Foundation
import Testing

/// ESP on the wire of an agent in a namespace of its own.
@Suite struct CaptureTests {
    private static func packets(_ direction: String, _ name: String = "packets") -> String {
        "tunnelprobe_esp_\(name)_total{tunnel=\"cf-1\",direction=\"\(direction)\"}"
    }

    /// Waits until a series has a value.
    private static func wait(
        _ agent: AgentProcess, _ series: String, is value: Int, within seconds: Double = 5
    ) throws {
        var last: Double?
        do {
            _ = try eventually("\(series) \(value)", within: seconds) {
                last = try agent.metric(series)
                return last == Double(value) ? true : nil
            }
        } catch {
            throw NeverHappened(
                what: "\(series) \(value)", seconds: seconds,
                last: "\(String(describing: last))\n\(agent.command.errors)")
        }
    }

    @Test func `metrics and status say what tcpdump saw in the same run`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            _ = try eventually("ESP is captured", within: 10) {
                agent.command.errors.contains("ESP is captured on wan0") ? true : nil
            }
            #expect(try agent.metric(Self.packets("inbound")) == 0, "there from the first scrape")
            let dump = try PacketDump(lab)
            try ESPTraffic(
                namespace: lab.far, destination: "10.60.1.2", spi: 0xc0de_0001, senders: 3,
                count: 700
            ).send()
            try ESPTraffic(
                namespace: lab.client, destination: "10.60.2.2", spi: 0xc0de_0002, count: 300
            ).send()
            let inbound = try dump.count("src 10.60.2.2")
            let outbound = try dump.count("dst 10.60.2.2")
            #expect(inbound == 2100)
            #expect(outbound == 300)
            try Self.wait(agent, Self.packets("inbound"), is: inbound)
            try Self.wait(agent, Self.packets("outbound"), is: outbound)
            #expect(try agent.metric(Self.packets("inbound", "bytes")) == Double(inbound * 108))
            #expect(try agent.metric(#"tunnelprobe_esp_senders{tunnel="cf-1"}"#) == 3)
            #expect(
                try agent.metric(
                    #"tunnelprobe_capture_drops_total{interface="wan0",netns=""}"#) == 0)
            let captured = try #require(
                try agent.metric(
                    #"tunnelprobe_capture_packets_total{interface="wan0",netns=""}"#))
            #expect(Int(captured) == inbound + outbound)

            let streams = try agent.status().tunnel("cf-1")["streams"].array
            try #require(streams.count == 2)
            let stream = try #require(streams.first { $0["direction"].string == "inbound" })
            #expect(stream["spi"].string == "0xc0de0001")
            #expect(stream["packets"].integer == inbound)
            #expect(stream["senders"]["estimate"].integer == 3)
            #expect(stream["senders"]["method"].string == "iv")
            #expect(stream["lost_packets"].integer == 0)
            // Three counters from 1 on: of every number two packets are seen already.
            let window = try #require(stream["replay_windows"].array.first)
            #expect(window["already_seen"].integer == 1400)
            let drops =
                #"tunnelprobe_esp_replay_would_drop_total{tunnel="cf-1",window="64"}"#
            #expect(try agent.metric(drops) == 1400)

            let text = try agent.get("/api/v1/status?format=text").body
            #expect(text.contains("ESP in   2100 packets, 3 senders"), "\(text)")
            #expect(text.contains("ESP out  300 packets"), "\(text)")
            let senders = try JSON(parsing: agent.get("/api/v1/senders?tunnel=cf-1").body)
            #expect(senders["schema"].string == "tunnelprobe.senders/1")
            #expect(senders["tunnel"].string == "cf-1")
            #expect(senders["senders"].array.map { $0["packets"].integer } == [700, 700, 700])
            #expect(try agent.get("/api/v1/senders?tunnel=none").status == "400")
            #expect(try agent.getTCP("/").body.contains("2100 packets"))
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `counters survive rekeys, a device that goes away, and a reload`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            var traffic = ESPTraffic(
                namespace: lab.far, destination: "10.60.1.2", spi: 0xc0de_0001, count: 100)
            _ = try eventually("ESP is captured", within: 10) {
                agent.command.errors.contains("ESP is captured on wan0") ? true : nil
            }
            try traffic.send()
            try Self.wait(agent, Self.packets("inbound"), is: 100)
            traffic.spi = 0xc0de_0002
            try traffic.send()
            try Self.wait(agent, Self.packets("inbound"), is: 200)
            // Other windows: every stream begins anew.
            try lab.write(
                "agent.conf", lab.configuration(Lab.tunnel + "\nreplay_windows = [64, 2000]"))
            agent.command.send(SIGHUP)
            let window =
                #"tunnelprobe_esp_replay_would_drop_total{tunnel="cf-1",window="2000"}"#
            try Self.wait(agent, window, is: 0)
            try Self.wait(agent, Self.packets("inbound"), is: 200)
            try traffic.send()
            try Self.wait(agent, Self.packets("inbound"), is: 300)
            try shell(
                """
                ip -n \(lab.client) link del wan0
                ip -n \(lab.client) link add wan0 type veth peer name up0 netns \(lab.router)
                ip -n \(lab.client) addr add 10.60.1.2/24 dev wan0
                ip -n \(lab.router) addr add 10.60.1.1/24 dev up0
                ip -n \(lab.client) link set wan0 up; ip -n \(lab.router) link set up0 up
                ip -n \(lab.client) route add default via 10.60.1.1
                """)
            _ = try eventually("the new device is captured on", within: 15) {
                agent.command.errors.components(separatedBy: "ESP is captured on wan0").count > 2
                    ? true : nil
            }
            #expect(try #require(try agent.metric(Self.packets("inbound"))) == 300)
            traffic.spi = 0xc0de_0003
            try traffic.send()
            try Self.wait(agent, Self.packets("inbound"), is: 400)
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `capture = false is respected and said`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(
                lab, lab.configuration(Lab.tunnel + "\ncapture = false"))
            try agent.wait(for: "healthy", within: 10)
            try ESPTraffic(
                namespace: lab.far, destination: "10.60.1.2", spi: 0xc0de_0001, count: 100
            ).send()
            let tunnel = try agent.status().tunnel("cf-1")
            #expect(tunnel["streams"].value == nil)
            #expect(tunnel["streams_reason"].string?.contains("capture = false") == true)
            #expect(try agent.metric(Self.packets("inbound")) == 0)
            #expect(
                try agent.get("/metrics").body.contains(
                    #"tunnelprobe_esp_senders{tunnel="cf-1"} NaN"#))
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `probe now without an agent captures while it probes`() async throws {
        try await blocking {
            let lab = try Lab()
            let configuration = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let traffic = try RunningCommand(
                ESPTraffic(
                    namespace: lab.far, destination: "10.60.1.2", spi: 0xc0de_0001, senders: 2,
                    count: 3000, rate: 500
                ).arguments)
            let result = try lab.runProbe(
                "now", "--local", "--json", "--config", configuration, within: 30)
            let stream = try result.json().tunnel("cf-1")["streams"][0]
            #expect(stream["direction"].string == "inbound")
            let packets = try #require(stream["packets"].integer)
            #expect(packets > 500, "\(packets)")
            #expect(traffic.isRunning, "it was captured in between")
            #expect(stream["senders"]["at_least"].integer == 2)
        }
    }

    @Test func `an observer sees the appliance's tunnel at a mirror port, behind a tag`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(
                lab,
                lab.configuration(
                    """
                    [[tunnel]]
                    name = "cf-1"
                    role = "observer"
                    remote = "198.51.100.1"
                    local = "203.0.113.10"
                    wan_interface = "wan0"
                    """))
            _ = try eventually("ESP is captured", within: 10) {
                agent.command.errors.contains("ESP is captured on wan0") ? true : nil
            }
            let script = """
                import socket, struct
                link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                link.bind(("up0", 0))
                ends = [socket.inet_aton(a) for a in ("198.51.100.1", "203.0.113.10")]
                for number in range(1, 51):
                    for source, destination, spi in ((0, 1, 0xc0de0001), (1, 0, 0xc0de0002)):
                        esp = struct.pack(">IIQ", spi, number, number) + bytes(64)
                        packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(esp), number, 0, 60,
                            50, 0, ends[source], ends[destination]) + esp
                        link.send(bytes.fromhex("02000000000102000000000281000064810000070800")
                            + packet)
                """
            try shell("ip netns exec \(lab.router) python3 -c '\(script)'")
            try Self.wait(agent, Self.packets("inbound"), is: 50)
            try Self.wait(agent, Self.packets("outbound"), is: 50)
            let tunnel = try agent.status().tunnel("cf-1")
            #expect(tunnel["capture"]["complete"].value == nil)
            #expect(tunnel["capture"]["running"].value as? Bool == true)
            #expect(try agent.stop().status == 0)
        }
    }
}
