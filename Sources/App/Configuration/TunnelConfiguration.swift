public import NetworkPrimitives

/// One `[[tunnel]]`, with `[defaults]` already merged in.
public struct TunnelConfiguration: Equatable, Sendable {
    /// `name`: the label of the tunnel everywhere; unique in a configuration.
    public var name: String
    /// `role`: what this host is to the tunnel.
    public var role: TunnelRole
    /// `remote`: the provider's endpoint, the outer destination.
    public var remote: RemoteHost
    /// `local`: the outer source; nil to ask the routing table.
    public var local: IPAddress?
    /// `wan_interface`: where ESP is seen; nil to ask the routing table.
    public var wanInterface: String?
    /// `tunnel_interface`: the route-based device; nil for a policy-based tunnel.
    public var tunnelInterface: String?
    /// `inside_source`: this side's inside address; nil for the first address of the device.
    public var insideSource: IPAddress?
    /// `inside_target`: the far side's inside address, which answers Echo Requests.
    public var insideTarget: IPAddress?
    /// `inside_beyond`: an address routed beyond the far end, for hop-limited inside probes.
    public var insideBeyond: IPAddress?
    /// `reflector` and `reflector_key_file`: a cooperating far end; nil without one.
    public var reflector: Reflector?
    /// `fwmark`: the mark that outside probes carry; 0 for none.
    public var fwmark: UInt32
    /// `netns`: the named network namespace to work in; nil for the agent's own.
    public var netns: String?
    /// Where strongSwan listens unless it is told otherwise (strongswan.conf(5), `charon.plugins.vici.socket`).
    public static let usualViciSocket = "/var/run/charon.vici"
    /// `vici_socket`: the path of strongSwan's vici socket; nil to leave strongSwan alone.
    public var viciSocket: String?
    /// `expect.*`: the provider's health checks as the operator set them up.
    public var expect: HealthCheckExpectation
    /// How the tunnel is probed.
    public var probing: ProbingSettings

    /// Makes a tunnel of which no more is known than its name and far end; the rest are defaults.
    public init(name: String, remote: RemoteHost, probing: ProbingSettings = ProbingSettings()) {
        self.name = name
        self.remote = remote
        self.probing = probing
        role = .endpoint
        fwmark = 0
        viciSocket = Self.usualViciSocket
        expect = HealthCheckExpectation()
    }
}

/// What this host is to a tunnel.
public enum TunnelRole: String, CaseIterable, Hashable, Sendable {
    /// This host ends the tunnel.
    case endpoint
    /// An appliance ends it; this host sits beside it.
    case observer
}

/// A host given by address or by DNS name.
public enum RemoteHost: Hashable, Sendable {
    /// An IPv4 or IPv6 address.
    case address(IPAddress)
    /// A DNS name, to be resolved when needed.
    case name(String)
}

extension RemoteHost: CustomStringConvertible {
    /// The address or the name as it stands in the file.
    public var description: String {
        switch self {
        case .address(let address): address.description
        case .name(let name): name
        }
    }
}

/// A cooperating `probe reflect` at the far side.
public struct Reflector: Hashable, Sendable {
    /// The host it runs on.
    public var host: RemoteHost
    /// Its port; nil for the protocol's default.
    public var port: UInt16?
    /// `reflector_key_file`: the path of the key both sides hold.
    public var keyFile: String

    /// Makes a reflector.
    public init(host: RemoteHost, port: UInt16?, keyFile: String) {
        self.host = host
        self.port = port
        self.keyFile = keyFile
    }
}

/// The provider's health checks as the operator set them up there.
public struct HealthCheckExpectation: Hashable, Sendable {
    /// The kind of packet a check is.
    public enum Style: String, CaseIterable, Hashable, Sendable {
        /// ICMP Echo Request.
        case request
        /// Unsolicited ICMP Echo Reply.
        case reply
        /// To be learned by watching.
        case auto
    }

    /// Whether the answer to a check goes through the tunnel.
    public enum Direction: String, CaseIterable, Hashable, Sendable {
        /// Check and answer both go through the tunnel.
        case bidirectional
        /// The answer does not go through the tunnel.
        case unidirectional
        /// To be learned by watching.
        case auto
    }

    /// `expect.health_check_style`.
    public var style: Style
    /// `expect.health_check_direction`.
    public var direction: Direction
    /// `expect.health_check_target`; nil for the provider's default.
    public var target: IPAddress?

    /// Makes an expectation; without arguments, everything is to be learned by watching.
    public init(style: Style = .auto, direction: Direction = .auto, target: IPAddress? = nil) {
        self.style = style
        self.direction = direction
        self.target = target
    }
}
