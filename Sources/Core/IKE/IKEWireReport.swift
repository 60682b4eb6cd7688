public import NetworkPrimitives

/// What the IKE packets between two hosts told, passively.
///
/// Everything here was seen on the wire. What is encrypted is not known; the kind of the first payload
/// inside and the size are (RFC 7296 §3.14), and what follows from these alone is called likely.
/// Whoever can send packets with these addresses can make it say anything.
public struct IKEWireReport: Equatable, Sendable {
    /// Counts of one direction.
    public struct Counts: Equatable, Sendable {
        /// Messages, repeated ones and fragments among them.
        public var messages: UInt64 = 0
        /// Requests, each counted once however often it was sent.
        public var requests: UInt64 = 0
        /// Requests of this direction that nothing answered within 10 s of the last sending.
        public var unanswered: UInt64 = 0
        /// Requests that were sent again.
        public var retransmissions: UInt64 = 0
        /// Answers to a request that was not seen, or not remembered.
        public var unasked: UInt64 = 0
        /// Fragments of encrypted messages, RFC 7383.
        public var fragments: UInt64 = 0
        /// Messages that came as fragments of IP.
        public var ipFragments: UInt64 = 0
        /// Messages that were captured twice.
        public var copies: UInt64 = 0
        /// NAT keepalives, RFC 3948 §2.3.
        public var keepalives = IKERhythm()
        /// Requests of INFORMATIONAL exchanges with nothing inside: "are you there?".
        public var liveness = IKERhythm()
        /// Changes of the address or port that this direction comes from, under the same SPIs.
        public var rebindings: UInt64 = 0
        /// Messages of IKEv1.
        public var ikev1: UInt64 = 0
        /// Messages that the capture cut.
        public var truncated: UInt64 = 0
        /// Messages that contradict themselves.
        public var malformed: UInt64 = 0

        /// Makes counts of zero.
        public init() {}
    }

    /// A request that waits for its answer.
    public struct OpenExchange: Equatable, Sendable {
        /// What it is about.
        public var type: IKEExchangeType
        /// Who asked.
        public var direction: TrafficDirection
        /// How often it was sent.
        public var sendings: Int
        /// When it was sent first.
        public var since: MonotonicInstant
        /// Whether it goes over port 4500.
        public var isOnPort4500: Bool

        /// Makes an exchange.
        public init(
            type: IKEExchangeType, direction: TrafficDirection, sendings: Int,
            since: MonotonicInstant, isOnPort4500: Bool
        ) {
            self.type = type
            self.direction = direction
            self.sendings = sendings
            self.since = since
            self.isOnPort4500 = isOnPort4500
        }
    }

    /// The host whose packets are `outbound`; the asking one where none is known to be near.
    public var local: IPAddress?
    /// The other host.
    public var remote: IPAddress?
    /// Whether it is known which of both is near.
    public var isLocalKnown = false
    /// Packets of the near host.
    public var outbound = Counts()
    /// Packets of the other host.
    public var inbound = Counts()
    /// Who began the last IKE SA that was seen; nil when that was not seen.
    public var initiator: TrafficDirection?
    /// The IKE SAs that were seen.
    public var associations: UInt64 = 0
    /// The proposals of the last IKE_SA_INIT request.
    public var offered: [IKEProposal] = []
    /// The group of the last public key that was offered.
    public var offeredGroup: IKEGroup?
    /// The proposal that was chosen last; nil when none was seen to be.
    public var chosen: IKEProposal?
    /// The cleartext error that answered the last IKE_SA_INIT; nil after one that went well.
    public var refusal: IKENotify?
    /// Cookies that were asked for, RFC 7296 §2.6.
    public var cookies: UInt64 = 0
    /// Times another group was asked for, RFC 7296 §1.3.
    public var groupChanges: UInt64 = 0
    /// The gateway that a REDIRECT named last; nil without one.
    public var redirectedTo: String?
    /// The cleartext notifies of each side's last IKE_SA_INIT by name, without hashes and cookies.
    public var notifies: [TrafficDirection: [String]] = [:]
    /// The implementations that each side's last vendor IDs name; hexadecimal where nobody knows them.
    public var vendors: [TrafficDirection: [String]] = [:]
    /// Whether the other host answered something without the non-ESP marker; nil when nothing was asked.
    public var answered500: Bool?
    /// Whether it answered something with the marker, as on port 4500; nil when nothing was asked.
    public var answered4500: Bool?
    /// Whether an IKE SA passed from port 500 to 4500.
    public var floated = false
    /// Whether a NAT stands before the near host; nil when no hash told.
    public var natLocal: Bool?
    /// Whether a NAT stands before the other host, or it pretends in order to get UDP encapsulation;
    /// nil when no hash told.
    public var natRemote: Bool?
    /// Whether the near host hashes another address than it sends from, which forces UDP
    /// encapsulation, or there is a NAT before the place of the capture; nil when no hash told.
    public var natPretended: Bool?
    /// CREATE_CHILD_SA exchanges that went well: rekeys, and further child SAs.
    public var rekeys = IKERhythm()
    /// CREATE_CHILD_SA exchanges that a lone notify answered.
    public var rekeysRefused: UInt64 = 0
    /// Whether the last IKE SA got as far as answering under its keys; nil when that was not seen.
    public var established: Bool?
    /// Requests that wait for their answers, the oldest first.
    public var open: [OpenExchange] = []
    /// When the last packet came.
    public var lastSeen: MonotonicInstant?
    /// A failure that a cleartext notify or silence proves.
    public var failure: IKEFailure?
    /// A failure that the first payload's kind and the size of an encrypted message make likely.
    public var likelyFailure: IKEFailure?
    /// One sentence for each thing that proves it or makes it likely.
    public var evidence: [String] = []

    /// Makes a report of nothing seen.
    public init() {}

    /// The counts of a direction.
    public subscript(direction: TrafficDirection) -> Counts {
        get { direction == .outbound ? outbound : inbound }
        set { if direction == .outbound { outbound = newValue } else { inbound = newValue } }
    }

    /// The share of sendings that were repetitions, 0...1; nil when nothing was asked.
    public var retransmissionRatio: Double? {
        let requests = outbound.requests + inbound.requests
        let again = outbound.retransmissions + inbound.retransmissions
        return requests == 0 ? nil : Double(again) / Double(requests + again)
    }
}
