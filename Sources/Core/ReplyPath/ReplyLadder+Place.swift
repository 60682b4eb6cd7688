import NetworkPrimitives

extension ReplyLadder {
    /// Why this host is believed to stand behind a NAT; nil for no sign of one.
    ///
    /// Connection tracking calls an unsolicited Echo Reply invalid, so a Linux NAT leaves its source
    /// as it is: what becomes of it beyond says nothing about how the network treats Echo Replies.
    var natReason: String? {
        if let reason = settings.natReason { return reason }
        if !settings.isInside, settings.source.isPrivate, !settings.target.isPrivate {
            return "\(settings.source) is a private address"
        }
        return foreignQuotes >= 2 ? "routers quote another source address" : nil
    }

    static func untestable(behind reason: String) -> String {
        "behind a NAT (\(reason)): unsolicited Echo Replies are not translated"
    }

    /// The router at a hop, one that answered a test if there is one; nil where none did.
    func router(at hop: Int) -> IPAddress? {
        let rung = evidence(flow: nil).rungs[hop - 1]
        return rung.replyRouters.first ?? rung.requestRouters.first
    }

    /// Whether an address is the provider's, or its neighbour.
    func isProvider(_ address: IPAddress) -> Bool {
        settings.target.neighbourhood.contains(address)
            || settings.providerNetworks.contains { $0.contains(address) }
    }

    /// Whose equipment stands where a block after one of `hops` is; nil if that differs.
    func place(ofBlockAfter hops: ClosedRange<Int>) -> (ReplyPathReport.Place?, mayBeEdge: Bool) {
        let places = Set(hops.map(place(ofBlockAfter:)))
        let mayBeEdge = places.contains(.providerEdge)
        if places == [.transit, .providerEdge] { return (.transit, mayBeEdge) }
        return (places.count == 1 ? places.first : nil, mayBeEdge)
    }

    private func place(ofBlockAfter hop: Int) -> ReplyPathReport.Place {
        if settings.isInside { return hop == 0 || isEdge(hop) ? .providerEdge : .transit }
        if hop <= 1, !isFirstHopForeign { return .firstHop }
        return isEdge(hop) ? .providerEdge : .transit
    }

    /// Whether a block after `hop` is at the last router before the target, or in its network.
    private func isEdge(_ hop: Int) -> Bool {
        let evidence = evidence(flow: nil)
        let lastRouter =
            targetHops.values.min().map { $0 - 1 } ?? max(evidence.lastRequest, evidence.lastReply)
        if hop + 1 >= lastRouter { return true }
        return [hop, hop + 1].contains { $0 >= 1 && router(at: $0).map(isProvider) ?? false }
    }

    /// Whether the first hop is a public router of another network than this host's.
    private var isFirstHopForeign: Bool {
        guard let router = router(at: 1), !router.isPrivate else { return false }
        let own =
            settings.localNetworks.isEmpty
            ? [settings.source.neighbourhood] : settings.localNetworks
        return !own.contains { $0.contains(router) }
    }
}
