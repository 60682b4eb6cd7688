import Foundation
import Synchronization

/// Network namespaces in a row: this side, three routers, the far side.
///
/// ```
///   client ── 1 ── router 1 ── 2 ── router 2 ── 3 ── router 3 ── 4 ── far
/// ```
///
/// Link n is 10.70.n.0/24 and fd70:n::/64, with host 1 towards the client. Link 3 may be narrower than
/// the others.
final class RouterChain: Sendable {
    private static let counter = Atomic(0)

    let client: String
    /// From near to far.
    let routers: [String]
    let far: String
    let directory: String

    /// The far side's addresses.
    static let target4 = "10.70.4.2"
    static let target6 = "fd70:4::2"

    init(narrowMTU: Int = 1500) throws {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        let prefix = "rc\(getpid())n\(number)"
        client = "\(prefix)c"
        routers = (1...3).map { "\(prefix)r\($0)" }
        far = "\(prefix)f"
        directory = try temporaryDirectory()
        let row = [client] + routers + [far]
        var script = ""
        for name in row {
            script += """
                ip netns add \(name); ip -n \(name) link set lo up
                ip netns exec \(name) sysctl -qw net.ipv6.conf.all.accept_dad=0 \
                  net.ipv6.conf.default.accept_dad=0

                """
        }
        for (index, near) in row.dropLast().enumerated() {
            let (link, far, mtu) = (index + 1, row[index + 1], index == 2 ? narrowMTU : 1500)
            script += """
                ip -n \(near) link add far0 mtu \(mtu) type veth peer name near0 mtu \(mtu) netns \(far)

                """
            for (name, device, host) in [(near, "far0", 1), (far, "near0", 2)] {
                script += """
                    ip -n \(name) addr add 10.70.\(link).\(host)/24 dev \(device)
                    ip -n \(name) addr add fd70:\(link)::\(host)/64 dev \(device) nodad
                    ip -n \(name) link set \(device) up

                    """
            }
        }
        for (index, name) in row.enumerated() {
            // What is farther by the next one, what is nearer by the one before.
            if index < 4 {
                script += """
                    ip -n \(name) route add default via 10.70.\(index + 1).2
                    ip -n \(name) route add default via fd70:\(index + 1)::2

                    """
            }
            for link in 1..<max(index, 1) {
                script += """
                    ip -n \(name) route add 10.70.\(link).0/24 via 10.70.\(index).1
                    ip -n \(name) route add fd70:\(link)::/64 via fd70:\(index)::1

                    """
            }
            if index > 0 {
                script += """
                    ip netns exec \(name) sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

                    """
            }
        }
        try shell(script)
        for address in [Self.target4, Self.target6] {
            _ = try eventually("\(address) answers", within: 10) {
                try run(["ip", "netns", "exec", client, "ping", "-c1", "-W1", "-q", address]).status
                    == 0
                    ? true : nil
            }
        }
    }

    deinit {
        for name in [client, far] + routers { _ = try? shell("ip netns del \(name) || true") }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs `probe` on this side to its end.
    func runProbe(
        _ arguments: String..., prefix: [String] = [], within seconds: Double = 60
    ) throws -> CommandResult {
        try run(
            ["ip", "netns", "exec", client] + prefix + [ProbeBinary.path] + arguments,
            within: seconds)
    }

    /// Adds a rule to a router's or this side's packet filter.
    func filter(_ namespace: String, _ rule: String) throws {
        try shell("ip netns exec \(namespace) iptables -A \(rule)")
    }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
