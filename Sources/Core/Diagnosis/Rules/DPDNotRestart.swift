import NetworkPrimitives

/// A dead peer does not make the key daemon start again.
public enum DPDNotRestart: Rule {
    /// What the catalogue says.
    public static let entry = CatalogueEntry(
        .dpdNotRestart,
        meaning:
            "The key daemon does not look for dead peers, or does not begin anew when it finds one. The "
            + "provider never begins a negotiation, so after a failure that only a new IKE SA mends, as a loop "
            + "of refused rekeys, the tunnel stays down until somebody notices.",
        evidence: [
            "The key daemon's own configuration of this tunnel's connection: the delay is 0, or the action "
                + "is neither restart nor trap."
        ],
        remedy: [
            "strongSwan: dpd_delay above 0 in the connection and dpd_action = restart in each child; the "
                + "action alone does nothing.",
            "libreswan: dpddelay, and dpdaction=restart, which newer releases always do for IKEv2.",
        ],
        guide: "Flapping tunnel, rekeys: DPD with restart ends a loop of TEMPORARY_FAILURE.",
        notToConfuse: [
            "Nothing is wrong now because of it: it is what keeps the next failure from mending itself."
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        if facts.identity.isStatic == true {
            return .notApplicable(
                because: "its SAs were made by hand: no key daemon looks after it")
        }
        guard facts.identity.role == .endpoint else {
            return .notApplicable(because: "an appliance ends this tunnel, not this host")
        }
        guard let deadPeer = facts.ike.deadPeer.value else {
            let reason = facts.ike.deadPeer.reason ?? "not known"
            return .unknown(missing: ["what the key daemon does about a dead peer: \(reason)"])
        }
        let name = facts.ike.connection
        guard deadPeer.delay == nil || !deadPeer.isRestart else {
            return .excluded(because: [
                "\(of(name)) looks for dead peers and begins anew (\(state(of: deadPeer)))"
            ])
        }
        var evidence = [
            deadPeer.delay == nil
                ? "\(of(name)) has dpd_delay 0: a dead peer is never noticed"
                    + (deadPeer.isRestart
                        ? ", and its dpd_action \(deadPeer.action) never happens."
                        : ", and its dpd_action is \(deadPeer.action).")
                : "\(of(name)) asks a peer that was silent for "
                    + "\(RuleText.duration(deadPeer.delay ?? .zero)), and then does '\(deadPeer.action)', "
                    + "which does not negotiate anew."
        ]
        if let daemon = facts.ike.daemon {
            evidence.append("That is the configuration that \(daemon) has loaded.")
        }
        evidence.append(
            "The provider never begins a negotiation itself (\(ProviderFacts.initiates.citation)).")
        return .found(
            Finding(
                id: .dpdNotRestart, severity: .warning, confidence: 0.98,
                summary: deadPeer.delay == nil
                    ? "Dead peer detection is off: after a failure of IKE nothing starts the tunnel again."
                    : "Dead peer detection does not restart the tunnel, and the provider never does.",
                evidence: evidence,
                remedy: steps(
                    name: name ?? "CONNECTION", prefix: facts.identity.commandPrefix)
                    + VendorTable.remedies(.deadPeerRestart),
                guide: entry.guide))
    }

    /// The steps for daemons on Linux.
    static func steps(name: String, prefix: String) -> [String] {
        [
            "strongSwan, swanctl.conf: connections.\(name) { dpd_delay = 30s; children.CHILD { dpd_action "
                + "= restart; close_action = start; start_action = start } }; then "
                + "\(prefix)swanctl --load-all",
            "libreswan, ipsec.conf: conn \(name): dpddelay=30, dpdtimeout=120, dpdaction=restart (IKEv2 of "
                + "release 5 always restarts); then \(prefix)ipsec auto --replace \(name)",
        ]
    }

    /// Delay and action, as evidence.
    static func state(of deadPeer: IKEFacts.DeadPeerDetection) -> String {
        let delay = deadPeer.delay.map(RuleText.duration) ?? "0"
        return "dpd_delay \(delay), dpd_action \(deadPeer.action)"
    }

    private static func of(_ name: String?) -> String {
        name.map { "The connection \($0)" } ?? "The key daemon"
    }
}
