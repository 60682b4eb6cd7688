import KernelState
import NetworkPrimitives

/// Rekeys are refused with TEMPORARY_FAILURE again and again.
public enum RekeyTemporaryFailure: Rule {
    /// What the catalogue says.
    public static let entry = CatalogueEntry(
        .rekeyTemporaryFailure,
        meaning:
            "The peer answers each rekey with TEMPORARY_FAILURE (RFC 7296 §2.25), and the key daemon asks "
            + "again and again. The tunnel works until the SA that it has expires; then it is gone, for the "
            + "peer no longer takes part in that IKE SA. Only a new IKE SA ends this.",
        evidence: [
            "The key daemon's log or its control socket names the notify at least twice within ten minutes, "
                + "and no rekey succeeded since.",
            "Nothing of it is on the wire: CREATE_CHILD_SA is encrypted.",
        ],
        remedy: [
            "Terminate the IKE SA and initiate it anew; then make dead peer detection restart by itself.",
            "Lengthen the lifetimes, so that rekeys are rarer.",
        ],
        guide: "Flapping tunnel, rekeys: DPD with restart ends a loop of TEMPORARY_FAILURE.",
        notToConfuse: [
            "One TEMPORARY_FAILURE is no fault: two ends that rekey at the same moment answer so, and the "
                + "next attempt succeeds.",
            "dpd-not-restart says that nothing would end such a loop; this one says that the loop is there.",
        ])

    /// Refusals that make a loop.
    static let refusals: UInt64 = 2

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        if facts.identity.isStatic == true {
            return .notApplicable(because: "its SAs were made by hand, and no IKE replaces them")
        }
        let seen: IKEFacts.FailureSeen?
        switch facts.ike.failure {
        case .unknown(let reason):
            guard facts.ike.temporaryFailures.value != nil else {
                return .unknown(missing: ["why negotiations fail: \(reason)"])
            }
            seen = nil
        case .known(let value, _): seen = value
        }
        let growth = facts.ike.temporaryFailures
        guard let refused = growth.value else {
            if seen?.failure == .temporaryFailure {
                return .found(finding(facts, nil, seen?.evidence ?? []))
            }
            return .unknown(
                missing: ["how rekeys are answered: \(growth.reason ?? "nobody tells")"])
        }
        guard refused.count > 0 else {
            return .excluded(because: [
                "the key daemon met no TEMPORARY_FAILURE that no later rekey made good"
            ])
        }
        guard refused.count >= refusals else {
            return .unknown(missing: [
                "whether the next rekey succeeds: one was refused with TEMPORARY_FAILURE, which may "
                    + "happen to two ends that rekey at once"
            ])
        }
        return .found(finding(facts, refused, seen?.evidence ?? []))
    }

    private static func finding(
        _ facts: TunnelFacts, _ refused: Growth?, _ heard: [String]
    ) -> Finding {
        var evidence: [String] = []
        if let refused {
            evidence.append(
                "\(refused.count) rekeys in a row were answered with TEMPORARY_FAILURE within the last "
                    + "\(RuleText.duration(refused.span)), and none succeeded since.")
        }
        evidence += heard.prefix(3).map { "The key daemon: \($0)" }
        let expiry = facts.kernel.newest(.inbound)?.hardExpiresAt
        if let expiry { evidence.append("The inbound SA in use expires at \(expiry).") }
        if let deadPeer = facts.ike.deadPeer.value, !deadPeer.isRestart || deadPeer.delay == nil {
            evidence.append(
                "Nothing ends the loop: dead peer detection does not restart "
                    + "(\(DPDNotRestart.state(of: deadPeer))).")
        }
        let name = facts.ike.connection ?? "CONNECTION"
        let prefix = facts.identity.commandPrefix
        return Finding(
            id: .rekeyTemporaryFailure, severity: .critical,
            confidence: (refused?.count ?? 0) >= 3 ? 0.97 : refused == nil ? 0.8 : 0.93,
            summary:
                "The peer refuses every rekey with TEMPORARY_FAILURE: the tunnel ends when its SA expires.",
            evidence: evidence,
            remedy: [
                "strongSwan: \(facts.swanctl("--terminate --ike \(name)")) && \(facts.initiation)",
                "libreswan: \(prefix)ipsec auto --down \(name); \(prefix)ipsec auto --up \(name)",
            ] + DPDNotRestart.steps(name: name, prefix: prefix)
                + ["Lengthen the lifetimes: \(SALifetimeShort.advice)."],
            guide: entry.guide)
    }
}
