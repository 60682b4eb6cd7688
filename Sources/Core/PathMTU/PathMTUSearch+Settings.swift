public import NetworkPrimitives

extension PathMTUSearch {
    /// What a search looks for, and how much it may spend.
    public struct Settings: Hashable, Sendable {
        /// The family of the path.
        public var family: IPAddress.Family
        /// The largest IP packet to try, in octets: the MTU of the device that it leaves by.
        public var ceiling: Int
        /// Whether somebody waits: sizes go out in parallel rounds, and silence is decided after
        /// max(200 ms, 4·RTT) in place of max(1 s, 3·RTT).
        public var isUrgent: Bool
        /// Whether hop-limited probes may name the limiting link, or stand in for a target that
        /// answers no Echo Request.
        public var maySweep: Bool
        /// The greatest hop limit of such probes, 1...30.
        public var farthestHop: UInt8
        /// Time after which the search gives what it has, with the reason "time limit"; nil for as
        /// long as it takes.
        public var timeLimit: Duration?

        /// Makes settings.
        ///
        /// - Precondition: `farthestHop` is within 1...30.
        public init(
            family: IPAddress.Family, ceiling: Int, isUrgent: Bool = false, maySweep: Bool = true,
            farthestHop: UInt8 = 12, timeLimit: Duration? = nil
        ) {
            precondition((1...30).contains(farthestHop), "a path has 1...30 hops")
            self.family = family
            self.ceiling = ceiling
            self.isUrgent = isUrgent
            self.maySweep = maySweep
            self.farthestHop = farthestHop
            self.timeLimit = timeLimit
        }
    }
}
