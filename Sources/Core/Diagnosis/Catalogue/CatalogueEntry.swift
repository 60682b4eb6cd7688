/// What the catalogue says of one id: the text of `probe explain`.
public struct CatalogueEntry: Equatable, Sendable {
    /// The id.
    public var id: FindingID
    /// What it means, a few sentences for somebody who meets it first at three in the morning.
    public var meaning: String
    /// What this host must show for it to be raised, a sentence each.
    public var evidence: [String]
    /// What mends it, a step each; the finding itself has the commands with this tunnel's names.
    public var remedy: [String]
    /// The paragraph of the provider's troubleshooting guide; nil where the guide has none.
    public var guide: String?
    /// What can look like it and is not, a sentence each.
    public var notToConfuse: [String]

    /// Makes an entry.
    public init(
        _ id: FindingID, meaning: String, evidence: [String], remedy: [String],
        guide: String? = nil, notToConfuse: [String] = []
    ) {
        self.id = id
        self.meaning = meaning
        self.evidence = evidence
        self.remedy = remedy
        self.guide = guide
        self.notToConfuse = notToConfuse
    }
}
