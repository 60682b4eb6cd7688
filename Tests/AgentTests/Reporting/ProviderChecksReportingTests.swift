import Foundation
import Metrics
import NetworkPrimitives
import ProviderChecks
import Testing

@testable import Agent

@Suite struct ProviderChecksReportingTests {
    private static let keys = [
        "per_second", "style", "direction", "answered_ratio", "retry_ratio", "predicted_state",
        "unanswered_because",
    ]

    /// Reply-style checks that a host without accept_local leaves unanswered.
    private static func martian() throws -> ProviderChecksReport {
        var watch = ProviderCheckWatch(
            settings: .init(
                ownAddresses: [ip("10.252.2.27")], farAddress: ip("10.252.2.26")), start: at(0))
        var exchanges = EchoExchanges()
        for number in 0..<200 {
            watch.receive(
                CheckObservation(
                    at: at(Double(number) / 2), kind: .reply,
                    source: ip("10.252.2.27"), destination: ip("10.252.2.26"),
                    identifier: UInt16(number * 11), sequence: 0, payloadHash: 1,
                    payloadByteCount: 56, hopLimit: 60), &exchanges)
            while let due = exchanges.nextDue(at: at(Double(number) / 2)) {
                watch.judge(due, exchanges)
            }
            watch.advance(to: at(Double(number) / 2))
        }
        while let due = exchanges.nextDue(at: at(110)) { watch.judge(due, exchanges) }
        watch.advance(to: at(110))
        var report = watch.report(at: at(110))
        report.obstacle = .martianSource
        report.obstacleDetail = "net.ipv4.conf.ipsec0.accept_local = 0"
        report.obstacleReason = nil
        return report
    }

    private static func parsed(_ report: ProviderChecksReport) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(
            with: Data(report.json.encoded(indented: true)))
        return try #require(value as? [String: Any])
    }

    @Test func `every key is there, known or not`() throws {
        let unknown = try Self.parsed(ProviderChecksReport(unknown: "not watched yet"))
        for key in Self.keys {
            #expect(unknown[key] is NSNull, "\(key)")
            #expect(unknown["\(key)_reason"] as? String == "not watched yet", "\(key)")
        }
        let known = try Self.parsed(Self.martian())
        #expect(known["style"] as? String == "reply")
        #expect(known["direction"] as? String == "bidirectional")
        #expect(known["direction_inferred"] as? Bool == true)
        #expect(known["answered_ratio"] as? Double == 0)
        #expect(known["predicted_state"] as? String == "down")
        #expect(known["unanswered_because"] as? String == "martian_source")
        #expect(known["unanswered_because_reason"] == nil)
        #expect(known["retry_ratio"] as? Double == 0)
        let targets = try #require(known["targets"] as? [[String: Any]])
        #expect(targets.map { $0["address"] as? String } == ["10.252.2.27"])
        for (key, value) in known where value is NSNull {
            #expect(known["\(key)_reason"] is String, "\(key)")
        }
    }

    @Test func `people read the cause`() throws {
        let text = ProviderChecksText(checks: try Self.martian())
        try expectGolden(
            "checks-martian",
            (text.lines.map { "\($0.name)|\($0.text)" } + text.details).joined(separator: "\n")
                + "\n")
        let unknown = ProviderChecksText(checks: ProviderChecksReport(unknown: "not watched yet"))
        #expect(unknown.lines.map(\.text) == ["not known: not watched yet"])
        #expect(unknown.details.isEmpty)
    }

    @Test func `both styles and results are counted from the first scrape`() throws {
        func samples(_ report: StatusReport) -> [String] {
            ProviderChecksMetrics(report: report).families.flatMap(\.samples).map {
                $0.labels.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
                    + " \($0.value)"
            }
        }
        var report = StatusReport.fresh
        #expect(samples(report).count == 4)
        #expect(samples(report).allSatisfy { $0.contains("integer(0)") })
        report.tunnels[0].checks = try Self.martian()
        #expect(
            samples(report).contains(
                "tunnel=fresh style=reply result=unanswered integer(200)"))
    }
}
