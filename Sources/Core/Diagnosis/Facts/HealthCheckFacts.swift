public import NetworkPrimitives

/// What is known of the provider's health checks of a tunnel: by configuration and by watching.
public struct HealthCheckFacts: Equatable, Sendable {
    /// What kind of ICMP message the checks are.
    public enum Style: String, Sendable {
        /// Echo Requests.
        case request
        /// Unsolicited Echo Replies.
        case reply
    }

    /// Which way the answers go.
    public enum Direction: String, Sendable {
        /// Back through the tunnel.
        case bidirectional
        /// Over the underlay.
        case unidirectional
    }

    /// The style that the operator configured; nil to learn it.
    public var expectedStyle: Style?
    /// The direction that the operator configured; nil to learn it.
    public var expectedDirection: Direction?
    /// The target that the operator configured; nil for the default.
    public var expectedTarget: IPAddress?
    /// The style that was seen.
    public var style = Fact<Style>.notYet
    /// The direction that was seen.
    public var direction = Fact<Direction>.notYet
    /// The addresses of this side that are asked.
    public var targets = Fact<[IPAddress]>.notYet
    /// Checks that were answered, of the last five minutes.
    public var answered = Fact<ProbeFacts.Tally>.notYet
    /// Why they stay unanswered, by the name in `unanswered_because`; known nil when nothing stands in the
    /// way that this host shows.
    public var obstacle = Fact<String?>.notYet
    /// The setting, rule or policy that it names.
    public var obstacleDetail: String?
    /// Settings that reply-style checks would fail for, a sentence each with the value that was read; empty
    /// for none.
    public var martianSettings = Fact<[String]>.notYet
    /// Whether the selectors cover reply-style checks; the evidence of what they lack is in `uncovered`.
    public var areRepliesCovered = Fact<Bool>.notYet
    /// Which packets no policy covers, a sentence each.
    public var uncovered: [String] = []
    /// Whether the target is an address of this host, or routed; false with the reason in `targetDetail`.
    public var isTargetReachable = Fact<Bool>.notYet
    /// Why the target is not reachable, or how it is.
    public var targetDetail: String?

    /// Nothing is known.
    public init() {}

    /// The style that counts: the configured one, else the one seen; nil while neither is known.
    public var countingStyle: Style? { expectedStyle ?? style.value }
    /// The direction that counts.
    public var countingDirection: Direction? { expectedDirection ?? direction.value }
}
