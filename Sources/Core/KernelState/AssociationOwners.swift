public import NetworkPrimitives

/// Tells of one SA at a time which watched tunnel it belongs to.
///
/// Made once of what the kernel knows of devices, addresses and policies, and good until one of these
/// changes: an SA that an event tells of is placed without reading anything.
public struct AssociationOwners: Sendable {
    /// A watched tunnel, as far as it decides which SAs are its own.
    public struct Tunnel: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its device; nil for a policy-based tunnel.
        public var device: String?
        /// The outer address of this side if known.
        public var local: IPAddress?
        /// The outer address of the far side.
        public var remote: IPAddress

        /// Makes a tunnel.
        public init(name: String, device: String?, local: IPAddress?, remote: IPAddress) {
            self.name = name
            self.device = device
            self.local = local
            self.remote = remote
        }
    }

    /// Whose an SA is, and which way its packets go.
    public struct Owner: Hashable, Sendable {
        /// The tunnel's name.
        public var tunnel: String
        /// Which way the SA's packets go, seen from this host.
        public var direction: TrafficDirection
    }

    private let tunnels: [Tunnel]
    private let ownership: TunnelOwnership
    private let own: Set<IPAddress>

    /// Makes owners.
    ///
    /// - Parameters:
    ///   - snapshot: devices, addresses and policies; its SAs do not matter.
    ///   - tunnels: the watched tunnels; of several that could own an SA the first does.
    public init(_ snapshot: KernelSnapshot, tunnels: [Tunnel]) {
        var snapshot = snapshot
        snapshot.associations = .known([])
        ownership = TunnelOwnership(snapshot)
        own = Set((snapshot.addresses.value ?? []).map(\.address))
        self.tunnels = tunnels
    }

    /// The tunnel that an SA belongs to; nil when it is none of those watched.
    ///
    /// By its device where it has one, and by outer addresses otherwise; an SA that another device has
    /// goes to a tunnel between its addresses only if no other tunnel claims it.
    public func owner(of association: SecurityAssociation) -> Owner? {
        guard
            let direction = TunnelOwnership.direction(
                of: association, own: own, policies: ownership.policies)
        else { return nil }
        let directed = DirectedAssociation(direction: direction, association: association)
        let pair = TunnelOwnership.pair(of: directed)
        let device = ownership.devices.first { ownership.owns($0, directed) }?.link.name
        var fallback: String?
        for tunnel in tunnels {
            let isDeviceThere = ownership.devices.contains { $0.link.name == tunnel.device }
            if isDeviceThere {
                if let device, device == tunnel.device {
                    return Owner(tunnel: tunnel.name, direction: direction)
                }
                continue
            }
            guard pair.remote == tunnel.remote, tunnel.local == nil || pair.local == tunnel.local
            else { continue }
            if device == nil { return Owner(tunnel: tunnel.name, direction: direction) }
            if fallback == nil { fallback = tunnel.name }
        }
        return fallback.map { Owner(tunnel: $0, direction: direction) }
    }
}
