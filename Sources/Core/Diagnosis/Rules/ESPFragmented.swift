import NetworkPrimitives

/// `esp-fragmented`: outer fragments were seen.
enum ESPFragmented: Rule {
    static let entry = CatalogueEntry(
        .espFragmented,
        meaning: """
            Outer packets of the tunnel arrive or leave in fragments. Each fragment that is lost costs the whole \
            packet, many firewalls drop fragments, and putting them together costs time.
            """,
        evidence: ["first fragments of ESP packets in the capture, by direction and SPI"],
        remedy: ["set the tunnel's MTU and the MSS to what fits, at the end that sends them"],
        guide: "MTU: packets exceeding the tunnel MTU are fragmented or dropped.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let fragments = facts.sizes.outerFragments.value else {
            return .unknown(missing: [facts.sizes.outerFragments.reason ?? "not known"])
        }
        guard !fragments.isEmpty else {
            return .excluded(because: ["no fragment of the tunnel's packets was seen"])
        }
        return .found(
            Finding(
                id: .espFragmented, severity: .warning, confidence: 1,
                summary: "Packets of the tunnel are fragmented on their way.", evidence: fragments,
                remedy: PacketSizeSteps.steps(facts) + [
                    "for fragments from the provider: clamp the MSS, so that the far hosts send less at a time"
                ], guide: entry.guide))
    }
}
