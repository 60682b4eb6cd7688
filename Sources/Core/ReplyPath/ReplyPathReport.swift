public import NetworkPrimitives

/// Whether unsolicited Echo Replies get through a path, hop by hop.
public struct ReplyPathReport: Hashable, Sendable {
    /// What the answers amount to.
    public enum Verdict: String, CaseIterable, Sendable {
        /// Echo Replies come as far as Echo Requests do.
        case open
        /// They die between two hops, or before the first.
        case blocked
        /// It cannot be told; `reason` says why.
        case inconclusive
    }

    /// Whose equipment stands where the replies die.
    public enum Place: String, CaseIterable, Sendable {
        /// This host: its own firewall.
        case thisHost = "this_host"
        /// The first hop: the customer's router or firewall.
        case firstHop = "first_hop"
        /// A network in between.
        case transit
        /// The last router before the endpoint or the endpoint's own network.
        case providerEdge = "provider_edge"
    }

    /// One rung: what was sent with one hop limit, and who answered.
    public struct Hop: Hashable, Sendable {
        /// Hops from this host, at least 1.
        public var distance: Int
        /// Echo Requests sent and answered by a router.
        public var requestsSent = 0
        /// See `requestsSent`.
        public var requestsAnswered = 0
        /// Unsolicited Echo Replies sent and answered by a router.
        public var repliesSent = 0
        /// See `repliesSent`.
        public var repliesAnswered = 0
        /// UDP datagrams sent and answered by a router.
        public var datagramsSent = 0
        /// See `datagramsSent`.
        public var datagramsAnswered = 0
        /// The routers that answered Echo Requests, in order of their first answer.
        public var requestRouters: [IPAddress] = []
        /// The routers that answered Echo Replies.
        public var replyRouters: [IPAddress] = []
        /// The router that refused an Echo Reply and said so (type 3 code 9, 10, 13; type 1 code 1).
        public var filteredBy: IPAddress?
        /// Whether the target itself answered.
        public var isTarget = false

        /// A rung that nothing was sent to.
        public init(distance: Int) { self.distance = distance }
    }

    /// What the answers amount to.
    public var verdict: Verdict
    /// Why the verdict is inconclusive; nil when it is not.
    public var reason: String?
    /// The last hop at which Echo Replies were alive, 0 for none; nil unless blocked.
    public var blockedAfterHop: Int?
    /// The router at that hop; nil unless blocked and known.
    public var blockedAfterAddress: IPAddress?
    /// The hops after which the block is, with 95 % probability; nil unless blocked.
    public var likelyHops: [Int]?
    /// Whose equipment that is; nil unless blocked, or where the likely hops are of different owners.
    public var place: Place?
    /// Whether it may be the provider's edge that drops them.
    ///
    /// True with `place` provider edge, and where only some of the likely hops stand there.
    public var mayBeProviderEdge = false
    /// The router that said it refuses Echo Replies; nil where they vanish without a word.
    public var refusedBy: IPAddress?
    /// Whether Echo Requests die there too and only UDP gets further; nil while nothing tells.
    public var dropsAllICMP: Bool?
    /// The probability of the verdict, 0...1; nil where inconclusive.
    public var confidence: Double?
    /// The probability that Echo Replies come as far as Echo Requests; nil where nothing was weighed.
    public var openProbability: Double?
    /// The probability that they die after hop b, at index b; empty where nothing was weighed.
    public var blockedAfterProbabilities: [Double] = []
    /// The farthest hop that answered an Echo Request; nil for none.
    public var lastHopRequest: Int?
    /// The farthest hop that answered an Echo Reply; nil for none.
    public var lastHopReply: Int?
    /// How far away the target is, in hops; nil while it has not answered.
    public var targetHop: Int?
    /// The rungs, nearest first.
    public var hops: [Hop] = []
    /// Checksums, which stand for flows, that the verdict rests on.
    public var checksums = 0
    /// Answers that came a second time, or made no sense.
    public var ignoredAnswers = 0
    /// When the ladder ended; nil while none has.
    public var endedAt: MonotonicInstant?

    /// A ladder of which nothing is known, and why.
    public init(inconclusive reason: String) {
        verdict = .inconclusive
        self.reason = reason
    }
}
