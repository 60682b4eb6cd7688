import NetworkPrimitives

/// `underlay-down`: the outside path itself is down.
public enum UnderlayDown: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .underlayDown,
        meaning: """
            This host does not reach the provider's endpoint at all: a device without link, no route, a router \
            that does not answer, or a way beyond it that carries nothing. It is not the tunnel's fault, and \
            nothing about the tunnel can be mended before.
            """,
        evidence: [
            "the device towards the endpoint is missing, down or without carrier; or no route leads there; or "
                + "the next hop does not answer ARP or neighbour discovery",
            "or the endpoint answered pings before and has stopped, for longer than its usual loss explains",
            "and nothing comes through the tunnel either: no answer inside, no ESP",
        ],
        remedy: [
            "ip route get <endpoint>; ip -s link show dev <device>; ip neigh show dev <device>",
            "mtr -n <endpoint>  # how far packets get",
            "call the ISP with the time it began and the last hop that answers",
        ],
        notToConfuse: [
            "an endpoint that ignores pings while the inside works: nothing is down",
            "a filter for ESP or IKE alone: then pings of the endpoint are answered",
        ])

    /// ESP that arrived so lately says that the underlay works.
    private static let fresh = Duration.seconds(3)

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        if facts.inside.isAnswering == true {
            return .excluded(because: [
                "the far inside address answers, which it could not without the underlay"
            ])
        }
        if let age = facts.esp.lastInbound.value, age < fresh {
            return .excluded(because: [
                "ESP of the tunnel arrived \(RuleText.duration(age)) ago"
            ])
        }
        if facts.outside.isAnswering == true {
            return .excluded(because: ["the endpoint answers pings over the underlay"])
        }
        if let cause = local(facts) { return found(cause.evidence, cause.confidence, facts) }
        guard facts.outside.target.value != nil else {
            return .unknown(missing: [
                "probes of the underlay: \(facts.outside.target.reason ?? "not known")"
            ])
        }
        if let errors = facts.outside.failures.value, facts.outside.isSilent == true,
            let refused = errors["unreachable"], refused >= 3
        {
            return found(
                [
                    "ICMP errors say that the endpoint is unreachable: \(refused) of the latest probes"
                ],
                0.95, facts)
        }
        guard let isSilent = facts.outside.isSilent else {
            return .unknown(missing: ["no probe of the underlay is decided yet"])
        }
        guard isSilent else {
            return .excluded(because: [
                "the endpoint has not been silent for longer than loss explains"
            ])
        }
        guard facts.outside.hasEverAnswered.value == true else {
            return .unknown(missing: [
                "whether the endpoint answers pings at all: it never has since the watch began"
            ])
        }
        let count = facts.outside.unansweredInARow.value ?? 0
        return found(
            ["the endpoint answered pings before, and the last \(count) in a row went unanswered"],
            facts.inside.isSilent == true ? 0.9 : 0.75, facts)
    }

    /// What of this host's own way there is broken.
    private static func local(
        _ facts: TunnelFacts
    ) -> (evidence: [String], confidence: Double)? {
        if let device = facts.underlay.device.value {
            if !device.exists { return (["there is no device \(device.name)"], 0.95) }
            if !device.isUp { return (["the device \(device.name) is down"], 0.99) }
            if !device.hasCarrier { return (["the device \(device.name) has no carrier"], 0.99) }
        }
        if let failure = facts.outside.sendFailure, Self.isRouteless(failure) {
            return (["no probe of the underlay can be sent: \(failure)"], 0.95)
        }
        if let hop = facts.underlay.nextHop.value, hop.isSilent, facts.outside.isSilent == true {
            let place = hop.device.map { " on \($0)" } ?? ""
            return (
                ["the next hop \(hop.address)\(place) does not answer for its link-layer address"],
                0.95
            )
        }
        return nil
    }

    /// Whether a refusal to send says that nothing leads there; a filter of this host's own is another fault.
    private static func isRouteless(_ failure: String) -> Bool {
        let text = failure.lowercased()
        return ["unreachable", "no route", "is down"].contains { text.contains($0) }
    }

    private static func found(
        _ cause: [String], _ confidence: Double, _ facts: TunnelFacts
    ) -> Judgement {
        let identity = facts.identity
        let prefix = identity.commandPrefix
        let remote = identity.remote.map(\.description) ?? "<endpoint>"
        let device = facts.underlay.device.value?.name ?? identity.wanInterface ?? "<device>"
        var evidence = cause
        if let recent = facts.outside.recent.value, recent.sent > 0 {
            evidence.append("outside: lost \(recent.text)")
        }
        if facts.inside.isSilent == true, let count = facts.inside.unansweredInARow.value {
            evidence.append("the far inside address is silent too: \(count) in a row")
        }
        if let age = facts.esp.lastInbound.value {
            evidence.append("the last ESP packet came \(RuleText.duration(age)) ago")
        }
        return .found(
            Finding(
                id: .underlayDown, severity: .critical, confidence: confidence,
                summary:
                    "The endpoint \(remote) is not reached over the underlay: not the tunnel's fault.",
                evidence: evidence,
                remedy: [
                    "\(prefix)ip route get \(remote)",
                    "\(prefix)ip -s link show dev \(device)  # state UP, LOWER_UP, errors",
                    "\(prefix)ip neigh show dev \(device)  # FAILED or INCOMPLETE: the router is gone",
                    "\(prefix)mtr -n \(remote)  # how far packets get; then the ISP, with the last hop that "
                        + "answers",
                ]))
    }
}
