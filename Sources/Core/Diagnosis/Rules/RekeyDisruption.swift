import NetworkPrimitives

/// The tunnel is unhealthy after rekeys.
public enum RekeyDisruption: Rule {
    /// What the catalogue says.
    public static let entry = CatalogueEntry(
        .rekeyDisruption,
        meaning:
            "After rekeys the tunnel loses packets, because the new SAs are not known everywhere yet: the "
            + "provider's servers learn them one after the other, or an end deletes the old ones too soon.",
        evidence: [
            "Unhealthy episodes begin after rekeys far more often than chance allows, over days (1 in 100 at "
                + "most, with a share of 0.3 and a lift of 3 at least) or within the last hour.",
            "Or: three rekeys or more lost probes of the inside, and hardly any were lost at other times or on "
                + "the underlay.",
            "The time until 99 % of the packets were on the new SPI is named with it.",
        ],
        remedy: [
            "Make rekeys rarer by longer lifetimes, and do not delete the old SA at once.",
            "Let dead peer detection restart; rekey tunnels of one site at different times.",
        ],
        guide:
            "Flapping tunnel, rekeys: new SAs must reach all servers; lengthen lifetimes, restart by DPD.",
        notToConfuse: [
            "A DPD restart makes it the other way round: the tunnel is down first, and then there are new SAs.",
            "anti-replay-drops: a window drops packets all the time, and not for a minute after each rekey.",
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        let correlation = facts.rekeys.correlation
        let costs = facts.rekeys.costs
        if correlation.value?.cause == .rekeys || costs.value?.isDisruption == true {
            return .found(finding(facts, correlation.value, costs.value))
        }
        guard let costs = costs.value else {
            return .unknown(missing: ["its rekeys: \(costs.reason ?? "not known")"])
        }
        let recent = "within the last \(RuleText.duration(costs.span))"
        guard costs.rekeys > 0 else { return .excluded(because: ["no rekey was seen"]) }
        if costs.disturbed == 0 {
            return .excluded(because: [
                "\(RuleText.count(costs.rekeys, "rekey")) \(recent), after which no probe was lost"
            ])
        }
        let seen =
            "\(costs.disturbed) of \(RuleText.count(costs.rekeys, "rekey")) \(recent) lost "
            + "\(RuleText.count(costs.lostAfter, "probe")), and \(costs.lostElsewhere) were lost at other "
            + "times"
        // Loss at other times speaks against rekeys; too few of them say nothing yet.
        return 10 * costs.lostElsewhere > costs.lostAfter
            ? .excluded(because: [seen])
            : .unknown(missing: ["more rekeys: \(seen); three that are alike are needed"])
    }

    private static func finding(
        _ facts: TunnelFacts, _ correlation: RekeyFacts.Correlation?, _ costs: RekeyFacts.Costs?
    ) -> Finding {
        var evidence: [String] = []
        var confidence = 0.0
        if let correlation, correlation.cause == .rekeys {
            evidence += correlation.evidence
            confidence = correlation.confidence ?? 0.6
        }
        if let costs, costs.isDisruption {
            // The search for causes may have counted the same.
            evidence.removeAll { $0.contains("were followed by lost probes") }
            evidence.append(
                "\(costs.disturbed) of \(RuleText.count(costs.rekeys, "rekey")) within the last "
                    + "\(RuleText.duration(costs.span)) were followed by lost probes: "
                    + "\(costs.lostAfter) in all, the last \(RuleText.duration(costs.longest)) after its "
                    + "rekey, and \(costs.lostElsewhere) at all other times.")
            confidence = max(
                confidence, costs.disturbed >= 6 ? 0.9 : costs.disturbed >= 4 ? 0.8 : 0.7)
        }
        let measured = (facts.rekeys.latest.value ?? []).compactMap(\.convergence).sorted()
        if let slowest = measured.last {
            evidence.append(
                "Until 99 % of the packets came on the new SPI it took "
                    + "\(RuleText.duration(measured[measured.count / 2])) (median) to "
                    + "\(RuleText.duration(slowest)), of \(RuleText.count(measured.count, "timed rekey"))."
            )
            // What was lost is what the new SA was not known for: the cause itself was measured.
            if slowest >= .seconds(1) { confidence = min(0.98, confidence + 0.05) }
        }
        let deleted = (facts.rekeys.latest.value ?? []).compactMap(\.packetsForDeleted).reduce(0, +)
        if deleted > 0 {
            evidence.append(
                "\(RuleText.count(deleted, "packet")) still came for SAs that were deleted already."
            )
        }
        return Finding(
            id: .rekeyDisruption, severity: .warning, confidence: confidence,
            summary: summary(costs, measured.last), evidence: evidence, remedy: remedy(facts),
            guide: entry.guide)
    }

    private static func summary(_ costs: RekeyFacts.Costs?, _ slowest: Duration?) -> String {
        let length = [costs.flatMap { $0.disturbed > 0 ? $0.longest : nil }, slowest]
            .compactMap { $0 }.max()
        guard let length, length >= .milliseconds(100) else {
            return "The tunnel becomes unhealthy after rekeys."
        }
        return "Each rekey disturbs the tunnel, for up to \(RuleText.duration(length))."
    }

    private static func remedy(_ facts: TunnelFacts) -> [String] {
        let name = facts.ike.connection ?? "CONNECTION"
        let prefix = facts.identity.commandPrefix
        var steps = [
            "Make rekeys rarer: \(SALifetimeShort.advice)."
        ]
        if facts.identity.isStatic == true {
            steps.append(
                "ip xfrm: install the new states on both ends before the outbound policy uses them "
                    + "(\(prefix)ip xfrm state add …), and delete the old inbound state minutes later."
            )
        } else {
            steps += [
                "strongSwan, swanctl.conf: connections.\(name) { rekey_time = 24h; children.CHILD { "
                    + "rekey_time = 8h } }, and strongswan.conf: charon { delete_rekeyed_delay = 180 }, so "
                    + "that the old inbound SA outlives the change; then \(prefix)swanctl --load-all",
                "libreswan, ipsec.conf: conn \(name): ikelifetime=24h, salifetime=8h; then "
                    + "\(prefix)ipsec auto --replace \(name)",
            ]
            if let deadPeer = facts.ike.deadPeer.value,
                deadPeer.delay == nil || !deadPeer.isRestart
            {
                steps += DPDNotRestart.steps(name: name, prefix: prefix)
            }
        }
        steps.append(
            "With several tunnels, stagger their rekeys, so that one is healthy at any time; and set the "
                + "health checks' rate to low, so that a short gap takes no tunnel down.")
        return steps
    }
}
