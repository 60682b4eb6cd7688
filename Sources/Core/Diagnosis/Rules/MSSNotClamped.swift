import NetworkPrimitives

/// `mss-not-clamped`: forwarded SYNs ask for segments that do not fit.
enum MSSNotClamped: Rule {
    static let entry = CatalogueEntry(
        .mssNotClamped,
        meaning: """
            Hosts behind this one open TCP connections through the tunnel with a maximum segment size that it does \
            not carry whole. They depend on Packet Too Big reaching them, and hang where it does not.
            """,
        evidence: ["SYNs that were forwarded and left through the tunnel, with their MSS"],
        remedy: ["clamp the MSS on the tunnel's device, in both directions"],
        guide: "MTU: clamp the MSS; see MTU and MSS.")

    static func judge(_ facts: TunnelFacts) -> Judgement {
        guard case .known(let seen, _) = facts.sizes.largeSegments else {
            return .unknown(missing: [facts.sizes.largeSegments.reason ?? "not known"])
        }
        guard let seen else {
            return .excluded(because: ["no forwarded SYN left with more than fits in the last hour"]
            )
        }
        let device = facts.identity.tunnelInterface ?? "DEVICE"
        let prefix = facts.identity.commandPrefix
        let table = seen.family == .v4 ? "ip" : "ip6"
        return .found(
            Finding(
                id: .mssNotClamped, severity: .warning, confidence: 1,
                summary: "TCP connections through the tunnel ask for segments that do not fit.",
                evidence: seen.evidence,
                remedy: [
                    "\(prefix)\(table)tables -t mangle -A FORWARD -o \(device) -p tcp --tcp-flags SYN,RST SYN "
                        + "-j TCPMSS --set-mss \(seen.limit)",
                    "\(prefix)\(table)tables -t mangle -A FORWARD -i \(device) -p tcp --tcp-flags SYN,RST SYN "
                        + "-j TCPMSS --set-mss \(seen.limit)  # for connections from the other side",
                ], guide: entry.guide))
    }
}
