import EchoProbing
import Flapping
import NetworkPrimitives
import PathMTU
import RawSockets
import Rekeying
import Synchronization
import TunnelHealth

/// Keeps what happens to each tunnel, and looks for what its unhealthy episodes go with.
///
/// It has no thread. Lost probes come on the probe loop's thread and cost a microsecond under one lock;
/// the search runs on whoever asks for a report, outside the lock.
final class FlapService: Sendable {
    /// One tunnel, for as long as it is watched.
    private struct Tunnel {
        var history = FlapHistory()
        /// Which way packets to the endpoint leave; nil until it is known.
        var route: String?
        /// The underlay's path MTU as measured last.
        var size: (bytes: Int, at: MonotonicInstant)?
        /// How often anything was noted.
        var notes = 0
        var found: Found?
    }

    /// What the last search found.
    private struct Found {
        var analysis: FlapAnalysis
        var notes: Int
        var at: MonotonicInstant
        var took: Duration
        var unobservable: [FlapCause: String]
    }

    /// The least time between two searches.
    private static let pause = Duration.seconds(1)
    /// After this a search is made again although nothing happened.
    private static let staleness = Duration.seconds(60)

    private let tunnels = Mutex<[String: Tunnel]>([:])

    /// Keeps the histories of these tunnels, and forgets those of others.
    ///
    /// - Returns: those that were not watched before.
    @discardableResult
    func watch(_ plans: [TunnelPlan], at now: MonotonicInstant) -> [TunnelPlan] {
        let names = Set(plans.map(\.name))
        return tunnels.withLock { tunnels in
            tunnels = tunnels.filter { names.contains($0.key) }
            return plans.filter { plan in
                guard tunnels[plan.name] == nil else { return false }
                tunnels[plan.name] = Tunnel()
                tunnels[plan.name]?.history.noteWatch(from: now, to: now)
                return true
            }
        }
    }

    /// Takes what happened to a tunnel before it was watched; one that is no longer watched is ignored.
    func take(_ former: FormerFlapping, of tunnel: String) {
        note(tunnel) { former.fill(&$0.history) }
    }

    /// Takes a change of a tunnel's state.
    func take(_ change: LoopEvents.StateChange) {
        note(change.tunnel) {
            $0.history.noteChange(
                from: FlapHistory.Health(change.transition.from),
                to: FlapHistory.Health(change.transition.to), at: change.transition.at)
        }
    }

    /// Takes a lost probe, by the time it was sent.
    func takeLoss(of tunnel: String, on path: ProbePath, at instant: MonotonicInstant) {
        note(tunnel) {
            switch path {
            case .inside: $0.history.noteInsideLoss(at: instant)
            case .outside: $0.history.noteUnderlayLoss(at: instant)
            }
        }
    }

    private func note(_ name: String, _ body: (inout Tunnel) -> Void) {
        tunnels.withLock { tunnels in
            guard tunnels[name] != nil else { return }
            body(&tunnels[name, default: Tunnel()])
            tunnels[name]?.notes += 1
        }
    }

    // MARK: - Reports

    /// Takes what a report shows of rekeys, routes and sizes, and says what the tunnel's episodes go with.
    ///
    /// - Parameters:
    ///   - report: the tunnel, with its kernel, rekeys and paths.
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock.
    /// - Returns: what is known; a tunnel that is not watched continuously has no history.
    func report(
        on report: TunnelReport, at now: MonotonicInstant, wall: WallTime
    ) -> TunnelFlapping {
        let name = report.plan.name
        let unobservable = Self.unobservable(in: report)
        let known = tunnels.withLock { tunnels -> Tunnel? in
            guard tunnels[name] != nil else { return nil }
            Self.adopt(report, into: &tunnels[name, default: Tunnel()], at: now)
            tunnels[name]?.history.advance(to: now)
            return tunnels[name]
        }
        guard let known else { return TunnelFlapping() }
        let costs = known.history.rekeyCosts(
            measured: report.rekeys.records.map {
                RekeyCosts.Rekey(at: $0.installedAt, convergence: $0.convergence)
            }, at: now)
        if let found = known.found, found.unobservable == unobservable,
            now - found.at < max(Self.pause, found.took * 50)
                || found.notes == known.notes && now - found.at < Self.staleness
        {
            return TunnelFlapping(found.analysis, costs, unobservable, at: now, wall: wall)
        }
        let begun = MonotonicClock.now()
        var generator = ReportGenerator()
        let analysis = known.history.analysis(
            at: now, wall: wall, unobservable: unobservable, using: &generator)
        let found = Found(
            analysis: analysis, notes: known.notes, at: now,
            took: MonotonicClock.now() - begun, unobservable: unobservable)
        tunnels.withLock { $0[name]?.found = found }
        return TunnelFlapping(analysis, costs, unobservable, at: now, wall: wall)
    }

    /// Notes what is new in a report.
    private static func adopt(
        _ report: TunnelReport, into tunnel: inout Tunnel, at now: MonotonicInstant
    ) {
        for record in report.rekeys.records
        // An SPI that joins others on the wire is no rekey until one fell silent.
        where record.origin == .kernel || record.ending == .finished {
            guard !tunnel.history.hasRekey(at: record.installedAt) else { continue }
            tunnel.history.noteRekey(at: record.installedAt)
            tunnel.notes += 1
        }
        if let route = report.routeName {
            if let known = tunnel.route, known != route {
                tunnel.history.noteRouteChange(at: now)
                tunnel.notes += 1
            }
            tunnel.route = route
        }
        let size = report.path.outsideMTU
        if let bytes = size.bytes, let at = size.endedAt, at != tunnel.size?.at {
            if let known = tunnel.size, known.bytes != bytes {
                tunnel.history.noteSizeChange(between: known.at, and: at)
                tunnel.notes += 1
            }
            tunnel.size = (bytes, at)
        }
    }

    /// What cannot be seen of this tunnel from here, and why.
    private static func unobservable(in report: TunnelReport) -> [FlapCause: String] {
        var reasons: [FlapCause: String] = [:]
        if report.rekeys.wireCount != nil, let reason = report.rekeys.captureReason {
            reasons[.rekeys] = "the kernel does not tell of its SAs, and \(reason)"
        }
        if report.kernel.nextHop == nil, report.routeName == nil {
            reasons[.routeChanges] = "the route to the endpoint is not known"
        }
        let outside = report.rows.first { $0.role == ProbeRole(.outside, .request) }
        if outside?.counts.received ?? 0 == 0 {
            reasons[.underlayLoss] =
                outside?.reason ?? "the endpoint has answered no Echo Request over the underlay"
        }
        if report.path.outsideMTU.bytes == nil {
            reasons[.pathMTU] = report.path.outsideMTU.reason ?? TunnelPath.notYet
        }
        return reasons
    }
}

/// Shifts of a test that are the same each time, so that two reports of the same facts say the same.
private struct ReportGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0x5eed
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

extension FlapHistory.Health {
    /// A tunnel's state.
    init(_ state: TunnelState) {
        self =
            switch state {
            case .healthy: .healthy
            case .degraded: .degraded
            case .down: .down
            case .unknown: .unknown
            }
    }
}

extension TunnelReport {
    /// Which way packets to the endpoint leave, to be compared; nil while it is not known.
    fileprivate var routeName: String? {
        if plan.waitingFor.contains(where: { $0.hasPrefix("a route to ") }) { return "none" }
        guard let hop = kernel.nextHop else { return nil }
        return "\(hop.address) \(hop.device ?? "") \(plan.local?.description ?? "")"
    }
}
