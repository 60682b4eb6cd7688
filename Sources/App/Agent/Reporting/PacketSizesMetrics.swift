import Metrics
import NetworkPrimitives
import PacketSizes

/// Turns what passing packets showed of packet sizes into metrics.
///
/// Every series of a tunnel is there from the first scrape, captured or not.
struct PacketSizesMetrics {
    var report: StatusReport

    var families: [MetricFamily] {
        [
            segments(
                "tunnelprobe_tcp_syns_total",
                "TCP SYN and SYN-ACK segments seen inside the tunnel."
            ) { $0.seen },
            segments(
                "tunnelprobe_tcp_mss_over_limit_total",
                "Those with a larger MSS than the tunnel carries whole."
            ) { $0.overLimit },
            .counter(
                "tunnelprobe_packet_too_big_total",
                help: "Packet Too Big messages about outer packets of the tunnel, by whether they "
                    + "are believed.",
                report.tunnels.flatMap { tunnel in
                    let record = tunnel.capture.inside.sizes.tooBig
                    return [("valid", record.seen), ("suspicious", record.suspicious)].map {
                        MetricSample(
                            [.init("tunnel", tunnel.plan.name), .init("kind", $0.0)],
                            .count($0.1))
                    }
                }),
        ]
    }

    private func segments(
        _ name: String, _ help: String, _ count: (SegmentSizeCounts) -> UInt64
    ) -> MetricFamily {
        .counter(
            name, help: help,
            report.tunnels.flatMap { tunnel in
                TrafficDirection.allCases.map { direction in
                    MetricSample(
                        [
                            .init("tunnel", tunnel.plan.name),
                            .init("direction", direction.rawValue),
                        ], .count(count(tunnel.capture.inside.sizes[direction])))
                }
            })
    }
}
