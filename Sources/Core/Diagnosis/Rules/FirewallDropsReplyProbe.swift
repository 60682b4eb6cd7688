import NetworkPrimitives

/// `firewall-drops-reply-probe`: Echo Replies die on this host or at its own router.
enum FirewallDropsReplyProbe: Rule {
    static let entry = CatalogueEntry(
        .firewallDropsReplyProbe,
        meaning: """
            Echo Replies that nobody asked for die on this host or at the first hop, while Echo Requests pass. \
            Stateful firewalls drop them because no session fits. The provider's reply-style health checks are just \
            such packets: with them the tunnel is called down although traffic flows.
            """,
        evidence: [
            "hop-limited Echo Replies beside equally limited Echo Requests, which alone are answered",
            "or reply-style checks that arrive, and a rule of this host with a counter that drops them",
        ],
        remedy: [
            "set the health check type to Request at the provider, or",
            "let Echo Replies pass statelessly on the device that they come by",
        ],
        guide:
            "Stateful firewalls drop Reply health checks: change the type from Reply to Request.",
        notToConfuse: [
            "a router that answers no Echo Request either proves nothing",
            "NAT swallows unsolicited replies",
        ])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        let isReplyStyle = facts.checks.countingStyle == .reply
        if facts.checks.obstacle.value == .some("firewall") {
            return .found(
                finding(
                    facts, .critical, 0.95,
                    "A rule of this host drops the provider's health checks.",
                    [facts.checks.obstacleDetail.map { "the rule: \($0)" }, answered(facts)]
                        .compactMap { $0 }))
        }
        let ladders = [("outside", facts.replies.outside), ("inside", facts.replies.inside)]
        for (name, ladder) in ladders {
            guard let seen = ladder.value, seen.isBlocked, seen.isOwn(facts.identity) else {
                continue
            }
            let isHere = seen.place == .thisHost || seen.afterHop == 0
            // What this host's OUTPUT drops, it drops inside as well; the router at hop 1 sees only what
            // leaves outside: reply-style checks of the endpoint, and the answers to unidirectional ones.
            let isCritical =
                facts.checks.countingDirection == .unidirectional
                || isReplyStyle && (isHere || name == "inside")
            return .found(
                finding(
                    facts, isCritical ? .critical : .warning, seen.confidence,
                    isHere
                        ? "This host drops Echo Replies that nobody asked for."
                        : "The first hop drops Echo Replies that nobody asked for.",
                    ["\(name): \(seen.sentence)"]))
        }
        let open = ladders.filter { $0.1.value?.isBlocked == false }
        if !open.isEmpty {
            return .excluded(because: open.map { "\($0.0): \($0.1.value?.sentence ?? "")" })
        }
        if let blocked = facts.replies.outside.value, blocked.isBlocked {
            return .excluded(because: ["they die farther away: \(blocked.sentence)"])
        }
        return .unknown(missing: ladders.map { "\($0.0): \($0.1.reason ?? "not known")" })
    }

    private static func answered(_ facts: TunnelFacts) -> String? {
        facts.checks.answered.value.map {
            "\($0.received) of \($0.sent) checks were answered in the last five minutes"
        }
    }

    private static func finding(
        _ facts: TunnelFacts, _ severity: Finding.Severity, _ confidence: Double, _ summary: String,
        _ seen: [String]
    ) -> Finding {
        var evidence = seen
        var remedy: [String] = []
        for rule in facts.replies.filterRules.value ?? [] {
            if !evidence.contains(where: { $0.contains(rule.text) }) {
                evidence.append("a rule of this host that may be it: \(rule.text)")
            }
            if let step = rule.remedy { remedy.append(facts.identity.commandPrefix + step) }
        }
        if let reason = facts.replies.filterRules.reason {
            evidence.append("which rule is not known: \(reason)")
        }
        let isUnidirectional = facts.checks.countingDirection == .unidirectional
        if isUnidirectional {
            remedy.insert(
                "at the provider: set the health check direction to Bidirectional, so that answers stay in the tunnel",
                at: 0)
        }
        if facts.checks.countingStyle != .request {
            remedy.insert(
                "at the provider: set the health check type of this tunnel to Request", at: 0)
        }
        if let vendors = VendorTable.remedy(.statefulICMP) { remedy.append(vendors) }
        return Finding(
            id: .firewallDropsReplyProbe, severity: severity, confidence: confidence,
            summary: summary, evidence: evidence, remedy: remedy, guide: entry.guide)
    }
}
