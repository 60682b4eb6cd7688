/// `agent-degraded`: what is not measured of a tunnel for lack of a privilege or kernel feature.
public enum AgentDegraded: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .agentDegraded,
        meaning: """
            This agent lacks a capability, a permission or a kernel feature, so it does not see everything. The \
            tunnel may be fine or not: the findings that would need what is missing are unknown, and say so.
            """,
        evidence: ["what could not be opened or read, with the system's own words"],
        remedy: [
            "systemctl restart tunnel-probe  # the unit has the capabilities that it needs",
            "by hand: sudo probe now, or setcap cap_net_raw,cap_net_admin+ep on the binary",
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let limits = facts.limits.value else {
            return .unknown(missing: [facts.limits.reason ?? "what this agent may do"])
        }
        guard !limits.isEmpty else {
            return .excluded(because: ["the kernel's SAs are read and ESP is captured"])
        }
        return .found(
            Finding(
                id: .agentDegraded, severity: .info, confidence: 1,
                summary: "Something of this tunnel is not measured on this host.",
                evidence: limits.map { limit in
                    let unknown = limit.means.judged.map(\.rawValue).joined(separator: ", ")
                    return
                        "\(limit.means.lacking): \(limit.reason); not to be told for it: \(unknown)"
                },
                remedy: limits.flatMap(\.means.steps)))
    }
}

extension MeasurementLimit.Means {
    /// What is not there, in words.
    fileprivate var lacking: String {
        switch self {
        case .capture: "ESP is not captured"
        case .associations: "the kernel's SAs are not read"
        }
    }

    /// The findings that need it.
    fileprivate var judged: [FindingID] {
        switch self {
        case .capture: [.pathReordering, .replaySuspected, .antiReplayEnabled, .espFragmented]
        case .associations:
            [
                .noSecurityAssociation, .antiReplayDrops, .antiReplayEnabled, .esnEnabled,
                .espBlocked,
            ]
        }
    }

    /// What brings it.
    fileprivate var steps: [String] {
        switch self {
        case .capture:
            ["systemctl restart tunnel-probe  # the unit has CAP_NET_RAW, which captures need"]
        case .associations:
            ["systemctl restart tunnel-probe  # the unit has CAP_NET_ADMIN, which SAs need"]
        }
    }
}
