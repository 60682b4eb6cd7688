import Configuration
import KernelState
import NetworkPrimitives
import ProviderChecks

/// Finds out why this host does not answer the provider's checks, from what the kernel's settings say.
///
/// The steps are those that a packet goes through, in the order in which an operator should mend them.
/// A cause is named only where a setting or rule proves it; what merely could be stands in the reason.
struct ObstacleSearch: Sendable {
    typealias Obstacle = ProviderChecksReport.Obstacle

    /// What one step comes to.
    enum Finding: Equatable, Sendable {
        /// It stops nothing.
        case clear
        /// It stops the answer: which setting, rule or policy.
        case proven(Obstacle, String)
        /// It may stop the answer.
        case possible(String)
    }

    /// What all steps come to.
    struct Conclusion: Equatable, Sendable {
        /// The first cause that is proven.
        var obstacle: Obstacle?
        /// Its setting, rule or policy; other proven causes after it.
        var detail: String?
        /// Why no cause is named.
        var reason: String?
    }

    /// The answer that should have left.
    var missing: ProviderChecksReport.MissingAnswer
    var kind: TunnelKind
    /// The device that checks arrive by: the tunnel's, the underlay's where it has none.
    var device: String
    /// The device of the underlay.
    var wanDevice: String?
    /// All tunnels' devices of the namespace.
    var tunnelDevices: Set<String>
    /// This host's addresses.
    var ownAddresses: Set<IPAddress>
    /// Those on the tunnel's device.
    var deviceAddresses: Set<IPAddress>
    /// Sysctls, rules of the routing policy, the packet filter.
    var readings: NamespaceReadings
    /// The policies' decisions about the check as it arrives and the answer as it leaves by the tunnel.
    var arrival: Reading<ProbeCoverage.Lookup?>
    var departure: Reading<ProbeCoverage.Lookup?>
    var routes: AnswerRoutes

    /// Whether the check passes this host, and does not end at one of its addresses.
    var isForwarded: Bool {
        missing.style == .reply || !ownAddresses.contains(missing.source)
    }

    var isV6: Bool { missing.source.family == .v6 }

    /// The source that the check arrives with.
    var arrivingSource: IPAddress {
        missing.style == .reply ? missing.source : missing.destination
    }

    /// Whether decrypted packets still show that they came out of IPsec when they are routed.
    ///
    /// An XFRM interface keeps that (secpath); a VTI and a GRE device strip it off.
    var keepsSecurityPath: Bool { kind == .xfrm || kind == .policy }

    /// The steps, in order.
    var findings: [Finding] {
        [
            forwarding, localSource, reversePath, packetFilter, selectors, way, echoIgnored,
        ]
    }

    var conclusion: Conclusion {
        if missing.isLate {
            return Conclusion(reason: "answers leave, but later than 100 ms after the check")
        }
        let proven = findings.compactMap { finding -> (Obstacle, String)? in
            if case .proven(let obstacle, let detail) = finding { (obstacle, detail) } else { nil }
        }
        if let first = proven.first {
            let others = proven.dropFirst().map(\.1)
            return Conclusion(
                obstacle: first.0,
                detail: others.isEmpty
                    ? first.1 : "\(first.1); besides: \(others.joined(separator: "; "))")
        }
        var possible = findings.compactMap { finding -> String? in
            if case .possible(let text) = finding { text } else { nil }
        }
        if missing.style == .request, isForwarded {
            possible.append("\(missing.source), which is not this host, may not answer")
        }
        return Conclusion(
            reason: possible.isEmpty
                ? "sysctls, packet filter, selectors and routes are in order: the cause is elsewhere"
                : "not proven: \(possible.joined(separator: "; "))")
    }

    // MARK: - Steps

    private var forwarding: Finding {
        guard isForwarded else { return .clear }
        if isV6 {
            return switch setting("all", "forwarding") {
            case .known(0): .proven(.noForwarding, "net.ipv6.conf.all.forwarding = 0")
            case .known: .clear
            case .unknown(let reason): .possible("whether this host forwards: \(reason)")
            }
        }
        // The arriving device's own switch decides; ip_forward sets them all.
        return switch setting(device, "forwarding") {
        case .known(0): .proven(.noForwarding, "net.ipv4.conf.\(device).forwarding = 0\(general)")
        case .known: .clear
        case .unknown(let reason): .possible("whether this host forwards: \(reason)")
        }
    }

    private var general: String {
        readings.settings["ipv4/ip_forward"]?.value == 0 ? " (net.ipv4.ip_forward = 0)" : ""
    }

    /// A packet with a source of this host is taken for a martian, unless its device or all of them
    /// accept it; IPv6 knows no such check.
    private var localSource: Finding {
        guard missing.style == .reply, !isV6, ownAddresses.contains(missing.source) else {
            return .clear
        }
        switch (setting("all", "accept_local"), setting(device, "accept_local")) {
        case (.known(let all), .known(let own)):
            guard all == 0, own == 0 else { return .clear }
            guard looksUpLocalFirst else {
                return .possible(
                    "net.ipv4.conf.\(device).accept_local = 0, but routing rules come before the "
                        + "local table")
            }
            return .proven(
                .martianSource,
                "net.ipv4.conf.\(device).accept_local = 0, and \(missing.source) is an address of "
                    + "this host")
        case (.known(let value), .unknown(let reason)), (.unknown(let reason), .known(let value)):
            return value == 0 ? .possible("accept_local: \(reason)") : .clear
        case (.unknown(let reason), .unknown):
            return .possible("accept_local: \(reason)")
        }
    }

