public import Configuration
public import KernelState
public import NetworkPrimitives

/// Which way a probe goes.
public enum ProbePath: String, CaseIterable, Hashable, Sendable {
    /// Through the tunnel.
    case inside
    /// Over the underlay, to the provider's tunnel endpoint.
    case outside

    /// The path's place in `allCases`.
    var index: Int { self == .inside ? 0 : 1 }
}

/// What kind of ICMP message a probe is.
public enum ProbeStyle: String, CaseIterable, Hashable, Sendable {
    /// An Echo Request, answered by an Echo Reply.
    case request
    /// An unsolicited, hop-limited Echo Reply, answered by Time Exceeded.
    case reply
}

/// One of the four combinations of path and style.
public struct ProbeRole: Hashable, Sendable {
    /// Which way the probes go.
    public var path: ProbePath
    /// What they are.
    public var style: ProbeStyle

    /// Makes a role.
    public init(_ path: ProbePath, _ style: ProbeStyle) {
        self.path = path
        self.style = style
    }

    /// All four, in the order of reports.
    public static let all = [
        ProbeRole(.inside, .request), ProbeRole(.inside, .reply), ProbeRole(.outside, .request),
        ProbeRole(.outside, .reply),
    ]

    /// The role's place in `all`.
    var index: Int { path.index * 2 + (style == .request ? 0 : 1) }
}

/// How a probe leaves this host.
public struct ProbeRoute: Hashable, Sendable {
    /// Where to; nil while the name has no address.
    public var destination: IPAddress?
    /// The source address; nil lets the kernel choose.
    public var source: IPAddress?
    /// The device to bind to; nil for the routing table's choice.
    public var device: String?
    /// The firewall mark, 0 for none.
    public var mark: UInt32
    /// The network namespace; nil for the agent's own.
    public var namespace: String?
    /// The differentiated services code point, 0...63.
    public var codePoint: UInt8

    /// Makes a route.
    public init(
        destination: IPAddress?, source: IPAddress? = nil, device: String? = nil, mark: UInt32 = 0,
        namespace: String? = nil, codePoint: UInt8 = 0
    ) {
        self.destination = destination
        self.source = source
        self.device = device
        self.mark = mark
        self.namespace = namespace
        self.codePoint = codePoint
    }

    /// The family of the destination, IPv4 while it has none.
    var family: IPAddress.Family { destination?.family ?? .v4 }
}

/// Whether a role can be probed, and how.
public enum RolePlan: Hashable, Sendable {
    /// Probe along this route.
    case probe(ProbeRoute)
    /// Not probed, and why.
    case unavailable(reason: String)

    /// The route, where there is one.
    var route: ProbeRoute? {
        if case .probe(let route) = self { route } else { nil }
    }

    /// Why it is not probed; nil where it is.
    var reason: String? {
        if case .unavailable(let reason) = self { reason } else { nil }
    }
}

/// Everything decided about how to probe one tunnel, from its configuration and this host's state.
public struct TunnelPlan: Equatable, Sendable {
    /// The configuration, defaults merged in; made up for a discovered or ad-hoc tunnel.
    public var configuration: TunnelConfiguration
    /// What carries the tunnel on this host.
    public var kind: TunnelKind
    /// The outer source address; nil while unknown.
    public var local: IPAddress?
    /// The provider's endpoint; nil while its name has no address.
    public var remote: IPAddress?
    /// The device ESP is seen on; nil while unknown.
    public var wanInterface: String?
    /// The route-based device; nil for a policy-based tunnel, or while unknown.
    public var tunnelInterface: String?
    /// Why `kind`, `local`, `remote` or an interface is not known, by JSON key.
    public var unknown: [String: String]
    /// How to probe each role, in the order of `ProbeRole.all`.
    public var roles: [RolePlan]
    /// Whether it was found in the kernel and not configured.
    public var isDiscovered = false
    /// What the tunnel waits for before it can be probed in full; empty when nothing is missing.
    public var waitingFor: [String]

    /// Makes a plan.
    public init(
        configuration: TunnelConfiguration, kind: TunnelKind, local: IPAddress?,
        remote: IPAddress?, wanInterface: String?, tunnelInterface: String?,
        unknown: [String: String], roles: [RolePlan], waitingFor: [String]
    ) {
        precondition(roles.count == ProbeRole.all.count, "one plan for each role")
        self.configuration = configuration
        self.kind = kind
        self.local = local
        self.remote = remote
        self.wanInterface = wanInterface
        self.tunnelInterface = tunnelInterface
        self.unknown = unknown
        self.roles = roles
        self.waitingFor = waitingFor
    }

    /// The label value.
    public var name: String { configuration.name }

    /// Where the probes go whose samples drive the state.
    var stateDestination: IPAddress? { roles[stateRole.index].route?.destination }

    /// The role whose samples drive the state: inside, or outside where there is no inside target.
    ///
    /// Interface page §2: "State comes from inside/request probes; with no inside target, from
    /// outside/request."
    var stateRole: ProbeRole {
        roles[ProbeRole(.inside, .request).index].route == nil
            ? ProbeRole(.outside, .request) : ProbeRole(.inside, .request)
    }
}
