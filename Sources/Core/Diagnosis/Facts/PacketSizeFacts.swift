public import NetworkPrimitives

/// How large a packet fits a tunnel, by measurement and by what passes.
public struct PacketSizeFacts: Equatable, Sendable {
    /// The largest packet of one path.
    public struct Path: Hashable, Sendable {
        /// The largest IP packet that passes, in octets.
        public var bytes: Int
        /// Whether larger ones vanish without a word; nil while not known.
        public var isBlackHole: Bool?
        /// Where they do, a part of a sentence; nil where it is not known.
        public var place: String?

        /// Makes a path.
        public init(bytes: Int, isBlackHole: Bool?, place: String?) {
            self.bytes = bytes
            self.isBlackHole = isBlackHole
            self.place = place
        }
    }

    /// TCP SYNs that left with an MSS over the limit.
    public struct LargeSegments: Hashable, Sendable {
        /// The family of the connections.
        public var family: IPAddress.Family
        /// SYNs that were forwarded with too much.
        public var overLimit: UInt64
        /// Of how many seen.
        public var seen: UInt64
        /// The limit in octets.
        public var limit: Int
        /// What was seen, a sentence each.
        public var evidence: [String]

        /// Makes it.
        public init(
            family: IPAddress.Family, overLimit: UInt64, seen: UInt64, limit: Int,
            evidence: [String]
        ) {
            self.family = family
            self.overLimit = overLimit
            self.seen = seen
            self.limit = limit
            self.evidence = evidence
        }
    }

    /// The underlay's path MTU.
    public var outside = Fact<Path>.notYet
    /// The path MTU through the tunnel.
    public var inside = Fact<Path>.notYet
    /// The MTU of the tunnel's device, in octets.
    public var deviceMTU = Fact<Int>.notYet
    /// The MTU of the route into the tunnel, in octets; known nil where it has none of its own.
    public var routeMTU = Fact<Int?>.notYet
    /// The largest inside packet whose outer packet fits, in octets.
    public var fitting = Fact<Int>.notYet
    /// What ESP and the outer headers add, in octets.
    public var overhead = Fact<Int>.notYet
    /// The MTU to set, in octets.
    public var recommendedMTU = Fact<Int>.notYet
    /// The MSS to clamp to over IPv4, in octets.
    public var recommendedMSS = Fact<Int>.notYet
    /// Forwarded SYNs with too much; known nil when there are none.
    public var largeSegments = Fact<LargeSegments?>.notYet

    /// Fragments of outer packets, a sentence a stream; empty for none.
    public var outerFragments = Fact<[String]>.notYet

    /// Nothing is known.
    public init() {}
}
