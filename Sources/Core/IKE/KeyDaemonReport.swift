public import NetworkPrimitives

/// What the key daemon of this host says of one tunnel.
public struct KeyDaemonReport: Equatable, Sendable {
    /// Where it was heard.
    public enum Source: String, Hashable, Sendable {
        /// strongSwan's control protocol.
        case vici
        /// A log file.
        case log
        /// The journal.
        case journal
    }

    /// A failure that the daemon's events or log prove, and that nothing made good since.
    public var failure: IKEFailure?
    /// One sentence for each thing that proves it.
    public var evidence: [String] = []
    /// Why the daemon could not be asked; nil when it answers.
    public var reason: String?
    /// Where the failure was heard; nil where the daemon was not asked.
    public var source: Source?
    /// The daemon and its version, like `charon 5.9.8`.
    public var version: String?
    /// How it is configured to negotiate this tunnel; nil when it is not, or does not tell.
    public var connection: KeyDaemonConnection?
    /// The IKE SA it has; nil when it has none, or does not tell.
    public var association: KeyDaemonAssociation?
    /// Whether anybody listened since before the last attempt: without, no failure proves nothing.
    public var isHeard = false

    /// Rekeys that were refused with TEMPORARY_FAILURE one after the other, none of them made good since.
    public var refusedRekeys = 0
    /// When the first of them was; nil without one.
    public var refusedSince: MonotonicInstant?

    /// Makes a report of a daemon that was not asked.
    public init() {}

    /// The daemon is configured to have this tunnel, and has not got it.
    public var isConfiguredButDown: Bool {
        connection != nil
            && association?.children.contains { $0.state == "INSTALLED" || $0.state == "REKEYED" }
                != true
    }

    /// Whether a dead peer is looked for, and its tunnel restarted; nil when the daemon does not tell.
    public var restartsDeadPeers: Bool? {
        connection.map { connection in
            connection.deadPeerDelay != nil
                && connection.children.contains { $0.deadPeerAction == "start" }
        }
    }
}
