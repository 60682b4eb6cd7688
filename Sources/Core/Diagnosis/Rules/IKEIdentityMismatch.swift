import NetworkPrimitives

/// `ike-identity-mismatch`.
enum IKEIdentityMismatch: Rule {
    static let entry = CatalogueEntry(
        .ikeIdentityMismatch,
        meaning: """
            An IKE identity is not what the other side expects: this side names itself in a form that the provider \
            does not know, or this side expects the provider to name itself otherwise than it does. The \
            pre-shared key may well be right.
            """,
        evidence: [
            "the authentication failed, and this side's identity has none of the provider's forms",
            "or the key daemon complains about the peer's identity, or the provider's log about this one",
        ],
        remedy: [
            "set this side's identity to the FQDN that the provider shows for the tunnel",
            "accept the endpoint's address as the peer's identity, or its FQDN where the provider says so",
        ],
        guide: "IKE ID: the provider uses FQDN form; accept an FQDN peer identity.",
        notToConfuse: [
            "the same notify comes for a wrong pre-shared key: without proof it is not said"
        ])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        let failure: IKEFacts.FailureSeen
        switch IKERefusal.failure(facts, lacking: "which identity it expects") {
        case .success(let seen): failure = seen
        case .failure(let refused): return refused.judgement
        }
        if failure.failure == .identity { return .found(finding(facts, failure, 0.95, [])) }
        guard failure.failure == .authentication else { return IKERefusal.other(failure) }
        guard let id = facts.ike.localID.value else {
            return .unknown(missing: [
                "this side's identity: \(facts.ike.localID.reason ?? "not known"); "
                    + "the notify for a wrong key is the same"
            ])
        }
        guard !isProviderForm(id, facts) else {
            return .excluded(because: [
                "this side's identity \(id) has a form that the provider knows"
            ])
        }
        let forms = ProviderFacts.identities
        return .found(
            finding(
                facts, failure, 0.85,
                [
                    "this side names itself \(id), which has none of the provider's forms: "
                        + forms.value.map(\.form).joined(separator: ", ") + " (\(forms.citation))"
                ]))
    }

    private static func finding(
        _ facts: TunnelFacts, _ failure: IKEFacts.FailureSeen, _ confidence: Double,
        _ more: [String]
    ) -> Finding {
        let connection = facts.connectionName
        // The daemon did not find the peer to be who it expects: to expect the same again mends nothing.
        let isPeers = failure.failure == .identity
        return Finding(
            id: .ikeIdentityMismatch, severity: .critical, confidence: confidence,
            summary: "An IKE identity is not the one that the other side expects.",
            evidence: more + failure.evidence + ["seen by: \(failure.origin)"],
            remedy: [
                "in swanctl.conf, connection \(connection): local { id = TUNNEL.ACCOUNT.ipsec.cloudflare.com }, "
                    + "as the provider shows it"
                    + (isPeers
                        ? "; remote { id = the identity that the complaint above names }, an FQDN where it is one"
                        : "; remote { id = \(facts.remoteText) }"),
                "libreswan: leftid=@TUNNEL.ACCOUNT.ipsec.cloudflare.com, rightid="
                    + (isPeers ? "the identity that is named above" : facts.remoteText),
                "\(facts.swanctl("--load-all")) && \(facts.initiation)",
            ], guide: entry.guide)
    }

    /// Whether an identity has one of the provider's forms (`ProviderFacts.identities`).
    static func isProviderForm(_ id: String, _ facts: TunnelFacts) -> Bool {
        let name = id.hasPrefix("@") ? String(id.dropFirst()) : id
        if name.hasSuffix(".ipsec.cloudflare.com") { return true }
        // ACCOUNT_TUNNEL, both of 32 hexadecimal digits.
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        if parts.count == 2, parts.allSatisfy({ $0.count == 32 && $0.allSatisfy(\.isHexDigit) }) {
            return true
        }
        // An address is a form too; which is configured at the provider cannot be seen, behind NAT least of all.
        return name.contains(":")
            || name.split(separator: ".").count == 4 && name.allSatisfy { $0.isNumber || $0 == "." }
    }
}
