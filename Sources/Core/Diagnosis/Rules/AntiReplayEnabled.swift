import KernelState
import NetworkPrimitives

/// `anti-replay-enabled`: a replay window is on where several senders share the SA.
public enum AntiReplayEnabled: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .antiReplayEnabled,
        meaning: """
            The inbound SA has a replay window, and several of the provider's servers send on it, each with a \
            counter of its own. As long as the counters stay within the window of each other little is lost; as \
            soon as they part, the window drops all but the furthest server's packets. It will fail, at a time \
            that nobody chooses.
            """,
        evidence: [
            "the newest inbound SA has a replay window",
            "several senders are proven or likely from sequence numbers or IVs of captured packets",
            "what this window would have dropped so far, of the packets captured",
        ],
        remedy: AntiReplaySteps.general,
        guide: AntiReplaySteps.guide,
        notToConfuse: [
            "one sender: then a window harms nobody (the provider's own replay protection is on)"
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        let inbound: SecurityAssociation
        switch ReplayWindowInUse(facts) {
        case .on(let association): inbound = association
        case .settled(let judgement): return judgement
        }
        let window = Int(inbound.replayWindow)
        guard case .known(let many, _) = facts.esp.manySenders else {
            return .unknown(missing: [
                "how many senders there are: \(facts.esp.manySenders.reason ?? "not known")"
            ])
        }
        guard let many else {
            return .excluded(because: [
                "the window is \(window), and nothing says that more than one server sends"
            ])
        }
        var evidence = [
            "the inbound SA \(inbound.spi) has replay window \(window)", many.evidence,
        ]
        if let prediction = prediction(window, facts.esp.windows.value ?? []) {
            evidence.append(prediction)
        }
        if let refused = facts.kernel.totalDrops.value?.refused {
            evidence.append(
                "the kernel has refused \(RuleText.count(refused, "packet")) for it so far")
        }
        return .found(
            Finding(
                id: .antiReplayEnabled, severity: .warning, confidence: many.isProven ? 0.95 : 0.8,
                summary:
                    "A replay window of \(window) is on, and several servers share the SA: packets "
                    + "are lost as soon as their counters part.",
                evidence: evidence,
                remedy: AntiReplaySteps.steps(
                    for: facts, isExtended: inbound.extendedSequenceNumbers),
                guide: AntiReplaySteps.guide))
    }

    /// What windows next to this one would have dropped, a sentence.
    private static func prediction(
        _ window: Int, _ windows: [ESPFacts.WindowPrediction]
    ) -> String? {
        // A larger window drops less: the next smaller one is the upper bound.
        let smaller = windows.last { $0.window <= window }
        let larger = windows.first { $0.window >= window }
        guard let known = smaller ?? larger, known.packets > 0 else { return nil }
        if known.window == window {
            return "by the numbers of \(known.packets) packets captured it would have dropped "
                + "\(known.drops) (\(RuleText.percent(Double(known.drops) / Double(known.packets))))"
        }
        let bounds = [
            larger.map { "\($0.drops) or more (window \($0.window))" },
            smaller.map { "\($0.drops) or fewer (window \($0.window))" },
        ].compactMap { $0 }
        return "by the numbers of \(known.packets) packets captured it would have dropped "
            + bounds.joined(separator: ", ")
    }
}
