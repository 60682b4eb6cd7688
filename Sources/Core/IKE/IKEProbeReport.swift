public import NetworkPrimitives

/// What one active look at a peer's IKE ports told.
public struct IKEProbeReport: Equatable, Sendable {
    /// What a UDP port did with a probe, interface page §6.
    public enum PortState: String, CaseIterable, Hashable, Sendable {
        /// The peer answered.
        case open
        /// Nothing came back.
        case filtered
        /// An ICMP error came back.
        case unreachable
        /// Not probed, or not to its end.
        case unknown
    }

    /// An ICMP error that a probe drew.
    public struct Rejection: Hashable, Sendable {
        /// What it says, like `port unreachable`.
        public var kind: String
        /// Who sent it; nil when the kernel did not say.
        public var sender: IPAddress?
        /// Whether it says that the packet's hop limit ran out.
        public var isHopLimitExceeded: Bool

        /// Makes a rejection.
        public init(kind: String, sender: IPAddress?, isHopLimitExceeded: Bool = false) {
            self.kind = kind
            self.sender = sender
            self.isHopLimitExceeded = isHopLimitExceeded
        }
    }

    /// What one port told.
    public struct Port: Equatable, Sendable {
        /// The port, 500 or 4500.
        public var number: UInt16
        /// What it did.
        public var state = PortState.unknown
        /// Why nothing is known; nil when something is.
        public var reason: String?
        /// Packets sent to it.
        public var sent = 0
        /// Valid IKE answers from it.
        public var answers = 0
        /// From the first packet that was answered to its answer; nil without one.
        public var roundTrip: Duration?
        /// The last ICMP error; nil without one.
        public var rejection: Rejection?
        /// What the peer chose; nil when it chose nothing.
        public var chosen: IKEProposal?
        /// Whether `chosen` is of the second offer: something that the provider does not list.
        public var isChosenOfOthers = false
        /// The errors of the peer, in their order.
        public var refusals: [IKENotify] = []
        /// Whether it asked for a cookie.
        public var askedForCookie = false
        /// How far requests get; nil unless it stayed silent.
        public var ladder: PortLadderReport?

        /// Makes a report of a port that was not probed.
        public init(number: UInt16) { self.number = number }
    }

    /// UDP port 500.
    public var port500 = Port(number: 500)
    /// UDP port 4500.
    public var port4500 = Port(number: 4500)
    /// Packets that came and were no answer: from elsewhere, of another SPI, malformed.
    public var ignored = IgnoredAnswers()
    /// When the last of it was decided; nil while it runs, or was not begun.
    public var endedAt: MonotonicInstant?

    /// Makes a report of nothing probed.
    public init() {}

    /// The ports in their order.
    public var ports: [Port] { [port500, port4500] }

    /// What the peer was seen to accept, each once.
    public var accepted: [IKEProposal] {
        ports.compactMap(\.chosen).reduce(into: []) { known, proposal in
            if !known.contains(where: { $0.description == proposal.description }) {
                known.append(proposal)
            }
        }
    }

    /// Packets sent to both ports.
    public var sent: Int { ports.reduce(0) { $0 + $1.sent } }
}

/// Datagrams that reached a prober and were no answer to it.
public struct IgnoredAnswers: Hashable, Sendable {
    /// From another address or port than the one asked.
    public var foreign = 0
    /// Of an IKE SA that is not the prober's, or no answer at all.
    public var unasked = 0
    /// Malformed, or cut.
    public var malformed = 0

    /// Makes counts of zero.
    public init() {}

    /// All of them.
    public var total: Int { foreign + unasked + malformed }
}
