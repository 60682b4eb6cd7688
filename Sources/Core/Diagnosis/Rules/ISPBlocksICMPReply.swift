import NetworkPrimitives

/// `isp-blocks-icmp-reply`: Echo Replies die beyond the first hop of the underlay.
enum ISPBlocksICMPReply: Rule {
    static let entry = CatalogueEntry(
        .ispBlocksICMPReply,
        meaning: """
            Echo Replies that nobody asked for die in a network between this side and the provider, while Echo \
            Requests pass. With unidirectional health checks the answers go that way, so the checks fail although \
            the tunnel carries traffic. At the last router it may be the provider's own edge.
            """,
        evidence: [
            "a ladder of hop limits: where Echo Requests are answered and Echo Replies no more"
        ],
        remedy: [
            "switch to bidirectional health checks (needs egress traffic enabled), or",
            "have the ISP let Echo Replies to the provider's addresses pass",
        ],
        guide:
            "Unidirectional health checks: the ISP blocks ICMP replies; switch to bidirectional.",
        notToConfuse: ["a NAT swallows unsolicited replies, and hides what is behind it"])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let ladder = facts.replies.outside.value else {
            return .unknown(missing: [facts.replies.outside.reason ?? "not known"])
        }
        guard ladder.isBlocked else { return .excluded(because: [ladder.sentence]) }
        if ladder.dropsAllICMP == true {
            return .excluded(because: ["Echo Requests die there as well: \(ladder.sentence)"])
        }
        guard !ladder.isOwn(facts.identity), ladder.place != .thisHost else {
            return .unknown(missing: [
                "what is beyond: Echo Replies die before they leave this side (\(ladder.sentence))"
            ])
        }
        let isCritical = facts.checks.countingDirection == .unidirectional
        var evidence = [ladder.sentence]
        if ladder.mayBeProviderEdge || ladder.place == .providerEdge {
            evidence.append(
                "that is the last router before the endpoint: it may be the provider's own edge")
        }
        if let router = ladder.refusedBy { evidence.append("\(router) says that it refuses them") }
        if isCritical { evidence.append("the answers to the provider's checks go this way") }
        let ranges =
            facts.identity.remote?.family == .v6
            ? ProviderFacts.addressesIPv6 : ProviderFacts.addressesIPv4
        return .found(
            Finding(
                id: .ispBlocksICMPReply, severity: isCritical ? .critical : .warning,
                confidence: ladder.confidence,
                summary: "Echo Replies die on their way to the provider, while Echo Requests pass.",
                evidence: evidence,
                remedy: [
                    "at the provider: set the health check direction to Bidirectional (needs egress traffic enabled)",
                    "or have the ISP let ICMP Echo Replies to the provider's ranges pass, like "
                        + "\(ranges.value.prefix(3).joined(separator: ", ")) … (\(ranges.citation))",
                    "show them this ladder: probe now --verbose",
                ], guide: entry.guide))
    }
}
