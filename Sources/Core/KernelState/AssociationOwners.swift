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

    /// The watched tunnels.
    public let tunnelNames: [String]
    /// Tunnels whose device is there, by device.
    private var tunnelByDevice: [String: String] = [:]
    /// Tunnels that have their SAs by outer addresses, by the far one.
    private var tunnelsByRemote: [IPAddress: [Tunnel]] = [:]
    /// Devices by what their SAs must have, as indices of `ownership.devices`: a thousand SAs of a
    /// thousand devices are placed with every reading.
    private var devicesByInterfaceID: [UInt32: [Int]] = [:]
    private var devicesByRemote: [IPAddress: [Int]] = [:]
    private var devicesOfAnyRemote: [Int] = []
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
        tunnelNames = tunnels.map(\.name)
        for (index, device) in ownership.devices.enumerated() {
            if device.kind == .xfrm {
                if let id = device.link.interfaceID {
                    devicesByInterfaceID[id, default: []].append(index)
                }
            } else if let remote = device.link.remote {
                devicesByRemote[remote, default: []].append(index)
            } else {
                devicesOfAnyRemote.append(index)
            }
        }
        let devices = Set(ownership.devices.map(\.link.name))
        for tunnel in tunnels {
            if let device = tunnel.device, devices.contains(device) {
                if tunnelByDevice[device] == nil { tunnelByDevice[device] = tunnel.name }
            } else {
                tunnelsByRemote[tunnel.remote, default: []].append(tunnel)
            }
        }
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
        if let device = device(of: directed), let tunnel = tunnelByDevice[device] {
            return Owner(tunnel: tunnel, direction: direction)
        }
        let pair = TunnelOwnership.pair(of: directed)
        let tunnel = tunnelsByRemote[pair.remote]?.first {
            $0.local == nil || $0.local == pair.local
        }
        return tunnel.map { Owner(tunnel: $0.name, direction: direction) }
    }

    /// The first device that an SA serves.
    private func device(of directed: DirectedAssociation) -> String? {
        let remote = TunnelOwnership.pair(of: directed).remote
        let candidates = [
            directed.association.interfaceID.flatMap { devicesByInterfaceID[$0] },
            devicesByRemote[remote], devicesOfAnyRemote,
        ]
        let index = candidates.lazy.compactMap { $0 }.compactMap { indices in
            indices.first { ownership.owns(ownership.devices[$0], directed) }
        }.min()
        return index.map { ownership.devices[$0].link.name }
    }
}
