/// What the key daemon of this host says of one tunnel.
public struct KeyDaemonReport: Equatable, Sendable {
    /// A failure that the daemon's events or log prove.
    public var failure: IKEFailure?
    /// One sentence for each thing that proves it.
    public var evidence: [String] = []
    /// Why the daemon could not be asked; nil when it answers.
    public var reason: String?

    /// Makes a report of a daemon that was not asked.
    public init() {}
}
