/// One entry of the finding catalogue, with what this host saw of it.
public struct Finding: Equatable, Sendable {
    /// How much it matters.
    public enum Severity: String, CaseIterable, Sendable {
        /// The tunnel or its health checks fail because of it.
        case critical
        /// It will fail, or it costs packets.
        case warning
        /// Worth knowing.
        case info
    }

    /// The catalogue's name for it.
    public var id: FindingID
    /// How much it matters here.
    public var severity: Severity
    /// How sure it is, 0...1.
    public var confidence: Double
    /// One sentence: what is wrong.
    public var summary: String
    /// What was seen, a sentence each.
    public var evidence: [String]
    /// What to do about it, a step each, commands ready to paste.
    public var remedy: [String]
    /// The paragraph of the provider's troubleshooting guide; nil where the guide has none.
    public var guide: String?
    /// Findings that this one explains.
    public var explained: [Finding] = []

    /// Makes a finding that explains nothing else.
    public init(
        id: FindingID, severity: Severity, confidence: Double, summary: String, evidence: [String],
        remedy: [String], guide: String? = nil
    ) {
        self.id = id
        self.severity = severity
        self.confidence = confidence
        self.summary = summary
        self.evidence = evidence
        self.remedy = remedy
        self.guide = guide
    }
}

extension [Finding] {
    /// These and all that they explain.
    public var withExplained: [Finding] { flatMap { [$0] + $0.explained.withExplained } }
}
