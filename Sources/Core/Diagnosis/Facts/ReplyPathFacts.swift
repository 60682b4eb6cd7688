public import NetworkPrimitives

/// Where unsolicited Echo Replies die, on the underlay and inside.
public struct ReplyPathFacts: Equatable, Sendable {
    /// Whose equipment stands where they die.
    public enum Place: String, Sendable {
        /// This host.
        case thisHost = "this_host"
        /// The first hop.
        case firstHop = "first_hop"
        /// A network in between.
        case transit
        /// The last router before the endpoint, or the endpoint's own network.
        case providerEdge = "provider_edge"
    }

    /// What a ladder came to.
    public struct Ladder: Hashable, Sendable {
        /// Whether they die.
        public var isBlocked: Bool
        /// The last hop at which they were alive, 0 for none; nil unless blocked.
        public var afterHop: Int?
        /// The router there; nil where not known.
        public var afterAddress: IPAddress?
        /// Whose equipment that is; nil where it cannot be told.
        public var place: Place?
        /// Whether it may be the provider's edge.
        public var mayBeProviderEdge: Bool
        /// Whether Echo Requests die there too; nil while nothing tells.
        public var dropsAllICMP: Bool?
        /// The router that says that it refuses them; nil where they vanish.
        public var refusedBy: IPAddress?
        /// The first router on the path; nil where it does not answer.
        public var firstRouter: IPAddress?
        /// Where they die, a sentence.
        public var sentence = ""
        /// How sure it is, 0...1.
        public var confidence: Double

        /// Makes a ladder.
        public init(isBlocked: Bool, confidence: Double) {
            self.isBlocked = isBlocked
            self.confidence = confidence
            mayBeProviderEdge = false
        }
    }

    /// A rule of this host's packet filter that Echo Replies meet.
    public struct FilterRule: Hashable, Sendable {
        /// The rule for people: family, table, chain, handle, counter.
        public var text: String
        /// A command that removes or changes it; nil where none is safe to name.
        public var remedy: String?

        /// Makes a rule.
        public init(text: String, remedy: String?) {
            self.text = text
            self.remedy = remedy
        }
    }

    /// The ladder over the underlay.
    public var outside = Fact<Ladder>.notYet
    /// The ladder through the tunnel.
    public var inside = Fact<Ladder>.notYet
    /// Rules of this host that drop or reject Echo Replies or what connection tracking calls invalid.
    public var filterRules = Fact<[FilterRule]>.notYet

    /// Nothing is known.
    public init() {}
}
