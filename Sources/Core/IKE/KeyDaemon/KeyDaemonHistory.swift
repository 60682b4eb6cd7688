public import NetworkPrimitives

/// What a key daemon was heard to say of one negotiation partner, and how it stands now.
public struct KeyDaemonRecord: Equatable, Sendable {
    /// The failure that was heard last and not made good since.
    public var failure: IKEFailure?
    /// What the daemon said of it, oldest first.
    public var evidence: [String] = []
    /// When the last of it was heard.
    public var heardAt: MonotonicInstant
    /// Rekeys that were refused with TEMPORARY_FAILURE one after the other, none of them made good since.
    public var refusedRekeys = 0
    /// When the first of them was; nil without one.
    public var refusedSince: MonotonicInstant?
    private var refusedAt: MonotonicInstant?

    private static let evidenceLimit = 6
    /// One refusal may be named in several lines.
    private static let oneRefusal = Duration.seconds(1)
    /// What one attempt says, it says in this time.
    private static let attempt = Duration.seconds(5)

    init(at: MonotonicInstant) {
        heardAt = at
    }

    mutating func take(_ message: KeyDaemonMessage, at: MonotonicInstant) {
        switch message.statement {
        case .failed(let failure):
            if failure == .temporaryFailure { noteRefusal(at: at) }
            let isSameAttempt = self.failure != nil && at - heardAt < Self.attempt
            // That identities differ is why the authentication failed.
            let isConsequence =
                isSameAttempt && self.failure == .identity && failure == .authentication
            if !isConsequence {
                if self.failure != failure { evidence = [] }
                self.failure = failure
            }
            if evidence.last != message.text { evidence.append(message.text) }
            if evidence.count > Self.evidenceLimit { evidence.removeFirst() }
        case .associationEstablished:
            // The child SA may still be refused, or its rekeying be.
            guard failure != .childRefused, failure != .temporaryFailure else { break }
            failure = nil
            evidence = []
        case .associationRekeyed:
            // It shows nothing of a child SA that was refused before.
            guard failure != .childRefused else { break }
            failure = nil
            evidence = []
            forgetRefusals()
        case .childEstablished:
            failure = nil
            evidence = []
            forgetRefusals()
        }
        heardAt = at
    }

    private mutating func noteRefusal(at: MonotonicInstant) {
        if let refusedAt, at - refusedAt < Self.oneRefusal { return }
        refusedAt = at
        if refusedSince == nil { refusedSince = at }
        refusedRekeys += 1
    }

    private mutating func forgetRefusals() {
        refusedRekeys = 0
        refusedSince = nil
        refusedAt = nil
    }
}

/// What a key daemon was heard to say, by connection and by peer.
public struct KeyDaemonHistory: Sendable {
    private static let recordLimit = 1024

    private var byConnection: [String: KeyDaemonRecord] = [:]
    private var byPeer: [IPAddress: KeyDaemonRecord] = [:]

    /// Makes an empty history.
    public init() {}

    /// Takes a message.
    public mutating func take(_ message: KeyDaemonMessage, at: MonotonicInstant) {
        if let connection = message.connection {
            Self.take(message, at, connection, &byConnection)
        }
        if let peer = message.peer { Self.take(message, at, peer, &byPeer) }
    }

    /// What was heard of a connection, or, where it was not named, of a peer; nil for nothing.
    public func record(connections: [String], peer: IPAddress?) -> KeyDaemonRecord? {
        let named = connections.compactMap { byConnection[$0] }
        let all = named + [peer.flatMap { byPeer[$0] }].compactMap { $0 }
        return all.max { $0.heardAt < $1.heardAt }
    }

    private static func take<Key>(
        _ message: KeyDaemonMessage, _ at: MonotonicInstant, _ key: Key,
        _ records: inout [Key: KeyDaemonRecord]
    ) {
        if records[key] == nil, records.count >= recordLimit,
            let oldest = records.min(by: { $0.value.heardAt < $1.value.heardAt })?.key
        {
            records[oldest] = nil
        }
        records[key, default: KeyDaemonRecord(at: at)].take(message, at: at)
    }
}
