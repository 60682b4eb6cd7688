import KernelState
import NetworkPrimitives

/// `esp-blocked`: ESP goes one way.
enum ESPBlocked: Rule {
    static let entry = CatalogueEntry(
        .espBlocked,
        meaning: """
            The SAs are there, this host sends ESP (IP protocol 50, or in UDP 4500), and nothing comes back, or the \
            reverse. A firewall on the way eats it, or the far end lost the tunnel: from here the two look alike, \
            and the remedy begins with the firewall.
            """,
        evidence: [
            "packets of the tunnel seen on the WAN device in one direction and none in the other",
            "the inside does not answer, and both SAs are installed",
        ],
        remedy: [
            "let IP protocol 50 and UDP 4500 pass in both directions, on this host, at the edge, with the ISP",
            "where all of them do: have the tunnel negotiated anew, for the far end may have lost it",
        ],
        guide: "Firewall ports: permit IP protocol 50 (ESP) as well as UDP 500 and 4500.",
        notToConfuse: [
            "ESP both ways and a silent inside address: that is inside-path-down",
            "an idle tunnel: without packets there is nothing to miss",
        ])

    /// Where nothing inside is probed, ESP that stays away for less is not missed.
    private static let longSilence = Duration.seconds(10)

    static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let flow = facts.ike.flow.value else {
            return .unknown(missing: ["ESP: \(facts.ike.flow.reason ?? "not known")"])
        }
        if facts.isInsideAnswering == true {
            return .excluded(because: ["the inside answers through the tunnel"])
        }
        let associations = facts.kernel.associations.value ?? []
        let hasBoth = TrafficDirection.allCases.allSatisfy { direction in
            associations.contains { $0.direction == direction }
        }
        let isSilent = facts.isInsideAnswering == false
        if flow != .absent, facts.identity.role == .endpoint,
            facts.kernel.associations.value != nil, !hasBoth
        {
            return .excluded(because: [
                "the kernel has no SA pair: what there is of ESP is left over"
            ])
        }
        switch flow {
        case .flowing:
            guard isSilent, facts.ike.isFarEndReached.value == false else {
                return .excluded(because: ["ESP was seen in both directions within seconds"])
            }
            // What arrives and is dropped here answers nothing either.
            guard let drops = facts.kernel.recentDrops.value,
                drops.replayWindow.count + drops.replay.count + drops.integrity.count == 0
            else {
                return .unknown(missing: [
                    facts.kernel.recentDrops.reason.map {
                        "whether this kernel drops what arrives: \($0)"
                    }
                        ?? "this kernel drops some of what arrives, so silence proves nothing"
                ])
            }
            return found(
                facts, 0.75, "ESP comes, and nothing that leaves gets an answer.",
                [
                    "ESP still comes from \(facts.remoteText)",
                    "since the inside fell silent no router behind the tunnel answers hop-limited probes "
                        + "either, though they did before: what leaves does not arrive",
                ])
        case .absent:
            return hasBoth
                ? .unknown(missing: ["no ESP was seen at all, so none is missed"])
                : .excluded(because: ["there is no SA pair to send ESP with"])
        case .oneWay(let missing):
            if missing == .outbound, let failure = facts.inside.sendFailure {
                return .unknown(missing: [
                    "whether ESP would leave: this host cannot send into the tunnel (\(failure))"
                ])
            }
            // Without a probe of the inside, one way may be all that there is to send: then only what came
            // before and stays away for long is missed.
            let isMissed =
                facts.health.isFromInside.value != true && missing == .inbound
                && facts.esp.lastInbound.value.map { $0 >= longSilence } == true
            guard isSilent || isMissed else {
                return .unknown(missing: [
                    "whether anything inside would answer: nothing inside is known to be silent"
                ])
            }
            return found(
                facts, isSilent ? 0.9 : 0.6,
                missing == .inbound
                    ? "ESP leaves and nothing comes back." : "ESP arrives, and none leaves.",
                [
                    missing == .inbound
                        ? "ESP to \(facts.remoteText) is seen leaving on \(wan(facts)), and none arrives"
                        : "ESP from \(facts.remoteText) arrives on \(wan(facts)), and none is seen leaving"
                ])
        }
    }

    private static func wan(_ facts: TunnelFacts) -> String {
        facts.identity.wanInterface ?? "the WAN device"
    }

    private static func found(
        _ facts: TunnelFacts, _ confidence: Double, _ summary: String, _ seen: [String]
    ) -> Judgement {
        var evidence = seen
        let directions = Set((facts.kernel.associations.value ?? []).map(\.direction))
        if directions.count == 2 { evidence.append("the kernel has SAs both ways") }
        if facts.ike.isEstablished.value == true { evidence.append("the IKE SA is up") }
        if let port = facts.ike.port4500.value, port == .open {
            evidence.append("UDP 4500 is open")
        }
        let outer = facts.isInUDP ? "UDP port 4500" : "IP protocol 50 (ESP)"
        evidence.append(
            "a far end that lost the tunnel looks the same from here: if no firewall drops \(outer), it is that"
        )
        let prefix = facts.identity.commandPrefix
        let family = facts.nftFamily
        let match = facts.isInUDP ? "udp sport 4500" : "meta l4proto esp"
        return .found(
            Finding(
                id: .espBlocked, severity: .critical, confidence: confidence, summary: summary,
                evidence: evidence,
                remedy: [
                    "\(prefix)nft list ruleset | grep -n -e drop -e reject  # a rule of this host that drops it",
                    "\(prefix)nft insert rule inet filter input \(family) saddr \(facts.remoteText) \(match) accept"
                        + "  # and output with daddr; the table and chains as nft list ruleset names them",
                    "on the firewall at the edge and with the ISP: let \(outer) between \(facts.localText) and "
                        + "\(facts.remoteText) pass, both ways",
                ]
                    + (facts.identity.isStatic == true
                        ? [
                            "have the far end show its SAs: keys set by hand must be there on both sides"
                        ]
                        : [
                            "\(facts.swanctl("--terminate --ike \(facts.connectionName)")) && \(facts.initiation)"
                                + "  # negotiates anew, where the far end lost the tunnel; libreswan: ipsec auto "
                                + "--down and --up \(facts.connectionName)"
                        ]),
                guide: entry.guide))
    }
}

extension TunnelFacts {
    /// Whether ESP goes in UDP.
    fileprivate var isInUDP: Bool {
        if case .udp? = kernel.newest(.outbound)?.encapsulation { true } else { false }
    }
}
