import NetworkPrimitives
import Reflecting
import Testing

@testable import Agent

/// `reply_path.reflector`, and what people read of it.
@Suite struct ReflectionReportingTests {
    private static let keys = [
        "available", "reason", "address", "port", "path", "rtt_seconds", "observed_address",
        "observed_port", "observed_probe_source", "nat", "forward", "reverse", "measured_at",
    ]
    private static let directionKeys = ["verdict", "confidence", "reason", "replies", "requests"]
    private static let deliveryKeys = [
        "sent", "received", "delivered_ratio", "duplicates", "reordered", "hop_limit",
        "likely_hops",
    ]

    private static func delivery(_ sent: UInt32, _ received: UInt32) -> ReflectionReport.Delivery {
        var delivery = ReflectionReport.Delivery()
        (delivery.sent, delivery.received) = (sent, received)
        (delivery.duplicates, delivery.reordered) = (0, 1)
        if received > 0 { delivery.hopLimits = 58...61 }
        return delivery
    }

    /// Replies to the reflector are blocked, those from it arrive.
    private static var blocked: TunnelReflection {
        var reflection = TunnelReflection(
            place: .init(address: .v4(0xc000_0207), port: 9818, path: .known(.outside)))
        var report = ReflectionReport(unavailable: "")
        report.reason = nil
        report.isComplete = true
        report.observed = Endpoint(address: .v4(0xcb00_7109), port: 4711)
        report.observedProbeSource = .v4(0xcb00_7109)
        report.isTranslated = true
        report.roundTrip = .milliseconds(12)
        report.endedAt = .zero
        report.forward.verdict = .blocked
        report.forward.confidence = 0.999
        report.forward.reason = "none of 10 Echo Replies arrived"
        report.forward.replies = delivery(10, 0)
        report.forward.requests = delivery(10, 10)
        report.reverse.verdict = .open
        report.reverse.confidence = 1
        report.reverse.reason = nil
        report.reverse.replies = delivery(10, 9)
        report.reverse.requests = delivery(10, 10)
        reflection.report = report
        return reflection
    }

    private func document(_ reflection: TunnelReflection) throws -> JSONDocument {
        try #require(
            try TunnelPath().repliesJSON(reflection).parsed()["reflector"] as? JSONDocument)
    }

    @Test func `every key is there, and every null has its reason`() throws {
        let unmeasured = TunnelReflection(
            place: .init(address: nil, port: 1), unavailable: "not measured yet")
        for reflection in [Self.blocked, unmeasured] {
            var document = try document(reflection)
            expectKeys(Self.keys, in: document)
            #expect((document["reason"] as? String != nil) == !reflection.report.isComplete)
            document["reason"] = nil
            for key in ["forward", "reverse"] {
                var direction = try #require(document[key] as? JSONDocument)
                expectKeys(Self.directionKeys, in: direction)
                direction["reason"] = nil
                for kind in ["replies", "requests"] {
                    expectKeys(Self.deliveryKeys, in: direction[kind])
                }
                expectReasons(direction, at: key)
                document[key] = nil
            }
            expectReasons(document, at: "reflector")
        }
    }

    @Test func `numbers as they were told, and none made up`() throws {
        let document = try document(Self.blocked)
        #expect(document["available"] as? Bool == true)
        #expect(document["path"] as? String == "outside")
        #expect(document["nat"] as? Bool == true)
        #expect(document["rtt_seconds"] as? Double == 0.012)
        let forward = try #require(document["forward"] as? JSONDocument)
        #expect(forward["verdict"] as? String == "blocked")
        let replies = try #require(forward["replies"] as? JSONDocument)
        #expect(replies["sent"] as? Int == 10)
        #expect(replies["received"] as? Int == 0)
        #expect(replies["delivered_ratio"] as? Double == 0)
        #expect(replies["hop_limit_reason"] as? String == "none arrived")
        let requests = try #require(forward["requests"] as? JSONDocument)
        #expect(requests["delivered_ratio"] as? Double == 1)
        #expect(requests["hop_limit"] as? Int == 61)
        #expect(requests["likely_hops"] as? Int == 3)

        let none = TunnelReflection(place: .init(address: nil, port: 1), unavailable: "why not")
        let unknown = try self.document(none)
        let reverse = try #require(unknown["reverse"] as? JSONDocument)
        let nothing = try #require(reverse["replies"] as? JSONDocument)
        #expect(nothing["sent"] is Int == false)
        #expect(nothing["sent_reason"] as? String == "why not")
    }

    @Test func `without a reflector there is none`() throws {
        let replies = try TunnelPath().repliesJSON(TunnelReflection()).parsed()
        #expect(replies["reflector"] is JSONDocument == false)
        #expect(replies["reflector_reason"] as? String == "no reflector is configured")
        #expect(ReflectionText(TunnelReflection(), layout: Self.layout).lines.isEmpty)
    }

    private static let layout = TextLayout(
        palette: TextPalette(isColored: false), glyphs: .ascii, columns: 80)

    @Test func `a sentence for each direction`() {
        let lines = ReflectionText(Self.blocked, layout: Self.layout).lines
        #expect(
            lines[0]
                == "  reflector 192.0.2.7, outside, which sees this host as 203.0.113.9")
        #expect(lines[1].contains("to it"))
        #expect(lines[1].contains("BLOCKED: none of 10 Echo Replies arrived"))
        #expect(lines[2].contains("from it"))
        #expect(
            lines[2].contains("open: 9 of 10 Echo Replies and 10 of 10 Echo Requests arrived"))
        let none = TunnelReflection(place: .init(address: nil, port: 1), unavailable: "why not")
        #expect(ReflectionText(none, layout: Self.layout).lines.count == 1)
    }
}
