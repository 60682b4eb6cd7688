import NetworkPrimitives

/// `health-check-target-unroutable`: the target is not reached through the tunnel.
enum HealthCheckTargetUnroutable: Rule {
    static let entry = CatalogueEntry(
        .healthCheckTargetUnroutable,
        meaning: """
            The address that the provider's health checks ask is no address of this host and has no route, or \
            the selectors do not cover it: nobody answers.
            """,
        evidence: [
            "this host's addresses, routes and policies, asked for the configured target",
            "or checks that arrive for an address that nothing leads to",
        ],
        remedy: [
            "give a loopback of this host the target's address, or correct the target at the provider",
            "include it in the selectors",
        ],
        guide: "Policy-based VPN: the target must be routable and covered by the selectors.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let obstacle = facts.checks.obstacle.value ?? nil,
            obstacle == "no_route"
                || obstacle == "selectors" && facts.checks.style.value == .request
        {
            return .found(
                finding(
                    facts, .critical, 0.95,
                    [facts.checks.obstacleDetail ?? obstacle]
                        + (facts.checks.targets.value ?? []).prefix(2).map { "checks ask \($0)" }))
        }
        guard let target = facts.checks.expectedTarget else {
            return facts.checks.style.value == nil
                ? .unknown(missing: [
                    "no target is configured (expect.health_check_target), and no check was seen"
                ])
                : .excluded(because: ["the targets of the checks that arrive are reached"])
        }
        guard let isReached = facts.checks.isTargetReachable.value else {
            return .unknown(missing: [facts.checks.isTargetReachable.reason ?? "not known"])
        }
        let detail = facts.checks.targetDetail ?? "\(target)"
        if isReached { return .excluded(because: [detail]) }
        return .found(finding(facts, .critical, 0.95, [detail]))
    }

    private static func finding(
        _ facts: TunnelFacts, _ severity: Finding.Severity, _ confidence: Double,
        _ evidence: [String]
    ) -> Finding {
        let address = facts.checks.expectedTarget ?? facts.checks.targets.value?.first
        let target = address?.description ?? "TARGET"
        let length = address?.family == .v6 ? 128 : 32
        return Finding(
            id: .healthCheckTargetUnroutable, severity: severity, confidence: confidence,
            summary: "The target of the health checks is not reached through the tunnel.",
            evidence: evidence,
            remedy: [
                "\(facts.identity.commandPrefix)ip address add \(target)/\(length) dev lo  # or correct the target at the provider",
                "include \(target) in local_ts of the child (swanctl.conf), leftsubnet (libreswan)",
            ], guide: entry.guide)
    }
}
