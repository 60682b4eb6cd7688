import Diagnosis
import EchoProbing
import KernelState
import NetworkPrimitives
import ProviderChecks
import TunnelHealth

/// Everything there is to say at one moment: the value behind JSON, text, page and metrics.
struct StatusReport: Sendable {
    var generatedAt: WallTime
    var agent: AgentIdentity
    /// Findings about the host itself.
    var findings: [Finding]
    var tunnels: [TunnelReport]
    /// The devices that are captured on.
    var captures: [CaptureThread.Snapshot] = []
    /// XFRM's error counters by namespace; nil is the agent's own.
    var transformErrors: [String?: [NamedCounters.Counter]] = [:]

    /// The worst tunnel's verdict; unknown where there is none.
    ///
    /// A critical finding of the host lifts it like one of a tunnel.
    var verdict: TunnelState {
        let worst = tunnels.map(\.verdict).max { $0.rank < $1.rank } ?? .unknown
        return TunnelReport.verdict(of: worst, findings)
    }
}

/// Who reports.
struct AgentIdentity: Sendable {
    var version: String
    var hostname: String
    var uptime: Duration
}

/// What is known of one tunnel.
struct TunnelReport: Sendable {
    var plan: TunnelPlan
    var state: TunnelState
    /// Why the state is what it is, where probes alone do not tell.
    var stateReason: String?
    var stateSource: ProbePath
    var stateSince: WallTime
    var lastChangeAt: WallTime?
    var isFlapping: Bool
    var flapRatio: Double
    var flapPenalty: Double
    var changesLastHour: Int
    var changesLastDay: Int
    var stateChanges: [TunnelMonitor.StateChange: UInt64]
    var rows: [ProbeRow]
    /// What became of its flight recordings.
    var recordings: [FlightRecorder.Result: UInt64] = [:]
    /// Its ESP on the wire.
    var capture = TunnelCapture()
    /// What the kernel knows of it.
    var kernel = TunnelKernel()
    /// Its rekeys, timed.
    var rekeys = TunnelRekeys()
    /// What its unhealthy episodes go with.
    var flapping = TunnelFlapping()
    /// What is known of its IKE.
    var ike = TunnelIKE()
    /// What was measured of its paths.
    var path = TunnelPath()
    /// What was measured with its reflector.
    var reflection = TunnelReflection()
    /// The health checks that the provider sends through it.
    var checks = ProviderChecksReport(unknown: "not watched yet")
    /// Whether its probes are those of an examination, and not of the continuous watch.
    var isExamination = false
    /// What stands, what to fix first in front.
    var findings: [Finding]
    /// What every rule said of it.
    var diagnosis = Diagnosis()

    var verdict: TunnelState { Self.verdict(of: state, findings) }

    /// Interface page §2: a critical finding lifts healthy or unknown to degraded; warnings and
    /// infos change nothing.
    static func verdict(of state: TunnelState, _ findings: [Finding]) -> TunnelState {
        findings.contains { $0.severity == .critical } ? .worse(state, .degraded) : state
    }
}

/// What is known of one path and style.
struct ProbeRow: Sendable {
    var role: ProbeRole
    var counts: ProbeCounts
    var roundTrips: RoundTripStatistics
    var localDelays: RoundTripStatistics
    /// Why nothing was probed, or the latest failure to send; nil when all is well.
    var reason: String?
    /// Whether a time limit ended it before its last probe was decided: then the counts are what was
    /// done, and ratios and round trips are not known.
    var isCutOff: Bool
    /// Hops of reply-style pairs.
    var hops: [ReplyPairProber.Hop]
    /// Every probe, in an examination.
    var outcomes: [TimedOutcome]
    /// What became of the latest; nil for reply-style pairs.
    var record: ProbeRecord?
}

/// One probe with its send time on the wall clock.
struct TimedOutcome: Sendable {
    var outcome: ProbeOutcome
    var sentAt: WallTime
}

