import EchoProbing
import Metrics
import PathMTU
import ReplyPath

/// Turns what was measured of the paths into the families of the interface page §5.
struct PathMetrics {
    var report: StatusReport

    var families: [MetricFamily] {
        [
            perPath(
                "tunnelprobe_path_mtu_bytes", "Largest IP packet that the path carries."
            ) { .number(orUnknown: $0.mtu.bytes.map(Double.init)) },
            perPath(
                "tunnelprobe_path_mtu_black_hole",
                "Whether larger packets vanish without a Packet Too Big."
            ) { .flag(orUnknown: $0.mtu.isBlackHole) },
            perTunnel(
                "tunnelprobe_recommended_mtu_bytes", "MTU to set on the tunnel device."
            ) { $0.path.tunnelMTU.recommendedMTU },
            perTunnel(
                "tunnelprobe_recommended_mss_bytes", "TCP MSS over IPv4 to clamp to."
            ) { $0.path.tunnelMTU.recommendedMSSIPv4 },
            perPath(
                "tunnelprobe_reply_blocked",
                "Whether unsolicited Echo Replies die on the path; NaN while it cannot be told."
            ) { .flag(orUnknown: $0.replies.isBlocked) },
            perPath(
                "tunnelprobe_reply_blocked_hop",
                "Last hop at which Echo Replies were alive, 0 before the first; NaN unless blocked."
            ) { .number(orUnknown: $0.replies.blockedAfterHop.map(Double.init)) },
        ]
    }

    private typealias Measured = (mtu: PathMTUReport, replies: ReplyPathReport)

    private func perPath(
        _ name: String, _ help: String, _ value: (Measured) -> MetricValue
    ) -> MetricFamily {
        .gauge(
            name, help: help,
            report.tunnels.flatMap { tunnel in
                let path = tunnel.path
                let measured: [(ProbePath, Measured)] = [
                    (.inside, (path.insideMTU, path.insideReplies)),
                    (.outside, (path.outsideMTU, path.outsideReplies)),
                ]
                return measured.map { path, measured in
                    MetricSample(
                        [.init("tunnel", tunnel.plan.name), .init("path", path.rawValue)],
                        value(measured))
                }
            })
    }

    private func perTunnel(
        _ name: String, _ help: String, _ value: (TunnelReport) -> Int?
    ) -> MetricFamily {
        .gauge(
            name, help: help,
            report.tunnels.map { tunnel in
                MetricSample(
                    [.init("tunnel", tunnel.plan.name)],
                    .number(orUnknown: value(tunnel).map(Double.init)))
            })
    }
}

extension ReplyPathReport {
    /// Whether Echo Replies die; nil where it cannot be told.
    fileprivate var isBlocked: Bool? { verdict == .inconclusive ? nil : verdict == .blocked }
}

extension MetricValue {
    /// A gauge of 0 or 1, NaN while it is not known.
    fileprivate static func flag(orUnknown isSet: Bool?) -> MetricValue {
        isSet.map { .flag($0) } ?? .number(orUnknown: nil)
    }
}
