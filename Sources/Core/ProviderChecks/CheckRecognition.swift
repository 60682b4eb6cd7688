import NetworkPrimitives

/// Tells the provider's checks from everybody else's pings.
///
/// Some are known by their addresses: nothing but a check comes out of the tunnel with a source of
/// this side as an Echo Reply, or asks the outer address of this end. The rest is known by its shape:
/// several public senders, or one that asks the tunnel's own address often, and a fresh identifier in
/// nearly every message. What is neither is not taken
/// for a check.
struct CheckRecognition: Sendable {
    private struct Target: Hashable, Sendable {
        var style: ProviderChecksReport.Style
        var address: IPAddress
    }

    /// What was seen of one target that no address gives away.
    private struct Shape: Sendable {
        /// When the last few with a fresh identifier came.
        var freshTimes: [MonotonicInstant] = []
        var fresh = 0
        var continued = 0
        /// The first few senders.
        var senders: [IPAddress] = []
    }

    private struct Thread: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var identifier: UInt16
    }

    static let limit = 4_096
    static let targetLimit = 256
    /// So many messages with a fresh identifier make a shape.
    static let freshNeeded = 8
    /// From at least so many senders.
    static let sendersNeeded = 3

    /// A failed check is repeated up to twice; who goes on longer with one identifier is pinging.
    static let repetitions = 3
    /// Whoever takes up an identifier again after this time has begun anew.
    private static let memory = Duration.seconds(60)

    private var threads = AgeQueue<Thread, (count: Int, last: MonotonicInstant)>(limit: limit)
    private var shapes = AgeQueue<Target, Shape>(limit: targetLimit)

    var heldCount: Int { threads.heldCount + shapes.heldCount }

    /// Whether a message that arrived by the tunnel is a check.
    mutating func isCheck(
        _ arrival: CheckObservation, _ settings: ProviderCheckWatch.Settings,
        _ conversations: EchoConversations
    ) -> Bool {
        let (ours, theirs) =
            arrival.kind == .request
            ? (arrival.destination, arrival.source) : (arrival.source, arrival.destination)
        guard !ours.isMulticast, !theirs.isMulticast, !settings.ownAddresses.contains(theirs) else {
            // An Echo Reply to an address of this host ends here: nothing is to be turned round.
            return false
        }
        // The underlay's device shows everybody's packets beside the decrypted ones: nothing else can
        // have a source of this host, or come from the far end's inside address.
        guard !settings.isPolicyBased else {
            return arrival.kind == .reply
                ? settings.ownAddresses.contains(ours) : theirs == settings.farAddress
        }
        switch arrival.kind {
        case .request:
            // It goes on to somewhere else and is not asked of this side.
            if conversations.hasRequest(
                from: theirs, to: ours, identifier: arrival.identifier,
                in: settings.tunnel.namespace, at: arrival.at)
            {
                return false
            }
            return theirs == settings.farAddress || ours == settings.localEndpoint
                || ours == settings.expectedTarget
                || settings.linkPrefixes.contains { $0.contains(theirs) }
                || hasShape(
                    .request, ours, theirs, arrival,
                    isTunnelAddress: settings.ownAddresses.contains(ours)
                        && settings.linkPrefixes.contains { $0.contains(ours) })
        case .reply:
            if settings.ownAddresses.contains(ours) || ours == settings.localEndpoint {
                return true
            }
            if conversations.hasRequest(
                from: theirs, to: ours, identifier: arrival.identifier,
                in: settings.tunnel.namespace, at: arrival.at)
            {
                return false
            }
            if ours == settings.expectedTarget { return true }
            guard
                !conversations.hasPair(
                    from: theirs, to: ours, in: settings.tunnel.namespace, at: arrival.at),
                !conversations.isIncomplete(at: arrival.at)
            else { return false }
            if settings.sidePrefixes.contains(where: { $0.contains(ours) }),
                !settings.sidePrefixes.contains(where: { $0.contains(theirs) })
            {
                return true
            }
            return hasShape(.reply, ours, theirs, arrival, isTunnelAddress: false)
        }
    }

    private mutating func hasShape(
        _ style: ProviderChecksReport.Style, _ ours: IPAddress, _ theirs: IPAddress,
        _ arrival: CheckObservation, isTunnelAddress: Bool
    ) -> Bool {
        let thread = Thread(
            source: theirs, destination: ours, identifier: arrival.identifier)
        var count = 1
        if let former = threads[thread], arrival.at - former.last <= Self.memory {
            count = former.count + 1
        }
        threads.renew(thread, (count, arrival.at))
        let target = Target(style: style, address: ours)
        var shape = shapes[target] ?? Shape()
        if count == 1 {
            shape.fresh += 1
            shape.freshTimes.append(arrival.at)
            if shape.freshTimes.count > Self.freshNeeded { shape.freshTimes.removeFirst() }
        } else {
            shape.continued += 1
        }
        if shape.senders.count < Self.sendersNeeded, theirs.isPublic,
            !shape.senders.contains(theirs)
        {
            shape.senders.append(theirs)
        }
        if shape.fresh + shape.continued > 1_000 {
            shape.fresh /= 2
            shape.continued /= 2
        }
        shapes.renew(target, shape)
        guard count <= Self.repetitions, shape.continued < shape.fresh * Self.repetitions else {
            return false
        }
        // Hardly anybody else asks a tunnel's own address that often with a fresh identifier each.
        if style == .request, isTunnelAddress, shape.freshTimes.count == Self.freshNeeded,
            arrival.at - shape.freshTimes[0] <= Self.memory
        {
            return true
        }
        return theirs.isPublic && shape.fresh >= Self.freshNeeded
            && shape.senders.count >= Self.sendersNeeded
    }
}

extension IPAddress {
    /// Whether it may be an address on the public Internet: not of a private, shared, loopback or link
    /// prefix (RFC 1918, 6598, 3927, 4193).
    var isPublic: Bool {
        if isLoopback || isLinkLocal || isMulticast || isUnspecified { return false }
        switch self {
        case .v4(let bits):
            return bits >> 24 != 10 && bits >> 20 != 0xac1 && bits >> 16 != 0xc0a8
                && bits >> 22 != 0x191 && bits >> 24 != 0
        case .v6(let bits): return bits >> 121 != 0x7e
        }
    }
}
