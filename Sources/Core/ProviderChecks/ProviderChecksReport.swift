public import NetworkPrimitives

/// What is known of the health checks that the provider sends through a tunnel.
public struct ProviderChecksReport: Hashable, Sendable {
    /// What kind of ICMP message the checks are.
    public enum Style: String, CaseIterable, Sendable {
        /// Echo Requests.
        case request
        /// Unsolicited Echo Replies.
        case reply
    }

    /// Which way the answers go.
    public enum Direction: String, CaseIterable, Sendable {
        /// Back through the tunnel.
        case bidirectional
        /// Over the underlay, outside the tunnel.
        case unidirectional
    }

    /// A tunnel's health as the provider's rules have it.
    public enum PredictedState: String, CaseIterable, Sendable {
        /// Checks pass.
        case healthy
        /// Some failed lately.
        case degraded
        /// All of the last ones failed.
        case down
    }

    /// Why checks stay unanswered.
    public enum Obstacle: String, CaseIterable, Sendable {
        /// The kernel drops packets whose source is an address of its own (accept_local = 0).
        case martianSource = "martian_source"
        /// Reverse-path filtering drops them.
        case reversePathFilter = "rp_filter"
        /// The host does not forward.
        case noForwarding = "no_forwarding"
        /// A firewall rule drops them.
        case firewall
        /// The answer is not covered by the selectors of any policy.
        case selectors
        /// There is no route for the answer.
        case noRoute = "no_route"
        /// The kernel is told to answer no Echo Requests.
        case echoIgnored = "echo_ignored"
    }

    /// A share, as far as it is known.
    public struct Share: Hashable, Sendable {
        /// How many had the property.
        public var count: Int
        /// Of how many.
        public var total: Int
        /// The lower bound of the true share at 95 % (Wilson).
        public var low: Double
        /// The upper bound.
        public var high: Double

        /// The share itself, 0...1.
        public var ratio: Double { Double(count) / Double(total) }

        /// The share; nil of nothing.
        public init?(_ count: Int, of total: Int) {
            guard let bounds = WilsonInterval(successes: count, trials: total) else { return nil }
            self.count = count
            self.total = total
            low = bounds.low
            high = bounds.high
        }
    }

    /// Counts that never fall.
    public struct Totals: Hashable, Sendable {
        /// Checks that were answered within 100 ms.
        public var answered = 0
        /// Checks that were not; those with a later answer are among them.
        public var unanswered = 0
        /// Those with a later answer.
        public var late = 0
        /// Checks that prove nothing: the capture lost packets, or misses a device.
        public var unjudged = 0

        /// No check yet.
        public init() {}

        init(answered: Int, unanswered: Int, late: Int, unjudged: Int) {
            self.answered = answered
            self.unanswered = unanswered
            self.late = late
            self.unjudged = unjudged
        }
    }

    /// What is asked of one address of this side.
    public struct Target: Hashable, Sendable {
        /// Requests or replies.
        public var style: Style
        /// The address.
        public var address: IPAddress
        /// What its checks came to in the last five minutes.
        public var totals: Totals
    }

    /// By which device the answers of the last five minutes left.
    public struct AnsweredBy: Hashable, Sendable {
        /// The tunnel's own.
        public var tunnel = 0
        /// The underlay's.
        public var wan = 0
        /// Another tunnel's, which the provider takes as well.
        public var otherTunnel = 0
    }

    /// An answer that should have left.
    public struct MissingAnswer: Hashable, Sendable {
        /// What the check is.
        public var style: Style
        /// The source of the answer: the address that was asked.
        public var source: IPAddress
        /// Its destination: the sender of the check.
        public var destination: IPAddress
        /// The hop limit that the check arrived with.
        public var hopLimit: UInt8
        /// How many of how many were answered in the window.
        public var answered: Share
        /// Whether most answers do come, but late.
        public var isLate: Bool

        /// Makes a missing answer.
        public init(
            style: Style, source: IPAddress, destination: IPAddress, hopLimit: UInt8,
            answered: Share, isLate: Bool
        ) {
            self.style = style
            self.source = source
            self.destination = destination
            self.hopLimit = hopLimit
            self.answered = answered
            self.isLate = isLate
        }
    }

    /// Runs of checks with one identifier in the last ten minutes.
    public struct Retries: Hashable, Sendable {
        /// Checks that were not repeated.
        public var singles = 0
        /// Checks that were repeated twice at once.
        public var bursts = 0
        /// Two with one identifier, which is neither.
        public var pairs = 0
        /// Checks whose identifiers are shared by too many to tell.
        public var crowded = 0
        /// Seconds in which far more checks came than usual.
        public var surges = 0
        /// Whether bursts are too many for chance: 5 % and ten at least.
        public var isAlarming = false
    }

    /// Checks a second, over the last minute; nil while not known.
    public var perSecond: Double?
    /// Why `perSecond` is not known; nil when it is.
    public var reason: String?
    /// What the checks are, of the last five minutes; nil while not known.
    public var style: Style?
    /// Which way answers go; nil while not known.
    public var direction: Direction?
    /// Whether the direction is concluded from addresses, no answer having been seen.
    public var isDirectionInferred = false
    /// Why `style` is not known.
    public var styleReason: String?
    /// Why `direction` is not known.
    public var directionReason: String?
    /// The share answered within 100 ms: of the last minute, or of five where that is too few.
    public var answered: Share?
    /// Why `answered` is not known.
    public var answeredReason: String?
    /// By which device.
    public var answeredBy = AnsweredBy()
    /// The share of checks that were repeated at once; nil while not known.
    public var retryRatio: Double?
    /// Why `retryRatio` is not known.
    public var retryReason: String?
    /// What it is counted from.
    public var retries = Retries()
    /// The tunnel's state as the provider's rules have it; nil while not known.
    public var predictedState: PredictedState?
    /// What the predicted state rests on, or why there is none.
    public var predictedReason: String?
    /// Whether traffic left the tunnel while the checks go on; nil where it cannot be told.
    public var isSteeredAway: Bool?
    /// The answer that is missing most, once so many are that it is no accident.
    public var missing: MissingAnswer?
    /// Why checks stay unanswered; nil while not known, or if they do not.
    public var obstacle: Obstacle?
    /// Why `obstacle` is not known.
    public var obstacleReason: String?
    /// The setting, rule or policy that `obstacle` names.
    public var obstacleDetail: String?
    /// The addresses that are asked, at most 16.
    public var targets: [Target] = []
    /// How many senders there are, of the last ten minutes.
    public var senderCount = 0
    /// Some of them, the latest first.
    public var senders: [IPAddress] = []
    /// Whether there may be more.
    public var isSenderCountBound = false
    /// What all checks came to since the start, by style.
    public var totals: [Style: Totals] = [:]

    /// Nothing is known, and why.
    public init(unknown reason: String) {
        self.reason = reason
        styleReason = reason
        directionReason = reason
        answeredReason = reason
        retryReason = reason
        predictedReason = reason
        obstacleReason = reason
    }
}
