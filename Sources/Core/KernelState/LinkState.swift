public import NetworkPrimitives

/// What a network device is, as far as tunnels care.
public enum LinkKind: Hashable, Sendable {
    /// A virtual tunnel interface over IPv4: XFRM picks the SA by the device's key as a mark.
    case vti
    /// A virtual tunnel interface over IPv6.
    case vti6
    /// An XFRM interface: XFRM picks the SA by the device's interface id.
    case xfrm
    /// GRE over IPv4, IP inside.
    case gre
    /// GRE over IPv4, Ethernet inside.
    case gretap
    /// GRE over IPv6, IP inside.
    case ip6gre
    /// GRE over IPv6, Ethernet inside.
    case ip6gretap
    /// Any other kind by the kernel's name (`veth`, `bridge`, …); empty for a physical device.
    case other(String)

    /// Makes a kind from the kernel's name for it, IFLA_INFO_KIND.
    public init(name: String) {
        switch name {
        case "vti": self = .vti
        case "vti6": self = .vti6
        case "xfrm": self = .xfrm
        case "gre": self = .gre
        case "gretap": self = .gretap
        case "ip6gre": self = .ip6gre
        case "ip6gretap": self = .ip6gretap
        default: self = .other(name)
        }
    }
}

/// The operational state of a device, RFC 2863 `ifOperStatus`, numbered as in linux/if.h.
public enum OperationalState: UInt8, Hashable, Sendable {
    /// The driver does not say; tunnel devices are in this state while they work.
    case unknown
    /// Hardware is missing.
    case notPresent
    /// Down.
    case down
    /// The device underneath is down.
    case lowerLayerDown
    /// In a test mode.
    case testing
    /// Waiting for something else, like 802.1X.
    case dormant
    /// Ready to pass packets.
    case up
}

/// A network device, RTM_NEWLINK.
public struct LinkState: Equatable, Sendable {
    /// The interface index, unique in a network namespace and not reused soon.
    public var index: Int
    /// The name, at most 15 octets.
    public var name: String
    /// What kind of device it is.
    public var kind: LinkKind
    /// The largest packet the device takes, in octets with the inside IP header; nil if not told.
    public var mtu: Int?
    /// Whether an administrator has it up (IFF_UP).
    public var isUp: Bool
    /// Whether it can pass packets now (IFF_RUNNING).
    public var isRunning: Bool
    /// The operational state of RFC 2863.
    public var operationalState: OperationalState
    /// The outer source of a tunnel device; nil when it is not a tunnel or takes any.
    public var local: IPAddress?
    /// The outer destination of a tunnel device; nil when it is not a tunnel or takes any.
    public var remote: IPAddress?
    /// The key a received packet must have; for a VTI also the mark of its inbound SAs.
    public var inKey: UInt32?
    /// The key of sent packets; for a VTI also the mark of its outbound policy and SAs.
    public var outKey: UInt32?
    /// The XFRM interface id (`if_id`); nil unless an xfrm device with one.
    public var interfaceID: UInt32?
    /// The index of the device underneath, or of a veth's other end; nil without one, or when it
    /// is in another network namespace, where indices are others.
    public var parentIndex: Int?
    /// Packets received since the device was made; nil if not told.
    public var receivedPackets: UInt64?
    /// Packets sent since the device was made; nil if not told.
    public var transmittedPackets: UInt64?

    /// Makes a device that is up, with nothing known beyond its name.
    public init(index: Int, name: String, kind: LinkKind) {
        self.index = index
        self.name = name
        self.kind = kind
        isUp = true
        isRunning = true
        operationalState = .unknown
    }
}
