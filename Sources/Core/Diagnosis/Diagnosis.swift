/// What all rules together say of one tunnel.
public struct Diagnosis: Equatable, Sendable {
    /// What one rule said.
    public struct Check: Equatable, Sendable {
        /// The rule's id.
        public var id: FindingID
        /// What it said.
        public var judgement: Judgement

        /// Makes a check.
        public init(_ id: FindingID, _ judgement: Judgement) {
            self.id = id
            self.judgement = judgement
        }
    }

    /// The findings, what to fix first in front, symptoms within their causes.
    public var findings: [Finding]
    /// What every rule said, in the catalogue's order.
    public var checks: [Check]
    /// Why an unhealthy state has no cause, with what could not be looked at; nil where one was found, and
    /// for a healthy tunnel.
    public var unexplained: String?

    /// Nothing was judged.
    public init() {
        findings = []
        checks = []
    }

    /// Judges a tunnel by all rules.
    ///
    /// - Parameters:
    ///   - facts: what is known of it.
    ///   - rules: the rules, for tests.
    public init(of facts: TunnelFacts, by rules: [any Rule.Type] = RuleTable.rules) {
        checks = rules.map { Check($0.entry.id, $0.judge(facts)) }
        findings = ExplanationGraph.arrange(checks.compactMap(\.judgement.finding), facts)
        unexplained = Self.unexplained(facts, findings, checks)
    }

    private static func unexplained(
        _ facts: TunnelFacts, _ findings: [Finding], _ checks: [Check]
    ) -> String? {
        guard let state = facts.health.state.value, state == .down || state == .degraded,
            !findings.contains(where: { $0.severity != .info })
        else { return nil }
        let excluded = checks.count { if case .excluded = $0.judgement { true } else { false } }
        let unknown = checks.compactMap { check -> String? in
            guard case .unknown = check.judgement else { return nil }
            return check.id.rawValue
        }
        var text =
            "No cause found among \(checks.count) checks: \(excluded) are excluded by evidence"
        if !unknown.isEmpty {
            text += ", \(unknown.count) cannot be told: \(unknown.joined(separator: ", "))"
        }
        return text + "."
    }
}
