public import NetworkPrimitives

/// What is known of the largest packet that one path carries.
public struct PathMTUReport: Hashable, Sendable {
    /// The link that limits the path, as far as it could be named.
    public struct LimitingLink: Hashable, Sendable {
        /// Hops from this host to the router before the link; 0 for this host itself; nil where
        /// only the router's address is known.
        public var distance: Int?
        /// That router; nil where it does not answer.
        public var router: IPAddress?
        /// Whether the limit may as well lie on the way back from the target.
        ///
        /// Its answer is as large as the request. Where no router says who dropped it, and every router
        /// before the target saw the request whole, either may have been too large.
        public var mayBeOnTheWayBack = false

        /// Names a link.
        public init(distance: Int?, router: IPAddress?) {
            self.distance = distance
            self.router = router
        }
    }

    /// The largest IP packet that passes, in octets, header included; nil while not known.
    public var bytes: Int?
    /// Why `bytes` is not known; nil when it is.
    public var reason: String?
    /// The largest size that was seen to pass, where the exact one is not known; nil for none.
    public var atLeast: Int?
    /// How many hops of the path `bytes` or `atLeast` was seen to pass; nil for the whole path, there
    /// and back, by the target's own answer.
    ///
    /// A target that answers no Echo Request leaves the last links unproven.
    public var provenDistance: Int?
    /// Whether larger packets vanish without a valid Packet Too Big; nil while not known.
    public var isBlackHole: Bool?
    /// The link behind which larger packets do not come; nil while not known.
    public var limitingLink: LimitingLink?
    /// How far from this host the router before the link stands, in hops, where those between do not
    /// answer; nil while nothing bounds it, and when `limitingLink` is known.
    public var limitingDistances: ClosedRange<Int>?
    /// Why the link is not known; nil when it is.
    public var limitingLinkReason: String?
    /// How many packets the search for the size took.
    public var probesSent = 0
    /// How many hop-limited packets naming the link took, or the sweep in place of a target that does
    /// not answer.
    public var hopProbesSent = 0
    /// How many times the last search had to wait for answers before it knew what to send next.
    public var rounds = 0
    /// Packet Too Big messages that contradict what was sent or seen, and were not believed.
    public var suspiciousMessages: UInt64 = 0
    /// When the last search ended; nil while none has.
    public var endedAt: MonotonicInstant?

    /// A path of which nothing is known, and why.
    public init(unknown reason: String) { self.reason = reason }
}
