import KernelState
import NetworkPrimitives

/// `anti-replay-drops`: the kernel's replay window drops packets of the tunnel.
public enum AntiReplayDrops: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .antiReplayDrops,
        meaning: """
            The provider's servers share one SA and each counts sequence numbers on its own. A replay window on \
            this side takes the numbers of all but the furthest server for old packets and drops them, health \
            checks among them. It is the most common fault of such tunnels: IKE is fine, SAs exist, and a part of \
            the packets, or all of them, vanishes in this host.
            """,
        evidence: [
            "the newest inbound SA has a replay window (`ip -s xfrm state`: replay-window)",
            "its counters replay-window or replay grew within the last seconds, or go on growing slowly",
            "what was captured says that a window of this size drops about as many; without a capture the "
                + "counters stand alone, with less confidence",
        ],
        remedy: AntiReplaySteps.general,
        guide: AntiReplaySteps.guide,
        notToConfuse: [
            "a network that doubles packets: the counter replay grows by the copies, and nothing is lost",
            "a path that reorders one sender's packets by more than the window: a larger window is enough "
                + "(path-reordering)",
            "integrity failures: another counter, and another fault (wrong keys, broken packets)",
        ])

    /// A refusal so long ago is not over yet.
    private static let fresh = Duration.seconds(12)
    /// A window that refuses slowly goes on so long after the last refusal at most.
    private static let patience = Duration.seconds(90)

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        let inbound: SecurityAssociation
        switch ReplayWindowInUse(facts) {
        case .on(let association): inbound = association
        case .settled(let judgement): return judgement
        }
        let window = inbound.replayWindow
        guard let recent = facts.kernel.recentDrops.value,
            let longer = facts.kernel.longerDrops.value ?? facts.kernel.recentDrops.value
        else {
            return .unknown(missing: [
                "how the SA's counters grow: \(facts.kernel.recentDrops.reason ?? "not known")"
            ])
        }
        guard let drops = standing(recent, longer, facts.kernel.lastRefusal.value ?? nil) else {
            return .excluded(because: [
                "the window of \(window) refused no packet in \(RuleText.duration(recent.packets.span)), "
                    + "\(RuleText.count(recent.packets.count, "packet")) passed"
            ])
        }
        return weigh(
            facts, window: Int(window), isExtended: inbound.extendedSequenceNumbers, drops, longer)
    }

    /// What was refused, if that goes on.
    private static func standing(
        _ recent: KernelFacts.Drops, _ longer: KernelFacts.Drops, _ last: Duration?
    ) -> KernelFacts.Drops? {
        if recent.refused > 0 { return recent }
        guard let last, longer.refused > 0 else { return nil }
        if last <= fresh { return longer }
        // A few a minute: the next is due, and nobody has mended anything yet.
        let spacing = longer.replay.span / Int(clamping: max(longer.refused, 1))
        return longer.refused >= 3 && last <= min(spacing * 3, patience) ? longer : nil
    }

    /// Holds the counters against what was captured.
    private static func weigh(
        _ facts: TunnelFacts, window: Int, isExtended: Bool, _ drops: KernelFacts.Drops,
        _ longer: KernelFacts.Drops
    ) -> Judgement {
        var evidence = [counters(drops, window: window)]
        var confidence: Double
        switch facts.esp.expectedDrops {
        case .known(let expected, _) where expected.packets > 0:
            if longer.replayWindow.count == 0, expected.copies >= longer.replay.count {
                return .excluded(because: [
                    "what was refused are byte-identical copies: \(expected.copies) arrived, "
                        + "\(longer.replay.count) were refused as already seen, none as too old"
                ])
            }
            let range =
                expected.least == expected.most
                ? "\(expected.most)" : "\(expected.least) to \(expected.most)"
            let agrees = agree(longer.refused, expected)
            evidence.append(
                "of \(expected.packets) packets captured in \(RuleText.duration(longer.packets.span)) a window of "
                    + "\(window) drops \(range) by their numbers, the kernel refused \(longer.refused): "
                    + (agrees ? "both agree" : "they do not agree, so the capture missed some"))
            confidence = agrees ? 0.98 : 0.8
        case .known, .unknown:
            let reason =
                facts.esp.expectedDrops.reason ?? "no packet was captured in that time"
            if longer.replayWindow.count == 0 {
                return .unknown(missing: [
                    "the capture of ESP (\(reason)): \(longer.replay.count) packets were refused as already "
                        + "seen, and only it tells copies from other senders"
                ])
            }
            evidence.append("the counters stand alone: \(reason)")
            confidence = 0.75
        }
        var cause = "packets of several senders on one SA"
        if let many = facts.esp.manySenders.value ?? nil {
            evidence.append(many.evidence)
            if !many.isProven { confidence = min(confidence, 0.9) }
        } else if let reordering = facts.esp.reordering.value?.first,
            (facts.esp.senders.value?.estimate ?? 1) <= 1
        {
            evidence.append(reordering.evidence)
            cause = "packets that the path reorders"
        }
        let share = Double(drops.refused) / Double(max(drops.arrived, 1))
        return .found(
            Finding(
                id: .antiReplayDrops, severity: .critical, confidence: confidence,
                summary: "The kernel's replay window of \(window) drops \(cause): "
                    + "\(RuleText.percent(share)) of what arrives.",
                evidence: evidence,
                remedy: AntiReplaySteps.steps(
                    for: facts, isExtended: isExtended,
                    largerWindow: cause.hasSuffix("reorders")
                        ? facts.esp.sufficientWindow.value ?? nil : nil),
                guide: AntiReplaySteps.guide))
    }

    private static func counters(_ drops: KernelFacts.Drops, window: Int) -> String {
        "the inbound SAs with replay window \(window) refused \(drops.replayWindow.count) packets as too "
            + "old and \(drops.replay.count) as already seen in \(RuleText.duration(drops.packets.span)), and "
            + "took \(drops.packets.count)"
    }

    /// Whether both counts say the same, as far as two clocks and a missed packet allow.
    private static func agree(_ refused: UInt64, _ expected: ESPFacts.ExpectedDrops) -> Bool {
        let slack = max(5, refused / 5)
        let low = expected.least > slack ? expected.least - slack : 0
        return refused >= low && refused <= expected.most &+ slack
    }
}
