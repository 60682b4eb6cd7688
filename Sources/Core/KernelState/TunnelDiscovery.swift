public import NetworkPrimitives

/// Finds tunnels in what the kernel knows.
///
/// A tunnel is a device with one far end (VTI, XFRM interface, GRE), or a pair of outer addresses
/// that tunnel-mode policies or SAs name and no device owns. A host beside an appliance has
/// neither and nothing is found there.
public enum TunnelDiscovery {
    /// All tunnels, devices first in order of index, then policy-based ones by remote address.
    ///
    /// Names are unique. What is unknown in the snapshot is taken as absent.
    public static func tunnels(in snapshot: KernelSnapshot) -> [DiscoveredTunnel] {
        let ownership = TunnelOwnership(snapshot)
        var tunnels: [DiscoveredTunnel] = []
        for device in ownership.devices {
            guard let pair = ownership.pair(of: device) else { continue }
            var tunnel = DiscoveredTunnel(
                name: device.link.name, kind: device.kind, local: pair.local, remote: pair.remote)
            tunnel.tunnelInterface = device.link.name
            tunnel.wanInterface = wanInterface(under: device, in: snapshot)
            tunnel.mark = device.mark
            tunnel.insideSource = insideSource(on: device.link.name, in: snapshot)
            if let source = tunnel.insideSource.value {
                tunnel.insideTarget = insideTarget(
                    from: source, over: device.link.name, in: snapshot)
            } else {
                tunnel.insideTarget = .unknown(reason: tunnel.insideSource.reason ?? "")
            }
            tunnel.insideBeyond = insideBeyond(
                from: tunnel.insideSource.value, target: tunnel.insideTarget.value,
                over: device.link.name, in: snapshot)
            tunnels.append(tunnel)
        }
        for var tunnel in ownership.policyTunnels(addresses: snapshot.addresses.value ?? []) {
            if let local = tunnel.local, tunnels.contains(where: { $0.name == tunnel.name }) {
                // Another one to the same remote, from another address.
                tunnel.name += "-\(local)"
            }
            tunnels.append(tunnel)
        }
        return tunnels
    }

    /// How a configured tunnel takes packets in.
    ///
    /// - Parameters:
    ///   - device: The tunnel device if one is configured; it decides alone.
    ///   - local: The outer source if known.
    ///   - remote: The outer destination.
    ///   - snapshot: What the kernel knows.
    /// - Returns: The kind; `unknown` when nothing here tells.
    public static func kind(
        device: String?, local: IPAddress?, remote: IPAddress, in snapshot: KernelSnapshot
    ) -> TunnelKind {
        if let device {
            return snapshot.link(named: device).flatMap { TunnelKind($0.kind) } ?? .unknown
        }
        let found = tunnels(in: snapshot).first {
            $0.remote == remote && (local == nil || $0.local == nil || $0.local == local)
        }
        return found?.kind ?? .unknown
    }

    /// The SAs of a tunnel with their directions, newest first.
    ///
    /// - Parameters:
    ///   - device: The tunnel device; nil for a policy-based tunnel.
    ///   - local: The outer source if known.
    ///   - remote: The outer destination.
    ///   - snapshot: What the kernel knows.
    /// - Returns: Its SAs, sorted by `addedAt`, those of one second in the kernel's order.
    public static func associations(
        device: String?, local: IPAddress?, remote: IPAddress, in snapshot: KernelSnapshot
    ) -> [DirectedAssociation] {
        TunnelOwnership(snapshot).associations(device: device, local: local, remote: remote)
    }

    /// The policies of a tunnel, in the kernel's order.
    ///
    /// - Parameters:
    ///   - device: The tunnel device; nil for a policy-based tunnel.
    ///   - local: The outer source if known.
    ///   - remote: The outer destination.
    ///   - snapshot: What the kernel knows.
    /// - Returns: Policies that ask for this tunnel's SAs.
    public static func policies(
        device: String?, local: IPAddress?, remote: IPAddress, in snapshot: KernelSnapshot
    ) -> [SecurityPolicy] {
        TunnelOwnership(snapshot).policies(device: device, local: local, remote: remote)
    }

    /// The device that a tunnel device says it sends by; nil if it leaves that to routing.
    ///
    /// An XFRM interface has to name some device and need not use it.
    private static func wanInterface(
        under device: TunnelOwnership.Device, in snapshot: KernelSnapshot
    ) -> String? {
        guard device.kind != .xfrm, let index = device.link.parentIndex else { return nil }
        return snapshot.link(at: index)?.name
    }
}

/// An SA and the way its packets go, seen from this host.
public struct DirectedAssociation: Equatable, Sendable {
    /// Which way its packets go.
    public var direction: TrafficDirection
    /// The SA.
    public var association: SecurityAssociation

    /// Makes a pair.
    public init(direction: TrafficDirection, association: SecurityAssociation) {
        self.direction = direction
        self.association = association
    }
}

extension TunnelKind {
    /// The kind of tunnel that a kind of device makes; nil for devices that are no tunnels.
    init?(_ kind: LinkKind) {
        switch kind {
        case .vti, .vti6: self = .vti
        case .xfrm: self = .xfrm
        case .gre, .gretap, .ip6gre, .ip6gretap: self = .gre
        case .other: return nil
        }
    }
}
