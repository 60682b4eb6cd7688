import Diagnosis
import EchoProbing
import HostFacts
import Metrics
import NetworkPrimitives
import TunnelHealth

/// Turns a report into the families of the interface page §5 that this version measures.
///
/// Every series of a tunnel is there from the first scrape: counters at 0, unknown gauges NaN.
struct StatusMetrics {
    var report: StatusReport
    var measurement: SelfMeasurement
    var configuration: ConfigurationStatus
    var process: ProcessStatistics

    var families: [MetricFamily] {
        stateFamilies + probeFamilies + CaptureMetrics(report: report).families
            + KernelMetrics(report: report).families + RekeyMetrics(report: report).families
            + PathMetrics(report: report).families
            + ProviderChecksMetrics(report: report).families
            + PacketSizesMetrics(report: report).families + [recordings, findings]
            + selfFamilies
            + processFamilies
    }

    // MARK: - State

    private var stateFamilies: [MetricFamily] {
        let states = TunnelState.allCases
        return [
            .stateSet(
                "tunnelprobe_tunnel_state", help: "Health of the tunnel, 1 for the current state.",
                label: "state", states: states.map(\.rawValue),
                report.tunnels.map { .init(labels: [label($0)], current: $0.state.rawValue) }),
            .counter(
                "tunnelprobe_tunnel_state_changes_total", help: "Changes of the tunnel's state.",
                report.tunnels.flatMap { tunnel in
                    states.flatMap { from in
                        states.filter { $0 != from }.map { to in
                            let change = TunnelMonitor.StateChange(from: from, to: to)
                            return MetricSample(
                                [
                                    label(tunnel), .init("from", from.rawValue),
                                    .init("to", to.rawValue),
                                ], .count(tunnel.stateChanges[change] ?? 0))
                        }
                    }
                }),
            gauge(
                "tunnelprobe_tunnel_state_change_timestamp_seconds",
                "When the tunnel's state last changed, Unix time."
            ) { .number(orUnknown: $0.lastChangeAt?.unixSeconds) },
            gauge("tunnelprobe_tunnel_flapping", "Whether the tunnel is flapping.") {
                .flag($0.isFlapping)
            },
            gauge(
                "tunnelprobe_tunnel_flap_ratio",
                "Weighted share of state changes over the last 21 checks of 60 s."
            ) { .number($0.flapRatio) },
            gauge(
                "tunnelprobe_tunnel_flap_penalty",
                "Figure of merit after RFC 2439, plus 1000 for every change to a worse state."
            ) { .number($0.flapPenalty) },
        ]
    }

    private func gauge(
        _ name: String, _ help: String, _ value: (TunnelReport) -> MetricValue
    ) -> MetricFamily {
        .gauge(name, help: help, report.tunnels.map { MetricSample([label($0)], value($0)) })
    }

    private func label(_ tunnel: TunnelReport) -> MetricLabel {
        MetricLabel("tunnel", tunnel.plan.name)
    }

    // MARK: - Probes

    private var probeFamilies: [MetricFamily] {
        [
            counter("sent", "Probes sent, retries not included.", \.sent),
            counter("received", "Probes answered in time.", \.received),
            counter("lost", "Probes unanswered at the timeout, or refused.", \.lost),
            counter("inconclusive", "Probes whose silence proves nothing.", \.inconclusive),
            counter("late_replies", "Answers after the timeout.", \.lateReplies),
            counter("retries", "Extra probes sent at once after a failure.", \.retries),
            counter("duplicates", "Further answers to an answered probe.", \.duplicates),
            counter("reordered", "Answers that overtook or were overtaken.", \.reordered),
            .counter(
                "tunnelprobe_probes_failed_total",
                help: "Probes that failed other than by silence.",
                rows { tunnel, row in
                    ProbeCounts.FailureReason.allCases.map { reason in
                        MetricSample(
                            labels(tunnel, row) + [.init("reason", reason.rawValue)],
                            .count(row.counts.failed[reason] ?? 0))
                    }
                }),
            .counter(
                "tunnelprobe_probes_rejected_total",
                help: "Messages that looked like an answer and were not taken for one.",
                rows { tunnel, row in
                    ProbeCounts.RejectionReason.allCases.map { reason in
                        MetricSample(
                            labels(tunnel, row) + [.init("reason", reason.rawValue)],
                            .count(row.counts.rejected[reason] ?? 0))
                    }
                }),
            .histogram(
                "tunnelprobe_probe_rtt_seconds", help: "Round-trip times, by kernel timestamps.",
                rows { tunnel, row in
                    [MetricSample(labels(tunnel, row), .histogram(row.roundTrips.snapshot))]
                }),
        ]
    }

    private func counter(
        _ name: String, _ help: String, _ count: (ProbeCounts) -> UInt64
    ) -> MetricFamily {
        .counter(
            "tunnelprobe_probes_\(name)_total", help: help,
            rows { tunnel, row in [MetricSample(labels(tunnel, row), .count(count(row.counts)))] })
    }

    private func rows(
        _ samples: (TunnelReport, ProbeRow) -> [MetricSample]
    ) -> [MetricSample] {
        report.tunnels.flatMap { tunnel in tunnel.rows.flatMap { samples(tunnel, $0) } }
    }

    private func labels(_ tunnel: TunnelReport, _ row: ProbeRow) -> [MetricLabel] {
        [
            label(tunnel), .init("path", row.role.path.rawValue),
            .init("style", row.role.style.rawValue),
        ]
    }

