/// One diagnosis: what must be known for it, and what that proves.
///
/// A rule is pure: the same facts give the same judgement. It never blames without evidence; what it
/// would have to know and does not is named in `unknown`.
public protocol Rule: Sendable {
    /// What `probe explain` says of it; its id is the rule's.
    static var entry: CatalogueEntry { get }
    /// Judges one tunnel.
    static func judge(_ facts: TunnelFacts) -> Judgement
}

/// What a rule says of one tunnel.
public enum Judgement: Equatable, Sendable {
    /// It stands, with the evidence.
    case found(Finding)
    /// It does not stand: what was seen that speaks against it, a sentence each.
    case excluded(because: [String])
    /// It cannot be told: what is missing, a sentence each.
    case unknown(missing: [String])
    /// The tunnel is not of the kind that it is about, and why.
    case notApplicable(because: String)

    /// The finding; nil unless it stands.
    public var finding: Finding? {
        if case .found(let finding) = self { finding } else { nil }
    }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .found: "found"
        case .excluded: "excluded"
        case .unknown: "unknown"
        case .notApplicable: "not_applicable"
        }
    }

    /// What it rests on, a sentence each; a finding has its evidence.
    public var reasons: [String] {
        switch self {
        case .found(let finding): finding.evidence
        case .excluded(let reasons), .unknown(let reasons): reasons
        case .notApplicable(let reason): [reason]
        }
    }
}