    /// Whether addresses of this host are looked for first, as by default.
    private var looksUpLocalFirst: Bool {
        guard let rules = readings.rules.value?.filter({ $0.family == .v4 }) else { return true }
        let first = rules.min { $0.priority < $1.priority }
        return first.map { $0.table == 255 && $0.action == .lookUp } ?? true
    }

    private var reversePath: Finding {
        guard !isV6, !keepsSecurityPath else { return .clear }
        let values = (setting("all", "rp_filter"), setting(device, "rp_filter"))
        let filter: Int
        switch values {
        case (.known(let all), .known(let own)): filter = max(all, own)
        case (.unknown(let reason), _), (_, .unknown(let reason)):
            return .possible("rp_filter: \(reason)")
        }
        guard filter > 0 else { return .clear }
        let name = "rp_filter = \(filter) (the greater of net.ipv4.conf.all and .\(device))"
        if ownAddresses.contains(arrivingSource) {
            // The way to an address of this host is the device it is on.
            return filter == 1 && !deviceAddresses.contains(arrivingSource)
                ? .proven(
                    .reversePathFilter, "\(name), and \(arrivingSource) is not on \(device)")
                : .clear
        }
        switch routes.reverse {
        case .unknown(let reason):
            return .possible("\(name), and the way back to \(arrivingSource): \(reason)")
        case .known(.unreachable):
            return .proven(
                .reversePathFilter, "\(name), and no way leads back to \(arrivingSource)")
        case .known(.route(let route)):
            guard filter == 1, route.interfaceName != device else { return .clear }
            return .proven(
                .reversePathFilter,
                "\(name), and the way back to \(arrivingSource) is by "
                    + (route.interfaceName ?? "another device"))
        }
    }

    private var selectors: Finding {
        // The policies of a GRE device are for its GRE packets, whatever is inside.
        guard kind != .gre else { return .clear }
        var possible: [String] = []
        // A VTI asked before the packet was seen on it.
        if kind != .vti, disablesPolicy == false {
            switch arrival {
            case .unknown(let reason): possible.append("the policies: \(reason)")
            case .known(let lookup?) where !lookup.decision.isProtected:
                return .proven(.selectors, Self.words(lookup))
            case .known: break
            }
        }
        // Without a device, what no policy covers leaves in plain text.
        if leavesByTunnel, kind != .policy {
            switch departure {
            case .unknown(let reason): possible.append("the policies: \(reason)")
            case .known(let lookup?) where !lookup.decision.isProtected:
                return .proven(.selectors, Self.words(lookup))
            case .known: break
            }
        }
        return possible.first.map(Finding.possible) ?? .clear
    }

    /// Whether the answer is routed to the tunnel's device.
    var leavesByTunnel: Bool {
        if case .known(.route(let route)) = routes.forward {
            route.interfaceName == device
        } else {
            false
        }
    }

    /// Which way the answer is routed; nil where that is not known, or by policies.
    var answerDirection: ProviderChecksReport.Direction? {
        guard kind != .policy, case .known(.route(let route)) = routes.forward,
            let name = route.interfaceName
        else { return nil }
        if name == device || tunnelDevices.contains(name) { return .bidirectional }
        return name == wanDevice ? .unidirectional : nil
    }

    private var disablesPolicy: Bool {
        [setting("all", "disable_policy"), setting(device, "disable_policy")].contains {
            $0.value ?? 0 != 0
        }
    }

    /// A decision for people.
    static func words(_ lookup: ProbeCoverage.Lookup) -> String {
        let question = lookup.question
        return "\(question.direction.name) \(question.source) to \(question.destination): "
            + lookup.decision.name
    }

    private var way: Finding {
        switch routes.forward {
        case .unknown(let reason):
            return .possible("the route to \(missing.destination): \(reason)")
        case .known(.unreachable(let reason)):
            return .proven(.noRoute, "\(missing.destination): \(reason.words)")
        case .known(.route(let route)):
            guard let name = route.interfaceName, name != device, name != wanDevice,
                !tunnelDevices.contains(name)
            else { return .clear }
            return .possible(
                "answers to \(missing.destination) are routed to \(name), which is not watched")
        }
    }

    private var echoIgnored: Finding {
        guard missing.style == .request, ownAddresses.contains(missing.source) else {
            return .clear
        }
        let path = isV6 ? "ipv6/icmp/echo_ignore_all" : "ipv4/icmp_echo_ignore_all"
        switch readings.settings[path] {
        case .known(0): return .clear
        case .known:
            return .proven(
                .echoIgnored,
                isV6 ? "net.ipv6.icmp.echo_ignore_all = 1" : "net.ipv4.icmp_echo_ignore_all = 1")
        case .unknown(let reason): return .possible("icmp_echo_ignore_all: \(reason)")
        case nil: return .possible("icmp_echo_ignore_all: \(NamespaceReadings.notYet)")
        }
    }

    /// A sysctl of a device.
    private func setting(_ device: String, _ name: String) -> Reading<Int> {
        let settings = readings.deviceSettings[device]
        return (isV6 ? settings?.v6[name] : settings?.v4[name])
            ?? .unknown(reason: NamespaceReadings.notYet)
    }
}

extension RouteLookup.Unreachable {
    /// Why there is no way, for people.
    var words: String {
        switch self {
        case .noRoute: "no route matches"
        case .unreachableRoute: "an `unreachable` route matches"
        case .prohibited: "a `prohibit` route or rule matches"
        case .blackhole: "a `blackhole` route matches"
        }
    }
}
