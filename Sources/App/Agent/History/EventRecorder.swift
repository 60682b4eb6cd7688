import Diagnosis
import EventStore
import History
import NetworkPrimitives
import Rekeying
import TunnelHealth

/// Turns reports that follow each other into what is kept of them: what changed, and what each minute came to.
///
/// Durations are monotonic, so a step of the wall clock changes none; only the times that rows bear
/// follow it. What was not known before and is known now is a change only where it was known once.
struct EventRecorder: Sendable {
    private var tunnels: [String: RecordedTunnel] = [:]
    private var findings = StandingFindings()
    /// The last report, on both clocks.
    private var last: (at: MonotonicInstant, wall: WallTime)?

    /// How far the wall clock may run from the other between two reports.
    static let stepTolerance = Duration.seconds(1)

    /// Knows nothing yet.
    init() {}

    /// Takes a report.
    ///
    /// - Parameters:
    ///   - report: what is known now.
    ///   - now: the moment of the report.
    /// - Returns: what is to be stored for it.
    mutating func take(_ report: StatusReport, at now: MonotonicInstant) -> StoreBatch {
        var batch = StoreBatch()
        let wall = report.generatedAt
        if let last, let step = Self.step(from: last, to: (now, wall)) {
            batch.events.append(
                HistoryKind.clockStepped.event(at: wall, [("seconds", .number(step.seconds))]))
        }
        last = (now, wall)
        batch.events += findings.changes(to: report.findings, of: "", at: wall)
        var present: Set<String> = []
        for tunnel in report.tunnels {
            let name = tunnel.plan.name
            present.insert(name)
            if tunnels[name] == nil {
                tunnels[name] = RecordedTunnel(tunnel, at: now)
                batch.events.append(
                    HistoryKind.tunnelAdded.event(
                        of: name, at: wall, [("state", .string(tunnel.state.rawValue))]))
            }
            batch.events += tunnels[name]?.changes(to: tunnel, at: wall) ?? []
            if let row = tunnels[name]?.minute.take(tunnel, at: now, wall: wall) {
                batch.minutes.append(StoredMinute(row))
            }
        }
        for name in tunnels.keys.sorted() where !present.contains(name) {
            batch.events += findings.changes(to: [], of: name, at: wall)
            if let row = tunnels[name]?.minute.end(of: name, at: now, wall: wall) {
                batch.minutes.append(StoredMinute(row))
            }
            batch.events.append(HistoryKind.tunnelRemoved.event(of: name, at: wall))
            tunnels[name] = nil
        }
        for tunnel in report.tunnels {
            batch.events += findings.changes(
                to: tunnel.findings, of: tunnel.plan.name, at: wall)
        }
        return batch
    }

    /// Takes a change of a state, as exact as the probe loop knows it.
    ///
    /// - Parameters:
    ///   - change: from which state to which.
    ///   - source: which probes the state comes from; nil where that is not known.
    ///   - wall: the moment of the change on the wall clock.
    /// - Returns: its event.
    mutating func take(
        _ change: LoopEvents.StateChange, source: ProbePath?, wall: WallTime
    ) -> StoredEvent {
        let transition = change.transition
        tunnels[change.tunnel]?.minute.note(transition.to, at: transition.at)
        return StoredEvent(
            .stateChanged(
                StateChange(
                    from: transition.from.rawValue, to: transition.to.rawValue,
                    source: source?.rawValue ?? "",
                    reason: change.reason)), of: change.tunnel, at: wall)
    }

    /// What the minutes under way came to, at the end of the agent.
    mutating func end(at now: MonotonicInstant, wall: WallTime) -> [StoredMinute] {
        tunnels.keys.sorted().compactMap { name in
            tunnels[name]?.minute.end(of: name, at: now, wall: wall).map(StoredMinute.init)
        }
    }

    private static func step(
        from before: (at: MonotonicInstant, wall: WallTime),
        to after: (at: MonotonicInstant, wall: WallTime)
    ) -> Duration? {
        let passed = Duration.nanoseconds(after.wall.nanoseconds &- before.wall.nanoseconds)
        let step = passed - (after.at - before.at)
        return step > stepTolerance || step < .zero - stepTolerance ? step : nil
    }
}

/// Which findings stand, so that their beginnings and ends are told once each.
struct StandingFindings: Sendable {
    /// How a finding stands: another severity or another cause is news.
    private struct Standing: Equatable {
        var severity: Finding.Severity
        var cause: FindingID?
    }

    private var standing: [String: [FindingID: Standing]] = [:]

    /// What began and what ended; empty names are the host itself.
    mutating func changes(
        to findings: [Finding], of tunnel: String, at wall: WallTime
    ) -> [StoredEvent] {
        let before = standing[tunnel] ?? [:]
        let name = tunnel.isEmpty ? nil : tunnel
        var now: [FindingID: Standing] = [:]
        var events: [StoredEvent] = []
        func walk(_ findings: [Finding], under cause: FindingID?) {
            for finding in findings {
                if now[finding.id] == nil {
                    let stands = Standing(severity: finding.severity, cause: cause)
                    now[finding.id] = stands
                    if before[finding.id] != stands {
                        events.append(Self.began(finding, cause, name, wall))
                    }
                }
                walk(finding.explained, under: finding.id)
            }
        }
        walk(findings, under: nil)
        let ended = FindingID.allCases.filter { before[$0] != nil && now[$0] == nil }
        events += ended.map { .init(.findingCleared(id: $0.rawValue), of: name, at: wall) }
        standing[tunnel] = now.isEmpty ? nil : now
        return events
    }

    private static func began(
        _ finding: Finding, _ cause: FindingID?, _ tunnel: String?, _ wall: WallTime
    ) -> StoredEvent {
        StoredEvent(
            .findingRaised(
                FindingRecord(
                    id: finding.id.rawValue, severity: finding.severity.rawValue,
                    confidence: finding.confidence, summary: finding.summary,
                    evidence: finding.evidence, remedy: finding.remedy,
                    explains: finding.explained.map(\.id.rawValue),
                    explainedBy: cause?.rawValue)), of: tunnel, at: wall)
    }
}

extension StoredMinute {
    /// A minute as the store keeps it.
    init(_ minute: HistoryMinute) {
        self.init(
            at: minute.at, tunnel: minute.tunnel, body: HistoryCoding.body(of: minute))
    }
}
