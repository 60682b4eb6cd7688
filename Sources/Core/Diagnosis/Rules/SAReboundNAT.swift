/// `sa-rebound-nat`: a NAT changed the peer's mapping.
enum SAReboundNAT: Rule {
    static let entry = CatalogueEntry(
        .saReboundNAT,
        meaning: """
            A NAT between the ends gave the other side another address or port, and the kernel or the key daemon \
            followed. That is what NAT traversal is for; where it happens often, the NAT forgets idle mappings, and \
            packets are lost until the next keepalive.
            """,
        evidence: ["the kernel's event of a changed mapping for an SA of the tunnel"],
        remedy: [
            "shorten the NAT keepalive, or lengthen the NAT's timeout for UDP 4500",
            "better: give this side a public address, and no NAT",
        ])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        guard let changes = facts.kernel.mappingChanges.value else {
            return .unknown(missing: [
                "changes of the mapping: \(facts.kernel.mappingChanges.reason ?? "not known")"
            ])
        }
        guard changes > 0 else {
            return .excluded(because: ["the kernel told of no changed mapping"])
        }
        return .found(
            Finding(
                id: .saReboundNAT, severity: .info, confidence: 1,
                summary:
                    "A NAT changed the mapping of the peers \(changes == 1 ? "once" : "\(changes) times").",
                evidence: [
                    "the kernel told of \(changes) changed \(changes == 1 ? "mapping" : "mappings") of this tunnel's SAs"
                        + (facts.lastMapping.map { ", the last one \($0)" } ?? "")
                ],
                remedy: [
                    "strongSwan: charon.keep_alive = 10 s in strongswan.conf; libreswan: nat-keepalive=yes",
                    "on the NAT: a timeout of UDP 4500 well over that",
                ]))
    }
}

extension TunnelFacts {
    fileprivate var lastMapping: String? { kernel.lastMappingChange }
}
