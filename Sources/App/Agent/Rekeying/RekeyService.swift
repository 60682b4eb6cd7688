import Configuration
import KernelState
import NetworkPrimitives
import RawSockets
import Rekeying
import Synchronization

/// Times the rekeys of all watched tunnels: what kernels, captures and probes tell comes together here.
///
/// It has no thread of its own. Kernel events come on the kernel's thread, arrivals on a capture's, and
/// only while there is a rekey; each costs microseconds under one lock.
final class RekeyService: Sendable {
    /// One tunnel, for as long as it is watched.
    fileprivate struct Tunnel {
        var plan: TunnelPlan
        var tracker = RekeyTracker()
    }

    fileprivate struct State {
        var watched = WatchedTunnels()
        var tunnels: [String: Tunnel] = [:]
        /// Namespaces whose SAs are told of; there packets alone begin no rekey.
        var readableNamespaces: Set<String?> = []

        mutating func reconcile() {
            let plans = watched.plans
            let names = Set(plans.map(\.name))
            tunnels = tunnels.filter { names.contains($0.key) }
            for plan in plans {
                tunnels[plan.name, default: Tunnel(plan: plan)].plan = plan
                tunnels[plan.name]?.tracker.isKernelReadable =
                    plan.configuration.role == .endpoint
                    && readableNamespaces.contains(plan.configuration.netns)
            }
        }
    }

    private let state = Mutex(State())
    private let askForProbes = Hook<@Sendable () -> Void>()

    /// Sets what is called when a rekey is over whose probes are to be counted: answer with `take`.
    func onProbesWanted(_ body: @escaping @Sendable () -> Void) {
        askForProbes.set(body)
    }

    // MARK: - Plans

    /// Times the rekeys of these tunnels from now on, and of no others.
    func watch(_ plans: [TunnelPlan]) {
        state.withLock { state in
            state.watched.continuous = plans
            state.reconcile()
        }
    }

    /// Times those of these tunnels too, until `forget`.
    func observe(_ plans: [TunnelPlan]) -> Int {
        state.withLock { state in
            let guest = state.watched.admit(plans)
            state.reconcile()
            return guest
        }
    }

    /// Ends what `observe` began.
    func forget(_ guest: Int) {
        state.withLock { state in
            state.watched.forget(guest)
            state.reconcile()
        }
    }

    // MARK: - What comes in

    /// An inbound SA that came or went.
    struct Change: Equatable, Sendable {
        var tunnel: String
        var spi: SPI
        var isInstalled: Bool
    }

    /// Takes what a kernel tells.
    ///
    /// - Parameters:
    ///   - event: the event.
    ///   - namespace: the namespace of that kernel.
    /// - Returns: the inbound SAs that came or went, for whoever captures.
    func take(_ event: TimedKernelEvent, namespace: String?) -> [Change] {
        state.withLock { state in
            if !state.readableNamespaces.contains(namespace) {
                state.readableNamespaces.insert(namespace)
                state.reconcile()
            }
            switch event.event {
            case .associationAdded(let association), .associationUpdated(let association):
                return state.changeTunnel(of: association, in: namespace) { tracker in
                    tracker.install(association.spi, lane: association.lane, at: event.at)
                }.map { Change(tunnel: $0, spi: association.spi, isInstalled: true) }
            case .associationDeleted(let key, _):
                return state.remove(key.spi, to: key.destination, in: namespace, at: event.at)
            case .associationExpired(let association, let isHard):
                guard isHard else { return [] }
                return state.remove(
                    association.spi, to: association.destination, in: namespace, at: event.at)
            case .associationsFlushed:
                return state.removeAll(in: namespace, at: event.at)
            default:
                return []
            }
        }
    }

    /// Takes the SAs that a kernel had before it told of any.
    ///
    /// Later ones it tells of: a tunnel that is known already is passed over.
    func take(_ associations: [SecurityAssociation], namespace: String?) {
        state.withLock { state in
            let byAge = associations.sorted {
                ($0.addedAt?.nanoseconds ?? 0) < ($1.addedAt?.nanoseconds ?? 0)
            }
            let fresh = Set(
                state.tunnels.filter { $0.value.tracker.isUntold }.map(\.key))
            for association in byAge {
                _ = state.changeTunnel(of: association, in: namespace, among: fresh) { tracker in
                    tracker.noteAssociation(association.spi, lane: association.lane)
                }
            }
        }
    }

