@testable import Agent
import Configuration
import Foundation
import HostFacts
import KernelState
import Metrics
import NetworkPrimitives
import Testing

/// The series of the interface page §5 that this version measures.
@Suite struct StatusMetricsTests {
    private static func text(
        _ report: StatusReport, _ format: MetricFormat = .prometheusText
    ) -> String {
        let metrics = StatusMetrics(
            report: report,
            measurement: SelfMeasurement(
                lateProbes: 1, clockSteps: 2, receiveDrops: 3, malformedMessages: 0,
                truncatedMessages: 0, netlinkOverruns: 4),
            configuration: ConfigurationStatus(
                wasSuccessful: true, lastSuccess: StatusReport.moment), process: .current())
        return String(
            decoding: MetricExposition.render(metrics.families, as: format), as: UTF8.self)
    }

    /// The values by series, labels as they are written.
    private static func series(_ text: String) -> [String: String] {
        var series: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            #expect(series[String(line[..<space])] == nil, "twice: \(line)")
            series[String(line[..<space])] = String(line[line.index(after: space)...])
        }
        return series
    }

    /// Every series of a tunnel called `name`, written down from the contract.
    private static func contract(_ name: String) -> [String: String] {
        let tunnel = "tunnel=\"\(name)\""
        var series: [String: String] = [:]
        let states = ["healthy", "degraded", "down", "unknown"]
        for state in states {
            series["tunnelprobe_tunnel_state{\(tunnel),state=\"\(state)\"}"] =
                state == "unknown" ? "1" : "0"
            for next in states where next != state {
                series[
                    "tunnelprobe_tunnel_state_changes_total{\(tunnel),from=\"\(state)\",to=\"\(next)\"}"
                ] = "0"
            }
        }
        series["tunnelprobe_tunnel_state_change_timestamp_seconds{\(tunnel)}"] = "NaN"
        series["tunnelprobe_tunnel_flapping{\(tunnel)}"] = "0"
        series["tunnelprobe_tunnel_flap_ratio{\(tunnel)}"] = "0"
        series["tunnelprobe_tunnel_flap_penalty{\(tunnel)}"] = "0"
        for path in ["inside", "outside"] {
            for style in ["request", "reply"] {
                let labels = "\(tunnel),path=\"\(path)\",style=\"\(style)\""
                for count in [
                    "sent", "received", "lost", "inconclusive", "late_replies", "retries",
                    "duplicates", "reordered",
                ] {
                    series["tunnelprobe_probes_\(count)_total{\(labels)}"] = "0"
                }
                for reason in ["send", "resolve", "filtered", "unreachable"] {
                    series["tunnelprobe_probes_failed_total{\(labels),reason=\"\(reason)\"}"] = "0"
                }
                for exponent in 0..<20 {
                    let bound = 50e-6 * Double(1 << exponent)
                    series["tunnelprobe_probe_rtt_seconds_bucket{\(labels),le=\"\(bound)\"}"] = "0"
                }
                series["tunnelprobe_probe_rtt_seconds_bucket{\(labels),le=\"+Inf\"}"] = "0"
                series["tunnelprobe_probe_rtt_seconds_sum{\(labels)}"] = "0"
                series["tunnelprobe_probe_rtt_seconds_count{\(labels)}"] = "0"
            }
        }
        for direction in ["inbound", "outbound"] {
            let labels = "\(tunnel),direction=\"\(direction)\""
            for gauge in [
                "replay_window", "installed_timestamp_seconds", "expires_timestamp_seconds",
            ] {
                series["tunnelprobe_sa_\(gauge){\(labels)}"] = "NaN"
            }
        }
        for path in ["inside", "outside"] {
            for gauge in [
                "path_mtu_bytes", "path_mtu_black_hole", "reply_blocked", "reply_blocked_hop",
            ] {
                series["tunnelprobe_\(gauge){\(tunnel),path=\"\(path)\"}"] = "NaN"
            }
        }
        for gauge in ["recommended_mtu_bytes", "recommended_mss_bytes"] {
            series["tunnelprobe_\(gauge){\(tunnel)}"] = "NaN"
        }
        for reason in ["replay_window", "replay", "integrity"] {
            series["tunnelprobe_sa_drops_total{\(tunnel),reason=\"\(reason)\"}"] = "0"
        }
        series["tunnelprobe_rekeys_total{\(tunnel)}"] = "0"
        series["tunnelprobe_finding{\(tunnel),finding=\"agent-degraded\",severity=\"info\"}"] = "0"
        return series
    }

    /// `le` bounds are numbers, and two texts of one number are equal.
    private static func normalized(_ series: [String: String]) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: series.map { key, value in
                guard let start = key.range(of: "le=\"")?.upperBound,
                    let end = key[start...].firstIndex(of: "\""),
                    let bound = Double(key[start..<end])
                else { return (key, value) }
                return (key[..<start] + "\(Float(bound))" + key[end...], value)
            })
    }

    @Test func `every series of a tunnel is there from the first scrape`() throws {
        let series = Self.normalized(Self.series(Self.text(.fresh)))
        for (name, value) in Self.normalized(Self.contract("fresh")) {
            let seen = try #require(series[name], "\(name)")
            let isEqual = seen == value || Double(seen) == Double(value)
            #expect(isEqual, "\(name) \(seen)")
        }
        #expect(series["tunnelprobe_late_probes_total"] == "1")
        #expect(series["tunnelprobe_netlink_overruns_total"] == "4")
        #expect(series["tunnelprobe_config_last_reload_successful"] == "1")
        let loaded = series["tunnelprobe_config_last_reload_success_timestamp_seconds"]
        #expect(loaded.flatMap(Double.init).map { abs($0 - 1_795_348_800.123) < 1e-6 } == true)
        #expect(series["tunnelprobe_build_info{version=\"0.0\"}"] == "1")
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes",
            "process_virtual_memory_bytes", "process_start_time_seconds", "process_open_fds",
            "process_max_fds",
        ] {
            #expect(series[name].flatMap(Double.init).map { $0 > 0 } == true, "\(name)")
        }
    }

    @Test func `a tunnel has the same series all its life, and counters that are whole`() {
        let first = Set(Self.series(Self.text(.fresh)).keys)
        let later = Self.series(Self.text(.busy))
        for name in ["cf-1", "lossy-with-a-long-name", "dead"] {
            let expected = first.filter { $0.contains("tunnel=\"fresh\"") }.map {
                $0.replacingOccurrences(of: "fresh", with: name)
            }
            let seen = later.keys.filter { $0.contains("tunnel=\"\(name)\"") }
            #expect(Set(expected) == Set(seen))
        }
        let labels = #"{tunnel="cf-1",path="inside",style="request""#
        #expect(
            later["tunnelprobe_probes_sent_total\(labels)}"].flatMap(Int.init).map { $0 >= 99 }
                == true)
        #expect(
            later["tunnelprobe_probe_rtt_seconds_count\(labels)}"]
                == later["tunnelprobe_probes_received_total\(labels)}"])
        #expect(
            later["tunnelprobe_probe_rtt_seconds_bucket\(labels),le=\"+Inf\"}"]
                == later["tunnelprobe_probe_rtt_seconds_count\(labels)}"])
        let filtered =
            #"tunnelprobe_probes_failed_total{tunnel="dead",path="outside",style="request",reason="filtered"}"#
        #expect(later[filtered].flatMap(Int.init).map { $0 > 0 } == true)
        #expect(later[#"tunnelprobe_tunnel_state{tunnel="dead",state="down"}"#] == "1")
        #expect(
            later[
                #"tunnelprobe_tunnel_state_changes_total{tunnel="dead",from="unknown",to="down"}"#]
                == "1")
    }

    @Test func `XFRM's errors are told by namespace, unknown names too`() {
        var report = StatusReport.fresh
        report.transformErrors = [
            nil: [.init("XfrmInNoStates", 3)], "blue": [.init("XfrmOfTomorrow", 5)],
        ]
        let series = Self.series(Self.text(report))
        let name = "tunnelprobe_xfrm_errors_total"
        #expect(series[name + #"{error="XfrmInNoStates",netns=""}"#] == "3")
        #expect(series[name + #"{error="XfrmOfTomorrow",netns="blue"}"#] == "5")
    }

    @Test func `state sets are gauges in both formats`() {
        for format in [MetricFormat.prometheusText, .openMetrics] {
            let text = Self.text(.fresh, format)
            #expect(text.contains("# TYPE tunnelprobe_tunnel_state gauge\n"))
        }
    }

    @Test func `promtool accepts the text format`() throws {
        for report in [StatusReport.fresh, .busy] {
            let result = try Self.promtool(Self.text(report))
            #expect(result.status == 0, "\(result.output)")
        }
    }

    /// promtool reads the text format alone.
    ///
    /// OpenMetrics names a counter's family without `_total`,
    /// so its help is not found there; nothing else may be wrong.
    @Test func `promtool parses OpenMetrics`() throws {
        let result = try Self.promtool(Self.text(.busy, .openMetrics))
        #expect(
            result.status == 0 || result.status == 3, "3 is a matter of style: \(result.output)")
        for line in result.output.split(separator: "\n") {
            #expect(line.hasSuffix("_total no help text"), "\(line)")
        }
        #expect(Self.text(.busy, .openMetrics).hasSuffix("# EOF\n"))
    }

    private static func promtool(_ text: String) throws -> (status: Int32, output: String) {
        let path = "/tmp/metrics-\(UUID().uuidString.prefix(8))"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return runTool(["sh", "-c", "promtool check metrics <\(path)"])
    }

    @Test func `devices whose names differ only in what no label holds are two tunnels`() throws {
        var host = MadeUpHost()
        host.address(host.add("eth0"), "203.0.113.10/24")
        for (index, name) in ["g!1", "g#1", "g_1-2"].enumerated() {
            host.way(to: "198.51.100.\(index)", over: "eth0", from: "203.0.113.10")
            host.add(name, .gre) {
                $0.local = ip("203.0.113.10")
                $0.remote = ip("198.51.100.\(index)")
            }
        }
        let plans = host.planner.discovered(probing: ProbingSettings())
        #expect(plans.map(\.tunnelInterface) == ["g!1", "g#1", "g_1-2"])
        let names = plans.map(\.name)
        try #require(Set(names).count == 3, "\(names)")
        #expect(names.allSatisfy(TunnelName.isValid))
        var agent = SimulatedAgent(seed: 3)
        agent.configure(plans)
        #expect(agent.monitors.continuous.count == 3)
        let series = Self.series(Self.text(.made(agent)))
        for name in names {
            #expect(
                series["tunnelprobe_tunnel_state{tunnel=\"\(name)\",state=\"unknown\"}"] == "1")
        }
    }
}
