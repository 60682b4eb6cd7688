import NetworkPrimitives

/// `underlay-loss`: the outside path loses packets, and with it the inside.
public enum UnderlayLoss: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .underlayLoss,
        meaning: """
            Pings of the provider's endpoint over the plain underlay get lost, and the tunnel loses about as many. \
            The tunnel is not the cause: it travels over the same way. Enough of it makes health checks fail and \
            the tunnel flap.
            """,
        evidence: [
            "at least three probes of the endpoint lost, and a share that is over 1 % by a 99 % confidence "
                + "interval: one lost probe is none",
            "the inside loses as well, where it is probed: else the endpoint only limits its answers",
        ],
        remedy: [
            "mtr -n -c 100 <endpoint>  # the first hop from which on all further ones lose",
            "ip -s link show dev <device>; tc -s qdisc show dev <device>  # errors and drops of this host",
            "call the ISP with both",
        ],
        notToConfuse: [
            "an endpoint that limits its answers to pings: the inside loses nothing then",
            "anti-replay drops: the inside loses, and the outside does not",
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        let outside = facts.outside
        guard outside.target.value != nil else {
            return .unknown(missing: [
                "probes of the underlay: \(outside.target.reason ?? "not known")"
            ])
        }
        guard outside.hasEverAnswered.value == true else {
            return .unknown(missing: [
                "whether the endpoint answers pings at all: it never has since the watch began"
            ])
        }
        guard let tally = outside.lossiest.value, let bounds = LossEvidence.bounds(tally) else {
            return .unknown(missing: [
                outside.lossiest.reason ?? "no probe of the underlay is decided yet"
            ])
        }
        guard LossEvidence.isSignificant(tally) else {
            return .excluded(because: [
                "outside: lost \(tally.text), which is no more than chance"
            ])
        }
        if isOver(tally, facts) {
            return .excluded(because: [
                "outside: lost \(tally.text), but the last \(outside.answeredInARow.value ?? 0) were "
                    + "answered: it is over"
            ])
        }
        return compare(tally, bounds, facts)
    }

    /// Whether so many answers in a row say that the loss has ended; a state that it caused outlasts it.
    private static func isOver(_ tally: ProbeFacts.Tally, _ facts: TunnelFacts) -> Bool {
        if facts.health.isFlapping.value == true { return false }
        if facts.health.state.value == .degraded { return false }
        guard let answered = facts.outside.answeredInARow.value, let share = tally.lossRatio else {
            return false
        }
        return answered >= max(8, LossEvidence.answersThatEnd(share))
    }

    /// Holds the loss against that of the inside.
    private static func compare(
        _ tally: ProbeFacts.Tally, _ bounds: ClosedRange<Double>, _ facts: TunnelFacts
    ) -> Judgement {
        var evidence = [
            "outside: lost \(tally.text), between \(RuleText.percent(bounds.lowerBound)) and "
                + "\(RuleText.percent(bounds.upperBound)) by a 99 % interval"
        ]
        var confidence = 0.6
        if let inside = facts.inside.lossiest.value, inside.sent >= 5,
            let within = LossEvidence.bounds(inside)
        {
            if within.upperBound < bounds.lowerBound {
                return .excluded(because: [
                    "outside: lost \(tally.text), and inside only \(inside.text): the endpoint limits its "
                        + "answers to pings, or passes them on late"
                ])
            }
            guard inside.lost > 0 else {
                return .unknown(missing: [
                    "whether the tunnel loses packets as well: outside lost \(tally.text), inside none of "
                        + "\(inside.sent), too few to tell an endpoint that limits its answers"
                ])
            }
            evidence.append("inside: lost \(inside.text)")
            if within.lowerBound > bounds.upperBound {
                evidence.append("the inside loses more than that: something else adds to it")
                confidence = 0.8
            } else {
                confidence = 0.95
            }
        } else {
            evidence.append(
                "nothing inside is probed, so an endpoint that limits its answers looks the same")
        }
        let identity = facts.identity
        let prefix = identity.commandPrefix
        let remote = identity.remote.map(\.description) ?? "<endpoint>"
        let device = facts.underlay.device.value?.name ?? identity.wanInterface ?? "<device>"
        return .found(
            Finding(
                id: .underlayLoss, severity: .warning, confidence: confidence,
                summary: "The way to the endpoint \(remote) loses packets, and the tunnel with it: "
                    + "\(RuleText.percent(tally.lossRatio ?? 0)).",
                evidence: evidence,
                remedy: [
                    "\(prefix)mtr -n -c 100 \(remote)  # the first hop from which on all further ones lose",
                    "\(prefix)ip -s link show dev \(device)  # errors and drops of this host's own device",
                    "\(prefix)tc -s qdisc show dev \(device)  # a full queue: shape below the line's rate",
                    "call the ISP with these figures; meanwhile prefer a tunnel over another line",
                ]))
    }
}
