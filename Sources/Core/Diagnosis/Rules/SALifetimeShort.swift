import NetworkPrimitives

/// SAs live shorter than the provider advises.
public enum SALifetimeShort: Rule {
    /// What the catalogue says.
    public static let entry = CatalogueEntry(
        .saLifetimeShort,
        meaning:
            "The SAs are replaced more often than the provider advises. Each rekey must reach all of its "
            + "servers, and costs packets where that takes long; rarer rekeys cost less.",
        evidence: [
            "The rekey times of the key daemon's connection, or else how long the kernel keeps the SA.",
            "The provider's pages: \(advice).",
        ],
        remedy: ["Set longer lifetimes for the IKE SA and the child SA."],
        guide: "Flapping tunnel, rekeys: longer lifetimes make them rarer.",
        notToConfuse: [
            "Short lifetimes break nothing by themselves: rekey-disruption says when rekeys cost packets."
        ])

    /// What the provider's pages advise, both of them.
    static var advice: String {
        "\(range(ProviderFacts.ikeLifetime.value)) for the IKE SA and "
            + "\(range(ProviderFacts.childLifetime.value)) for the child SA "
            + "(\"\(ProviderFacts.childLifetime.source.title)\"); "
            + "\"\(ProviderFacts.childLifetimeByReference.source.title)\" allows "
            + "\(range(ProviderFacts.childLifetimeByReference.value)) for the child SA"
    }

    private static func range(_ lifetimes: ClosedRange<Duration>) -> String {
        let shortest = RuleText.duration(lifetimes.lowerBound)
        let longest = RuleText.duration(lifetimes.upperBound)
        return "\(shortest) to \(longest)"
    }

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        if facts.identity.isStatic == true {
            return .notApplicable(because: "its SAs were made by hand and never expire")
        }
        let association = facts.ike.associationLifetime
        let child = facts.ike.childLifetime
        guard association.value != nil || child.value != nil else {
            return .unknown(missing: [
                "the lifetimes: \(child.reason ?? "not known")"
            ])
        }
        var short: [String] = []
        var fine: [String] = []
        if let lifetime = association.value {
            let text = "the IKE SA is replaced after \(RuleText.duration(lifetime))"
            if lifetime < ProviderFacts.ikeLifetime.value.lowerBound {
                short.append(text + ", under \(range(ProviderFacts.ikeLifetime.value)).")
            } else {
                fine.append(text)
            }
        }
        if let lifetime = child.value {
            let text = "the child SA lives \(RuleText.duration(lifetime))"
            if lifetime < ProviderFacts.childLifetimeByReference.value.lowerBound {
                short.append(
                    text + ", under \(range(ProviderFacts.childLifetime.value)) and even under the "
                        + "\(RuleText.duration(ProviderFacts.childLifetimeByReference.value.lowerBound)) "
                        + "that \"\(ProviderFacts.childLifetimeByReference.source.title)\" allows.")
            } else if lifetime < ProviderFacts.childLifetime.value.lowerBound {
                short.append(
                    text + ", under \(range(ProviderFacts.childLifetime.value)) "
                        + "(\(ProviderFacts.childLifetime.citation)); "
                        + "\"\(ProviderFacts.childLifetimeByReference.source.title)\" allows it.")
            } else {
                fine.append(text)
            }
        }
        guard !short.isEmpty else { return .excluded(because: fine) }
        return .found(finding(facts, short.map(capitalized)))
    }

    private static func finding(_ facts: TunnelFacts, _ evidence: [String]) -> Finding {
        let name = facts.ike.connection ?? "CONNECTION"
        let prefix = facts.identity.commandPrefix
        var evidence = evidence
        if let costs = facts.rekeys.costs.value, costs.rekeys > 0 {
            evidence.append(
                "\(RuleText.count(costs.rekeys, "rekey")) within the last "
                    + "\(RuleText.duration(costs.span)), after which "
                    + "\(RuleText.count(costs.lostAfter, "probe")) of the inside went lost.")
        }
        return Finding(
            id: .saLifetimeShort, severity: .info, confidence: 0.95,
            summary: "The SAs are replaced more often than the provider advises.",
            evidence: evidence,
            remedy: [
                "strongSwan, swanctl.conf: connections.\(name) { rekey_time = 24h; children.CHILD { "
                    + "rekey_time = 8h } }; then \(prefix)swanctl --load-all",
                "libreswan, ipsec.conf: conn \(name): ikelifetime=24h, salifetime=8h; then "
                    + "\(prefix)ipsec auto --replace \(name)",
                "Elsewhere: the lifetimes of phase 1 (IKE SA) to 86400 s and of phase 2 (child SA, IPsec SA) "
                    + "to 28800 s, without a limit by volume.",
            ], guide: entry.guide)
    }

    private static func capitalized(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
