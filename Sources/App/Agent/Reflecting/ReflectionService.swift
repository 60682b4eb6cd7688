import Configuration
import Logging
import NetworkPrimitives
import RawSockets
import Reflecting
import Synchronization

/// Measures with the reflectors of tunnels: once when an examination asks, and regularly at
/// `reply_path_interval`; keeps the last result of each.
final class ReflectionService: Sendable {
    private struct State {
        var plans: [TunnelPlan] = []
        var due: [String: MonotonicInstant] = [:]
        var results: [Key: TunnelReflection] = [:]
        var schedule: Task<Void, Never>?
        var isStopped = false
    }

    /// A tunnel that gets another reflector is another one.
    private struct Key: Hashable {
        var name: String
        var reflector: Reflector?

        init(_ plan: TunnelPlan) {
            (name, reflector) = (plan.name, plan.configuration.reflector)
        }
    }

    private let state = Mutex(State())
    private let resolver: NameResolver
    private let logger: Logger

    init(resolver: NameResolver, logger: Logger) {
        self.resolver = resolver
        self.logger = logger
    }

    /// Measures with the reflectors of these tunnels; ends at `end` at the latest.
    func examine(_ plans: [TunnelPlan], until end: MonotonicInstant) async {
        await measure(plans, until: end)
    }

    /// Begins to measure regularly with the reflectors of these tunnels, and forgets the others.
    func watch(_ plans: [TunnelPlan]) {
        state.withLock { state in
            state.plans = plans.filter { $0.configuration.reflector != nil }
            let keys = Set(state.plans.map(Key.init))
            state.results = state.results.filter { keys.contains($0.key) }
            let names = Set(state.plans.map(\.name))
            state.due = state.due.filter { names.contains($0.key) }
            guard !state.plans.isEmpty, state.schedule == nil, !state.isStopped else { return }
            state.schedule = Task { [weak self] in
                while !Task.isCancelled, let self {
                    await self.measureWhatIsDue()
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }

    /// Ends the regular measurements.
    func stop() {
        let schedule = state.withLock { state in
            state.isStopped = true
            return state.schedule.take()
        }
        schedule?.cancel()
    }

    /// What is known of a tunnel's reflector.
    ///
    /// - Parameters:
    ///   - plan: the tunnel.
    ///   - now: the moment of the report.
    ///   - wall: the same one on the wall clock.
    /// - Returns: the last result, or why there is none.
    func result(
        of plan: TunnelPlan, at now: MonotonicInstant, wall: WallTime
    ) -> TunnelReflection {
        var result = state.withLock { $0.results[Key(plan)] } ?? Self.unmeasured(plan)
        (result.now, result.wall) = (now, wall)
        return result
    }

    private static func unmeasured(_ plan: TunnelPlan) -> TunnelReflection {
        guard let reflector = plan.configuration.reflector else { return TunnelReflection() }
        var place = TunnelReflection.Place(
            address: nil, port: reflector.port ?? ReflectorDaemon.defaultPort)
        if case .address(let address) = reflector.host { place.address = address }
        return TunnelReflection(place: place, unavailable: "not measured yet")
    }

    private func measureWhatIsDue() async {
        let now = MonotonicClock.now()
        let due = state.withLock { state in
            state.plans.enumerated().compactMap { index, plan -> TunnelPlan? in
                // The first ones are spread: one reflector may serve all tunnels.
                let first = now + .milliseconds(3000 + index % 120 * 250)
                let at = state.due[plan.name] ?? first
                state.due[plan.name] =
                    at <= now ? now + plan.configuration.probing.replyPathInterval : at
                return at <= now ? plan : nil
            }
        }
        await measure(due, until: now + .seconds(15))
    }

    private func measure(_ plans: [TunnelPlan], until end: MonotonicInstant) async {
        let wanted = plans.filter { $0.configuration.reflector != nil }
        guard !wanted.isEmpty else { return }
        var results: [String: TunnelReflection] = [:]
        var orders: [ReflectionRound.Order] = []
        for plan in wanted {
            guard let reflector = plan.configuration.reflector else { continue }
            switch await address(of: reflector.host, until: end) {
            case .success(let address):
                orders.append(.init(plan: plan, reflector: reflector, address: address))
            case .failure(let failure):
                var result = Self.unmeasured(plan)
                result = TunnelReflection(place: result.place, unavailable: failure.reason)
                results[plan.name] = result
            }
        }
        let told = await run(orders, until: end)
        results.merge(told) { _, new in new }
        state.withLock { state in
            for plan in wanted {
                if let result = results[plan.name] { state.results[Key(plan)] = result }
            }
        }
        for (name, result) in results {
            if let reason = result.report.reason {
                logger.debug("tunnel \(name): reflector: \(reason)")
            }
        }
    }

    private struct Unresolved: Error {
        var reason: String
    }

    private func address(
        of host: RemoteHost, until end: MonotonicInstant
    ) async -> Result<IPAddress, Unresolved> {
        switch host {
        case .address(let address): return .success(address)
        case .name(let name):
            let limit = min(end - MonotonicClock.now(), .seconds(3))
            switch await resolver.firstResolution(of: name, within: limit) {
            case .addresses(let addresses): return .success(addresses[0])
            case .pending(let reason):
                return .failure(Unresolved(reason: "\(name) has no address: \(reason)"))
            }
        }
    }

    /// Runs on a thread of its own; it ends by its limit, also when nobody waits any more.
    private func run(
        _ orders: [ReflectionRound.Order], until end: MonotonicInstant
    ) async -> [String: TunnelReflection] {
        guard !orders.isEmpty else { return [:] }
        return await withCheckedContinuation { continuation in
            do throws(SocketError) {
                try PinnedThread.start(name: "reflection") {
                    continuation.resume(returning: ReflectionRound.run(orders, until: end))
                }
            } catch {
                let reason = error.description
                continuation.resume(
                    returning: Dictionary(
                        orders.map {
                            (
                                $0.plan.name,
                                TunnelReflection(
                                    place: Self.unmeasured($0.plan).place, unavailable: reason)
                            )
                        }, uniquingKeysWith: { first, _ in first }))
            }
        }
    }
}
