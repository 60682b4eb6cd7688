import HostFacts
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

/// What the kernel says in one network namespace: devices, addresses, routes, SAs without keys,
/// policies, counters, settings, packet filter.
///
/// SAs come from our own reading of netlink, which never copies a key; `ip xfrm` would print them.
struct BundleNamespace: Sendable {
    /// A file that was read, or why it was not.
    private typealias Piece = (name: String, purpose: String, reading: BundleContents.Reading)

    /// The namespace's name; nil for the agent's own.
    var namespace: String?
    /// Devices whose offloads and settings are wanted, sorted.
    var devices: [String]

    private static let timeout = Duration.seconds(3)
    private static let outputLimit = 8 << 20

    private var folder: String { "host/namespace-\(namespace ?? "own")" }

    /// Adds all of it; waits for as long as programs take.
    func collect(into contents: inout BundleContents) {
        let found: [Piece]
        do throws(SocketError) {
            if let namespace {
                let result: Result<[Piece], Never> = try NetworkNamespace.run(namespace) {
                    () throws(Never) -> [Piece] in pieces()
                }
                found = result.get()
            } else {
                found = pieces()
            }
        } catch {
            return contents.leaveOut(folder, error.description)
        }
        for piece in found {
            contents.add("\(folder)/\(piece.name)", piece.purpose, piece.reading)
        }
        collectKernel(into: &contents)
    }

    // MARK: - Programs and files

    private func pieces() -> [Piece] {
        let ip = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"]
        let nft = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"]
        let ethtool = ["/usr/sbin/ethtool", "/sbin/ethtool"]
        let routes = ["-d", "route", "show", "table", "all"]
        var pieces: [Piece] = [
            ("links.txt", "devices: ip -d -s link", Self.run(ip, ["-d", "-s", "link"])),
            ("addresses.txt", "addresses: ip -d address", Self.run(ip, ["-d", "address"])),
            ("routes-v4.txt", "IPv4 routes of all tables", Self.run(ip, ["-4"] + routes)),
            ("routes-v6.txt", "IPv6 routes of all tables", Self.run(ip, ["-6"] + routes)),
            ("rules-v4.txt", "IPv4 routing rules", Self.run(ip, ["-4", "-d", "rule"])),
            ("rules-v6.txt", "IPv6 routing rules", Self.run(ip, ["-6", "-d", "rule"])),
            (
                "nftables.txt",
                "packet filter: nft list ruleset, with comments and the elements of sets",
                Self.run(nft, ["list", "ruleset"])
            ),
            ("xfrm_stat.txt", "XFRM's error counters", Self.file("xfrm_stat")),
            ("snmp.txt", "counters of IP, ICMP and UDP", Self.file("snmp")),
            ("sysctls.txt", "settings that bear on tunnels and probes", .known(sysctls)),
        ]
        for device in devices {
            pieces.append(
                (
                    "offloads-\(device).txt", "offloads of \(device): ethtool -k",
                    Self.run(ethtool, ["-k", device])
                ))
            pieces.append(
                (
                    "driver-\(device).txt", "driver of \(device): ethtool -i",
                    Self.run(ethtool, ["-i", device])
                ))
        }
        return pieces
    }

    private static func run(
        _ candidates: [String], _ arguments: [String]
    ) -> BundleContents.Reading {
        do throws(ChildProcess.Failure) {
            let output = try ChildProcess.run(
                candidates, arguments, timeout: timeout, limit: outputLimit)
            guard output.status == 0 else {
                let complaint = output.complaint.split(separator: "\n").first.map(String.init)
                let end = output.status.map { "exit status \($0)" } ?? "a signal ended it"
                return .unknown("\(candidates[0]): \(complaint ?? end)")
            }
            return .known(output.octets)
        } catch {
            if case .notInstalled = error { return .unknown("\(error)") }
            return .unknown("\(candidates[0]): \(error)")
        }
    }

    private static func file(_ path: String) -> BundleContents.Reading {
        do throws(FileError) {
            return .known(try NetworkFile.read(.net, path, limit: outputLimit))
        } catch {
            return .unknown(error.description)
        }
    }

    /// `net/… = value` a line; one that the kernel lacks is left out.
    private var sysctls: [UInt8] {
        var paths = SystemSetting.ofNamespace
        for device in ["all", "default"] + devices {
            paths += SystemSetting.perDevice.map { "ipv4/conf/\(device)/\($0)" }
            paths += SystemSetting.perDeviceV6.map { "ipv6/conf/\(device)/\($0)" }
        }
        let lines = paths.compactMap { path in
            NamespaceFiles.setting(path).value.map { "net/\(path) = \($0)\n" }
        }
        return Array(lines.joined().utf8)
    }

    // MARK: - Netlink

    private func collectKernel(into contents: inout BundleContents) {
        let (states, policies) = ("\(folder)/xfrm-state.json", "\(folder)/xfrm-policy.json")
        let snapshot: KernelSnapshot
        do throws(NetlinkError) {
            snapshot = try KernelReader(namespace: namespace).snapshot(withRoutes: false)
        } catch {
            contents.leaveOut(states, error.description)
            return contents.leaveOut(policies, error.description)
        }
        let own = Set((snapshot.addresses.value ?? []).map(\.address))
        switch snapshot.associations {
        case .known(let associations):
            let entries = associations.map { association in
                let direction: TrafficDirection =
                    association.direction
                    ?? (own.contains(association.destination) ? .inbound : .outbound)
                return DirectedAssociation(direction: direction, association: association).json
            }
            contents.add(
                states, "all SAs of the kernel with counters and limits, without keys",
                JSONValue.array(entries))
        case .unknown(let reason): contents.leaveOut(states, reason)
        }
        switch snapshot.policies {
        case .known(let known):
            contents.add(
                policies, "all policies of the kernel", JSONValue.array(known.map(\.json)))
        case .unknown(let reason): contents.leaveOut(policies, reason)
        }
    }
}
