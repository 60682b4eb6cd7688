import KernelState
import NetworkPrimitives

/// `no-security-association`: nothing is negotiated for this tunnel.
enum NoSecurityAssociation: Rule {
    static let entry = CatalogueEntry(
        .noSecurityAssociation,
        meaning: """
            The kernel has no SA pair between this host and the endpoint, so nothing can be encrypted or \
            decrypted. Either nobody negotiated the tunnel, or it was torn down and nobody began anew. \
            Where the negotiation itself is seen to fail, that failure is the finding and explains this one.
            """,
        evidence: [
            "the kernel's SAs, of which none belongs to the tunnel in one direction or both",
            "the inside does not answer, and a device, policy or key daemon shows that IPsec is meant here",
        ],
        remedy: [
            "initiate the connection, and read what the key daemon says",
            "see to it that it is initiated without hands: start_action = start, close_action = start, DPD restart",
            "the provider never initiates: this side must",
        ],
        guide: "Tunnel shows Down: no traffic, IKE errors in the logs of this side.",
        notToConfuse: [
            "an inside that answers although no SA is seen: then the tunnel does not end in this kernel"
        ])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        guard let associations = facts.kernel.associations.value else {
            return .unknown(missing: [
                "security associations: \(facts.kernel.associations.reason ?? "not known")"
            ])
        }
        let missing = TrafficDirection.allCases.filter { direction in
            !associations.contains { $0.direction == direction }
        }
        guard !missing.isEmpty else {
            return .excluded(because: [
                "the kernel has \(associations.count) SAs of the tunnel, both ways"
            ])
        }
        if facts.isInsideAnswering == true {
            return .excluded(because: ["the inside answers, so packets find their way"])
        }
        guard let sign = facts.signOfIPsec else {
            return .notApplicable(
                because:
                    "nothing shows that this host is to end the tunnel by IPsec: no device, policy or "
                    + "connection of a key daemon")
        }
        var evidence = [
            missing.count == 2
                ? "the kernel has no SA between \(facts.ends), though \(sign)"
                : "the kernel has no \(missing[0].rawValue) SA between \(facts.ends)"
        ]
        if let failure = facts.ike.failure.value ?? nil {
            evidence.append("the last negotiation failed: \(failure.failure.rawValue)")
        } else if facts.ike.isEstablished.value == true {
            evidence.append("an IKE SA is up, and has no child SA")
        } else if let connection = facts.ike.connection {
            evidence.append("the key daemon has connection \(connection) and no IKE SA")
        } else if let reason = facts.ike.failure.reason {
            evidence.append(reason)
        }
        return .found(
            Finding(
                id: .noSecurityAssociation, severity: .critical,
                confidence: facts.isInsideAnswering == false ? 1 : 0.9,
                summary: "Nothing is negotiated for this tunnel: the kernel has no SA to use.",
                evidence: evidence, remedy: remedy(facts), guide: entry.guide))
    }

    private static func remedy(_ facts: TunnelFacts) -> [String] {
        guard facts.ike.isInUse || facts.ike.connection != nil else {
            return [
                "\(facts.identity.commandPrefix)ip xfrm state  # keys set by hand: load them again, both directions"
            ] + facts.negotiationSteps
        }
        return facts.negotiationSteps + [
            "in swanctl.conf set start_action = start and close_action = start for the child, dpd_action = restart "
                + "(libreswan: auto=start): the provider never initiates"
        ]
    }
}
