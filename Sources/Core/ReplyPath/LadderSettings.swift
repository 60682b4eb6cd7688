public import NetworkPrimitives

extension ReplyLadder {
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
}
