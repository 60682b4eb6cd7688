import Configuration
import ESPAnalysis
import Metrics
import NetworkPrimitives
import PacketFormats

/// Turns what is captured into the ESP and capture families of the interface page §5.
///
/// Every series of a tunnel is there from the first scrape, captured or not.
struct CaptureMetrics {
    var report: StatusReport

    var families: [MetricFamily] { directionFamilies + senderFamilies + captureFamilies }

    private var directionFamilies: [MetricFamily] {
        [
            counter("packets", "ESP packets seen on the wire, copies included.") { $0.packets },
            counter("bytes", "Octets of ESP packets on the wire, outer headers included.") {
                $0.bytes
            },
            counter("out_of_order", "ESP packets below their stream's highest number.") {
                $0.outOfOrder
            },
            counter(
                "sender_reordered",
                "ESP packets reordered within their sender; stands still while not identifiable."
            ) { $0.senderReordered },
            counter(
                "lost",
                "ESP packets lost on their way here, summed over senders; stands still while not "
                    + "identifiable."
            ) { $0.lost },
            counter("fragments", "Fragments of outer packets.") { $0.fragments },
            .gauge(
                "tunnelprobe_esp_loss_known",
                help: "Whether losses can be told from senders that meet.",
                directions { tunnel, direction, labels in
                    let isKnown = tunnel.capture.senders.isLossKnown[direction]
                    return [MetricSample(labels, isKnown.map(MetricValue.flag) ?? .number(.nan))]
                }),
            .counter(
                "tunnelprobe_esp_duplicates_total",
                help: "Byte-identical copies of ESP packets, by what makes them.",
                directions { tunnel, direction, labels in
                    let copies = tunnel.capture.traffic[direction].duplicates
                    return [
                        ("network", copies.network), ("capture", copies.capture),
                        ("replay", copies.replay),
                    ].map { MetricSample(labels + [.init("kind", $0.0)], .count($0.1)) }
                }),
        ]
    }

    private func counter(
        _ name: String, _ help: String, _ count: (DirectionTraffic) -> UInt64
    ) -> MetricFamily {
        .counter(
            "tunnelprobe_esp_\(name)_total", help: help,
            directions { tunnel, direction, labels in
                [MetricSample(labels, .count(count(tunnel.capture.traffic[direction])))]
            })
    }

    private func directions(
        _ samples: (TunnelReport, TrafficDirection, [MetricLabel]) -> [MetricSample]
    ) -> [MetricSample] {
        report.tunnels.flatMap { tunnel in
            TrafficDirection.allCases.flatMap { direction in
                samples(
                    tunnel, direction,
                    [.init("tunnel", tunnel.plan.name), .init("direction", direction.rawValue)])
            }
        }
    }

    private var senderFamilies: [MetricFamily] {
        func gauge(
            _ name: String, _ help: String, _ value: (TunnelSenders) -> Int?
        ) -> MetricFamily {
            .gauge(
                name, help: help,
                report.tunnels.map { tunnel in
                    MetricSample(
                        [.init("tunnel", tunnel.plan.name)],
                        .number(orUnknown: value(tunnel.capture.senders).map(Double.init)))
                })
        }
        return [
            gauge(
                "tunnelprobe_esp_senders",
                "Senders active in the last 60 s, an estimate; the most of any inbound SA."
            ) { $0.active },
            gauge(
                "tunnelprobe_esp_senders_min",
                "Senders of an inbound SA that are proven; the most of any."
            ) { $0.atLeast },
            .counter(
                "tunnelprobe_esp_replay_would_drop_total",
                help: "Inbound ESP packets that an anti-replay window of this size would drop.",
                report.tunnels.flatMap { tunnel in
                    tunnel.plan.configuration.probing.replayWindows.map { window in
                        MetricSample(
                            [
                                .init("tunnel", tunnel.plan.name), .init("window", "\(window)"),
                            ], .count(tunnel.capture.traffic.wouldDrop[window] ?? 0))
                    }
                }),
        ]
    }

    private var captureFamilies: [MetricFamily] {
        func counter(
            _ name: String, _ help: String, _ count: (CaptureThread.Snapshot) -> UInt64
        ) -> MetricFamily {
            .counter(
                "tunnelprobe_capture_\(name)_total", help: help,
                report.captures.map { capture in
                    MetricSample(
                        [
                            .init("interface", capture.place.device),
                            .init("netns", capture.place.namespace ?? ""),
                        ], .count(count(capture)))
                })
        }
        return [
            counter("packets", "Packets captured.") { $0.packets },
            counter("drops", "Packets lost by the capture, the ring being full.") { $0.drops },
            counter(
                "unusable_stamps", "Packets whose kernel timestamp could not be used."
            ) { $0.unusableStamps + $0.backwardStamps },
            counter("unreadable", "Captured frames that could not be read.") {
                $0.frames.unreadable
            },
            counter("unfollowed", "ESP packets of streams beyond those that can be followed.") {
                $0.traffic.unfollowedPackets
            },
        ]
    }
}
