import NetworkPrimitives

/// Which tunnel each SA and policy belongs to.
///
/// The kernel itself decides by lookup keys and keeps no such relation: a VTI looks up by its key as
/// a mark, an XFRM interface by its interface id, GRE by its outer packet's addresses, and
/// everything else by addresses alone.
struct TunnelOwnership {
    /// A device that may be a tunnel.
    struct Device {
        let link: LinkState
        let kind: TunnelKind
        /// The mark of its SAs; 0 for none.
        var mark: UInt32 { kind == .vti ? link.outKey ?? 0 : 0 }
    }

    /// Outer addresses, seen from this host.
    struct Pair: Hashable {
        let local: IPAddress?
        let remote: IPAddress
    }

    /// Devices that the kernel makes by itself when a module is loaded, to catch packets that no
    /// other device takes.
    private static let fallbackNames: Set<String> = [
        "gre0", "gretap0", "ip6gre0", "ip6gretap0", "ip_vti0", "ip6_vti0",
    ]

    let devices: [Device]
    let policies: [SecurityPolicy]
    /// SAs that begin or end at this host, in the kernel's order.
    let associations: [DirectedAssociation]

    init(_ snapshot: KernelSnapshot) {
        let links = (snapshot.links.value ?? []).sorted { $0.index < $1.index }
        devices = links.compactMap { link in
            guard let kind = TunnelKind(link.kind), !Self.fallbackNames.contains(link.name) else {
                return nil
            }
            return Device(link: link, kind: kind)
        }
        let policies = (snapshot.policies.value ?? []).filter { $0.direction != .socket }
        self.policies = policies
        let own = Set((snapshot.addresses.value ?? []).map(\.address))
        associations = (snapshot.associations.value ?? []).compactMap { association in
            Self.direction(of: association, own: own, policies: policies).map {
                DirectedAssociation(direction: $0, association: association)
            }
        }
    }

    /// Which way an SA's packets go; nil when neither end is here and no policy tells.
    ///
    /// Kernels before 6.10 do not keep a direction: the outer source of what this host sends is one
    /// of its addresses.
    static func direction(
        of association: SecurityAssociation, own: Set<IPAddress>, policies: [SecurityPolicy]
    ) -> TrafficDirection? {
        if let direction = association.direction { return direction }
        let sends = own.contains(association.source)
        let receives = own.contains(association.destination)
        if sends != receives { return sends ? .outbound : .inbound }
        // Both ends on this host, or neither (an address that moves between routers).
        let named = policies.filter {
            $0.templates.contains {
                $0.source == association.source && $0.destination == association.destination
            }
        }
        if named.contains(where: { $0.direction == .out }) { return .outbound }
        if !named.isEmpty { return .inbound }
        return sends ? .outbound : nil
    }

    /// The outer addresses of an SA, seen from this host.
    static func pair(of directed: DirectedAssociation) -> Pair {
        let association = directed.association
        return switch directed.direction {
        case .outbound: Pair(local: association.source, remote: association.destination)
        case .inbound: Pair(local: association.destination, remote: association.source)
        }
    }

    /// The outer addresses that a policy asks for, seen from this host; nil for a policy that wraps
    /// nothing or leaves an address open.
    static func tunnelPair(of policy: SecurityPolicy) -> Pair? {
        guard policy.allows, let template = policy.templates.first(where: { $0.mode == .tunnel }),
            !template.source.isUnspecified, !template.destination.isUnspecified
        else { return nil }
        return policy.direction == .out
            ? Pair(local: template.source, remote: template.destination)
            : Pair(local: template.destination, remote: template.source)
    }

    // MARK: - Devices

    /// The outer addresses of a device; nil when it has no single far end.
    func pair(of device: Device) -> Pair? {
        if let remote = device.link.remote {
            guard !remote.isMulticast, !remote.isUnspecified else { return nil }
            let local = device.link.local ?? newestOutbound(of: device)?.local
            return Pair(local: local, remote: remote)
        }
        switch device.kind {
        case .xfrm, .vti: return newestOutbound(of: device)
        case .gre, .policy, .unknown: return nil
        }
    }

    /// The outer addresses of a device's newest outbound SA, else of its first outbound policy.
    private func newestOutbound(of device: Device) -> Pair? {
        let outbound = associations.filter {
            $0.direction == .outbound && owns(device, $0)
        }
        // max(by:) keeps the first of equals: within one second the kernel lists the newest first.
        let newest = outbound.max { left, right in
            (left.association.addedAt?.nanoseconds ?? 0)
                < (right.association.addedAt?.nanoseconds ?? 0)
        }
        if let newest { return Self.pair(of: newest) }
        return policies.lazy
            .filter { $0.direction == .out && owns(device, $0) }
            .compactMap { Self.tunnelPair(of: $0) }.first
    }

    /// Whether an SA serves a device.
    func owns(_ device: Device, _ directed: DirectedAssociation) -> Bool {
        let association = directed.association
        return owns(
            device, Self.pair(of: directed), outbound: directed.direction == .outbound,
            mode: association.mode, mark: association.mark, markMask: association.markMask,
            interfaceID: association.interfaceID)
    }

    /// Whether a policy serves a device.
    func owns(_ device: Device, _ policy: SecurityPolicy) -> Bool {
        guard let pair = Self.tunnelPair(of: policy) else { return false }
        return owns(
            device, pair, outbound: policy.direction == .out, mode: .tunnel, mark: policy.mark,
            markMask: policy.markMask, interfaceID: policy.interfaceID)
    }

    private func owns(
        _ device: Device, _ pair: Pair, outbound: Bool, mode: IPsecMode, mark: UInt32,
        markMask: UInt32, interfaceID: UInt32?
    ) -> Bool {
        let link = device.link
        switch device.kind {
        case .xfrm:
            return interfaceID != nil && interfaceID == link.interfaceID
        case .vti:
            guard interfaceID == nil, link.remote == nil || link.remote == pair.remote,
                link.local == nil || link.local == pair.local
            else { return false }
            // The kernel's own test, xfrm_mark_match: (mark & sa.mask) == sa.mark. A VTI that takes
            // any far end is told apart by its key alone, so there the SA must ask for it.
            let key = (outbound ? link.outKey : link.inKey) ?? 0
            return key & markMask == mark && (link.remote != nil || mark != 0)
        case .gre:
            guard link.remote == pair.remote, link.local == nil || link.local == pair.local else {
                return false
            }
            return mode != .tunnel || protectsOnlyOuterPackets(of: pair)
        case .policy, .unknown:
            return false
        }
    }

    /// Whether tunnel mode between two addresses wraps nothing but packets between these two, that
    /// is, the GRE packets of a device between them.
    private func protectsOnlyOuterPackets(of pair: Pair) -> Bool {
        let outbound = policies.filter {
            $0.direction == .out && Self.tunnelPair(of: $0) == pair
        }
        return !outbound.isEmpty
            && outbound.allSatisfy {
                $0.source.hostAddress == pair.local && $0.destination.hostAddress == pair.remote
            }
    }
}

extension IPPrefix {
    /// The address of a block of one; nil for a larger block.
    var hostAddress: IPAddress? {
        length == network.family.bitWidth ? network : nil
    }
}
