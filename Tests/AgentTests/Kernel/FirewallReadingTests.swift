import Foundation
import HostFacts
import NetworkPrimitives
import Testing

@testable import Agent

@Suite struct FirewallReadingTests {
    private func reading(_ text: String) throws -> FirewallReading? {
        let document = try Array(text.utf8).withRawSpan { (text) throws(JSONError) in
            try JSONValue(parsing: text)
        }
        return FirewallReading(document)
    }

    /// A ruleset, loaded into a namespace of its own and read by nft itself.
    private func loaded(_ rules: String) throws -> FirewallReading {
        let file = NSTemporaryDirectory() + "tp-rules-\(UInt32.random(in: 0...(.max))).nft"
        try rules.write(toFile: file, atomically: true, encoding: .utf8)
        defer { unlink(file) }
        let output = try ChildProcess.run(
            ["/usr/bin/unshare"],
            ["-n", "sh", "-c", "nft -f \(file) && nft -j list ruleset"],
            timeout: .seconds(20), limit: 1 << 20)
        #expect(output.complaint == "")
        return try #require(try reading(String(decoding: output.octets, as: UTF8.self)))
    }

    @Test func `a stateful firewall as nft itself prints it`() throws {
        let reading = try loaded(
            """
            table inet filter {
              chain input {
                type filter hook input priority 0; policy drop;
                ct state established,related accept
                ct state invalid counter drop
                icmp type echo-request accept
                icmp type { echo-reply, time-exceeded } counter drop comment "no replies"
                meta l4proto esp accept
                udp dport { 500, 4500 } accept
                udp dport 4000-5000 counter reject
                tcp dport 22 accept
                ip protocol != icmp accept
              }
              chain extra { meta l4proto ipv6-icmp jump other; }
              chain other { }
            }
            table ip nat { }
            """)
        #expect(reading.tables == 2)
        #expect(reading.chains == 3)
        #expect(reading.rules == 10)
        #expect(
            reading.baseChains == [
                .init(
                    family: "inet", table: "filter", name: "input", type: "filter", hook: "input",
                    priority: 0, policy: "drop")
            ])
        #expect(
            reading.relevant.map(\.topics) == [
                [.invalid], [.icmp], [.icmp, .echoReply], [.esp], [.ike], [.ike], [.icmp],
            ])
        #expect(
            reading.relevant.map(\.verdict) == [
                .drop, .accept, .drop, .accept, .accept, .reject, .jump,
            ])
        #expect(reading.relevant[0].packets == 0)
        #expect(reading.relevant[1].packets == nil)
        #expect(reading.relevant[2].comment == "no replies")
        #expect(reading.relevant.allSatisfy { $0.handle != nil && $0.table == "filter" })
        #expect(!reading.isCut)
    }

    @Test func `a host without rules has none, which is known`() throws {
        let reading = try loaded("")
        #expect(reading.tables == 0)
        #expect(reading.relevant == [])
    }

    @Test func `what is no ruleset is no reading`() throws {
        #expect(try reading("{}") == nil)
        #expect(try reading("[]") == nil)
        #expect(try reading("{\"nftables\": 1}") == nil)
        let odd = try reading(
            #"{"nftables":[1,null,{"rule":7},{"rule":{"expr":[{"match":3},"x",{"drop":null}]}}"#
                + #",{"chain":[]}]}"#)
        #expect(odd?.rules == 2)
        #expect(odd?.relevant == [])
    }

    @Test func `more rules than are kept are told to be more`() throws {
        let rule =
            #"{"rule":{"expr":[{"match":{"op":"==","left":{"payload":{"protocol":"icmp"}}"#
            + #","right":1}}]}}"#
        let many = Array(repeating: rule, count: FirewallReading.limit + 1).joined(separator: ",")
        let reading = try reading("{\"nftables\":[\(many)]}")
        #expect(reading?.relevant.count == FirewallReading.limit)
        #expect(reading?.isCut == true)
    }
}
