import KernelState
import Metrics
import NetworkPrimitives

/// Turns what the kernel knows into the SA and XFRM families of the interface page §5.
///
/// Every series of a tunnel is there from the first scrape, known or not.
struct KernelMetrics {
    var report: StatusReport

    var families: [MetricFamily] {
        [
            gauge(
                "tunnelprobe_sa_replay_window",
                "The kernel's anti-replay window of the newest SA in packets, 0 for none."
            ) { Double($0.replayWindow) },
            gauge(
                "tunnelprobe_sa_installed_timestamp_seconds",
                "When the newest SA was installed, Unix time."
            ) { $0.addedAt?.unixSeconds },
            gauge(
                "tunnelprobe_sa_expires_timestamp_seconds",
                "When the kernel removes the newest SA, Unix time; NaN for never."
            ) { $0.hardExpiresAt?.unixSeconds },
            .counter(
                "tunnelprobe_sa_drops_total",
                help: "Packets that inbound SAs refused, over all rekeys, by reason.",
                report.tunnels.flatMap { tunnel in
                    let totals = tunnel.kernel.reading?.totals.inbound ?? AssociationTotals()
                    return [
                        ("replay_window", totals.replayWindow), ("replay", totals.replay),
                        ("integrity", totals.integrityFailed),
                    ].map { reason, count in
                        MetricSample(
                            [.init("tunnel", tunnel.plan.name), .init("reason", reason)],
                            .count(count))
                    }
                }),
            .counter(
                "tunnelprobe_rekeys_total", help: "Inbound SAs that replaced another.",
                report.tunnels.map { tunnel in
                    MetricSample(
                        [.init("tunnel", tunnel.plan.name)],
                        .count(tunnel.rekeyCount))
                }),
            errors,
        ]
    }

    private func gauge(
        _ name: String, _ help: String, _ value: (SecurityAssociation) -> Double?
    ) -> MetricFamily {
        .gauge(
            name, help: help,
            report.tunnels.flatMap { tunnel in
                TrafficDirection.allCases.map { direction in
                    MetricSample(
                        [
                            .init("tunnel", tunnel.plan.name),
                            .init("direction", direction.rawValue),
                        ], .number(orUnknown: tunnel.kernel.newest(direction).flatMap(value)))
                }
            })
    }

    private var errors: MetricFamily {
        .counter(
            "tunnelprobe_xfrm_errors_total",
            help:
                "Packets that XFRM refused, by the kernel's name for why, in a network namespace.",
            report.transformErrors.sorted { ($0.key ?? "") < ($1.key ?? "") }.flatMap {
                namespace, counters in
                counters.map {
                    MetricSample(
                        [.init("error", $0.name), .init("netns", namespace ?? "")],
                        .count($0.value))
                }
            })
    }
}
