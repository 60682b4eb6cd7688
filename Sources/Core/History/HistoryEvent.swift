public import NetworkPrimitives

/// Something that happened to a tunnel or to the agent, as the event store keeps it.
///
/// Names are texts, so that what an older or a newer version wrote stays readable.
public struct HistoryEvent: Equatable, Sendable {
    /// What happened.
    public enum Kind: Equatable, Sendable {
        /// The agent began to watch.
        case agentStarted(version: String)
        /// The agent ended in order.
        case agentStopped
        /// A tunnel's state became another.
        case stateChanged(StateChange)
        /// A finding stands from now on, or says something else than before.
        case findingRaised(FindingRecord)
        /// A finding does not stand any more.
        case findingCleared(id: String)
        /// An inbound SA was replaced.
        case rekeyed(RekeyEntry)
        /// How large a packet fits changed.
        case pathMTUChanged(PathMTUChange)
        /// Whether Echo Replies pass changed.
        case replyPathChanged(ReplyPathChange)
        /// The way to the endpoint changed; a sentence.
        case routeChanged(String)
        /// A configuration was loaded, or refused; `summary` says what, or why.
        case configurationLoaded(succeeded: Bool, summary: String)
        /// A flight recording was written.
        case captureSaved(file: String, reason: String)
        /// A kind that this version does not know.
        case other(kind: String)
    }

    /// When it happened.
    public var at: WallTime
    /// Whose it is; nil for the host itself.
    public var tunnel: String?
    /// What happened.
    public var kind: Kind

    /// Makes an event.
    public init(at: WallTime, tunnel: String?, _ kind: Kind) {
        self.at = at
        self.tunnel = tunnel
        self.kind = kind
    }
}

/// A change of a tunnel's state.
public struct StateChange: Equatable, Sendable {
    /// The state before: `healthy`, `degraded`, `down`, `unknown`.
    public var from: String
    /// The state after.
    public var to: String
    /// Which probes it comes from: `inside` or `outside`.
    public var source: String
    /// Why, where the probes' numbers do not tell.
    public var reason: String?

    /// Makes a change.
    public init(from: String, to: String, source: String, reason: String? = nil) {
        self.from = from
        self.to = to
        self.source = source
        self.reason = reason
    }
}

/// A finding as it was when it was raised.
public struct FindingRecord: Equatable, Sendable {
    /// The catalogue's id.
    public var id: String
    /// `critical`, `warning` or `info`.
    public var severity: String
    /// How sure it is, 0...1.
    public var confidence: Double
    /// What is wrong.
    public var summary: String
    /// What was seen.
    public var evidence: [String]
    /// What to do.
    public var remedy: [String]
    /// Ids of the findings that it explains.
    public var explains: [String]
    /// The id of the finding that explains it; nil for none.
    public var explainedBy: String?

    /// Makes a record.
    public init(
        id: String, severity: String, confidence: Double, summary: String, evidence: [String] = [],
        remedy: [String] = [], explains: [String] = [], explainedBy: String? = nil
    ) {
        self.id = id
        self.severity = severity
        self.confidence = confidence
        self.summary = summary
        self.evidence = evidence
        self.remedy = remedy
        self.explains = explains
        self.explainedBy = explainedBy
    }
}

/// One replacement of an inbound SA.
public struct RekeyEntry: Equatable, Sendable {
    /// The new SPI, like `0xc0de0001`.
    public var spi: String
    /// The SPI that was replaced; nil when not seen.
    public var formerSPI: String?
    /// Until 99 % of the packets were on the new SPI, in seconds; nil when not measured.
    public var convergenceSeconds: Double?
    /// Probes sent meanwhile; nil when not known.
    public var probesSent: Int?
    /// Those of them that were lost.
    public var probesLost: Int?

    /// Makes an entry.
    public init(
        spi: String, formerSPI: String? = nil, convergenceSeconds: Double? = nil,
        probesSent: Int? = nil, probesLost: Int? = nil
    ) {
        self.spi = spi
        self.formerSPI = formerSPI
        self.convergenceSeconds = convergenceSeconds
        self.probesSent = probesSent
        self.probesLost = probesLost
    }
}

/// A change of how large a packet fits.
public struct PathMTUChange: Equatable, Sendable {
    /// `inside` or `outside`.
    public var path: String
    /// The size before, in octets; nil while not known.
    public var from: Int?
    /// The size after; nil when it is not known any more.
    public var to: Int?
    /// Whether larger packets vanish; nil while not known.
    public var isBlackHole: Bool?

    /// Makes a change.
    public init(path: String, from: Int?, to: Int?, isBlackHole: Bool?) {
        self.path = path
        self.from = from
        self.to = to
        self.isBlackHole = isBlackHole
    }
}

/// A change of whether Echo Replies pass a path.
public struct ReplyPathChange: Equatable, Sendable {
    /// `inside` or `outside`.
    public var path: String
    /// The verdict before: `open`, `blocked`, `inconclusive`.
    public var from: String
    /// The verdict after.
    public var to: String
    /// The last hop at which they were alive; nil unless blocked.
    public var afterHop: Int?

    /// Makes a change.
    public init(path: String, from: String, to: String, afterHop: Int? = nil) {
        self.path = path
        self.from = from
        self.to = to
        self.afterHop = afterHop
    }
}
