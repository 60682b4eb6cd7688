@testable import Agent
import Foundation
import NetworkPrimitives
import NetworkSimulation
import Testing

/// The keys of `tunnelprobe.status/1`, interface page §6.
@Suite struct StatusJSONTests {
    static let documentKeys = ["schema", "generated_at", "agent", "verdict", "findings", "tunnels"]
    static let agentKeys = ["version", "hostname", "uptime_seconds"]
    static let tunnelKeys = [
        "name", "local", "remote", "wan_interface", "tunnel_interface", "role", "kind", "verdict",
        "state", "state_source", "state_since", "flapping", "flap_ratio", "flap_penalty",
        "changes_1h", "changes_24h", "probes", "streams", "kernel", "path_mtu", "reply_path", "ike",
        "provider_checks", "findings", "diagnosis",
    ]
    static let rowKeys = [
        "path", "style", "sent", "received", "lost", "inconclusive", "in_flight", "late_replies",
        "retries", "failed", "duplicates", "reordered", "loss_ratio", "reason", "rtt_seconds",
        "local_delay_seconds",
    ]
    static let roundTripKeys = ["min", "mean", "p50", "p95", "p99", "max", "variation"]
    static let findingKeys = [
        "id", "severity", "confidence", "summary", "evidence", "remedy", "guide", "explains",
        "explained",
    ]

    private typealias Object = [String: Any]

    private static func parsed(_ report: StatusReport, isVerbose: Bool = false) throws -> Object {
        let bytes = report.json(isVerbose: isVerbose).encoded(indented: true)
        let value = try JSONSerialization.jsonObject(with: Data(bytes))
        return try #require(value as? Object)
    }

    private static func expect(
        _ keys: [String], in value: Any?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let missing = Set(keys).subtracting((value as? Object ?? [:]).keys)
        #expect(missing.isEmpty, sourceLocation: sourceLocation)
    }

    /// "What is not known is `null` with a sibling `<key>_reason`"; a reason itself is null where
    /// there is nothing to explain.
    private static func expectReasons(_ value: Any, at place: String) {
        if let object = value as? Object {
            for (key, value) in object {
                if value is NSNull, !key.hasSuffix("reason") {
                    let reason = object["\(key)_reason"] as? String
                    #expect(reason?.isEmpty == false, "\(place).\(key)")
                }
                expectReasons(value, at: "\(place).\(key)")
            }
        } else if let array = value as? [Any] {
            for (index, value) in array.enumerated() {
                expectReasons(value, at: "\(place)[\(index)]")
            }
        }
    }

