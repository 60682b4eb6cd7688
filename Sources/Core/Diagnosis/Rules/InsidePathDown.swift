import NetworkPrimitives

/// `inside-path-down`: ESP flows, and the far inside address does not answer.
public enum InsidePathDown: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .insidePathDown,
        meaning: """
            ESP leaves this host and comes in, so keys, ports and the underlay are fine, but the far inside \
            address does not answer pings through the tunnel. The fault is inside: routing at the far end, a \
            filter there or here for inside packets, packets dropped after decryption, or a wrong address.
            """,
        evidence: [
            "the far inside address answered before, and has stopped for longer than its usual loss explains",
            "ESP came in within the last seconds, or inbound SAs went on counting",
        ],
        remedy: [
            "ip route get <inside target> from <inside source>; tcpdump -ni <device> icmp",
            "nft list ruleset; ip -s xfrm state; cat /proc/net/xfrm_stat",
            "ask the provider for the state of the tunnel's inside address",
        ],
        notToConfuse: [
            "an address that never answered: perhaps it is another, or it ignores pings",
            "ESP in one direction alone: esp-blocked",
        ])

    /// ESP so lately flows.
    private static let fresh = Duration.seconds(5)

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard facts.inside.target.value != nil else {
            return .notApplicable(
                because: facts.inside.target.reason ?? "no inside target is known")
        }
        if facts.inside.isAnswering == true {
            return .excluded(because: ["the far inside address answers"])
        }
        guard let isSilent = facts.inside.isSilent else {
            return .unknown(missing: ["no probe of the inside is decided yet"])
        }
        guard isSilent else {
            return .excluded(because: [
                "the far inside address has not been silent for longer than loss explains"
            ])
        }
        guard let flow = inbound(facts) else {
            return .unknown(missing: [
                "whether ESP comes in: \(facts.esp.lastInbound.reason ?? facts.esp.recentInbound.reason ?? "not known")"
            ])
        }
        guard flow.isFlowing else {
            return .excluded(because: [
                "the inside is silent, but \(flow.text): what is missing is ESP, and not the far address "
                    + "alone"
            ])
        }
        guard facts.inside.hasEverAnswered.value == true else {
            return .unknown(missing: [
                "whether \(facts.inside.target.value.map(\.description) ?? "the target") answers pings at "
                    + "all: it never has, and \(flow.text); set inside_target to an address that does"
            ])
        }
        if facts.ike.isFarEndReached.value == false {
            return .excluded(because: [
                "the inside is silent, \(flow.text), and nothing that leaves draws an answer: what is "
                    + "missing is the way there"
            ])
        }
        return found(flow.text, facts)
    }

    /// Whether anything comes in, and what says so.
    private static func inbound(_ facts: TunnelFacts) -> (isFlowing: Bool, text: String)? {
        if let age = facts.esp.lastInbound.value, age < fresh {
            return (true, "ESP came in \(RuleText.duration(age)) ago")
        }
        if let drops = facts.kernel.recentDrops.value, drops.arrived > 0,
            drops.packets.span <= .seconds(15)
        {
            return (
                true,
                "\(RuleText.count(drops.arrived, "packet")) arrived for inbound SAs in "
                    + RuleText.duration(drops.packets.span)
            )
        }
        if let age = facts.esp.lastInbound.value {
            return (false, "no ESP has come in for \(RuleText.duration(age))")
        }
        if let growth = facts.esp.recentInbound.value {
            return growth.count > 0
                ? (true, "ESP comes in")
                : (false, "no ESP has come in for \(RuleText.duration(growth.span))")
        }
        guard let drops = facts.kernel.recentDrops.value else { return nil }
        return (
            false,
            "no packet arrived for inbound SAs in \(RuleText.duration(drops.packets.span))"
        )
    }

    private static func found(_ flow: String, _ facts: TunnelFacts) -> Judgement {
        let identity = facts.identity
        let prefix = identity.commandPrefix
        let target = facts.inside.target.value.map(\.description) ?? "<inside target>"
        let source = identity.insideSource.map { " from \($0)" } ?? ""
        let device = identity.tunnelInterface ?? identity.wanInterface ?? "any"
        var evidence = [flow]
        if let count = facts.inside.unansweredInARow.value {
            evidence.append(
                "\(target) answered before, and the last \(count) probes in a row did not")
        }
        if facts.outside.isAnswering == true {
            evidence.append("the endpoint answers pings over the underlay")
        }
        if let growth = facts.kernel.transformErrors.value, !growth.isEmpty {
            let names = growth.sorted { $0.key < $1.key }.map { "\($0.key) +\($0.value.count)" }
            evidence.append("XFRM's errors grew: \(names.joined(separator: ", "))")
        }
        return .found(
            Finding(
                id: .insidePathDown, severity: .critical,
                confidence: facts.ike.isFarEndReached.value == true ? 0.95 : 0.85,
                summary: "ESP flows, and the far inside address \(target) does not answer.",
                evidence: evidence,
                remedy: [
                    "\(prefix)ip route get \(target)\(source)  # must lead into the tunnel",
                    "\(prefix)tcpdump -ni \(device) icmp and host \(target)"
                        + "  # requests out and nothing back: the far end; answers in: a filter here",
                    "\(prefix)nft list ruleset  # a rule for packets from the tunnel",
                    "\(prefix)cat /proc/net/xfrm_stat  # what is dropped after decryption",
                    "ask the provider's side whether \(target) is its address of this tunnel",
                ]))
    }
}
