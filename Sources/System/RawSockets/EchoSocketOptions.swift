public import NetworkPrimitives

/// What distinguishes one ICMP socket from another.
///
/// Everything else (source, destination, hop limit, differentiated services) is said per message,
/// so one socket serves all targets that share these.
public struct EchoSocketOptions: Hashable, Sendable {
    /// IPv4 with ICMP, or IPv6 with ICMPv6.
    public var family: IPAddress.Family
    /// The device that messages leave and arrive by (SO_BINDTODEVICE); nil for what routing says.
    public var device: String?
    /// The mark of sent packets (SO_MARK), for routing rules; 0 for none.
    public var mark: UInt32
    /// The network namespace `/run/netns/NAME` to work in; nil for the process's own.
    public var namespace: String?
    /// Whether messages that are longer than an MTU on the way may be cut up.
    ///
    /// Where not, they carry Don't Fragment and leave whenever the device takes them, whatever the
    /// kernel has learned of the path (ip(7), IP_PMTUDISC_PROBE): to measure an MTU.
    public var mayFragment: Bool
    /// Whether Echo Requests to this host are received too.
    ///
    /// A busy host gets many: only for who looks for some of them.
    public var admitsRequests = false
    /// Whose Echo Replies are received, an address of the socket's family; nil for everyone's.
    ///
    /// Errors are received of anyone in any case.
    public var peer: IPAddress?
    /// Whether messages are kept out of IPsec tunnels of this host, as far as this process may ask for
    /// that (CAP_NET_ADMIN).
    public var bypassesPolicies = false

    /// Makes options; by default no device, mark or namespace, and fragments.
    public init(
        family: IPAddress.Family, device: String? = nil, mark: UInt32 = 0, namespace: String? = nil,
        mayFragment: Bool = true
    ) {
        self.family = family
        self.device = device
        self.mark = mark
        self.namespace = namespace
        self.mayFragment = mayFragment
    }
}
