import NetworkPrimitives
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
}
