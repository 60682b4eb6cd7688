import NetworkPrimitives

// Policy-based tunnels: outer address pairs of tunnel-mode policies and SAs that no device owns.

extension TunnelOwnership {
    /// One tunnel for each pair of outer addresses, by remote and local address.
    func policyTunnels(addresses: [AddressState]) -> [DiscoveredTunnel] {
        var marks: [Pair: UInt32] = [:]
        for policy in policies.filter({ $0.direction == .out }) + policies {
            guard let pair = Self.tunnelPair(of: policy), marks[pair] == nil,
                !devices.contains(where: { owns($0, policy) })
            else { continue }
            marks[pair] = policy.mark
        }
        for directed in associations where directed.association.mode == .tunnel {
            let pair = Self.pair(of: directed)
            guard marks[pair] == nil, !devices.contains(where: { owns($0, directed) }) else {
                continue
            }
            marks[pair] = directed.association.mark
        }
        return marks.sorted { Self.precedes($0.key, $1.key) }.map { pair, mark in
            tunnel(pair, mark: mark, addresses: addresses)
        }
    }

    private func tunnel(
        _ pair: Pair, mark: UInt32, addresses: [AddressState]
    ) -> DiscoveredTunnel {
        var tunnel = DiscoveredTunnel(
            name: "policy-\(pair.remote)", kind: .policy, local: pair.local, remote: pair.remote)
        tunnel.mark = mark
        let selectors = policies.filter {
            $0.direction == .out && Self.tunnelPair(of: $0) == pair && $0.mark == mark
        }
        guard !selectors.isEmpty else {
            let reason = "no outbound policy names the addresses inside"
            tunnel.insideSource = .unknown(reason: "\(reason): set inside_source")
            tunnel.insideTarget = .unknown(reason: "\(reason): set inside_target")
            tunnel.insideBeyond = .unknown(reason: "\(reason): set inside_beyond")
            return tunnel
        }
        tunnel.insideSource = Self.insideSource(selectors, pair, addresses)
        tunnel.insideTarget = Self.insideTarget(selectors, tunnel.insideSource.value?.family)
        tunnel.insideBeyond = Self.insideBeyond(
            selectors, tunnel.insideSource.value?.family, tunnel.insideTarget.value)
        return tunnel
    }

    /// The first address of this host that a policy takes as a source; the outer one last, since
    /// packets from it mostly go outside.
    private static func insideSource(
        _ selectors: [SecurityPolicy], _ pair: Pair, _ addresses: [AddressState]
    ) -> Reading<IPAddress> {
        let candidates = addresses.map(\.address).filter { address in
            !address.isLoopback && !address.isLinkLocal
                && selectors.contains { $0.source.contains(address) }
        }
        if let source = candidates.first(where: { $0 != pair.local }) ?? candidates.first {
            return .known(source)
        }
        let sources = selectors.map(\.source.description).joined(separator: ", ")
        return .unknown(reason: "no address of this host is in \(sources): set inside_source")
    }

    /// The address of a policy for one host.
    private static func insideTarget(
        _ selectors: [SecurityPolicy], _ family: IPAddress.Family?
    ) -> Reading<IPAddress> {
        let host = selectors.lazy.compactMap(\.destination.hostAddress).first {
            family == nil || $0.family == family
        }
        if let host { return .known(host) }
        return .unknown(
            reason: "policies name no single far inside address: set inside_target")
    }

    /// The first host of what a policy takes as a destination.
    private static func insideBeyond(
        _ selectors: [SecurityPolicy], _ family: IPAddress.Family?, _ target: IPAddress?
    ) -> Reading<IPAddress> {
        let destinations = selectors.map(\.destination).filter {
            family == nil || $0.network.family == family
        }
        if let beyond = TunnelDiscovery.addressBeyond(destinations, excluding: { $0 == target }) {
            return .known(beyond)
        }
        return .unknown(
            reason: "no policy names a prefix beyond the far end: set inside_beyond")
    }

    private static func precedes(_ left: Pair, _ right: Pair) -> Bool {
        func key(_ pair: Pair) -> [UInt8] {
            [pair.remote.family == .v4 ? 4 : 6] + pair.remote.octets + (pair.local?.octets ?? [])
        }
        return key(left).lexicographicallyPrecedes(key(right))
    }

    // MARK: - Policies and SAs of a tunnel

    /// The policies of a tunnel, in the kernel's order.
    func policies(
        device name: String?, local: IPAddress?, remote: IPAddress
    ) -> [SecurityPolicy] {
        if let device = devices.first(where: { $0.link.name == name }) {
            return policies.filter { owns(device, $0) }
        }
        let paired = policies.filter {
            guard let pair = Self.tunnelPair(of: $0) else { return false }
            return pair.remote == remote && (local == nil || pair.local == local)
        }
        let free = paired.filter { policy in !devices.contains { owns($0, policy) } }
        return free.isEmpty ? paired : free
    }

    /// The SAs of a tunnel, newest first; those of one second in the kernel's order.
    func associations(
        device name: String?, local: IPAddress?, remote: IPAddress
    ) -> [DirectedAssociation] {
        let found: [DirectedAssociation]
        if let device = devices.first(where: { $0.link.name == name }) {
            found = associations.filter { owns(device, $0) }
        } else {
            // No device, or one that is away: by outer addresses, those no other device has first.
            let paired = associations.filter {
                let pair = Self.pair(of: $0)
                return pair.remote == remote && (local == nil || pair.local == local)
            }
            let free = paired.filter { directed in !devices.contains { owns($0, directed) } }
            found = free.isEmpty ? paired : free
        }
        return found.enumerated().sorted {
            let left = $0.element.association.addedAt?.nanoseconds ?? 0
            let right = $1.element.association.addedAt?.nanoseconds ?? 0
            return left == right ? $0.offset < $1.offset : left > right
        }.map(\.element)
    }
}
