public import NetworkPrimitives

/// Finds out after which hop unsolicited Echo Replies die, if they do.
public struct ReplyLadder: Sendable {
    /// What a ladder climbs, and how much it may spend.
    public struct Settings: Sendable {
        /// The address that the packets leave with.
        public var source: IPAddress
        /// The address that they go to.
        public var target: IPAddress
        /// Whether the packets go through the tunnel: its first hop is the provider's then.
        public var isInside: Bool
        /// The greatest hop limit, 1...30.
        public var farthestHop: UInt8
        /// Whether somebody waits (`probe now`): three packets for each hop and kind, and one
        /// checksum suffices where every control was answered.
        public var isUrgent: Bool
        /// Time after which the ladder gives what it has, with the reason "time limit"; nil for as
        /// long as it takes.
        public var timeLimit: Duration?
        /// How long an answer may take.
        public var timeout: Duration
        /// Why this host is believed to stand behind a NAT; nil for no sign of one.
        ///
        /// A private `source` with a public `target` need not be said here.
        public var natReason: String?
        /// Prefixes of the links that this host is attached to: a router with a public address
        /// outside them belongs to somebody else.
        public var localNetworks: [IPPrefix]
        /// Prefixes known to be the provider's, beside what surrounds `target`.
        public var providerNetworks: [IPPrefix]
        /// Whether UDP datagrams may be sent.
        public var maySendDatagrams: Bool
        /// Whether the egress device is captured, so that a packet never `seenLeaving` was dropped
        /// by this host.
        public var seesLeaving: Bool

        /// Makes settings.
        public init(
            source: IPAddress, target: IPAddress, isInside: Bool = false, farthestHop: UInt8 = 30,
            isUrgent: Bool = false, timeLimit: Duration? = nil, timeout: Duration = .seconds(1),
            natReason: String? = nil, localNetworks: [IPPrefix] = [],
            providerNetworks: [IPPrefix] = [], maySendDatagrams: Bool = true,
            seesLeaving: Bool = false
        ) {
            precondition((1...30).contains(farthestHop), "hop limits are 1...30")
            precondition(source.family == target.family, "one family")
            self.source = source
            self.target = target
            self.isInside = isInside
            self.farthestHop = farthestHop
            self.isUrgent = isUrgent
            self.timeLimit = timeLimit
            self.timeout = timeout
            self.natReason = natReason
            self.localNetworks = localNetworks
            self.providerNetworks = providerNetworks
            self.maySendDatagrams = maySendDatagrams
            self.seesLeaving = seesLeaving
        }
    }

    /// What to climb.
    public let settings: Settings
    /// What is known so far; its reason is "in progress" until the ladder is finished.
    public private(set) var report: ReplyPathReport
    /// Whether there is nothing more to send or to wait for.
    public private(set) var isFinished = false

    private var generator: any RandomNumberGenerator & Sendable

    /// Starts a ladder; the first packets are due at once.
    public init(
        settings: Settings, start: MonotonicInstant,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.settings = settings
        self.generator = generator
        report = ReplyPathReport(inconclusive: "in progress")
        deadline = start
    }

    /// When to call `advance` next at the latest; nil when finished.
    public private(set) var deadline: MonotonicInstant?

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - pace: asked for every probe with its hop: nil lets it leave now and counts it, an instant
    ///     says when to ask again.
    ///   - actions: where to append the probes to send, in this order.
    public mutating func advance(
        to now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [LadderProbe]
    ) {}

    /// Notes that a probe went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {}

    /// Notes that the kernel took no probe; `isRefusedHere` for EPERM, a local firewall's.
    public mutating func failedToSend(
        _ number: UInt64, isRefusedHere: Bool, at instant: MonotonicInstant
    ) {}

    /// Notes that a probe was captured on the egress device.
    public mutating func seenLeaving(_ number: UInt64, at instant: MonotonicInstant) {}

    /// Takes what came back for a probe; of several answers to one probe each may be given.
    public mutating func receive(
        _ answer: LadderAnswer, to number: UInt64, at instant: MonotonicInstant
    ) {}

    /// Takes over what continuous reply pairs found at a hop on the same path a short time ago; in
    /// place of what was noted of that hop before.
    ///
    /// - Parameters:
    ///   - hop: hops from this host.
    ///   - pairs: pairs whose two packets both left.
    ///   - instant: when.
    public mutating func note(
        pairsAt hop: UInt8, _ pairs: PairObservations, at instant: MonotonicInstant
    ) {}

    /// Ends the ladder with what it has; inconclusive because of `reason` unless decided.
    public mutating func conclude(at instant: MonotonicInstant, reason: String) {}
}

/// What continuous reply pairs found at one hop.
public struct PairObservations: Hashable, Sendable {
    /// Controls (Echo Requests) sent.
    public var controlsSent: Int
    /// Controls that a router answered.
    public var controlsAnswered: Int
    /// Tests (Echo Replies) sent.
    public var testsSent: Int
    /// Tests that a router answered.
    public var testsAnswered: Int
    /// The router that answered last; nil for none.
    public var router: IPAddress?

    /// Makes observations.
    public init(
        controlsSent: Int, controlsAnswered: Int, testsSent: Int, testsAnswered: Int,
        router: IPAddress?
    ) {
        self.controlsSent = controlsSent
        self.controlsAnswered = controlsAnswered
        self.testsSent = testsSent
        self.testsAnswered = testsAnswered
        self.router = router
    }
}
