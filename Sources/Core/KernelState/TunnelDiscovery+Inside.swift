public import NetworkPrimitives

// The defaults of inside_source, inside_target and inside_beyond in agent.conf, for discovered and
// configured tunnels alike.

extension TunnelDiscovery {
    /// Addresses for documentation, RFC 5737 and RFC 3849: routed nowhere, so a hop-limited probe to
    /// them dies beyond the far end and disturbs nobody.
    private static let documentationV4 = IPAddress.v4(0xc000_0201)
    private static let documentationV6 = IPAddress.v6(0x2001_0db8 << 96 | 1)

    /// This side's inside address: the first of the device, link-local ones last.
    ///
    /// - Parameters:
    ///   - device: The tunnel device.
    ///   - family: The family wanted; nil for the first of either.
    ///   - snapshot: What the kernel knows.
    /// - Returns: The address, or why there is none.
    public static func insideSource(
        on device: String, family: IPAddress.Family? = nil, in snapshot: KernelSnapshot
    ) -> Reading<IPAddress> {
        switch addresses(on: device, in: snapshot) {
        case .unknown(let reason):
            return .unknown(reason: reason)
        case .known(let addresses):
            let candidates = addresses.map(\.address).filter {
                family == nil || $0.family == family
            }
            if let address = candidates.first(where: { !$0.isLinkLocal }) ?? candidates.first {
                return .known(address)
            }
            let wanted = family.map { $0 == .v4 ? "IPv4 address" : "IPv6 address" } ?? "address"
            return .unknown(reason: "\(device) has no \(wanted): set inside_source")
        }
    }

    /// The far side's inside address: the peer the device was given, else the other host of a
    /// two-host prefix.
    ///
    /// - Parameters:
    ///   - source: This side's inside address.
    ///   - device: The tunnel device.
    ///   - snapshot: What the kernel knows.
    /// - Returns: The address, or why there is none.
    public static func insideTarget(
        from source: IPAddress, over device: String, in snapshot: KernelSnapshot
    ) -> Reading<IPAddress> {
        switch addresses(on: device, in: snapshot) {
        case .unknown(let reason):
            return .unknown(reason: reason)
        case .known(let addresses):
            let own = addresses.filter { $0.address == source }
            if let peer = own.lazy.compactMap(\.peer).first { return .known(peer) }
            // A source that is configured and not on the device still lies in a prefix of it.
            let around = own.isEmpty ? addresses.filter { $0.prefix.contains(source) } : own
            if let other = around.lazy.compactMap({ $0.prefix.otherHost(than: source) }).first {
                return .known(other)
            }
            let why =
                around.first.map { "\($0.prefix) of \(device) holds more than two hosts" }
                ?? "\(source) is in no prefix of \(device)"
            return .unknown(reason: "\(why): set inside_target")
        }
    }

    /// An inside address beyond the far end.
    ///
    /// The first host of the first prefix that is routed over the device (main table first) and
    /// holds neither `source` nor `target`; with none, a documentation address where a default
    /// route or another wide prefix over the device takes it.
    ///
    /// - Parameters:
    ///   - source: This side's inside address, which gives the family; nil for either family.
    ///   - target: The far side's inside address if known.
    ///   - device: The tunnel device.
    ///   - snapshot: What the kernel knows.
    /// - Returns: The address, or why there is none.
    public static func insideBeyond(
        from source: IPAddress?, target: IPAddress?, over device: String,
        in snapshot: KernelSnapshot
    ) -> Reading<IPAddress> {
        guard let link = snapshot.link(named: device) else {
            return .unknown(reason: missing(device, in: snapshot))
        }
        guard let all = snapshot.routes.value else {
            return .unknown(reason: snapshot.routes.reason ?? "routes are not known")
        }
        let family = (source ?? target)?.family
        let over = all.filter {
            $0.outputInterface == link.index && $0.kind == .unicast
                && (family == nil || $0.destination.network.family == family)
        }
        let ordered =
            over.filter { $0.table == RouteState.mainTable }
            + over.filter { $0.table != RouteState.mainTable }
        let own = Set((snapshot.addresses.value ?? []).map(\.address))
        let ends = [source, target].compactMap { $0 }
        let prefixes = ordered.map(\.destination).filter { prefix in
            isWide(prefix) || !ends.contains { prefix.contains($0) }
        }
        if let beyond = addressBeyond(prefixes, excluding: own.contains) { return .known(beyond) }
        return .unknown(
            reason: "no prefix beyond the far end is routed over \(device): set inside_beyond")
    }

    /// The first host of the first prefix that names a network of its own, else a documentation
    /// address that one of the prefixes takes.
    static func addressBeyond(
        _ prefixes: [IPPrefix], excluding isTaken: (IPAddress) -> Bool
    ) -> IPAddress? {
        let hosts = prefixes.lazy.filter { !isWide($0) }.map(\.firstHost)
        let host = hosts.first {
            !isTaken($0) && !$0.isLinkLocal && !$0.isMulticast && !$0.isLoopback
        }
        return host
            ?? [documentationV4, documentationV6].first { documentation in
                prefixes.contains { $0.contains(documentation) }
            }
    }

    /// Whether a prefix is a default route or a part of one, whose first host is nobody's.
    private static func isWide(_ prefix: IPPrefix) -> Bool {
        prefix.length < (prefix.network.family == .v4 ? 8 : 16)
    }

    private static func addresses(
        on device: String, in snapshot: KernelSnapshot
    ) -> Reading<[AddressState]> {
        guard let link = snapshot.link(named: device) else {
            return .unknown(reason: missing(device, in: snapshot))
        }
        guard let addresses = snapshot.addresses.value else {
            return .unknown(reason: snapshot.addresses.reason ?? "addresses are not known")
        }
        return .known(addresses.filter { $0.interfaceIndex == link.index })
    }

    private static func missing(_ device: String, in snapshot: KernelSnapshot) -> String {
        snapshot.links.reason ?? "there is no device \(device)"
    }
}
