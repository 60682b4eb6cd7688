import ESPSimulation
import Foundation
import Testing

@Suite struct SendersCommandTests {
    @Test func `a file's senders are a table, and JSON`() async throws {
        try await blocking {
            let captures = try Captures()
            var simulation = ESPStreamSimulation.many
            simulation.iv = .seqiv
            let truth = simulation.run()
            let file = try captures.write("many.pcap", simulation)
            let result = try captures.probe(
                "senders", "--pcap", file, "--json", "--config", captures.configuration())
            #expect(result.status == 0, "\(result)")
            let json = try result.json()
            #expect(json["schema"].string == "tunnelprobe.senders/1")
            #expect(json["tunnel"].string == "cf-1")
            #expect(json["senders"].array.count == 20)
            let counts = json["senders"].array.map { $0["packets"].integer ?? -1 }
            #expect(counts == truth.truth.senders.map(\.received).sorted(by: >))
            for key in [
                "sender", "share", "per_second", "ttl", "packets", "lost", "reordered", "last_seen",
            ] {
                #expect(json["senders"][0][key].value != nil, "\(key)")
            }
            let text = try captures.probe("senders", "--pcap", file)
            #expect(text.status == 0)
            #expect(text.output.contains("last seen"), "\(text)")
            #expect(text.output.split(separator: "\n").count >= 22)
            let tunnel = try captures.probe(
                "senders", "cf-1", "--pcap", file, "--config", captures.configuration())
            #expect(tunnel.status == 0, "\(tunnel)")
        }
    }

    @Test func `without an agent it says that none is running`() async throws {
        try await blocking {
            let captures = try Captures()
            let result = try captures.probe("senders", "--config", captures.configuration())
            #expect(result.status == 69, "\(result)")
            #expect(result.errors.contains("systemctl start tunnel-probe"))
            #expect(result.output == "")
        }
    }
}
