import Configuration
import KernelState
import NetworkPrimitives

/// Tells from counters whether traffic arrives through a tunnel.
struct InboundFlows {
    private struct Counter {
        var packets: UInt64
        var grewAt: MonotonicInstant?
    }

    private struct Key: Hashable {
        var namespace: String?
        /// The name of a device or of a tunnel.
        var object: String
        var isTunnel = false
    }

    private var counters: [Key: Counter] = [:]

    /// How many objects are counted.
    var count: Int { counters.count }

    /// Forgets policy-based tunnels that are not among `plans`.
    mutating func forget(allTunnelsBut plans: [TunnelPlan]) {
        let names = Set(plans.map(\.name))
        counters = counters.filter { key, _ in !key.isTunnel || names.contains(key.object) }
    }

    /// Counts a namespace's devices; those that are gone are forgotten, since names come and go.
    mutating func note(_ links: [LinkState], in namespace: String?, at now: MonotonicInstant) {
        let names = Set(links.map(\.name))
        counters = counters.filter { key, _ in
            key.namespace != namespace || key.isTunnel || names.contains(key.object)
        }
        for link in links {
            guard let packets = link.receivedPackets else { continue }
            note(Key(namespace: namespace, object: link.name), packets, at: now)
        }
    }

    /// Counts a policy-based tunnel by its inbound SAs, as there is no device to count at.
    mutating func note(
        _ facts: NamespaceFacts?, of plan: TunnelPlan, at now: MonotonicInstant
    ) {
        guard plan.tunnelInterface == nil, let remote = plan.remote, let snapshot = facts?.snapshot,
            snapshot.associations.value != nil
        else { return }
        let inbound = TunnelDiscovery.associations(
            device: nil, local: plan.local, remote: remote, in: snapshot
        ).filter { $0.direction == .inbound }
        guard !inbound.isEmpty else { return }
        let packets = inbound.reduce(0) { $0 + $1.association.packets }
        note(Self.key(of: plan), packets, at: now)
    }

    /// Whether traffic arrived within `memory` before `now`; nil where the kernel cannot say.
    func isFlowing(
        _ plan: TunnelPlan, at now: MonotonicInstant, _ memory: Duration
    ) -> Bool? {
        guard plan.configuration.role == .endpoint else { return nil }
        guard let counter = counters[Self.key(of: plan)] else { return nil }
        return counter.grewAt.map { now - $0 <= memory } ?? false
    }

    private static func key(of plan: TunnelPlan) -> Key {
        plan.tunnelInterface.map { Key(namespace: plan.configuration.netns, object: $0) }
            ?? Key(namespace: plan.configuration.netns, object: plan.name, isTunnel: true)
    }

    private mutating func note(_ key: Key, _ packets: UInt64, at now: MonotonicInstant) {
        guard var counter = counters[key] else {
            counters[key] = Counter(packets: packets)
            return
        }
        // A counter that fell belongs to a new device or SA.
        if packets > counter.packets { counter.grewAt = now }
        counter.packets = packets
        counters[key] = counter
    }
}