    /// Takes what is new on the wire.
    func take(_ arrivals: [String: RekeyArrivals], at now: MonotonicInstant) {
        let wantsProbes = state.withLock { state in
            var wantsProbes = false
            for (name, arrival) in arrivals {
                state.tunnels[name]?.tracker.take(
                    arrival.successions, deletions: arrival.deletions)
                state.tunnels[name]?.tracker.advance(to: now, probes: nil)
                if state.tunnels[name]?.tracker.wantsProbes == true { wantsProbes = true }
            }
            return wantsProbes
        }
        if wantsProbes { askForProbes.function?() }
    }

    /// Takes the tunnels' probes, by name, for the rekeys that are over.
    func take(probes: [String: ProbeLog], at now: MonotonicInstant) {
        state.withLock { state in
            for (name, log) in probes {
                state.tunnels[name]?.tracker.advance(to: now, probes: log)
            }
        }
    }

    // MARK: - Reports

    /// What is known now.
    ///
    /// - Parameters:
    ///   - probes: the probes of tunnels that are probed continuously, by name.
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock.
    /// - Returns: the rekeys, by the tunnel's name.
    func report(
        probes: [String: ProbeLog], at now: MonotonicInstant, wall: WallTime
    ) -> [String: TunnelRekeys] {
        state.withLock { state in
            var report: [String: TunnelRekeys] = [:]
            for name in state.tunnels.keys {
                state.tunnels[name]?.tracker.advance(to: now, probes: probes[name])
                guard let tracker = state.tunnels[name]?.tracker else { continue }
                report[name] = TunnelRekeys(
                    records: tracker.records,
                    wireCount: tracker.isKernelReadable ? nil : tracker.wireCount,
                    histogram: tracker.histogram, takenAt: now, wall: wall,
                    probeReason: probes[name] == nil
                        ? "the tunnel is not probed continuously" : nil)
            }
            return report
        }
    }
}

extension RekeyService.State {
    /// Has the trackers of all tunnels changed that an inbound SA belongs to.
    ///
    /// - Returns: the tunnels' names.
    fileprivate mutating func changeTunnel(
        of association: SecurityAssociation, in namespace: String?, among names: Set<String>? = nil,
        _ change: (inout RekeyTracker) -> Void
    ) -> [String] {
        guard association.protocol == .esp else { return [] }
        var changed: [String] = []
        for (name, tunnel) in tunnels
        where names?.contains(name) != false && tunnel.plan.takes(association, in: namespace) {
            change(&tunnels[name, default: tunnel].tracker)
            changed.append(name)
        }
        return changed
    }

    fileprivate mutating func remove(
        _ spi: SPI, to destination: IPAddress, in namespace: String?, at instant: MonotonicInstant
    ) -> [RekeyService.Change] {
        var changes: [RekeyService.Change] = []
        for (name, tunnel) in tunnels
        where tunnel.plan.configuration.netns == namespace
            && tunnel.plan.local ?? destination == destination
        {
            guard tunnel.tracker.knows(spi) else { continue }
            tunnels[name]?.tracker.remove(spi, at: instant)
            changes.append(.init(tunnel: name, spi: spi, isInstalled: false))
        }
        return changes
    }

    fileprivate mutating func removeAll(
        in namespace: String?, at instant: MonotonicInstant
    ) -> [RekeyService.Change] {
        var changes: [RekeyService.Change] = []
        for (name, tunnel) in tunnels where tunnel.plan.configuration.netns == namespace {
            for spi in tunnel.tracker.installed {
                tunnels[name]?.tracker.remove(spi, at: instant)
                changes.append(.init(tunnel: name, spi: spi, isInstalled: false))
            }
        }
        return changes
    }
}

extension TunnelPlan {
    /// Whether an SA takes in packets of this tunnel.
    fileprivate func takes(_ association: SecurityAssociation, in namespace: String?) -> Bool {
        configuration.role == .endpoint && configuration.netns == namespace
            && association.source == remote
            && local ?? association.destination == association.destination
    }
}

extension SecurityAssociation {
    /// What it has in common with its successors and with no other SA.
    fileprivate var lane: UInt64 {
        UInt64(requestID) << 32 ^ UInt64(interfaceID ?? 0) << 16 ^ UInt64(mark)
    }
}
