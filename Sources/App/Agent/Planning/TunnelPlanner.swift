import Configuration
import KernelState
import NetworkPrimitives

/// What is known of one network namespace at planning time.
struct NamespaceFacts: Sendable {
    /// Links, addresses, routes, SAs and policies.
    let snapshot: KernelSnapshot
    /// Why nothing can be sent there; nil when something can.
    let refusal: String?
    /// The tunnels in `snapshot`: found once, and not again for each tunnel that is planned.
    let tunnels: [DiscoveredTunnel]

    init(snapshot: KernelSnapshot, refusal: String?) {
        self.snapshot = snapshot
        self.refusal = refusal
        tunnels = TunnelDiscovery.tunnels(in: snapshot)
    }
}

/// A name's latest resolution.
enum NameResolution: Equatable, Sendable {
    /// The addresses, in the resolver's order; never empty.
    case addresses([IPAddress])
    /// No answer yet, or a failure, in words.
    case pending(reason: String)
}

/// Decides how to probe each tunnel, from the configuration and what this host knows.
///
/// Pure: the host is asked through the closures, so a test plays any host.
struct TunnelPlanner {
    /// What is known of a namespace; the key is nil for the agent's own.
    var facts: (String?) -> NamespaceFacts
    /// Where the kernel would send a packet: namespace, destination, source, mark.
    var route: (String?, IPAddress, IPAddress?, UInt32) -> Reading<RouteLookup>
    /// A DNS name's addresses.
    var resolve: (String) -> NameResolution

    /// Plans for all configured tunnels and, where asked for, discovered ones.
    func plans(for configuration: AgentConfiguration, discovering: Bool) -> [TunnelPlan] {
        let configured = configuration.tunnels.map { plan(for: $0) }
        guard discovering else { return configured }
        let found = discovered(probing: configuration.probing)
        // "A configured tunnel with the same outer pair wins" (interface page §3).
        let free = found.filter { plan in
            !configured.contains { other in
                other.name == plan.name || Self.haveSameDevice(other, plan)
                    || other.remote == plan.remote && other.configuration.netns == nil
                        && (other.local == nil || plan.local == nil || other.local == plan.local)
            }
        }
        // No more are watched than can be configured: ICMP identifiers have 16 bits.
        let room = max(0, AgentConfiguration.maximumTunnelCount - configured.count)
        return configured + free.prefix(room)
    }

    /// Whether two plans are about one device, which has one outer pair: known or not yet.
    private static func haveSameDevice(_ configured: TunnelPlan, _ found: TunnelPlan) -> Bool {
        configured.configuration.netns == nil && configured.tunnelInterface != nil
            && configured.tunnelInterface == found.tunnelInterface
    }

    /// Plans for the tunnels that the kernel knows.
    func discovered(probing: ProbingSettings) -> [TunnelPlan] {
        var taken: Set<String> = []
        return facts(nil).tunnels.map { found in
            var tunnel = TunnelConfiguration(
                name: Self.uniqueName(found.name, taken: &taken), remote: .address(found.remote),
                probing: probing)
            tunnel.local = found.local
            tunnel.wanInterface = found.wanInterface
            tunnel.tunnelInterface = found.tunnelInterface
            var plan = plan(for: tunnel, as: found)
            plan.isDiscovered = true
            return plan
        }
    }

    /// A name that can be a label and that no other tunnel has: two devices may differ only in
    /// characters that a label cannot hold.
    private static func uniqueName(_ name: String, taken: inout Set<String>) -> String {
        let plain = TunnelName.sanitized(name)
        var candidate = plain
        var number = 2
        while !taken.insert(candidate).inserted {
            let suffix = "-\(number)"
            candidate = plain.prefix(TunnelName.maximumLength - suffix.count) + suffix
            number += 1
        }
        return candidate
    }

