public import NetworkPrimitives

/// What a route does with a packet, numbered as RTN_… in linux/rtnetlink.h.
public enum RouteKind: UInt8, Hashable, Sendable {
    /// Forwards it, to a gateway or directly.
    case unicast = 1
    /// Takes it: the address is this host's.
    case local
    /// Takes it as a broadcast.
    case broadcast
    /// Takes it as a broadcast, sends as unicast.
    case anycast
    /// Multicast.
    case multicast
    /// Drops it silently.
    case blackhole
    /// Drops it and says host unreachable.
    case unreachable
    /// Drops it and says administratively prohibited.
    case prohibit
    /// Goes on in another table.
    case `throw`
}

/// One next hop of a route, RTM_NEWROUTE; a multipath route is one value for each next hop.
public struct RouteState: Equatable, Sendable {
    /// The table that `ip route` shows by default, RT_TABLE_MAIN.
    public static let mainTable: UInt32 = 254

    /// The addresses the route is for.
    public var destination: IPPrefix
    /// What it does with packets.
    public var kind: RouteKind
    /// The index of the device packets leave by; nil for routes that drop.
    public var outputInterface: Int?
    /// The next router; nil when the destination is on the link.
    public var gateway: IPAddress?
    /// The source address that packets get which have none yet.
    public var preferredSource: IPAddress?
    /// The routing table.
    public var table: UInt32
    /// The priority among routes for the same destination, lowest first.
    public var metric: UInt32
    /// The path MTU in octets that the route says; nil when the device's applies.
    public var mtu: Int?
    /// Whether it is no route of an operator's but what the kernel made of one for a single destination: an
    /// exception with a path MTU that it learned, or the answer to a lookup.
    public var isLearned = false

    /// Makes a unicast route.
    public init(
        destination: IPPrefix, outputInterface: Int?, gateway: IPAddress? = nil,
        preferredSource: IPAddress? = nil, table: UInt32 = RouteState.mainTable, metric: UInt32 = 0
    ) {
        self.destination = destination
        kind = .unicast
        self.outputInterface = outputInterface
        self.gateway = gateway
        self.preferredSource = preferredSource
        self.table = table
        self.metric = metric
    }
}

/// Where the kernel would send a packet, RTM_GETROUTE.
public enum RouteLookup: Equatable, Sendable {
    /// It would leave, or be delivered here.
    case route(ResolvedRoute)
    /// It would be dropped, for this reason.
    case unreachable(Unreachable)

    /// Why a destination has no way to it.
    public enum Unreachable: Hashable, Sendable {
        /// No route matches (ENETUNREACH).
        case noRoute
        /// An `unreachable` route matches (EHOSTUNREACH).
        case unreachableRoute
        /// A `prohibit` route or rule matches (EACCES).
        case prohibited
        /// A `blackhole` route matches (EINVAL).
        case blackhole
    }
}

/// The kernel's choice for one destination.
public struct ResolvedRoute: Equatable, Sendable {
    /// The index of the device packets leave by.
    public var interfaceIndex: Int
    /// The name of the device packets leave by; nil if it went away meanwhile.
    public var interfaceName: String?
    /// The source address packets get; nil if the kernel chose none.
    public var source: IPAddress?
    /// The next router; nil when the destination is on the link.
    public var gateway: IPAddress?
    /// The path MTU in octets that the kernel learned or was told; nil when the device's applies.
    public var mtu: Int?
    /// Whether the destination is an address of this host.
    public var isLocal: Bool

    /// Makes the kernel's choice for one destination.
    public init(
        interfaceIndex: Int, interfaceName: String?, source: IPAddress?, gateway: IPAddress?,
        mtu: Int? = nil, isLocal: Bool = false
    ) {
        self.interfaceIndex = interfaceIndex
        self.interfaceName = interfaceName
        self.source = source
        self.gateway = gateway
        self.mtu = mtu
        self.isLocal = isLocal
    }
}
