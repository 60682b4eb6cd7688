import NetworkPrimitives

/// `policy-based-reply-unsupported`: selectors do not cover reply-style checks.
enum PolicyBasedReplyUnsupported: Rule {
    static let entry = CatalogueEntry(
        .policyBasedReplyUnsupported,
        meaning: """
            The selectors of this tunnel name prefixes that the packets of a reply-style health check do not \
            belong to: those are addressed to the provider itself. They are dropped where they come out of the \
            tunnel, or leave in plain text.
            """,
        evidence: ["the kernel's policies, asked for the packets of such a check, both ways"],
        remedy: [
            "set the health check type to Request",
            "give this host a loopback address inside the selectors and make it the target",
        ],
        guide:
            "Policy-based VPN: Reply health checks do not work; use Request with a covered target.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        if facts.identity.kind == .gre {
            return .notApplicable(because: "the policies of a GRE device are for its own packets")
        }
        if facts.checks.obstacle.value == .some("selectors"), facts.checks.style.value == .reply {
            return .found(
                finding(
                    facts, .critical, 0.97,
                    [facts.checks.obstacleDetail ?? "no policy covers the checks that arrive"]))
        }
        guard let isCovered = facts.checks.areRepliesCovered.value else {
            return .unknown(missing: [facts.checks.areRepliesCovered.reason ?? "not known"])
        }
        if isCovered { return .excluded(because: ["the selectors cover reply-style checks"]) }
        switch facts.checks.countingStyle {
        case .request?: return .excluded(because: ["the provider checks with Echo Requests"])
        case .reply?: return .found(finding(facts, .critical, 0.95, facts.checks.uncovered))
        case nil: return .found(finding(facts, .info, 0.9, facts.checks.uncovered))
        }
    }

    private static func finding(
        _ facts: TunnelFacts, _ severity: Finding.Severity, _ confidence: Double,
        _ evidence: [String]
    ) -> Finding {
        Finding(
            id: .policyBasedReplyUnsupported, severity: severity, confidence: confidence,
            summary: severity == .critical
                ? "The selectors do not cover the provider's reply-style health checks."
                : "The selectors would not cover reply-style health checks.",
            evidence: evidence.isEmpty ? ["no policy covers such a check"] : evidence,
            remedy: [
                "at the provider: set the health check type to Request, with a target inside the selectors",
                "\(facts.identity.commandPrefix)ip address add ADDRESS/32 dev lo  # a target that local_ts of the child covers",
                "or widen the selectors: local_ts and remote_ts = 0.0.0.0/0 in swanctl.conf, with marks or if_id",
            ], guide: entry.guide)
    }
}
