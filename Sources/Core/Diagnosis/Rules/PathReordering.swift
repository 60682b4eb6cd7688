/// `path-reordering`: the path reorders packets of single senders.
public enum PathReordering: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .pathReordering,
        meaning: """
            Packets of one and the same sender arrive after later ones of that sender, more than one in a \
            thousand. Many senders make a stream look reordered that is not: here each sender is followed on its \
            own. Reordering costs TCP speed, and with a replay window it costs packets.
            """,
        evidence: [
            "over 0.1 % of the packets of single senders arrived after a later one, by IVs or by counters "
                + "that can be told apart",
            "in the running agent: it went on in the last minutes",
        ],
        remedy: [
            "look for load balancing by packet on the way (ECMP, bonded links) and have it go by flow",
            "where a single server sends: a replay window larger than the reordering reaches",
        ],
        notToConfuse: [
            "many senders on one SA: their numbers interleave, and nothing is out of order",
            "a capture on several queues or devices, which puts packets into another order itself",
        ])

    /// Judges one tunnel, or the streams of a file.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let statements = facts.esp.reordering.value else {
            return .unknown(missing: [
                "the capture of ESP: \(facts.esp.reordering.reason ?? "not known")"
            ])
        }
        guard !statements.isEmpty else {
            return .excluded(because: [
                "no stream has more than 0.1 % of a single sender's packets out of order"
            ])
        }
        if let recent = facts.esp.recentReordered.value, recent.count == 0,
            recent.span >= .seconds(15)
        {
            return .excluded(because: [
                "there was reordering, but none in the last \(RuleText.duration(recent.span))"
            ])
        }
        var remedy = [
            "look for load balancing by packet on the way (ECMP, bonded links) and have it go by flow"
        ]
        // A single sender's reordering is what a larger window is for.
        if let window = facts.esp.sufficientWindow.value ?? nil {
            remedy.append(
                "set the receiver's replay window to \(window) or more; strongSwan: replay_window "
                    + "of the child in swanctl.conf, then \(facts.renewal)")
        }
        return .found(
            Finding(
                id: .pathReordering, severity: .warning,
                confidence: statements.compactMap(\.confidence).max() ?? 1,
                summary: "The path reorders packets of single senders.",
                evidence: statements.map(\.evidence), remedy: remedy))
    }
}
