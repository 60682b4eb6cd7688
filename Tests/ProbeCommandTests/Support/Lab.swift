import Foundation
import Synchronization

/// Three network namespaces in a row: this side, a router, and the far side.
///
/// ```
///   client ─ wan0 10.60.1.2 ── 10.60.1.1 router 10.60.2.1 ── 10.60.2.2 wan0 ─ far
///      └──── tun0 10.252.0.1 ──────────────────────────────── 10.252.0.0 tun0 ──┘
/// ```
///
/// A veth pair stands for the tunnel: this kernel has no xfrm, vti or gre devices, and the agent
/// treats any device as a tunnel that is configured as one. IPv6 is alike: fd60:1::, fd60:2::,
/// fd60:252::. The router drops what goes to 10.60.3.1 without a word, answers for 10.60.3.2 that
/// it is unreachable, and for 10.60.3.3 that it is prohibited.
final class Lab: Sendable {
    private static let counter = Atomic(0)

    let client: String
    let router: String
    let far: String
    let directory: String

    init() throws {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        let prefix = "pc\(getpid())n\(number)"
        (client, router, far) = ("\(prefix)c", "\(prefix)r", "\(prefix)f")
        directory = try temporaryDirectory()
        try shell(
            """
            for n in \(client) \(router) \(far); do
              ip netns add $n; ip -n $n link set lo up
              ip netns exec $n sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
            done
            ip -n \(client) link add wan0 type veth peer name up0 netns \(router)
            ip -n \(far) link add wan0 type veth peer name down0 netns \(router)
            ip -n \(client) addr add 10.60.1.2/24 dev wan0
            ip -n \(client) addr add fd60:1::2/64 dev wan0 nodad
            ip -n \(router) addr add 10.60.1.1/24 dev up0
            ip -n \(router) addr add fd60:1::1/64 dev up0 nodad
            ip -n \(router) addr add 10.60.2.1/24 dev down0
            ip -n \(router) addr add fd60:2::1/64 dev down0 nodad
            ip -n \(far) addr add 10.60.2.2/24 dev wan0
            ip -n \(far) addr add fd60:2::2/64 dev wan0 nodad
            ip -n \(client) link set wan0 up; ip -n \(router) link set up0 up
            ip -n \(router) link set down0 up; ip -n \(far) link set wan0 up
            ip -n \(client) route add default via 10.60.1.1
            ip -n \(client) -6 route add default via fd60:1::1
            ip -n \(far) route add default via 10.60.2.1
            ip -n \(far) -6 route add default via fd60:2::1
            ip -n \(router) route add blackhole 10.60.3.1
            ip -n \(router) route add unreachable 10.60.3.2
            ip -n \(router) route add prohibit 10.60.3.3
            for n in \(router) \(far); do
              ip netns exec $n sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
            done
            """)
        try addTunnelDevice()
        for address in ["10.60.2.2", "fd60:2::2", "10.252.0.0", "fd60:252::2"] {
            _ = try eventually("\(address) answers", within: 10) {
                try run(["ip", "netns", "exec", client, "ping", "-c1", "-W1", "-q", address]).status
                    == 0
                    ? true : nil
            }
        }
    }

    deinit {
        for name in [client, router, far] { _ = try? shell("ip netns del \(name) || true") }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Makes the device that stands for the tunnel.
    func addTunnelDevice() throws {
        try shell(
            """
            ip -n \(client) link add tun0 type veth peer name tun0 netns \(far)
            ip -n \(client) addr add 10.252.0.1/31 dev tun0
            ip -n \(client) addr add fd60:252::1/64 dev tun0 nodad
            ip -n \(far) addr add 10.252.0.0/31 dev tun0
            ip -n \(far) addr add fd60:252::2/64 dev tun0 nodad
            ip -n \(client) link set tun0 up; ip -n \(far) link set tun0 up
            ip -n \(client) route add 10.253.0.0/24 via 10.252.0.0 dev tun0
            ip -n \(far) route replace 10.253.0.0/24 via 10.60.2.1
            """)
    }

    /// Writes a file of this lab and returns its path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    var socket: String { "\(directory)/control.sock" }

    /// An `agent.conf` with paths of this lab, and `tunnels` behind it.
    func configuration(_ tunnels: String, agent: String = "discover = false") -> String {
        """
        [agent]
        listen = "127.0.0.1:9817"
        state_dir = "\(directory)"
        control_socket = "\(socket)"
        \(agent)

        \(tunnels)
        """
    }

    /// A tunnel with inside and outside.
    static let tunnel = """
        [[tunnel]]
        name = "cf-1"
        remote = "10.60.2.2"
        tunnel_interface = "tun0"
        """

    /// The arguments that run `probe` on this side.
    func probe(_ arguments: [String], prefix: [String] = []) -> [String] {
        ["ip", "netns", "exec", client] + prefix + [ProbeBinary.path] + arguments
    }

    /// Runs `probe` on this side to its end.
    func runProbe(
        _ arguments: String..., prefix: [String] = [], environment: [String: String] = [:],
        within seconds: Double = 30
    ) throws -> CommandResult {
        try run(
            probe(arguments, prefix: prefix), environment: environment, within: seconds)
    }

    /// `setpriv` for an ordinary user with no capability at all.
    static func unprivileged(group: Int = 65534) -> [String] {
        [
            "setpriv", "--reuid=65534", "--regid=\(group)", "--clear-groups", "--bounding-set=-all",
            "--inh-caps=-all",
        ]
    }
}
