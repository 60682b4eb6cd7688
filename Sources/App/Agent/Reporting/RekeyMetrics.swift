import Metrics
import NetworkPrimitives
import Rekeying

/// Turns timed rekeys into the histogram of the interface page §5.
struct RekeyMetrics {
    var report: StatusReport

    var families: [MetricFamily] {
        [
            .histogram(
                "tunnelprobe_rekey_convergence_seconds",
                help:
                    "From a rekey to the packet from which 99 % of the arrivals are on the new SPI.",
                report.tunnels.map { tunnel in
                    MetricSample(
                        [.init("tunnel", tunnel.plan.name)],
                        .histogram(tunnel.rekeys.histogram.snapshot))
                })
        ]
    }
}

extension ConvergenceHistogram {
    /// The histogram with cumulative counts, in seconds.
    var snapshot: HistogramSnapshot {
        var total: UInt64 = 0
        let cumulative = counts.dropLast().map { count in
            total += count
            return total
        }
        return HistogramSnapshot(
            upperBounds: Self.bounds, cumulativeCounts: cumulative, sum: sum.seconds, count: count)
    }
}