    /// A new plan for a tunnel that was discovered and that the kernel lost.
    func replan(_ lost: TunnelPlan) -> TunnelPlan {
        var plan = plan(for: lost.configuration)
        plan.isDiscovered = true
        if plan.kind == .unknown { plan.kind = lost.kind }
        if plan.tunnelInterface == nil, plan.waitingFor.isEmpty {
            plan.waitingFor.append("its SAs and policies, which the kernel no longer has")
        }
        return plan
    }

    /// The plan for one tunnel.
    func plan(for tunnel: TunnelConfiguration) -> TunnelPlan { plan(for: tunnel, as: nil) }

    private func plan(
        for tunnel: TunnelConfiguration, as known: DiscoveredTunnel?
    ) -> TunnelPlan {
        let facts = facts(tunnel.netns)
        var waiting: [String] = []
        let remote = remoteAddress(of: tunnel, waiting: &waiting)
        // An observer's tunnel ends on the appliance: the kernel here cannot know it.
        let found =
            tunnel.role == .observer
            ? nil : known ?? discovery(matching: tunnel, remote: remote, among: facts.tunnels)
        let device = tunnel.tunnelInterface ?? found?.tunnelInterface
        let outer = outerRoute(of: tunnel, remote: remote, found: found, waiting: &waiting)
        let inside = InsideAddresses(tunnel, found: found, device: device, in: facts.snapshot)
        if let device, facts.snapshot.links.value != nil,
            facts.snapshot.link(named: device) == nil
        {
            waiting.append("device \(device), which does not exist")
        }
        var unknown: [String: String] = [:]
        if outer.local == nil { unknown["local"] = outer.reason }
        if outer.interface == nil { unknown["wan_interface"] = outer.reason }
        if device == nil {
            unknown["tunnel_interface"] =
                tunnel.role == .observer
                ? "an appliance ends this tunnel"
                : "no device: the tunnel is policy-based or unknown"
        }
        unknown["inside_source"] = inside.source.reason
        unknown["inside_target"] = inside.target.reason
        unknown["inside_beyond"] = inside.beyond.reason
        var configuration = tunnel
        configuration.insideSource = inside.source.value
        configuration.insideTarget = inside.target.value
        configuration.insideBeyond = inside.beyond.value
        var kind = found?.kind
        // Without a device nothing else in the snapshot can tell.
        if kind == nil, tunnel.role == .endpoint, let device, let remote {
            kind = TunnelDiscovery.kind(
                device: device, local: outer.local, remote: remote, in: facts.snapshot)
        }
        return TunnelPlan(
            configuration: configuration, kind: kind ?? .unknown, local: outer.local,
            remote: remote,
            wanInterface: outer.interface, tunnelInterface: device, unknown: unknown,
            roles: roles(
                of: tunnel, remote: remote, found: found, device: device, inside: inside,
                refusal: facts.refusal),
            waitingFor: waiting)
    }

    private func remoteAddress(
        of tunnel: TunnelConfiguration, waiting: inout [String]
    ) -> IPAddress? {
        switch tunnel.remote {
        case .address(let address): return address
        case .name(let name):
            switch resolve(name) {
            case .addresses(let addresses):
                return addresses.first { $0.family == tunnel.local?.family } ?? addresses.first
            case .pending(let reason):
                waiting.append("an address of \(name): \(reason)")
                return nil
            }
        }
    }

    private func discovery(
        matching tunnel: TunnelConfiguration, remote: IPAddress?, among tunnels: [DiscoveredTunnel]
    ) -> DiscoveredTunnel? {
        if let device = tunnel.tunnelInterface {
            return tunnels.first { $0.tunnelInterface == device }
        }
        return tunnels.first {
            $0.remote == remote
                && (tunnel.local == nil || $0.local == nil || $0.local == tunnel.local)
        }
    }

    private struct OuterRoute {
        var local: IPAddress?
        var interface: String?
        var reason = "not known"
    }