    @Test(arguments: [false, true])
    func `every key is there, and every null has its reason`(isVerbose: Bool) throws {
        for report in [StatusReport.fresh, .busy] {
            var report = report
            report.findings = [.made(.info)]
            let document = try Self.parsed(report, isVerbose: isVerbose)
            Self.expect(Self.documentKeys, in: document)
            Self.expect(Self.agentKeys, in: document["agent"])
            #expect(document["schema"] as? String == "tunnelprobe.status/1")
            #expect(document["generated_at"] as? String == "2026-11-22T12:00:00.123Z")
            for finding in try #require(document["findings"] as? [Object]) {
                Self.expect(Self.findingKeys, in: finding)
            }
            let tunnels = try #require(document["tunnels"] as? [Object])
            #expect(tunnels.count == report.tunnels.count)
            for tunnel in tunnels {
                Self.expect(Self.tunnelKeys, in: tunnel)
                let rows = try #require(tunnel["probes"] as? [Object])
                #expect(
                    rows.map { "\($0["path"] ?? "")/\($0["style"] ?? "")" }
                        == ["inside/request", "inside/reply", "outside/request", "outside/reply"])
                for row in rows {
                    Self.expect(Self.rowKeys, in: row)
                    Self.expect(["send", "resolve", "filtered", "unreachable"], in: row["failed"])
                    if row["rtt_seconds"] is NSNull == false {
                        Self.expect(Self.roundTripKeys, in: row["rtt_seconds"])
                        Self.expect(["p50", "max"], in: row["local_delay_seconds"])
                    }
                    let sum = ["received", "lost", "inconclusive", "in_flight"].reduce(0) {
                        $0 + ((row[$1] as? NSNumber)?.intValue ?? 0)
                    }
                    #expect((row["sent"] as? NSNumber)?.intValue == sum, "the loss law")
                }
            }
            Self.expectReasons(document, at: "")
        }
    }

    @Test func `a tunnel that cannot be probed has zeros and a reason`() throws {
        let document = try Self.parsed(.fresh)
        let tunnel = try #require((document["tunnels"] as? [Object])?.first)
        #expect(tunnel["state"] as? String == "unknown")
        #expect(tunnel["state_reason"] as? String == "no outside target in this test")
        #expect(tunnel["waiting_for"] as? [String] == ["device tun0, which does not exist"])
        for row in try #require(tunnel["probes"] as? [Object]) {
            #expect(row["sent"] as? Int == 0)
            #expect((row["reason"] as? String)?.contains("in this test") == true)
            #expect(row["loss_ratio"] is NSNull, "never a made-up 0")
            #expect(row["rtt_seconds"] is NSNull)
        }
    }

    @Test func `what a time limit cut off has its counts, and no ratio and no round trip`() throws {
        var agent = SimulatedAgent(seed: 4)
        agent.transport.connect(
            SimulatedPath(
                from: ip("203.0.113.10"), to: ip("192.0.2.1"),
                routers: [SimulatedRouter(ip("198.51.100.1"))]))
        func row(until end: MonotonicInstant) throws -> Object {
            let ids = agent.monitors.startExamination(
                [.made("cf-1", outside: ip("192.0.2.1"))], now: agent.now)
            agent.run(until: end)
            var report = StatusReport.fresh
            report.tunnels = agent.monitors.endExamination(ids).map {
                $0.report(now: agent.now, wall: StatusReport.moment, stateOf: $0)
            }
            let tunnels = try #require(Self.parsed(report)["tunnels"] as? [Object])
            Self.expectReasons(tunnels, at: "")
            let rows = try #require(tunnels.first?["probes"] as? [Object])
            return try #require(rows.first { $0["path"] as? String == "outside" })
        }
        let cutOff = try row(until: at(1))
        // One probe every 300 ms, the last of them perhaps still on its way.
        let sent = try #require(cutOff["sent"] as? Int)
        #expect((3...4).contains(sent))
        #expect(try #require(cutOff["received"] as? Int) >= sent - 1)
        #expect(cutOff["lost"] as? Int == 0)
        #expect(cutOff["reason"] as? String == "time limit")
        for key in ["loss_ratio", "rtt_seconds", "local_delay_seconds"] {
            #expect(cutOff[key] is NSNull, "\(key)")
            #expect(cutOff["\(key)_reason"] as? String == "time limit")
        }
        let whole = try row(until: at(11))
        #expect(whole["sent"] as? Int == 10)
        #expect(whole["loss_ratio"] as? Double == 0)
        #expect(whole["rtt_seconds"] is Object)
        #expect(whole["reason"] is NSNull)
    }

    @Test func `python reads the same document`() throws {
        for isVerbose in [false, true] {
            let bytes = StatusReport.busy.json(isVerbose: isVerbose).encoded(indented: isVerbose)
            let path = "/tmp/status-\(UUID().uuidString.prefix(8)).json"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            let script = "import json,sys; d=json.load(open(sys.argv[1])); print(d['verdict'])"
            let result = runTool(["python3", "-c", script, path])
            #expect(result.status == 0, "\(result.output)")
            #expect(result.output == "down\n")
        }
    }

    @Test func `numbers, control characters and empty containers are JSON`() throws {
        let odd = "\u{0}\u{1}\u{1f}\"\\\n\r\t/\u{7f}é\u{1F980}\u{2028}"
        let document = JSONValue.object([
            ("text", .string(odd)), ("nan", .number(.nan)), ("infinite", .number(-.infinity)),
            ("small", .number(1e-9)), ("large", .number(1.7e308)), ("integer", .integer(.min)),
            ("empty", .array([])), ("none", .object([])), ("key \"\n", .bool(false)),
        ])
        for indented in [false, true] {
            let value = try JSONSerialization.jsonObject(
                with: Data(document.encoded(indented: indented)))
            let object = try #require(value as? Object)
            #expect(object["text"] as? String == odd)
            #expect(object["nan"] is NSNull)
            #expect(object["infinite"] is NSNull)
            #expect((object["small"] as? NSNumber)?.doubleValue == 1e-9)
            #expect((object["large"] as? NSNumber)?.doubleValue == 1.7e308)
            #expect((object["integer"] as? NSNumber)?.int64Value == .min)
            #expect((object["empty"] as? [Any])?.isEmpty == true)
            #expect((object["none"] as? Object)?.isEmpty == true)
            #expect(object["key \"\n"] as? Bool == false)
        }
        #expect(!document.encoded(indented: false).contains(UInt8(ascii: "\n")))
    }
}
