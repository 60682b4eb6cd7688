import KernelState
import NetworkPrimitives

/// What the host knows about packets in one network namespace, apart from SAs, policies and links.
struct NamespaceReadings: Sendable {
    /// The counters of /proc/net/xfrm_stat.
    var transformErrors: Reading<NamedCounters> = .unknown(reason: Self.notYet)
    /// Counters of SNMP's tables that concern ICMP and delivery.
    var delivery: Reading<NamedCounters> = .unknown(reason: Self.notYet)
    /// Sysctls of the namespace, by path under net.
    var settings: [String: Reading<Int>] = [:]
    /// Sysctls of devices, by device; `all` and `default` are among them.
    var deviceSettings: [String: DeviceSettings] = [:]
    /// Rules of the routing policy.
    var rules: Reading<[RoutingRule]> = .unknown(reason: Self.notYet)
    /// The next hops towards the tunnels' endpoints, by endpoint.
    var nextHops: [IPAddress: NextHop] = [:]
    /// The packet filter's ruleset.
    var firewall: Reading<FirewallReading> = .unknown(reason: Self.notYet)
    /// Whether something listens on UDP 500, as key daemons do.
    var isKeyDaemonListening: Reading<Bool> = .unknown(reason: Self.notYet)
    /// Connection tracking.
    var tracking: Reading<ConnectionTracking> = .unknown(reason: Self.notYet)

    /// Why nothing was read.
    static let notYet = "this host was not looked at yet"

    /// The sysctls of one device.
    struct DeviceSettings: Sendable {
        /// Under net/ipv4/conf/DEVICE.
        var v4: [String: Reading<Int>] = [:]
        /// Under net/ipv6/conf/DEVICE.
        var v6: [String: Reading<Int>] = [:]
    }

    /// The router that packets to an endpoint go to first.
    struct NextHop: Sendable {
        /// Its address; the endpoint's own where it is on the link.
        var address: IPAddress
        /// The device it is on.
        var device: String?
        /// What the kernel knows of its link-layer address; nil where it was not needed yet.
        var neighbor: Reading<NeighborState?>
    }

    /// Fill level of connection tracking, from net/netfilter.
    struct ConnectionTracking: Sendable {
        /// Connections tracked now.
        var count: Int
        /// The most there can be: a new one is dropped then.
        var limit: Int
    }
}
