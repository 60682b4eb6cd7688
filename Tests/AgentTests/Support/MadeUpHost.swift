@testable import Agent
import Configuration
import KernelState
import NetworkPrimitives

/// A host for the planner: devices, addresses, routes, SAs and policies as a test lists them.
struct MadeUpHost {
    var links: [LinkState] = []
    var addresses: [AddressState] = []
    var routes: [RouteState] = []
    var associations: Reading<[SecurityAssociation]> = .known([])
    var policies: [SecurityPolicy] = []
    /// Why nothing can be sent.
    var refusal: String?
    /// What the routing table answers, by destination; everything else has no route.
    var ways: [IPAddress: ResolvedRoute] = [:]
    var names: [String: NameResolution] = [:]
    /// Other namespaces.
    var namespaces: [String: NamespaceFacts] = [:]

    /// Adds a device and gives back its index.
    @discardableResult
    mutating func add(
        _ name: String, _ kind: LinkKind = .other(""), change: (inout LinkState) -> Void = { _ in }
    ) -> Int {
        var link = LinkState(index: links.count + 1, name: name, kind: kind)
        change(&link)
        links.append(link)
        return link.index
    }

    /// Gives a device an address, like "10.0.0.1/31".
    mutating func address(_ index: Int, _ text: String, peer: String? = nil) {
        let parts = text.split(separator: "/")
        let address = ip(String(parts[0]))
        let length = Int(parts[1]) ?? 0
        addresses.append(
            AddressState(
                interfaceIndex: index, address: address, peer: peer.map(ip),
                prefix: IPPrefix(peer.map(ip) ?? address, length: length)))
    }

    mutating func route(_ text: String, over index: Int) {
        routes.append(RouteState(destination: prefix(text), outputInterface: index))
    }

    /// The way to a destination: over this device, from this address.
    mutating func way(to destination: String, over name: String, from source: String) {
        let index = links.first { $0.name == name }?.index ?? 0
        ways[ip(destination)] = ResolvedRoute(
            interfaceIndex: index, interfaceName: name, source: ip(source), gateway: nil)
    }

    var snapshot: KernelSnapshot {
        KernelSnapshot(
            links: .known(links), addresses: .known(addresses), routes: .known(routes),
            associations: associations, policies: .known(policies))
    }

    var planner: TunnelPlanner {
        TunnelPlanner(
            facts: { namespace in
                guard let namespace else {
                    return NamespaceFacts(snapshot: snapshot, refusal: refusal)
                }
                return namespaces[namespace]
                    ?? NamespaceFacts(snapshot: KernelSnapshot(), refusal: nil)
            },
            route: { _, destination, _, _ in
                .known(ways[destination].map { .route($0) } ?? .unreachable(.noRoute))
            },
            resolve: { names[$0] ?? .pending(reason: "not resolved yet") })
    }

    func plan(_ tunnel: TunnelConfiguration) -> TunnelPlan { planner.plan(for: tunnel) }
}

/// A block of addresses in a test.
func prefix(_ text: String) -> IPPrefix {
    let parts = text.split(separator: "/")
    return IPPrefix(ip(String(parts[0])), length: Int(parts[1]) ?? 0)
}

extension TunnelConfiguration {
    /// A tunnel as agent.conf would have it.
    static func made(
        _ name: String = "cf-1", remote: String = "198.51.100.1",
        change: (inout TunnelConfiguration) -> Void = { _ in }
    ) -> TunnelConfiguration {
        var tunnel = TunnelConfiguration(
            name: name, remote: IPAddress(remote).map(RemoteHost.address) ?? .name(remote))
        change(&tunnel)
        return tunnel
    }
}

extension TunnelPlan {
    func route(_ path: ProbePath, _ style: ProbeStyle) -> ProbeRoute? {
        roles[ProbeRole(path, style).index].route
    }

    func reason(_ path: ProbePath, _ style: ProbeStyle) -> String? {
        roles[ProbeRole(path, style).index].reason
    }
}
