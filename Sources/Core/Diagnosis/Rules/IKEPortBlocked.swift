import KernelState

/// What `ike-port-500-blocked` and `ike-port-4500-blocked` have in common.
enum IKEPortBlocked {
    static func entry(_ id: FindingID, port: Int) -> CatalogueEntry {
        CatalogueEntry(
            id,
            meaning: """
                IKE requests to UDP port \(port) of the endpoint get no answer, while the endpoint itself can \
                be reached. A firewall on this host, at the edge or in a network on the way eats them, or the \
                answers. \(port == 500
                    ? "Without it no negotiation begins."
                    : "Behind NAT everything after the first exchange, ESP too, goes there.")
                """,
            evidence: [
                "the key daemon's requests on the wire stay unanswered, or a probe of the agent does",
                "the tunnel has no SAs, or does not work",
            ],
            remedy: [
                "let UDP 500, UDP 4500 and IP protocol 50 pass in both directions, on this host and at the edge",
                "ask the ISP where neither of them drops it",
            ],
            guide:
                "Firewall ports: allow UDP 500 (IKE), UDP 4500 (NAT-T) and IP protocol 50 (ESP).",
            notToConfuse: [
                "an endpoint where nobody listens answers with an ICMP error, which is no firewall's silence",
                "a dead underlay: then pings of the endpoint are lost as well",
            ])
    }

    static func judge(_ facts: TunnelFacts, _ entry: CatalogueEntry, port: Int) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        if let reason = facts.noIKEReason { return .notApplicable(because: reason) }
        let (state, basis, place) =
            port == 500
            ? (facts.ike.port500, facts.ike.port500Evidence, facts.ike.port500Place)
            : (facts.ike.port4500, facts.ike.port4500Evidence, facts.ike.port4500Place)
        guard let known = state.value else {
            return .unknown(missing: ["UDP \(port): \(state.reason ?? "not known")"])
        }
        let said = "UDP \(port): \(basis ?? known.rawValue)"
        switch known {
        case .open: return .excluded(because: [said])
        case .unreachable, .filtered: break
        }
        guard facts.ike.isInUse else {
            return .unknown(missing: [
                "\(said), but nothing shows that IKE is to negotiate this tunnel: no key daemon was heard, no "
                    + "negotiation seen"
            ])
        }
        if facts.isInsideAnswering == true || facts.ike.isEstablished.value == true {
            return .excluded(because: [
                "\(said), and yet the tunnel \(facts.isInsideAnswering == true ? "works" : "has an IKE SA"): "
                    + "a firewall may let through the key daemon's own port alone"
            ])
        }
        if facts.ike.flow.value == .flowing {
            return .excluded(because: [
                "\(said), and yet ESP goes both ways: a firewall may let through the key daemon's own port alone"
            ])
        }
        let directions = Set((facts.kernel.associations.value ?? []).map(\.direction))
        guard directions.count < 2 || facts.health.state.value == .down else {
            return .unknown(missing: [
                "\(said); there are SAs both ways, and whether IKE gets through shows at the next rekey"
            ])
        }
        var evidence = [said]
        if known == .filtered, let place { evidence.append(place) }
        if let failure = facts.ike.failure.value ?? nil, failure.failure == .noResponse {
            evidence += failure.evidence.prefix(3)
        }
        if facts.outside.recent.value.map({ $0.received > 0 }) == true {
            evidence.append(
                "the endpoint answers Echo Requests meanwhile, so the way there is open")
        }
        let isRefused = known == .unreachable
        return .found(
            Finding(
                id: entry.id, severity: .critical,
                confidence: isRefused
                    ? 0.8 : facts.ike.failure.value.flatMap { $0 } != nil ? 0.95 : 0.85,
                summary: isRefused
                    ? "IKE on UDP \(port) is refused with an ICMP error."
                    : "IKE gets no answer on UDP \(port).",
                evidence: evidence, remedy: remedy(facts, port: port), guide: entry.guide))
    }

    private static func remedy(_ facts: TunnelFacts, port: Int) -> [String] {
        let prefix = facts.identity.commandPrefix
        let family = facts.nftFamily
        return [
            "\(prefix)nft list ruleset | grep -n -e drop -e reject  # a rule of this host that drops it",
            "\(prefix)nft insert rule inet filter input \(family) saddr \(facts.remoteText) "
                + "udp sport { 500, 4500 } accept  # and output, daddr, dport",
            "\(prefix)tcpdump -ni \(facts.identity.wanInterface ?? "any") 'host \(facts.remoteText) and udp port "
                + "\(port)'  # requests leave and nothing comes: it is dropped on the way",
            "on the firewall at the edge and with the ISP: let UDP 500, UDP 4500 and IP protocol 50 between "
                + "\(facts.localText) and \(facts.remoteText) pass, both ways",
        ]
    }
}
