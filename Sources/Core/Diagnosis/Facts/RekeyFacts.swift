/// What is known of a tunnel's rekeys, and of what its flapping goes with.
public struct RekeyFacts: Equatable, Sendable {
    /// One rekey that is over.
    public struct Rekey: Hashable, Sendable {
        /// How long ago it began.
        public var age: Duration
        /// From then until 99 % of the packets were on the new SPI; nil where it was not measured.
        public var convergence: Duration?
        /// Probes that were sent meanwhile; nil where they are not known.
        public var probesSent: Int?
        /// Those of them that were lost.
        public var probesLost: Int?
        /// Packets that came for the former SA after it was deleted; nil where not known.
        public var packetsForDeleted: UInt64?

        /// Makes a rekey.
        public init(
            age: Duration, convergence: Duration?, probesSent: Int?, probesLost: Int?,
            packetsForDeleted: UInt64? = nil
        ) {
            self.age = age
            self.convergence = convergence
            self.probesSent = probesSent
            self.probesLost = probesLost
            self.packetsForDeleted = packetsForDeleted
        }
    }

    /// What the rekeys of the last hour cost in probes through the tunnel.
    public struct Costs: Hashable, Sendable {
        /// Rekeys.
        public var rekeys: Int
        /// Those after which probes were lost.
        public var disturbed: Int
        /// Probes that were lost after rekeys.
        public var lostAfter: Int
        /// Probes that were lost at other times.
        public var lostElsewhere: Int
        /// From a rekey to the last probe that was lost after it, at most.
        public var longest: Duration
        /// The time that was looked at.
        public var span: Duration
        /// Whether rekeys lose probes, and hardly anything else does.
        public var isDisruption: Bool

        /// Makes costs.
        public init(
            rekeys: Int, disturbed: Int, lostAfter: Int, lostElsewhere: Int, longest: Duration,
            span: Duration, isDisruption: Bool
        ) {
            self.rekeys = rekeys
            self.disturbed = disturbed
            self.lostAfter = lostAfter
            self.lostElsewhere = lostElsewhere
            self.longest = longest
            self.span = span
            self.isDisruption = isDisruption
        }
    }

    /// What may cause unhealthy episodes.
    public enum Cause: String, CaseIterable, Sendable {
        /// Rekeys.
        case rekeys
        /// Changes of the route to the endpoint.
        case routeChanges = "route_changes"
        /// Loss on the underlay.
        case underlayLoss = "underlay_loss"
        /// Changes of the path MTU.
        case pathMTU = "path_mtu"
        /// The time of day.
        case timeOfDay = "time_of_day"
    }

    /// What unhealthy episodes go with.
    public struct Correlation: Equatable, Sendable {
        /// The cause that was found; nil for none among those tested.
        public var cause: Cause?
        /// How sure that is, 0...1; nil without a cause.
        public var confidence: Double?
        /// What speaks for it, or why each of those tested was excluded, a sentence each.
        public var evidence: [String]
        /// How many episodes there were.
        public var episodes: Int

        /// Makes a correlation.
        public init(cause: Cause?, confidence: Double?, evidence: [String], episodes: Int) {
            self.cause = cause
            self.confidence = confidence
            self.evidence = evidence
            self.episodes = episodes
        }
    }

    /// The latest rekeys that are over, oldest first.
    public var latest = Fact<[Rekey]>.notYet
    /// What rekeys cost.
    public var costs = Fact<Costs>.notYet
    /// What unhealthy episodes go with.
    public var correlation = Fact<Correlation>.notYet

    /// Nothing is known.
    public init() {}
}
