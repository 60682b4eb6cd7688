import EventStore
import History
import KernelState
import NetworkPrimitives
import PathMTU
import Rekeying
import ReplyPath
import TunnelHealth

/// What was last known of a tunnel, so that changes are seen.
struct RecordedTunnel: Sendable {
    /// The minute under way.
    var minute: MinuteCount
    private var route: [String: String] = [:]
    private var mtu: [ProbePath: MTU] = [:]
    private var replies: [ProbePath: ReplyPathReport.Verdict] = [:]
    /// Rekeys that were told, by the moment of the new SA.
    private var rekeys: Set<MonotonicInstant> = []

    private struct MTU: Equatable, Sendable {
        var bytes: Int
        var isBlackHole: Bool?
    }

    /// Knows only the state.
    init(_ report: TunnelReport, at now: MonotonicInstant) {
        minute = MinuteCount(state: report.state, at: now)
    }

    /// What is new in a report.
    mutating func changes(to report: TunnelReport, at wall: WallTime) -> [StoredEvent] {
        routeChanges(to: report, at: wall) + pathChanges(to: report, at: wall)
            + rekeyEvents(of: report)
    }

    private mutating func routeChanges(
        to report: TunnelReport, at wall: WallTime
    ) -> [StoredEvent] {
        let hop = report.kernel.nextHop
        let now: [(key: String, value: String?)] = [
            ("local", report.plan.local?.description), ("remote", report.plan.remote?.description),
            ("wan_interface", report.plan.wanInterface),
            ("next_hop", hop?.address.description), ("next_hop_interface", hop?.device),
        ]
        var isChanged = false
        let before = route
        for (key, value) in now {
            // What is not known for a moment is no other route.
            guard let value else { continue }
            if let known = route[key], known != value { isChanged = true }
            route[key] = value
        }
        guard isChanged else { return [] }
        let parts = now.compactMap { key, _ -> String? in
            guard let from = before[key], let to = route[key], from != to else { return nil }
            return "\(key.replacing("_", with: " ")) \(to) after \(from)"
        }
        return [
            StoredEvent(
                .routeChanged(parts.joined(separator: ", ")), of: report.plan.name, at: wall)
        ]
    }

    private mutating func pathChanges(
        to report: TunnelReport, at wall: WallTime
    ) -> [StoredEvent] {
        var events: [StoredEvent] = []
        let name = report.plan.name
        let sizes = [
            (ProbePath.inside, report.path.insideMTU), (.outside, report.path.outsideMTU),
        ]
        for (path, size) in sizes {
            guard let bytes = size.bytes else { continue }
            let found = MTU(bytes: bytes, isBlackHole: size.isBlackHole)
            guard mtu[path] != found else { continue }
            events.append(
                StoredEvent(
                    .pathMTUChanged(
                        PathMTUChange(
                            path: path.rawValue, from: mtu[path]?.bytes, to: bytes,
                            isBlackHole: size.isBlackHole)), of: name, at: wall))
            mtu[path] = found
        }
        let ladders = [
            (ProbePath.inside, report.path.insideReplies), (.outside, report.path.outsideReplies),
        ]
        for (path, ladder) in ladders
        where ladder.verdict != .inconclusive && replies[path] != ladder.verdict {
            events.append(
                StoredEvent(
                    .replyPathChanged(
                        ReplyPathChange(
                            path: path.rawValue,
                            from: (replies[path] ?? .inconclusive).rawValue,
                            to: ladder.verdict.rawValue, afterHop: ladder.blockedAfterHop)),
                    of: name, at: wall))
            replies[path] = ladder.verdict
        }
        return events
    }

    private mutating func rekeyEvents(of report: TunnelReport) -> [StoredEvent] {
        let records = report.rekeys.records
        let over = records.filter { $0.ending != .pending && !rekeys.contains($0.installedAt) }
        // The tracker keeps twenty; so does this.
        rekeys.formIntersection(records.map(\.installedAt))
        return over.map { record in
            rekeys.insert(record.installedAt)
            return StoredEvent(
                .rekeyed(
                    RekeyEntry(
                        spi: "\(record.spi)", formerSPI: record.formerSPI.map { "\($0)" },
                        convergenceSeconds: record.convergence?.seconds,
                        probesSent: record.probes?.sent, probesLost: record.probes?.lost)),
                of: report.plan.name, at: report.rekeys.wallTime(record.installedAt))
        }
    }
}