    private var recordings: MetricFamily {
        .counter(
            "tunnelprobe_flight_recordings_total",
            help: "Changes to degraded or down, by what became of the headers around them.",
            report.tunnels.flatMap { tunnel in
                FlightRecorder.Result.allCases.map { result in
                    MetricSample(
                        [label(tunnel), .init("result", result.rawValue)],
                        .count(tunnel.recordings[result] ?? 0))
                }
            })
    }

    // MARK: - Findings

    /// One series for every id and severity, per tunnel, and under `tunnel=""` for the host itself.
    private var findings: MetricFamily {
        // Interface page §5: 1 also when explained by another.
        let places =
            [("", report.findings.withExplained)]
            + report.tunnels.map { ($0.plan.name, $0.findings.withExplained) }
        return .gauge(
            "tunnelprobe_finding", help: "Whether a finding of the catalogue stands.",
            places.flatMap { name, found in
                FindingID.allCases.flatMap { id in
                    id.severities.map { severity in
                        MetricSample(
                            [
                                .init("tunnel", name), .init("finding", id.rawValue),
                                .init("severity", severity.rawValue),
                            ], .flag(found.contains { $0.id == id && $0.severity == severity }))
                    }
                }
            })
    }

    // MARK: - The agent itself

    private var selfFamilies: [MetricFamily] {
        func counter(_ name: String, _ help: String, _ count: UInt64) -> MetricFamily {
            .counter(name, help: help, [MetricSample([], .count(count))])
        }
        func gauge(_ name: String, _ help: String, _ value: MetricValue) -> MetricFamily {
            .gauge(name, help: help, [MetricSample([], value)])
        }
        return [
            counter(
                "tunnelprobe_late_probes_total",
                "Probes sent over 10 ms after their deadline.", measurement.lateProbes),
            counter(
                "tunnelprobe_netlink_overruns_total",
                "Answers of the kernel lost for lack of socket memory.",
                measurement.netlinkOverruns),
            counter(
                "tunnelprobe_clock_steps_total",
                "Steps of the wall clock noticed while packets were on their way.",
                measurement.clockSteps),
            counter(
                "tunnelprobe_receive_drops_total",
                "ICMP messages dropped because a socket's buffer was full.",
                measurement.receiveDrops),
            .counter(
                "tunnelprobe_unreadable_messages_total",
                help: "ICMP messages that could not be read, by what is wrong with them.",
                [
                    MetricSample(
                        [.init("kind", "malformed")], .count(measurement.malformedMessages)),
                    MetricSample(
                        [.init("kind", "truncated")], .count(measurement.truncatedMessages)),
                ]),
            counter(
                "tunnelprobe_store_rows_written_total",
                "Events and minutes that the event store has committed.", measurement.store.written),
            counter(
                "tunnelprobe_store_rows_dropped_total",
                "Events and minutes lost because they could not be stored for too long.",
                measurement.store.dropped),
            counter(
                "tunnelprobe_store_failures_total",
                "Times that the event store could not be opened or written.",
                measurement.store.failures),
            counter(
                "tunnelprobe_store_damaged_total",
                "Damaged event stores that were moved aside.", measurement.store.damaged),
            gauge(
                "tunnelprobe_store_working", "Whether the event store can be written.",
                .flag(measurement.store.isWorking)),
            gauge(
                "tunnelprobe_store_size_bytes", "What the event store takes with its log.",
                .number(Double(measurement.store.size))),
            .gauge(
                "tunnelprobe_build_info", help: "Version of the agent; always 1.",
                [MetricSample([.init("version", report.agent.version)], .integer(1))]),
            gauge(
                "tunnelprobe_config_last_reload_successful",
                "Whether the last load of the configuration succeeded.",
                .flag(configuration.wasSuccessful)),
            gauge(
                "tunnelprobe_config_last_reload_success_timestamp_seconds",
                "When the configuration was last loaded successfully, Unix time.",
                .number(configuration.lastSuccess.unixSeconds)),
        ]
    }

    private var processFamilies: [MetricFamily] {
        func gauge(_ name: String, _ help: String, _ value: Double?) -> MetricFamily {
            .gauge(name, help: help, [MetricSample([], .number(orUnknown: value))])
        }
        func known<Value>(_ result: Result<Value, FileError>) -> Value? {
            switch result {
            case .success(let value): value
            case .failure: nil
            }
        }
        return [
            .counter(
                "process_cpu_seconds_total", help: "User and system time spent.",
                [MetricSample([], .number(orUnknown: known(process.cpuSeconds)))]),
            gauge(
                "process_resident_memory_bytes", "Resident memory.",
                known(process.residentBytes).map(Double.init)),
            gauge(
                "process_virtual_memory_bytes", "Virtual memory.",
                known(process.virtualBytes).map(Double.init)),
            gauge(
                "process_start_time_seconds", "Start of the process, Unix time.",
                known(process.startTimeSeconds)),
            gauge(
                "process_open_fds", "Open file descriptors.",
                known(process.openDescriptors).map(Double.init)),
            gauge(
                "process_max_fds", "Most file descriptors that may be open.",
                known(process.maximumDescriptors).map(Double.init)),
        ]
    }
}

/// How the last loads of the configuration went.
struct ConfigurationStatus: Sendable {
    var wasSuccessful: Bool
    var lastSuccess: WallTime
}

extension RoundTripStatistics {
    /// The histogram with cumulative counts, in seconds.
    fileprivate var snapshot: HistogramSnapshot {
        var total: UInt64 = 0
        let cumulative = bucketCounts.map { count in
            total += count
            return total
        }
        return HistogramSnapshot(
            upperBounds: Self.bucketBounds.map { Double($0.nanoseconds) / 1e9 },
            cumulativeCounts: cumulative, sum: sum.seconds, count: count)
    }
}
