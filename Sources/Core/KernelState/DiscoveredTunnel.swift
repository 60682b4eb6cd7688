public import NetworkPrimitives

/// How a tunnel takes packets in.
public enum TunnelKind: String, Hashable, Sendable {
    /// A VTI device.
    case vti
    /// An XFRM interface.
    case xfrm
    /// A GRE device, protected by IPsec or not.
    case gre
    /// Security policies alone, no device.
    case policy
    /// Not to be told from this host.
    case unknown
}

/// A tunnel that the kernel knows.
public struct DiscoveredTunnel: Equatable, Sendable {
    /// The device's name, else `policy-<remote>`; unique among the tunnels of one snapshot.
    public var name: String
    /// How it takes packets in.
    public var kind: TunnelKind
    /// This side's outer address; nil when the routing table chooses it.
    public var local: IPAddress?
    /// The far side's outer address.
    public var remote: IPAddress
    /// The tunnel device; nil for a policy-based tunnel.
    public var tunnelInterface: String?
    /// The device that ESP leaves by; nil when only a route lookup can tell.
    public var wanInterface: String?
    /// This side's inside address.
    public var insideSource: Reading<IPAddress>
    /// The far side's inside address.
    public var insideTarget: Reading<IPAddress>
    /// An inside address behind the far side.
    public var insideBeyond: Reading<IPAddress>
    /// The mark that its policies and SAs match, a VTI's key; 0 for none.
    ///
    /// Inside packets of a policy-based tunnel must carry it; a device sets it by itself, and
    /// outside packets must not have it, or they would go into the tunnel.
    public var mark: UInt32

    /// Makes a tunnel of which only the outer addresses are known.
    public init(name: String, kind: TunnelKind, local: IPAddress?, remote: IPAddress) {
        self.name = name
        self.kind = kind
        self.local = local
        self.remote = remote
        insideSource = .unknown(reason: "not looked for")
        insideTarget = .unknown(reason: "not looked for")
        insideBeyond = .unknown(reason: "not looked for")
        mark = 0
    }
}
