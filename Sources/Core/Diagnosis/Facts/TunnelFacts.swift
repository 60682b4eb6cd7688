public import NetworkPrimitives

/// Everything that is known of one tunnel at one moment: what the rules judge.
///
/// Each field is a `Fact`, or holds facts; a rule that lacks one says so.
public struct TunnelFacts: Equatable, Sendable {
    /// What the tunnel is.
    public var identity: TunnelIdentity
    /// Its state.
    public var health = HealthFacts()
    /// What probes of the inside came to.
    public var inside = ProbeFacts()
    /// What probes of the underlay came to.
    public var outside = ProbeFacts()
    /// How this host gets to the endpoint.
    public var underlay = UnderlayFacts()
    /// What cannot be measured of it here for lack of something that waiting does not bring.
    public var limits = Fact<[MeasurementLimit]>.notYet
    /// What the kernel knows of it.
    public var kernel = KernelFacts()
    /// What is known of its IKE.
    public var ike = IKEFacts()
    /// Its rekeys.
    public var rekeys = RekeyFacts()
    /// Its ESP on the wire.
    public var esp = ESPFacts()
    /// How large a packet fits.
    public var sizes = PacketSizeFacts()
    /// Where Echo Replies die.
    public var replies = ReplyPathFacts()
    /// The provider's health checks.
    public var checks = HealthCheckFacts()

    /// A tunnel of which nothing is known yet.
    public init(_ identity: TunnelIdentity) { self.identity = identity }
}

/// What a tunnel is, by its configuration and this host.
public struct TunnelIdentity: Equatable, Sendable {
    /// What this host has to do with it.
    public enum Role: String, Sendable {
        /// It ends the tunnel.
        case endpoint
        /// An appliance does; this host sits beside it.
        case observer
    }

    /// What carries the tunnel on this host.
    public enum Kind: String, Sendable {
        /// A VTI device.
        case vti
        /// An XFRM interface.
        case xfrm
        /// A GRE device.
        case gre
        /// Policies alone.
        case policy
        /// Not known.
        case unknown
    }

    /// Its name.
    public var name: String
    /// What this host has to do with it.
    public var role: Role
    /// What carries it.
    public var kind: Kind
    /// The outer source; nil while unknown.
    public var local: IPAddress?
    /// The provider's endpoint; nil while unknown.
    public var remote: IPAddress?
    /// The device that ESP is seen on; nil while unknown.
    public var wanInterface: String?
    /// The tunnel's device; nil for a policy-based one, or while unknown.
    public var tunnelInterface: String?
    /// This side's inside address; nil while unknown.
    public var insideSource: IPAddress?
    /// The far side's inside address, which probes ask; nil where there is none.
    public var insideTarget: IPAddress?
    /// The network namespace; nil for the agent's own.
    public var namespace: String?
    /// Where strongSwan is asked, as swanctl takes it; nil for the usual place.
    public var viciURI: String?
    /// Whether its SAs were made by hand, so that no IKE belongs to it; nil while unknown.
    public var isStatic: Bool?

    /// Makes an identity of an endpoint.
    public init(
        name: String, role: Role = .endpoint, kind: Kind = .unknown, local: IPAddress? = nil,
        remote: IPAddress? = nil, wanInterface: String? = nil, tunnelInterface: String? = nil,
        insideSource: IPAddress? = nil, insideTarget: IPAddress? = nil, namespace: String? = nil,
        viciURI: String? = nil, isStatic: Bool? = nil
    ) {
        self.name = name
        self.role = role
        self.kind = kind
        self.local = local
        self.remote = remote
        self.wanInterface = wanInterface
        self.tunnelInterface = tunnelInterface
        self.insideSource = insideSource
        self.insideTarget = insideTarget
        self.namespace = namespace
        self.viciURI = viciURI
        self.isStatic = isStatic
    }

    /// What stands before a command that must run in the tunnel's namespace; empty for the agent's own.
    public var commandPrefix: String { namespace.map { "ip netns exec \($0) " } ?? "" }
}
