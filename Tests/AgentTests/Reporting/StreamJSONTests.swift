@testable import Agent
import Foundation
import NetworkPrimitives
import Testing

/// The keys of `streams`, interface page §6.
@Suite struct StreamJSONTests {
    static let streamKeys = [
        "sources", "destination", "direction", "encapsulation", "spi", "packets", "bytes",
        "fragments", "duplicates", "senders", "reordering", "lost_packets", "replay_windows",
        "verdicts",
    ]

    static func expectShape(_ stream: JSONDocument) throws {
        expectKeys(streamKeys, in: stream)
        expectKeys(["network", "capture", "replay"], in: stream["duplicates"])
        expectKeys(
            [
                "at_least", "estimate", "active_60s", "range_high", "method", "iv_family",
                "confidence",
            ], in: stream["senders"])
        expectKeys(["stream_ratio", "sender_packets", "sender_ratio"], in: stream["reordering"])
        for window in try #require(stream["replay_windows"] as? [JSONDocument]) {
            expectKeys(["window", "too_old", "already_seen", "would_drop", "ratio"], in: window)
        }
        for verdict in try #require(stream["verdicts"] as? [JSONDocument]) {
            expectKeys(["id", "grade", "evidence"], in: verdict)
        }
        expectReasons(stream)
    }

    @Test func `every key is there, and every null has its reason`() throws {
        for stream in [
            CapturedStream.bare(), .many, .reordered, .unidentifiable, .doubled, .replayed,
        ] {
            try Self.expectShape(stream.json.parsed())
        }
    }

    @Test func `a stream of many senders says so in numbers`() throws {
        let stream = try CapturedStream.many.json.parsed()
        #expect(stream["spi"] as? String == "0xc0de0001")
        #expect(stream["sources"] as? [String] == ["198.51.100.1"])
        #expect(stream["destination"] as? String == "203.0.113.10")
        #expect(stream["direction"] as? String == "inbound")
        #expect(stream["encapsulation"] as? String == "esp")
        #expect(stream["packets"] as? Int == 100_000)
        #expect(stream["lost_packets"] as? Int == 1010)
        #expect(stream["first_seen"] as? String == "2026-11-22T11:59:35.123Z")
        #expect(stream["last_seen"] as? String == "2026-11-22T12:00:00.123Z")
        #expect((stream["per_second"] as? Double).map { abs($0 - 3999.96) < 0.001 } == true)
        let senders = try #require(stream["senders"] as? JSONDocument)
        #expect(senders["at_least"] as? Int == 2)
        #expect(senders["estimate"] as? Int == 2)
        #expect(senders["method"] as? String == "iv")
        #expect(senders["iv_family"] as? String == "xor")
        let windows = try #require(stream["replay_windows"] as? [JSONDocument])
        #expect(windows.map { $0["window"] as? Int } == [32, 64, 1024, 4096])
        #expect(windows[0]["too_old"] as? Int == 150)
        #expect(windows[0]["already_seen"] as? Int == 49_700)
        #expect(windows[0]["would_drop"] as? Int == 49_850)
        #expect(windows[0]["ratio"] as? Double == 0.4985)
        let verdicts = try #require(stream["verdicts"] as? [JSONDocument])
        #expect(verdicts.map { $0["id"] as? String } == ["multi_sender"])
        #expect(verdicts.map { $0["grade"] as? String } == ["proven"])
    }

    @Test func `what cannot be identified is null and never zero`() throws {
        let stream = try CapturedStream.unidentifiable.json.parsed()
        #expect(stream["lost_packets"] is NSNull)
        let reason = try #require(stream["lost_packets_reason"] as? String)
        #expect(reason.hasPrefix("not identifiable"))
        #expect(stream["direction"] is NSNull)
        #expect(
            stream["direction_reason"] as? String
                == "no tunnel of the configuration has these addresses")
        let reordering = try #require(stream["reordering"] as? JSONDocument)
        #expect(reordering["stream_ratio"] as? Double == 0.9)
        #expect(reordering["sender_packets"] is NSNull)
        #expect(reordering["sender_ratio_reason"] as? String == reason)
        let senders = try #require(stream["senders"] as? JSONDocument)
        #expect(senders["active_60s"] is NSNull)
        #expect(senders["growing"] as? Bool == true)
        #expect(senders["iv_family_reason"] as? String == "the senders were told apart by counters")
    }
}
