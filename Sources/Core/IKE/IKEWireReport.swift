/// What the IKE packets between two hosts told, passively.
public struct IKEWireReport: Equatable, Sendable {
    /// A failure that a cleartext notify or silence proves.
    public var failure: IKEFailure?
    /// One sentence for each thing that proves it.
    public var evidence: [String] = []

    /// Makes a report of nothing seen.
    public init() {}
}
