import NetworkPrimitives

/// `ike-no-proposal`: NO_PROPOSAL_CHOSEN.
enum IKENoProposal: Rule {
    static let entry = CatalogueEntry(
        .ikeNoProposal,
        meaning: """
            The peer answered NO_PROPOSAL_CHOSEN: of the ciphers, integrity algorithms and groups that this side \
            offers it accepts no combination, for the IKE SA (phase 1) or the child SA (phase 2).
            """,
        evidence: [
            "the notify on the wire, or the key daemon's or the provider's log of it",
            "what was offered, and what the peer was seen to accept from a probe",
        ],
        remedy: [
            "set both proposals to what the provider lists, one of each kind",
            "set the same group for perfect forward secrecy as for the IKE SA",
        ],
        guide: "Parameter mismatch: \"no proposal chosen\"; compare with the supported parameters.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        let failure: IKEFacts.FailureSeen
        switch IKERefusal.failure(facts, lacking: "what it would choose") {
        case .success(let seen): failure = seen
        case .failure(let refused): return refused.judgement
        }
        let isChild =
            failure.failure == .childRefused
            && failure.evidence.contains { $0.contains("NO_PROPOSAL_CHOSEN") }
        guard failure.failure == .noProposal || isChild else { return IKERefusal.other(failure) }
        if failure.origin == "probe", !facts.ike.isInUse {
            return .unknown(missing: [
                "the peer refuses the agent's own offer, but nothing shows what a key daemon offers"
            ])
        }
        var evidence = failure.evidence
        if let offered = facts.ike.offered.value, !offered.isEmpty {
            evidence.append("this side offers \(offered.joined(separator: ", "))")
        }
        if let accepted = facts.ike.accepted.value, !accepted.isEmpty {
            evidence.append("the peer was seen to accept \(accepted.joined(separator: ", "))")
        }
        let proposals = ProviderFacts.proposals
        evidence.append(
            "the provider lists for the IKE SA \(proposals.value.ikeCiphers); "
                + "\(proposals.value.keyExchange) (\(proposals.citation))")
        return .found(
            Finding(
                id: .ikeNoProposal, severity: .critical,
                confidence: failure.origin == "probe" ? 0.6 : 0.97,
                summary: isChild
                    ? "The peer accepts none of the proposals for the child SA."
                    : "The peer accepts none of the proposals that this side offers.",
                evidence: evidence,
                remedy: [
                    "in swanctl.conf: proposals = \(ProviderFacts.safeProposal.value) of the connection, "
                        + "esp_proposals = \(ProviderFacts.safeChildProposal.value) of the child",
                    "\(facts.swanctl("--load-conns")) && \(facts.initiation)",
                    "libreswan: ike=aes_gcm256-sha2_256;ecp384 and esp=aes_gcm256;ecp384, then ipsec auto --replace "
                        + "and --up \(facts.ike.connection ?? "CONNECTION")",
                    "on an appliance: AES-GCM-16 with 256 bits, SHA2-256 as PRF, group 20 in phase 1 and 2",
                ], guide: entry.guide))
    }
}
