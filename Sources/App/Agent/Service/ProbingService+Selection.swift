import Configuration
import KernelState
import NetworkPrimitives
import RawSockets
import Synchronization

// Which tunnels there are, and which of them are meant.

extension ProbingService {
    func select(
        _ selection: Selection, until end: MonotonicInstant
    ) async throws(Refusal) -> [TunnelPlan] {
        var plans = await lookedUpPlans(until: end)
        switch selection {
        case .all: return plans
        case .named(let names):
            for name in names where !plans.contains(where: { $0.name == name }) {
                throw .unknownTunnel(name, known: plans.map(\.name))
            }
            return plans.filter { names.contains($0.name) }
        case .endpoint(let remote):
            plans.removeAll { $0.configuration.remote != remote }
            guard plans.isEmpty else { return plans }
            let configuration = knowledge.withLock { $0.configuration }
            let tunnel = TunnelConfiguration(
                name: TunnelName.sanitized(remote.description), remote: remote,
                probing: configuration.probing)
            if case .name(let name) = remote {
                _ = await resolver.firstResolution(of: name, within: Self.patience(until: end))
            }
            return await offPool { [resolver] in
                [HostView(resolver: resolver).planner.plan(for: tunnel)]
            }
        }
    }

    /// The plans of the continuous watch, or of one look where there is none.
    private func lookedUpPlans(until end: MonotonicInstant) async -> [TunnelPlan] {
        let configuration = knowledge.withLock { $0.configuration }
        guard watcher.withLock({ $0 == nil }) else {
            await awaitFirstLook(until: end)
            return knowledge.withLock { $0.plans }
        }
        for tunnel in configuration.tunnels {
            if case .name(let name) = tunnel.remote {
                _ = await resolver.firstResolution(of: name, within: Self.patience(until: end))
            }
        }
        let look = await offPool { [resolver] in
            TunnelWatcher.look(configuration, resolver: resolver)
        }
        knowledge.withLock {
            $0.plans = look.plans
            $0.facts = look.facts
        }
        return look.plans
    }

    /// Waits until the host was looked at once, which an agent does as soon as it watches.
    func awaitFirstLook(until end: MonotonicInstant) async {
        while !isReady, MonotonicClock.now() < end {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    /// How long to wait for a name: a quarter of what is left, so that probing has its time.
    private static func patience(until end: MonotonicInstant) -> Duration {
        max(.zero, (end - MonotonicClock.now()) / 4)
    }

    /// Runs something that blocks on a thread of its own.
    func offPool<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            do throws(SocketError) {
                try PinnedThread.start(name: "look") { continuation.resume(returning: body()) }
            } catch {
                // Without a thread of its own it blocks this one: late is better than never.
                continuation.resume(returning: body())
            }
        }
    }

    /// What the kernel knows of tunnels, and what it does not show.
    public struct Discovery: Sendable {
        /// Plans for the tunnels found.
        public var plans: [TunnelPlan]
        /// What could not be read, and why: there may be more tunnels than were found.
        public var blindSpots: [String]
    }

    /// Looks for tunnels in the kernel, whatever is configured.
    public func discover() async -> Discovery {
        var configuration = AgentConfiguration.defaults
        configuration.probing = knowledge.withLock { $0.configuration.probing }
        let only = configuration
        return await offPool { [resolver] in
            let (plans, facts) = TunnelWatcher.look(only, resolver: resolver)
            let snapshot = facts[nil]?.snapshot
            let blindSpots = [snapshot?.links.reason, snapshot?.associations.reason]
            return Discovery(plans: plans, blindSpots: blindSpots.compactMap { $0 })
        }
    }
}
