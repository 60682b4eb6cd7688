import KernelState
import NetworkPrimitives
import ProviderChecks

/// What the kernel says about a tunnel that helps to read its inside.
struct InsideFacts: Equatable, Sendable {
    /// So many prefixes are kept, the shortest ones: a router with a full table has a million.
    private static let prefixLimit = 256

    /// This host's addresses.
    var ownAddresses: Set<IPAddress> = []
    /// What the tunnel's device is on.
    var linkPrefixes: [IPPrefix] = []
    /// What is routed neither over a tunnel nor over the WAN.
    var sidePrefixes: [IPPrefix] = []
    /// The SPIs of its outbound SAs.
    var outboundSPIs: Set<SPI> = []
    /// Packets that its inbound SAs have decrypted.
    var decryptedPackets: UInt64 = 0
    /// Which inside packets come out of a policy-based tunnel: source and destination.
    var selectors: [Selector] = []

    /// Which inside packets a policy-based tunnel encrypts.
    var encrypted: [ProviderCheckWatch.Settings.Selector] = []

    /// The addresses of an inbound policy.
    struct Selector: Hashable, Sendable {
        var source: IPPrefix
        var destination: IPPrefix
    }

    /// Reads a snapshot.
    ///
    /// - Parameters:
    ///   - plans: all tunnels of a namespace.
    ///   - snapshot: what the kernel of that namespace knows.
    /// - Returns: the facts by tunnel.
    static func facts(
        of plans: [TunnelPlan], in snapshot: KernelSnapshot
    ) -> [String: InsideFacts] {
        let addresses = snapshot.addresses.value ?? []
        func index(_ device: String?) -> Int? {
            device.flatMap { snapshot.link(named: $0)?.index }
        }
        var common = InsideFacts()
        common.ownAddresses = Set(addresses.map(\.address))
        common.sidePrefixes = sidePrefixes(
            snapshot,
            besides: Set(plans.flatMap { [$0.tunnelInterface, $0.wanInterface] }.compactMap(index)))
        var facts: [String: InsideFacts] = [:]
        for plan in plans {
            var own = common
            if let device = index(plan.tunnelInterface) {
                own.linkPrefixes = addresses.filter { $0.interfaceIndex == device }.map(\.prefix)
            }
            if let remote = plan.remote {
                let associations = TunnelDiscovery.associations(
                    device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot)
                for directed in associations {
                    switch directed.direction {
                    case .outbound: own.outboundSPIs.insert(directed.association.spi)
                    case .inbound: own.decryptedPackets &+= directed.association.packets
                    }
                }
                if plan.kind == .policy {
                    own.selectors = selectors(of: plan, remote, in: snapshot)
                    own.encrypted = encrypted(by: plan, remote, in: snapshot)
                }
            }
            facts[plan.name] = own
        }
        return facts
    }

    private static func encrypted(
        by plan: TunnelPlan, _ remote: IPAddress, in snapshot: KernelSnapshot
    ) -> [ProviderCheckWatch.Settings.Selector] {
        TunnelDiscovery.policies(
            device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot
        ).filter { $0.direction == .out }.prefix(prefixLimit).map {
            .init(source: $0.source, destination: $0.destination)
        }
    }

    private static func sidePrefixes(
        _ snapshot: KernelSnapshot, besides devices: Set<Int>
    ) -> [IPPrefix] {
        var kept: [IPPrefix] = []
        for route in snapshot.routes.value ?? [] where kept.count < 4 * prefixLimit {
            guard route.kind == .unicast, route.table == RouteState.mainTable,
                route.destination.length > 0, !route.destination.network.isLoopback,
                !route.destination.network.isLinkLocal, let device = route.outputInterface,
                !devices.contains(device)
            else { continue }
            kept.append(route.destination)
        }
        kept.sort { $0.length < $1.length }
        return Array(kept.prefix(prefixLimit))
    }

    /// Inbound and forward policies that ask for the tunnel.
    ///
    /// A plain packet that matches one is dropped by the kernel, so what goes on came out of the tunnel.
    private static func selectors(
        of plan: TunnelPlan, _ remote: IPAddress, in snapshot: KernelSnapshot
    ) -> [Selector] {
        let policies = TunnelDiscovery.policies(
            device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot)
        var seen: Set<Selector> = []
        return policies.filter { $0.direction == .in || $0.direction == .forward }
            .map { Selector(source: $0.source, destination: $0.destination) }
            .filter { seen.insert($0).inserted }.prefix(prefixLimit).map { $0 }
    }

    /// Nothing is known.
    init() {}
}
