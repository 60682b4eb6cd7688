import NetworkPrimitives

/// The tunnel flaps.
public enum TunnelFlaps: Rule {
    /// What the catalogue says.
    public static let entry = CatalogueEntry(
        .tunnelFlapping,
        meaning:
            "The tunnel changes between healthy and unhealthy again and again. That is a symptom: where a "
            + "cause is known this stands under it, and alone it says which causes were looked for and why "
            + "each is excluded.",
        evidence: [
            "30 % weighted changes in the last 21 checks of a minute, a penalty over 2000 (RFC 2439), or three "
                + "changes for the worse within an hour.",
            "Episodes were held against rekeys, route changes, loss on the underlay, changes of the path MTU "
                + "and the time of day.",
        ],
        remedy: [
            "Look at the findings beside it first; then at `probe report --since 24h`.",
            "With none, send the provider `probe bundle`: its servers may see different states.",
        ],
        guide: "Flapping tunnel: anti-replay, rekeys, MTU.",
        notToConfuse: [
            "A tunnel that is down for hours does not flap.",
            "Two episodes a week are no flapping, and may still have a cause: see rekey-disruption.",
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let isFlapping = facts.health.isFlapping.value else {
            return .unknown(missing: [
                "its states: \(facts.health.isFlapping.reason ?? "not known")"
            ])
        }
        let changes = facts.health.changesLastHour.value ?? 0
        let share = facts.health.flapRatio.value ?? 0
        let measures =
            "\(RuleText.count(changes, "change")) of state within the last hour, "
            + "\(RuleText.percent(share)) of the last 21 checks"
        guard isFlapping else { return .excluded(because: [measures]) }
        let correlation = facts.rekeys.correlation.value
        var evidence = ["It flaps: \(measures)."]
        if let correlation {
            evidence += correlation.evidence
        } else if let reason = facts.rekeys.correlation.reason {
            evidence.append("What it goes with is not known: \(reason).")
        }
        return .found(
            Finding(
                id: .tunnelFlapping, severity: .warning, confidence: 0.95,
                summary: summary(changes, correlation), evidence: evidence,
                remedy: remedy(facts, correlation?.cause), guide: entry.guide))
    }

    private static func summary(_ changes: Int, _ correlation: RekeyFacts.Correlation?) -> String {
        let flaps = "The tunnel flaps, with \(RuleText.count(changes, "change")) in the last hour"
        guard let cause = correlation?.cause else {
            return flaps + ", and no cause was found among those that can be seen from here."
        }
        switch cause {
        case .rekeys: return flaps + "; it goes with rekeys."
        case .routeChanges: return flaps + "; it goes with changes of the route to the endpoint."
        case .underlayLoss: return flaps + "; it goes with loss on the underlay."
        case .pathMTU: return flaps + "; it goes with changes of the underlay's path MTU."
        case .timeOfDay: return flaps + "; it keeps to one time of the day."
        }
    }

    private static func remedy(_ facts: TunnelFacts, _ cause: RekeyFacts.Cause?) -> [String] {
        let prefix = facts.identity.commandPrefix
        let remote = facts.identity.remote.map { "\($0)" } ?? "ENDPOINT"
        let history = "probe report --since 24h shows each episode beside what happened then."
        switch cause {
        case .rekeys:
            return ["Make rekeys rarer: \(SALifetimeShort.advice).", history]
        case .routeChanges:
            return [
                "Find what changes the route: \(prefix)ip monitor route, and \(prefix)ip route get "
                    + "\(remote); a routing daemon or a second uplink that comes and goes?",
                "Pin the endpoint to one uplink: \(prefix)ip route add \(remote) via GATEWAY dev DEVICE",
                history,
            ]
        case .underlayLoss:
            return [
                "The tunnel follows its underlay: take the times to the ISP; mtr -n \(remote) while it "
                    + "happens names the hop.", history,
            ]
        case .pathMTU:
            return [
                "The underlay changes its path: take the times to the ISP, and set the tunnel's MTU for the "
                    + "smaller size.", history,
            ]
        case .timeOfDay:
            return [
                "See what runs at that time: backups, a job that restarts the firewall or the key daemon, a "
                    + "saturated uplink; \(prefix)journalctl --since and the ISP's maintenance window.",
                history,
            ]
        case nil:
            return [
                "Look at the provider's side: its servers judge separately, and a replay window, a firewall or "
                    + "an ISP that drops Echo Replies make it flap there although this host sees nothing.",
                history,
                "probe bundle makes one file with all of it for the provider's support.",
            ]
        }
    }
}
