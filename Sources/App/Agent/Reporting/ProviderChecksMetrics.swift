import Metrics
import ProviderChecks

/// Turns the provider's checks into their family of the interface page §5.
///
/// Every series of a tunnel is there from the first scrape, checks or not.
struct ProviderChecksMetrics {
    var report: StatusReport

    var families: [MetricFamily] {
        [
            .counter(
                "tunnelprobe_provider_checks_total",
                help:
                    "Health checks of the provider that arrived, by whether an answer left within "
                    + "100 ms.",
                report.tunnels.flatMap { tunnel in
                    ProviderChecksReport.Style.allCases.flatMap { style in
                        let totals =
                            tunnel.checks.totals[style] ?? ProviderChecksReport.Totals()
                        return [("answered", totals.answered), ("unanswered", totals.unanswered)]
                            .map { result, count in
                                MetricSample(
                                    [
                                        .init("tunnel", tunnel.plan.name),
                                        .init("style", style.rawValue), .init("result", result),
                                    ], .count(UInt64(count)))
                            }
                    }
                })
        ]
    }
}
