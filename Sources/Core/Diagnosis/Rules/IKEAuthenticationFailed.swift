import NetworkPrimitives

/// `ike-authentication-failed`: AUTHENTICATION_FAILED.
enum IKEAuthenticationFailed: Rule {
    static let entry = CatalogueEntry(
        .ikeAuthenticationFailed,
        meaning: """
            The peers agree on ciphers, and then one refuses the other's proof of who it is. The notify is the same \
            for a wrong pre-shared key and for a wrong identity, so the key comes first and the identity second.
            """,
        evidence: [
            "AUTHENTICATION_FAILED, read by the key daemon, or by its log or the provider's",
            "on the wire the failure is encrypted: there it is likely at most",
        ],
        remedy: [
            "generate a new pre-shared key at the provider and copy it exactly, without spaces or a line end",
            "then compare the identity of this side with what the provider shows for the tunnel",
        ],
        guide: "PSK mismatch: generate a new PSK, copy it exactly, update this side.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        let failure: IKEFacts.FailureSeen
        switch IKERefusal.failure(facts, lacking: "whether it would take the proof") {
        case .success(let seen): failure = seen
        case .failure(let refused): return refused.judgement
        }
        guard failure.failure == .authentication else { return IKERefusal.other(failure) }
        if IKEIdentityMismatch.judge(facts).finding != nil {
            return .excluded(because: ["the identity of this side is proven to be wrong"])
        }
        var evidence = failure.evidence
        evidence.append(
            "seen by: \(failure.origin); the notify does not tell a wrong key from a wrong identity"
        )
        if let id = facts.ike.localID.value {
            evidence.append("this side names itself \(id), a form that the provider knows")
        }
        let connection = facts.ike.connection ?? "CONNECTION"
        return .found(
            Finding(
                id: .ikeAuthenticationFailed, severity: .critical,
                // Interface page §7: confidence 0.7 at most.
                confidence: failure.origin == "wire" ? 0.6 : 0.7,
                summary:
                    "The peer refuses the authentication: the pre-shared key is wrong, or an identity.",
                evidence: evidence,
                remedy: [
                    "first the key: generate a new PSK at the provider, copy it without spaces or a line end",
                    "\(facts.swanctl("--load-creds")) && \(facts.initiation)"
                        + "  # strongSwan: secrets of swanctl.conf; libreswan: ipsec.secrets, ipsec secrets",
                    "then the identity: local id of connection \(connection) as the provider shows it for the tunnel "
                        + "(FQDN form), remote id \(facts.remoteText)",
                ], guide: entry.guide))
    }
}
