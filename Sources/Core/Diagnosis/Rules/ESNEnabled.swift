import KernelState
import NetworkPrimitives

/// `esn-enabled`: extended sequence numbers are on.
enum ESNEnabled: Rule {
    static let entry = CatalogueEntry(
        .esnEnabled,
        meaning: """
            The SA uses extended sequence numbers of 64 bits. The provider's many servers each count for \
            themselves and do not support them: packets then fail the integrity check, at once or when a counter \
            passes 2^32.
            """,
        evidence: ["the flag of the kernel's SA, or what the key daemon negotiated"],
        remedy: [
            "turn extended sequence numbers off in the child's proposal, and have it negotiated anew"
        ],
        notToConfuse: ["esn in a proposal beside noesn is an offer, not what was agreed"])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        guard let associations = facts.kernel.associations.value else {
            return .unknown(missing: [
                "security associations: \(facts.kernel.associations.reason ?? "not known")"
            ])
        }
        guard !associations.isEmpty else { return .unknown(missing: ["there is no SA to look at"]) }
        let extended = associations.filter(\.association.extendedSequenceNumbers)
        guard !extended.isEmpty else {
            return .excluded(because: ["no SA has extended sequence numbers"])
        }
        return .found(
            Finding(
                id: .esnEnabled, severity: .warning, confidence: 1,
                summary: "Extended sequence numbers are on; the provider needs them off.",
                evidence: extended.prefix(4).map {
                    "the kernel's \($0.direction.rawValue) SA \($0.association.spi) has extended sequence numbers"
                } + [
                    "the provider does not support them (\(ProviderFacts.allowsExtendedSequenceNumbers.citation))"
                ],
                remedy: [
                    "in swanctl.conf: esp_proposals = \(ProviderFacts.safeChildProposal.value)-noesn of the child",
                    "\(facts.renewal)  # cuts the tunnel for a moment; a rekey would keep them",
                    "libreswan: esn=no, then ipsec auto --replace and --up \(facts.connectionName)",
                ]))
    }
}
