/// Which findings are symptoms of which others: causes hide what they cause.
///
/// An anti-replay drop that makes health checks fail and the tunnel flap is one finding that explains
/// two, and not three alarms.
public enum ExplanationGraph {
    /// What a cause explains where the facts do not say otherwise.
    ///
    /// Only what a cause really produces stands here; two faults that happen to meet stay two.
    static let symptoms: [FindingID: Set<FindingID>] = [
        .underlayDown: [
            .ikePort500Blocked, .ikePort4500Blocked, .espBlocked, .noSecurityAssociation,
            .insidePathDown, .tunnelFlapping, .underlayLoss,
        ],
        .underlayLoss: [.tunnelFlapping, .insidePathDown],
        .tunnelInterfaceDown: [
            .insidePathDown, .espBlocked, .tunnelFlapping, .healthCheckTargetUnroutable,
        ],
        .ikePort500Blocked: [.noSecurityAssociation, .insidePathDown, .tunnelFlapping],
        .ikePort4500Blocked: [
            .noSecurityAssociation, .insidePathDown, .tunnelFlapping, .espBlocked,
        ],
        .ikeNoProposal: [.noSecurityAssociation, .insidePathDown, .tunnelFlapping],
        .ikeAuthenticationFailed: [.noSecurityAssociation, .insidePathDown, .tunnelFlapping],
        .ikeIdentityMismatch: [
            .ikeAuthenticationFailed, .noSecurityAssociation, .insidePathDown, .tunnelFlapping,
        ],
        .rekeyTemporaryFailure: [
            .noSecurityAssociation, .insidePathDown, .tunnelFlapping, .rekeyDisruption,
        ],
        .dpdNotRestart: [],
        .noSecurityAssociation: [.insidePathDown, .tunnelFlapping],
        .espBlocked: [.insidePathDown, .tunnelFlapping],
        .antiReplayDrops: [.antiReplayEnabled, .insidePathDown, .tunnelFlapping],
        .rekeyDisruption: [.tunnelFlapping, .insidePathDown],
        .saLifetimeShort: [],
        .tunnelMTUTooLarge: [.espFragmented, .mssNotClamped],
        .pmtuBlackHole: [.espFragmented],
    ]

    /// Puts each finding under its cause, if that stands too, and sorts: what to fix first comes first.
    ///
    /// - Parameters:
    ///   - findings: what the rules found.
    ///   - facts: the tunnel, for explanations that hold under conditions.
    /// - Returns: the findings that nothing explains, the others within them.
    public static func arrange(_ findings: [Finding], _ facts: TunnelFacts) -> [Finding] {
        let sorted = findings.sorted(by: isBefore)
        var causes: [Int: Int] = [:]
        for (index, finding) in sorted.enumerated() {
            causes[index] = sorted.indices.first { other in
                other != index && explains(sorted[other].id, finding.id, facts)
                    // A symptom of a symptom has one cause, and no two explain each other.
                    && !isCause(index, of: other, causes)
            }
        }
        var roots: [Finding] = []
        for (index, finding) in sorted.enumerated() where causes[index] == nil {
            var root = finding
            root.explained = sorted.indices.filter { isCause(index, of: $0, causes) }
                .map { sorted[$0] }
            roots.append(root)
        }
        return roots.sorted(by: isBefore)
    }

    /// Whether one finding is the reason of another.
    static func explains(
        _ cause: FindingID, _ symptom: FindingID, _ facts: TunnelFacts
    ) -> Bool {
        guard symptoms[cause]?.contains(symptom) == true else { return false }
        return ExplanationConditions.holds(cause, symptom, facts)
    }

    private static func isCause(_ cause: Int, of index: Int, _ causes: [Int: Int]) -> Bool {
        var current = index
        while let next = causes[current] {
            if next == cause { return true }
            current = next
        }
        return false
    }

    /// What comes first: the more severe, then the one whose state is worse for the tunnel by the
    /// catalogue's order of causes, then the surer.
    static func isBefore(_ left: Finding, _ right: Finding) -> Bool {
        if left.severity != right.severity { return left.severity.rank < right.severity.rank }
        let (first, second) = (rank(left.id), rank(right.id))
        return first == second ? left.confidence > right.confidence : first < second
    }

    /// The order of repair: without an underlay nothing else can be mended, without keys no ESP.
    private static let order: [FindingID] = [
        .underlayDown, .tunnelInterfaceDown, .ikePort500Blocked, .ikePort4500Blocked,
        .ikeNoProposal, .ikeIdentityMismatch, .ikeAuthenticationFailed, .rekeyTemporaryFailure,
        .noSecurityAssociation, .espBlocked, .antiReplayDrops, .insidePathDown,
        .firewallDropsReplyProbe, .martianSourceDropsReplyProbe, .policyBasedReplyUnsupported,
        .healthCheckTargetUnroutable, .ispBlocksICMPReply, .underlayLoss, .rekeyDisruption,
        .tunnelMTUTooLarge, .pmtuBlackHole, .mssNotClamped, .espFragmented, .antiReplayEnabled,
        .esnEnabled, .dpdNotRestart, .tunnelFlapping, .pathReordering, .replaySuspected,
        .saLifetimeShort, .saReboundNAT, .captureIncomplete, .agentDegraded,
    ]

    private static func rank(_ id: FindingID) -> Int {
        order.firstIndex(of: id) ?? order.count
    }
}

extension Finding.Severity {
    /// How soon it must be looked at, 0 first.
    public var rank: Int {
        switch self {
        case .critical: 0
        case .warning: 1
        case .info: 2
        }
    }
}
