@testable import Agent
import Foundation
import NetworkPrimitives
import PacketFormats
import Testing

/// The keys of `tunnelprobe.analysis/1` and `tunnelprobe.senders/1`, interface page §6.
@Suite struct AnalysisJSONTests {
    @Test func `every key of an analysis is there, and every null has its reason`() throws {
        var empty = AnalysisReport(file: "empty.pcap")
        empty.damage = .init(offset: 0, problem: "nothing")
        var full = AnalysisReport.made([.many, .reordered, .replayed, .bare()])
        full.isTruncated = true
        full.captureDrops = 3
        full.backwardStamps = .init(packets: 2, largest: .milliseconds(1500))
        for report in [empty, full] {
            let document = try report.json.parsed()
            expectKeys(
                [
                    "schema", "file", "truncated", "packets", "verdict", "streams", "findings",
                    "ike_log", "timeline", "timeline_left_out",
                ], in: document)
            #expect(document["schema"] as? String == "tunnelprobe.analysis/1")
            #expect(document["ike_log"] is NSNull)
            #expect(
                document["ike_log_reason"] as? String == "no log was given: --ike-log FILE")
            for stream in try #require(document["streams"] as? [JSONDocument]) {
                try StreamJSONTests.expectShape(stream)
            }
            for finding in try #require(document["findings"] as? [JSONDocument]) {
                expectKeys(StatusJSONTests.findingKeys, in: finding)
            }
            expectReasons(document.filter { $0.key != "findings" })
        }
        let document = try full.json.parsed()
        #expect(document["truncated"] as? Bool == true)
        #expect(document["packets"] as? Int == 151_001)
        #expect(document["capture_drops"] as? Int == 3)
        #expect((document["backward_stamps"] as? JSONDocument)?["packets"] as? Int == 2)
    }

    @Test func `faults have names in snake case, and only those that were seen are there`() throws {
        var report = AnalysisReport(file: "odd.pcap")
        report.frames.count(.unreadable(.truncatedESP))
        report.frames.count(.unreadable(.malformedPPPoELength))
        report.frames.count(.unreadable(.malformedPPPoELength))
        report.frames.count(.natKeepalive(.made, payload: 28..<29))
        let kinds = try #require(report.json.parsed()["packets_by_kind"] as? JSONDocument)
        #expect(kinds["nat_keepalive"] as? Int == 1)
        let faults = try #require(kinds["unreadable"] as? [String: Int])
        #expect(faults == ["truncated_esp": 1, "malformed_pppoe_length": 2])
        #expect(
            FrameFault.malformedIPHeaderLength.words(joinedBy: " ") == "malformed ip header length")
        let all = FrameFault.allCases.map { $0.words(joinedBy: "_") }
        #expect(all.allSatisfy { $0.wholeMatch(of: /[a-z]+(_[a-z]+)+/) != nil }, "\(all)")
    }

    @Test func `the senders' document has the principal stream and all others`() throws {
        let report = SendersReport(streams: [.reordered, .bare(spi: 9), .many])
        let document = try report.json.parsed()
        expectKeys(["schema", "tunnel", "senders", "streams"], in: document)
        expectReasons(document)
        #expect(document["schema"] as? String == "tunnelprobe.senders/1")
        #expect(document["tunnel"] as? String == "cf-1")
        let senders = try #require(document["senders"] as? [JSONDocument])
        #expect(senders.count == 2)
        for sender in senders {
            expectKeys(
                [
                    "sender", "share", "per_second", "ttl", "packets", "lost", "reordered",
                    "last_seen",
                ], in: sender)
        }
        #expect(senders[0]["sender"] as? String == "9f3a61c2d4e5b708")
        #expect(senders[0]["last_seen"] as? String == "2026-11-22T12:00:00.123Z")
        #expect(senders[1]["last_seen"] as? String == "2026-11-22T11:59:59.123Z")
        #expect(senders[1]["ttl"] as? Int == 58)
        let streams = try #require(document["streams"] as? [JSONDocument])
        #expect(
            streams.map { $0["spi"] as? String } == ["0xc0de0001", "0xc0de0002", "0x00000009"])
    }

    @Test func `an outbound stream stands for all only when nothing arrives`() throws {
        var outbound = CapturedStream.many
        outbound.direction = .outbound
        outbound.report.packets = 1_000_000
        var inbound = CapturedStream.many
        inbound.report.packets = 10
        #expect(SendersReport(streams: [outbound, inbound]).principal?.report.packets == 10)
        #expect(SendersReport(streams: [outbound]).principal?.report.packets == 1_000_000)
    }

    @Test func `where no stream was seen the senders are null with the reason`() throws {
        let report = SendersReport(streams: [], tunnel: "cf-1", reason: "capture is off")
        let document = try report.json.parsed()
        expectReasons(document)
        #expect(document["tunnel"] as? String == "cf-1")
        #expect(document["senders"] is NSNull)
        #expect(document["senders_reason"] as? String == "capture is off")
        #expect(report.verdict == .unknown)
    }
}

extension IPHeader {
    static let made = IPHeader(
        source: .v4(1), destination: .v4(2), hopLimit: 64, length: 29, protocolNumber: 17)
}