extension TunnelMonitor {
    /// The monitor as a report.
    ///
    /// - Parameters:
    ///   - now: the current instant, for penalties and counts.
    ///   - wall: the same moment on the wall clock, for what is shown to people.
    ///   - judge: the monitor whose state, flaps and changes are reported: this one, or the
    ///     continuous one of the same tunnel for an examination inside the agent.
    /// - Returns: the report, without findings.
    func report(
        now: MonotonicInstant, wall: WallTime, stateOf judge: TunnelMonitor
    ) -> TunnelReport {
        func wallTime(_ instant: MonotonicInstant) -> WallTime { wall + (instant - now) }
        var report = TunnelReport(
            plan: plan, state: judge.state, stateReason: judge.stateReason,
            stateSource: judge.plan.stateRole.path, stateSince: wallTime(judge.stateSince),
            lastChangeAt: judge.lastChangeAt.map(wallTime),
            isFlapping: judge.flaps.isFlapping, flapRatio: judge.flaps.ratio,
            flapPenalty: judge.flaps.penalty(at: now),
            changesLastHour: judge.flaps.changes(within: .seconds(3600), of: now),
            changesLastDay: judge.flaps.changes(within: .seconds(86_400), of: now),
            stateChanges: judge.stateChanges, rows: ProbeRole.all.map { row($0, wallTime, judge) },
            findings: [])
        report.isExamination = mode == .examination
        return report
    }

    private func row(
        _ role: ProbeRole, _ wallTime: (MonotonicInstant) -> WallTime, _ judge: TunnelMonitor
    ) -> ProbeRow {
        // Interface page §2: what does not finish inside the limit is null with that reason.
        let isCutOff = mode == .examination && !isFinished(role)
        let reason =
            plan.roles[role.index].reason ?? sendFailures[role]
            ?? (role.style == .reply ? silenceReason(of: role) : nil)
            ?? (isCutOff ? "time limit" : nil)
        let outcomes = (outcomes[role] ?? []).map {
            TimedOutcome(outcome: $0, sentAt: wallTime($0.sentAt))
        }
        switch role.style {
        case .request:
            let prober = requests[role.path.index]
            return ProbeRow(
                role: role, counts: prober.counts, roundTrips: prober.roundTrips,
                localDelays: prober.localDelays, reason: reason, isCutOff: isCutOff, hops: [],
                outcomes: outcomes, record: record(of: role, judge))
        case .reply:
            let prober = replies[role.path.index]
            return ProbeRow(
                role: role, counts: prober.counts, roundTrips: prober.roundTrips,
                localDelays: prober.localDelays, reason: reason, isCutOff: isCutOff,
                hops: plan.roles[role.index].route == nil ? [] : prober.hops, outcomes: outcomes)
        }
    }

    private func record(of role: ProbeRole, _ judge: TunnelMonitor) -> ProbeRecord {
        let index = role.path.index
        // Another target's answers say nothing of this one.
        let isSame = judge.plan.roles[role.index].route == plan.roles[role.index].route
        let isWatched = mode == .examination && judge.mode == .continuous && isSame
        return ProbeRecord(
            outcomes: latest[index], watched: isWatched ? judge.latest[index] : nil,
            hasEverAnswered: requests[index].hasEverAnswered
                || isSame && judge.requests[index].hasEverAnswered,
            sendFailure: sendFailures[role], isExamination: mode == .examination)
    }

    /// Why the state is what it is, where that is not plain from the probes' numbers.
    var stateReason: String? {
        let role = plan.stateRole
        if case .unavailable(let reason) = plan.roles[role.index] { return reason }
        if let failure = sendFailures[role] { return "probes cannot be sent: \(failure)" }
        guard state == .unknown else { return nil }
        let prober = requests[role.path.index]
        if hasInboundTraffic == true, !prober.hasEverAnswered, prober.counts.lost > 0 {
            return "the target has never answered, yet traffic arrives through the tunnel: "
                + "set inside_target to an address that answers Echo Requests"
        }
        return "fewer than three probes are decided"
    }
}

extension TunnelMonitor {
    /// Why no reply-style pair of a path can be judged; nil when some can.
    fileprivate func silenceReason(of role: ProbeRole) -> String? {
        let prober = replies[role.path.index]
        guard let first = prober.hops.first else { return nil }
        if first.isTarget {
            return role.path == .inside
                ? "the far end itself has this address: set inside_beyond to one behind it"
                : "the endpoint is the first hop: no router there to answer"
        }
        if prober.counts.sent > 0, prober.counts.received == 0, prober.counts.lost == 0,
            prober.hops.allSatisfy({ $0.controlsAnswered == 0 })
        {
            return "no router answered a hop-limited Echo Request, so silence proves nothing"
        }
        return nil
    }
}
