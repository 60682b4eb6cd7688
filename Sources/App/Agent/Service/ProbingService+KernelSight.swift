import Configuration
import NetworkPrimitives
import RawSockets
import Synchronization

extension ProbingService {
    /// What is known of the namespaces at one moment.
    struct KernelSight: Sendable {
        var facts: [String?: NamespaceFacts]
        var readings: [String?: NamespaceReadings]
    }

    /// What continuous watching saw last.
    func kernelSeen() -> KernelSight {
        KernelSight(
            facts: knowledge.withLock { $0.facts },
            readings: namespaces.withLock { $0?.readings } ?? [:])
    }

    /// What the kernel says now, of the namespaces of some tunnels.
    static func look(at plans: [TunnelPlan], _ resolver: NameResolver) -> KernelSight {
        let view = HostView(resolver: resolver)
        let readings = NamespaceWatch.look(at: plans, resolver: resolver)
        return KernelSight(
            facts: Dictionary(
                uniqueKeysWithValues: readings.keys.map { ($0, view.facts(of: $0)) }),
            readings: readings)
    }

    /// What the last look at the kernel may take of an examination's time: nft is slow on a busy gateway.
    static let lookTime = Duration.seconds(1)

    /// Looks at the kernel on a thread of its own.
    func startLook(at plans: [TunnelPlan]) -> Task<KernelSight, Never> {
        Task { [self, resolver] in await offPool { Self.look(at: plans, resolver) } }
    }

    /// What a look at the kernel came to; what the watch saw last where it takes longer than there is time.
    ///
    /// - Parameters:
    ///   - look: the look that was begun; nil to begin one.
    ///   - plans: the tunnels whose namespaces matter.
    ///   - end: how long to wait where the watch has seen all of them.
    /// - Returns: what is known.
    func sight(
        _ look: Task<KernelSight, Never>?, of plans: [TunnelPlan], until end: MonotonicInstant
    ) async -> KernelSight {
        let look = look ?? startLook(at: plans)
        let seen = kernelSeen()
        let isSeen = plans.allSatisfy { plan in
            let namespace = plan.configuration.netns
            return seen.facts[namespace] != nil && seen.readings[namespace] != nil
        }
        guard isSeen else { return await look.value }
        let (ends, first) = AsyncStream<KernelSight>.makeStream(
            bufferingPolicy: .bufferingOldest(1))
        Task { first.yield(await look.value) }
        let patience = max(end - MonotonicClock.now(), .milliseconds(50))
        let timer = Task {
            do { try await Task.sleep(for: patience) } catch { return }
            first.yield(seen)
        }
        defer { timer.cancel() }
        for await sight in ends { return sight }
        return seen
    }
}
