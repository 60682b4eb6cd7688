import Foundation
import Testing

/// What an agent writes when a tunnel goes down, judged by tshark and by `probe analyze`.
@Suite struct FlightRecorderTests {
    @Test func `a tunnel that goes down leaves its last minute, headers only`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(
                lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 15)
            _ = try eventually("ESP is captured", within: 10) {
                agent.command.errors.contains("ESP is captured on wan0") ? true : nil
            }
            try ESPTraffic(
                namespace: lab.far, destination: "10.60.1.2", spi: 0xc0de_0001, count: 200
            ).send()
            try shell("ip -n \(lab.far) link set tun0 down")
            try agent.wait(for: "down", within: 15)
            let folder = "\(lab.directory)/captures"
            let path = try eventually("a recording", within: 20) {
                try FileManager.default.contentsOfDirectory(atPath: folder).first {
                    $0.hasSuffix("-down.pcapng") && !$0.hasPrefix(".")
                }
            }
            let file = "\(folder)/\(path)"
            #expect(path.hasPrefix("cf-1-20"), "\(path)")
            #expect(try shell("stat -c %a \(file)").hasPrefix("640"))
            let rows = try shell(
                """
                tshark -r \(file) -T fields -e frame.interface_name -e frame.protocols \
                    -e frame.cap_len -e frame.packet_flags_direction -e frame.comment 2>/dev/null
                """
            ).split(separator: "\n").map {
                $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            let esp = rows.filter { $0[1].contains(":esp") }
            #expect(esp.count == 200)
            // Ethernet, IP, ESP and eight octets of IV.
            #expect(esp.allSatisfy { $0[2] == "50" && $0[0] == "wan0" && $0[3].hasSuffix("1") })
            let inside = rows.filter { $0[0] == "tun0" }
            #expect(inside.count >= 3)
            #expect(inside.allSatisfy { Int($0[2]) ?? 99 <= 42 }, "\(inside)")
            #expect(rows.contains { $0[0] == "wan0" && $0[1].contains("icmp") })
            #expect(rows.filter { $0[4].contains("tunnel cf-1: healthy -> ") }.count == 1)
            let said = try shell("capinfos \(file)")
            #expect(said.contains("tunnel cf-1: healthy -> "), "\(said)")
            #expect(said.contains("headers only"))

            let analysis = try run([ProbeBinary.path, "analyze", "--json", file])
            #expect(analysis.status == 0, "\(analysis)")
            let report = try analysis.json()
            let stream = try #require(report["streams"].array.first)
            #expect(stream["packets"].integer == 200)
            #expect(stream["senders"]["estimate"].integer == 1)
            #expect(report["truncated"].bool == false)
            let text = try run([ProbeBinary.path, "analyze", file])
            #expect(!text.output.lowercased().contains("malformed"), "\(text)")
            let senders = try run([ProbeBinary.path, "senders", "--pcap", file])
            #expect(senders.status == 0, "\(senders)")
            #expect(
                try agent.metric(
                    #"tunnelprobe_flight_recordings_total{tunnel="cf-1",result="written"}"#) == 1)
            #expect(try agent.stop().status == 0)
        }
    }
}
