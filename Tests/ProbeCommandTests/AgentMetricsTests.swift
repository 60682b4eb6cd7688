import Foundation
import Testing

@Suite struct AgentMetricsTests {
    @Test func `promtool accepts the first scrape`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let metrics = try agent.getTCP("/metrics")
            #expect(metrics.status == "200")
            let file = try lab.write("metrics", metrics.body + "\n")
            let result = try run(["sh", "-c", "promtool check metrics <\(file)"])
            #expect(result.status == 0, "\(result)")
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a real Prometheus scrapes every series`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            try agent.wait(for: "healthy", within: 10)
            let configuration = try lab.write(
                "prometheus.yml",
                """
                global: {scrape_interval: 1s, scrape_timeout: 1s}
                scrape_configs:
                  - job_name: tunnel-probe
                    static_configs: [{targets: ["127.0.0.1:9817"]}]
                """)
            let prometheus = try RunningCommand([
                "ip", "netns", "exec", lab.client, "prometheus", "--config.file=\(configuration)",
                "--storage.tsdb.path=\(lab.directory)/tsdb", "--web.listen-address=127.0.0.1:9090",
                "--log.level=warn",
            ])
            func query(_ expression: String) throws -> [JSON] {
                let result = try run([
                    "ip", "netns", "exec", lab.client, "curl", "-sS", "--max-time", "5", "-G",
                    "--data-urlencode", "query=\(expression)", "http://127.0.0.1:9090/api/v1/query",
                ])
                return try result.json()["data"]["result"].array
            }
            _ = try eventually("up == 1", within: 20, every: 0.2) {
                try query("up").first?["value"][1].string == "1" ? true : nil
            }
            for (expression, count) in [
                ("tunnelprobe_tunnel_state{tunnel=\"cf-1\"}", 4),
                ("tunnelprobe_tunnel_state{state=\"healthy\"} == 1", 1),
                ("tunnelprobe_probes_sent_total", 4),
                ("tunnelprobe_probes_failed_total", 16),
                ("tunnelprobe_probe_rtt_seconds_bucket", 4 * 21),
                ("tunnelprobe_finding", 76), ("tunnelprobe_build_info", 1),
                ("tunnelprobe_esp_packets_total", 2), ("tunnelprobe_esp_senders", 1),
                ("tunnelprobe_capture_drops_total", 1),
                ("process_cpu_seconds_total", 1),
            ] {
                #expect(try query(expression).count == count, "\(expression)")
            }
            // Scraped several times; the rate of probes is what is configured.
            _ = try eventually("a rate", within: 10, every: 0.2) {
                try query(
                    "rate(tunnelprobe_probes_sent_total{path=\"inside\",style=\"request\"}[4s]) > 0.5"
                )
                .first
            }
            prometheus.send(SIGTERM)
            _ = try prometheus.wait(seconds: 10)
            #expect(try agent.stop().status == 0)
        }
    }
}
