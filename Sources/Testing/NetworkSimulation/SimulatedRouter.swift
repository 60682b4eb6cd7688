public import NetworkPrimitives
public import PacketFormats

/// A router: where a hop limit runs out, where a filter sits, and who reports it.
public struct SimulatedRouter: Hashable, Sendable {
    /// The address its ICMP errors come from.
    public var address: IPAddress
    /// Whether it sends ICMP errors at all.
    public var isSilent: Bool
    /// How many ICMP errors it sends to one peer; nil for any number.
    public var errorLimit: ErrorLimit?
    /// Octets of the ICMP message that its errors quote, at least 8 (RFC 792 promises 8).
    public var quotedByteCount: Int
    /// What it refuses to pass on.
    public var filters: [Filter]
    /// The probability that it sends an error where its limit allows one, 0...1.
    public var answerShare = 1.0
    /// Of how many errors in a row it sends the first only; 1 for all.
    public var answersEvery = 1
    /// What it says about a packet that its next link does not take.
    public var packetTooBig = SimulatedPacketTooBig.exact
    /// Whether it discards UDP datagrams.
    public var dropsDatagrams = false

    /// Makes a router that answers at Linux' rate and quotes everything.
    public init(
        _ address: IPAddress, isSilent: Bool = false, errorLimit: ErrorLimit? = .linux,
        quotedByteCount: Int = 548, filters: [Filter] = []
    ) {
        precondition(quotedByteCount >= EchoMessage.headerByteCount, "RFC 792 promises 8 octets")
        self.address = address
        self.isSilent = isSilent
        self.errorLimit = errorLimit
        self.quotedByteCount = quotedByteCount
        self.filters = filters
    }

    /// A rule against one kind of echo message.
    public struct Filter: Hashable, Sendable {
        /// Where in the router it sits.
        public enum Place: Hashable, Sendable {
            /// Before the hop limit is looked at (netfilter PREROUTING): the router does not even
            /// answer Time Exceeded.
            case beforeHopLimit
            /// After it (netfilter FORWARD): the router itself still answers, those behind do not.
            case afterHopLimit
        }

        /// What it does with a message.
        public enum Verdict: Hashable, Sendable {
            /// Drops it silently.
            case drop
            /// Drops it and answers Destination Unreachable with this code: 9, 10 or 13 for IPv4
            /// and 1 for IPv6 mean "administratively prohibited".
            case prohibit(code: UInt8)
        }

        /// Which way the messages go that it looks at.
        public enum Direction: Hashable, Sendable {
            /// From this host to the target.
            case outward
            /// From the target to this host.
            case inward
        }

        /// The kind of message that it refuses.
        public var kind: EchoMessage.Kind
        /// Where in the router it sits.
        public var place: Place
        /// Which way the messages go that it looks at.
        public var direction: Direction
        /// What it does with them.
        public var verdict: Verdict

        /// Makes a filter.
        public init(
            _ kind: EchoMessage.Kind, _ place: Place, direction: Direction = .outward,
            verdict: Verdict = .drop
        ) {
            self.kind = kind
            self.place = place
            self.direction = direction
            self.verdict = verdict
        }
    }

    /// The token bucket that bounds a router's ICMP errors to one peer.
    public struct ErrorLimit: Hashable, Sendable {
        /// Errors in a row that a peer gets after a long silence.
        public var burst: Int
        /// Time in which one more is earned.
        public var period: Duration

        /// Makes a limit.
        public init(burst: Int, period: Duration) {
            self.burst = burst
            self.period = period
        }

        /// Six at once, then one a second.
        ///
        /// Linux inet_peer_xrlim_allow() with the default `icmp_ratelimit` of 1000 ms.
        public static let linux = ErrorLimit(burst: 6, period: .seconds(1))
    }
}

/// The state of one router's limit towards one peer.
struct ErrorBucket: Sendable {
    private var nanoseconds: Int64
    private var last: MonotonicInstant

    init(limit: SimulatedRouter.ErrorLimit, at instant: MonotonicInstant) {
        nanoseconds = limit.period.nanoseconds * Int64(limit.burst)
        last = instant
    }

    /// Whether one more error may go out at `instant`; takes its token if so.
    mutating func allow(
        _ limit: SimulatedRouter.ErrorLimit, at instant: MonotonicInstant
    ) -> Bool {
        let period = limit.period.nanoseconds
        // Messages are looked at in the order they were sent; one overtaken on the way earns nothing.
        let earned = max(0, (instant - last).nanoseconds)
        nanoseconds = min(period * Int64(limit.burst), nanoseconds + earned)
        last = max(last, instant)
        guard nanoseconds >= period else { return false }
        nanoseconds -= period
        return true
    }
}
