import NetworkPrimitives

/// `tunnel-mtu-too-large`: the device lets in what the path does not carry whole.
enum TunnelMTUTooLarge: Rule {
    static let entry = CatalogueEntry(
        .tunnelMTUTooLarge,
        meaning: """
            The MTU of the tunnel's device, or of the route into it, plus what this cipher and the outer headers \
            add is more than the path to the endpoint carries. Full packets are fragmented or dropped.
            """,
        evidence: ["the path MTU as measured, the SA's cipher, and the device's and route's MTU"],
        remedy: ["set the device's MTU to what fits", "clamp the MSS of TCP"],
        guide: "MTU: 1400 to 1450 for IPsec tunnels, 1476 for GRE.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        guard facts.identity.tunnelInterface != nil else {
            return .notApplicable(because: "the tunnel has no device whose MTU could be too large")
        }
        guard let fitting = facts.sizes.fitting.value else {
            return .unknown(missing: ["what fits: \(facts.sizes.fitting.reason ?? "not known")"])
        }
        guard let device = facts.sizes.deviceMTU.value else {
            return .unknown(missing: [
                "the device's MTU: \(facts.sizes.deviceMTU.reason ?? "not known")"
            ])
        }
        let route = facts.sizes.routeMTU.value ?? nil
        let entrance = min(device, route ?? device)
        let name = facts.identity.tunnelInterface ?? "DEVICE"
        let lets = route.map { $0 < device ? "the route into \(name) lets in \($0)" : nil } ?? nil
        guard entrance > fitting else {
            return .excluded(because: [
                "\(lets ?? "\(name) lets in \(entrance)"), and \(fitting) octets fit"
            ])
        }
        var evidence = [
            "\(lets ?? "\(name) lets in \(entrance)") octets, and only \(fitting) fit the path to the endpoint"
        ]
        if let outside = facts.sizes.outside.value, let overhead = facts.sizes.overhead.value {
            evidence.append(
                "the path carries \(outside.bytes) octets\(outside.place.map { ", limited \($0)" } ?? ""), of which "
                    + "the cipher and the outer headers take \(overhead)")
        }
        return .found(
            Finding(
                id: .tunnelMTUTooLarge, severity: .warning, confidence: 0.97,
                summary: "The tunnel lets in packets of \(entrance) octets, and \(fitting) fit.",
                evidence: evidence, remedy: PacketSizeSteps.steps(facts), guide: entry.guide))
    }
}
