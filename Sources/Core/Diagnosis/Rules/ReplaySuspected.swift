/// `replay-suspected`: byte-identical ESP packets return late.
public enum ReplaySuspected: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .replaySuspected,
        meaning: """
            ESP packets come again, byte for byte, more than a second after the first. A network that doubles \
            packets does so within milliseconds: somebody or something sends old ones again. With several servers \
            on the SA no replay window can stay on to reject them.
            """,
        evidence: [
            "at least three byte-identical copies that are older than a second",
            "another hop limit than the first packet's, or ages that differ much, point to an attack",
        ],
        remedy: steps,
        notToConfuse: [
            "copies within milliseconds: the network doubles packets",
            "nearly every packet twice: the capture sees packets twice (mirror port, bridge and member)",
        ])

    private static let steps = [
        "find out who sends them again: a loop on the way, a mirror port that is forwarded, or an attacker",
        "with several senders on the SA a replay window cannot stay on to reject them; inner protocols must",
    ]

    /// Judges one tunnel, or the streams of a file.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let statements = facts.esp.replays.value else {
            return .unknown(missing: [
                "the capture of ESP: \(facts.esp.replays.reason ?? "not known")"
            ])
        }
        guard !statements.isEmpty else {
            return .excluded(because: ["no byte-identical packets returned late"])
        }
        if let recent = facts.esp.recentReplays.value, recent.count == 0,
            recent.span >= .seconds(60)
        {
            return .excluded(because: [
                "old packets came again, but none in the last \(RuleText.duration(recent.span))"
            ])
        }
        return .found(
            Finding(
                id: .replaySuspected, severity: .warning, confidence: 0.9,
                summary: "Byte-identical ESP packets return late.",
                evidence: statements.map(\.evidence), remedy: steps))
    }
}
