public import NetworkPrimitives
public import PacketFormats

/// What TCP segment sizes (MSS) were asked for in one direction of a tunnel, by SYN and SYN-ACK.
///
/// A SYN that leaves through the tunnel limits what arrives by it, one that arrives limits what leaves.
/// Those that arrive are seen before this host's own rules may lower them.
public struct SegmentSizeCounts: Hashable, Sendable {
    /// The flow of one SYN, for evidence.
    public struct Example: Hashable, Sendable {
        /// The source address.
        public var source: IPAddress
        /// The destination address.
        public var destination: IPAddress
        /// Its ports and size.
        public var segment: TCPSynchronization
        /// Whether this host forwards it: no address of its own is at this end of the flow; nil where
        /// its addresses are not known.
        public var isForwarded: Bool?
        /// When it was seen.
        public var at: MonotonicInstant

        /// Makes an example.
        public init(
            source: IPAddress, destination: IPAddress, segment: TCPSynchronization,
            isForwarded: Bool?, at: MonotonicInstant
        ) {
            self.source = source
            self.destination = destination
            self.segment = segment
            self.isForwarded = isForwarded
            self.at = at
        }
    }

    /// One address family's share.
    public struct FamilyCounts: Hashable, Sendable {
        /// SYN and SYN-ACK that could be read.
        public var seen: UInt64 = 0
        /// Those with more than the limit of their time.
        public var overLimit: UInt64 = 0
        /// Those of `overLimit` that this host forwards.
        public var forwardedOverLimit: UInt64 = 0
        /// Those without the option.
        public var withoutOption: UInt64 = 0
        /// The largest size, in octets; nil where none said one.
        public var largest: Int?
        /// What is more than this is over the limit, in octets.
        public var limit: Int
        /// Those over the present limit, whatever the limit was when they were seen.
        public var overPresentLimit: UInt64 = 0

        /// How many had which size, of the first 64 sizes: traffic has a handful.
        private var sizes: [Int: UInt64] = [:]
        private static let sizeLimit = 64

        init(limit: Int) { self.limit = limit }

        /// Counts a size.
        ///
        /// - Returns: whether it is over the limit.
        mutating func note(_ size: Int) -> Bool {
            largest = max(size, largest ?? 0)
            if sizes[size] != nil || sizes.count < Self.sizeLimit {
                sizes[size, default: 0] &+= 1
            }
            guard size > limit else { return false }
            overLimit &+= 1
            overPresentLimit &+= 1
            return true
        }

        /// Takes another limit.
        mutating func adopt(_ next: Int) {
            guard next != limit else { return }
            limit = next
            overPresentLimit = sizes.reduce(0) { $0 &+ ($1.key > next ? $1.value : 0) }
        }
    }

    /// IPv4's.
    public internal(set) var v4: FamilyCounts
    /// IPv6's.
    public internal(set) var v6: FamilyCounts
    /// SYNs whose header or options contradict themselves.
    public internal(set) var malformed: UInt64 = 0
    /// SYNs that the capture cut before the end of their options.
    public internal(set) var truncated: UInt64 = 0
    /// The latest one over the limit; a forwarded one rather than one of this host's own.
    public internal(set) var example: Example?

    /// SYN and SYN-ACK that could be read.
    public var seen: UInt64 { v4.seen &+ v6.seen }
    /// Those with more than the limit of their time: never falls.
    public var overLimit: UInt64 { v4.overLimit &+ v6.overLimit }
    /// The largest size of either family, in octets; nil where none said one.
    public var largest: Int? { [v4.largest, v6.largest].compactMap { $0 }.max() }

    init(limits: SegmentSizeLimits) {
        v4 = FamilyCounts(limit: limits.v4)
        v6 = FamilyCounts(limit: limits.v6)
    }

    /// The share of one family.
    public subscript(family: IPAddress.Family) -> FamilyCounts {
        get { family == .v4 ? v4 : v6 }
        set { if family == .v4 { v4 = newValue } else { v6 = newValue } }
    }

    mutating func note(
        _ segment: TCPSynchronization, source: IPAddress, destination: IPAddress,
        isForwarded: Bool?, at now: MonotonicInstant
    ) {
        let family = source.family
        self[family].seen &+= 1
        guard let size = segment.maximumSegmentSize.map(Int.init) else {
            self[family].withoutOption &+= 1
            return
        }
        guard self[family].note(size) else { return }
        if isForwarded == true { self[family].forwardedOverLimit &+= 1 }
        if isForwarded == true || example?.isForwarded != true {
            example = Example(
                source: source, destination: destination, segment: segment,
                isForwarded: isForwarded, at: now)
        }
    }

    mutating func adopt(_ limits: SegmentSizeLimits) {
        v4.adopt(limits.v4)
        v6.adopt(limits.v6)
        if let example, let size = example.segment.maximumSegmentSize,
            Int(size) <= self[example.source.family].limit
        {
            self.example = nil
        }
    }

    /// For so long a SYN speaks for those to come.
    private static let memory = Duration.seconds(3600)

    /// The example, if it is of the last hour.
    public func recentExample(at now: MonotonicInstant) -> Example? {
        example.flatMap { now - $0.at < Self.memory ? $0 : nil }
    }
}

/// The largest TCP segment sizes that a tunnel carries whole, in octets.
public struct SegmentSizeLimits: Hashable, Sendable {
    /// For TCP over IPv4.
    public var v4: Int
    /// For TCP over IPv6.
    public var v6: Int

    /// Makes limits; without arguments the provider's own, which hold while no path is measured.
    public init(v4: Int = 1360, v6: Int = 1340) {
        self.v4 = v4
        self.v6 = v6
    }
}