    private func outerRoute(
        of tunnel: TunnelConfiguration, remote: IPAddress?, found: DiscoveredTunnel?,
        waiting: inout [String]
    ) -> OuterRoute {
        var outer = OuterRoute(
            local: tunnel.local ?? found?.local,
            interface: tunnel.wanInterface ?? found?.wanInterface)
        guard let remote else {
            outer.reason = "the endpoint's name has no address yet"
            return outer
        }
        let source = outer.local?.family == remote.family ? outer.local : nil
        switch route(tunnel.netns, remote, source, tunnel.fwmark) {
        case .known(.route(let resolved)):
            outer.local = outer.local ?? resolved.source
            outer.interface = outer.interface ?? resolved.interfaceName
        case .known(.unreachable):
            outer.reason = "there is no route to \(remote)"
            waiting.append("a route to \(remote)")
        case .unknown(let reason):
            outer.reason = reason
            waiting.append("the route to \(remote): \(reason)")
        }
        return outer
    }

    private func roles(
        of tunnel: TunnelConfiguration, remote: IPAddress?, found: DiscoveredTunnel?,
        device: String?, inside: InsideAddresses, refusal: String?
    ) -> [RolePlan] {
        if let refusal {
            return ProbeRole.all.map { _ in .unavailable(reason: refusal) }
        }
        // A device marks by itself. Without one, inside packets must carry the mark of the policy,
        // and outside ones must not: they would match it and go into the tunnel.
        let policyMark = found?.mark ?? 0
        let insideMark: UInt32 =
            device != nil ? 0 : policyMark != 0 ? policyMark : tunnel.fwmark
        func insidePlan(_ destination: Reading<IPAddress>) -> RolePlan {
            guard let address = destination.value else {
                return .unavailable(reason: destination.reason ?? "not known")
            }
            return .probe(
                ProbeRoute(
                    destination: address,
                    source: inside.source.value.flatMap { $0.family == address.family ? $0 : nil },
                    device: device, mark: insideMark, namespace: tunnel.netns,
                    codePoint: tunnel.probing.dscp))
        }
        let outside = RolePlan.probe(
            ProbeRoute(
                destination: remote,
                source: (tunnel.local ?? found?.local).flatMap {
                    $0.family == remote?.family ? $0 : nil
                },
                mark: tunnel.fwmark, namespace: tunnel.netns, codePoint: tunnel.probing.dscp))
        return [insidePlan(inside.target), insidePlan(inside.beyond), outside, outside]
    }
}

/// The three inside addresses of a tunnel, from the configuration, else from the kernel.
private struct InsideAddresses {
    var source: Reading<IPAddress>
    var target: Reading<IPAddress>
    var beyond: Reading<IPAddress>

    init(
        _ tunnel: TunnelConfiguration, found: DiscoveredTunnel?, device: String?,
        in snapshot: KernelSnapshot
    ) {
        let family = (tunnel.insideTarget ?? tunnel.insideBeyond)?.family
        if let configured = tunnel.insideSource {
            source = .known(configured)
        } else if let device {
            source = TunnelDiscovery.insideSource(on: device, family: family, in: snapshot)
        } else {
            source = found?.insideSource ?? .unknown(reason: "the routing table chooses it")
        }
        if let configured = tunnel.insideTarget {
            target = .known(configured)
        } else if let device, let source = source.value {
            target = TunnelDiscovery.insideTarget(from: source, over: device, in: snapshot)
        } else if device != nil {
            target = .unknown(reason: source.reason ?? "not known")
        } else {
            target =
                found?.insideTarget
                ?? .unknown(reason: "no inside_target is configured, and no device tells it")
        }
        if let configured = tunnel.insideBeyond {
            beyond = .known(configured)
        } else if let device {
            beyond = TunnelDiscovery.insideBeyond(
                from: source.value, target: target.value, over: device, in: snapshot)
        } else {
            beyond =
                found?.insideBeyond
                ?? .unknown(reason: "no inside_beyond is configured, and no device tells it")
        }
    }
}
