import NetworkPrimitives

/// `pmtu-black-hole`: packets over a size vanish without a word.
enum PathMTUBlackHole: Rule {
    static let entry = CatalogueEntry(
        .pmtuBlackHole,
        meaning: """
            Packets over a certain size vanish, and no router says so (Packet Too Big, RFC 1191, RFC 8201). Small \
            packets and pings pass, connections open, and then large transfers hang.
            """,
        evidence: [
            "probes of growing size with fragments forbidden: those up to a size are answered, larger ones never",
            "where, by the same with hop limits",
        ],
        remedy: [
            "set the tunnel's MTU and clamp the MSS to what fits",
            "have whoever filters ICMP type 3 code 4 let it pass",
        ],
        guide: "MTU: packets over the tunnel MTU are dropped; set the MTU, clamp the MSS.",
        notToConfuse: ["a filter of large pings alone looks the same from here"])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        let paths = [("outside", facts.sizes.outside), ("inside", facts.sizes.inside)]
        let holes = paths.compactMap { name, path in
            path.value.flatMap { $0.isBlackHole == true ? (name, $0) : nil }
        }
        guard !holes.isEmpty else {
            let known = paths.filter { $0.1.value?.isBlackHole == false }
            return known.isEmpty
                ? .unknown(missing: paths.map { "\($0.0): \($0.1.reason ?? "not known")" })
                : .excluded(
                    because: known.map {
                        "\($0.0): \($0.1.value?.bytes ?? 0) octets pass, and larger ones do not vanish unsaid"
                    })
        }
        let evidence = holes.map { name, path in
            "\(name): \(path.bytes) octets pass, larger packets vanish\(path.place.map { " \($0)" } ?? "") "
                + "and no router says so"
        }
        return .found(
            Finding(
                id: .pmtuBlackHole, severity: .warning, confidence: 0.95,
                summary:
                    "Packets over \(holes[0].1.bytes) octets vanish \(holes[0].0) without a word.",
                evidence: evidence,
                remedy: PacketSizeSteps.steps(facts) + [
                    "have whoever filters ICMP type 3 code 4 (ICMPv6 type 2) on the way let it pass"
                ], guide: entry.guide))
    }
}
