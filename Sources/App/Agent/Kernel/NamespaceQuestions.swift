import Configuration
import HostFacts
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

/// What is to be read of one namespace, from the tunnels in it.
struct NamespaceQuestions: Sendable {
    /// Devices whose sysctls are wanted.
    var devices: Set<String> = []
    /// Endpoints whose next hop is wanted, with the source and mark of packets to them.
    var endpoints: [IPAddress: (source: IPAddress?, mark: UInt32)] = [:]

    /// The questions of some tunnels, by namespace; the agent's own is always among them.
    static func questions(for plans: [TunnelPlan]) -> [String?: NamespaceQuestions] {
        var questions: [String?: NamespaceQuestions] = [nil: NamespaceQuestions()]
        for plan in plans {
            let namespace = plan.configuration.netns
            for device in [plan.tunnelInterface, plan.wanInterface].compactMap({ $0 }) {
                questions[namespace, default: .init()].devices.insert(device)
            }
            if let remote = plan.remote {
                questions[namespace, default: .init()].endpoints[remote] = (
                    source: plan.local?.family == remote.family ? plan.local : nil,
                    mark: plan.configuration.fwmark
                )
            }
        }
        return questions
    }
}

/// Files of /proc/net and /proc/sys/net, read in the network namespace of the calling thread.
struct NamespaceFiles {
    /// A large host's /proc/net/snmp6 has some KiB; nothing that is read here has more.
    private static let limit = 1 << 20

    /// The counters of /proc/net/xfrm_stat.
    static func transformErrors() -> Reading<NamedCounters> {
        do throws(FileError) {
            let text = try NetworkFile.read(.net, "xfrm_stat", limit: limit)
            return .known(text.withRawSpan { NamedCounters(listing: $0) })
        } catch {
            return .unknown(
                reason: error.reason == .system(NetworkFile.noSuchFile)
                    ? "this kernel counts no XFRM errors (no CONFIG_XFRM_STATISTICS)"
                    : error.description)
        }
    }

    /// Counters of IP and ICMP from snmp, netstat and snmp6.
    static func delivery() -> Reading<NamedCounters> {
        do throws(FileError) {
            let snmp = try NetworkFile.read(.net, "snmp", limit: limit)
            let netstat = try NetworkFile.read(.net, "netstat", limit: limit)
            var counters = snmp.withRawSpan { NamedCounters(table: $0) }
                .merged(with: netstat.withRawSpan { NamedCounters(table: $0) })
            if let snmp6 = try NetworkFile.readIfThere(.net, "snmp6", limit: limit) {
                counters = counters.merged(
                    with: snmp6.withRawSpan { NamedCounters(listing: $0) })
            }
            return .known(counters.filtered(NamedCounters.concernsDelivery))
        } catch {
            return .unknown(reason: error.description)
        }
    }

    /// Whether /proc/net/udp or udp6 has a socket on port 500.
    static func isKeyDaemonListening() -> Reading<Bool> {
        do throws(FileError) {
            for name in ["udp", "udp6"] {
                guard let text = try NetworkFile.readIfThere(.net, name, limit: limit) else {
                    continue
                }
                if hasSocket(onPort: 500, String(decoding: text, as: UTF8.self)) {
                    return .known(true)
                }
            }
            return .known(false)
        } catch {
            return .unknown(reason: error.description)
        }
    }

    /// Whether a table of proc_net_udp(5) has a socket bound to a port: `sl: ADDRESS:PORT …`, hexadecimal.
    static func hasSocket(onPort port: UInt16, _ table: String) -> Bool {
        table.split(separator: "\n").dropFirst().contains { line in
            let fields = line.split(separator: " ", maxSplits: 2)
            guard fields.count > 1, let colon = fields[1].lastIndex(of: ":") else { return false }
            return UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port
        }
    }

    /// A sysctl under net.
    static func setting(_ path: String) -> Reading<Int> {
        do throws(FileError) {
            let text = try NetworkFile.read(.sysctl, path, limit: 4096)
            guard let value = text.withRawSpan(SystemSetting.value) else {
                return .unknown(reason: "/proc/sys/net/\(path) is no number")
            }
            return .known(value)
        } catch {
            return .unknown(
                reason: error.reason == .system(NetworkFile.noSuchFile)
                    ? "this kernel has no net/\(path)" : error.description)
        }
    }

    /// The sysctls of a device, or of `all` or `default`.
    static func settings(of device: String) -> NamespaceReadings.DeviceSettings {
        func values(_ family: String, _ names: [String]) -> [String: Reading<Int>] {
            Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, setting("\(family)/conf/\(device)/\($0)"))
                })
        }
        return NamespaceReadings.DeviceSettings(
            v4: values("ipv4", SystemSetting.perDevice),
            v6: values("ipv6", SystemSetting.perDeviceV6))
    }

    /// How full connection tracking is.
    static func tracking() -> Reading<NamespaceReadings.ConnectionTracking> {
        switch (setting("netfilter/nf_conntrack_count"), setting("netfilter/nf_conntrack_max")) {
        case (.known(let count), .known(let limit)):
            .known(NamespaceReadings.ConnectionTracking(count: count, limit: limit))
        case (.unknown(let reason), _), (_, .unknown(let reason)):
            .unknown(reason: "connections are not tracked here: \(reason)")
        }
    }
}
