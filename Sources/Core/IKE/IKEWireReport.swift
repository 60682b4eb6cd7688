public import NetworkPrimitives

/// What the IKE packets between two hosts told, passively.
///
/// Everything here was seen on the wire: what is encrypted is not known, and what could only be
/// concluded from sizes is called a hint.
public struct IKEWireReport: Equatable, Sendable {
    /// Counts of one direction.
    public struct Counts: Equatable, Sendable {
        /// Messages, repeated ones and fragments among them.
        public var messages: UInt64 = 0
        /// Requests, each counted once however often it was sent.
        public var requests: UInt64 = 0
        /// Requests of this direction that the other side did not answer in time.
        public var unanswered: UInt64 = 0
        /// Requests that were sent again without being answered before.
        public var retransmissions: UInt64 = 0
        /// Fragments of encrypted messages, RFC 7383.
        public var fragments: UInt64 = 0
        /// Messages that came as fragments of IP.
        public var ipFragments: UInt64 = 0
        /// NAT keepalives, RFC 3948 §2.3.
        public var keepalives: UInt64 = 0
        /// Messages of IKEv1.
        public var ikev1: UInt64 = 0
        /// Messages that the capture cut.
        public var truncated: UInt64 = 0
        /// Messages that contradict themselves.
        public var malformed: UInt64 = 0

        /// Makes counts of zero.
        public init() {}
    }

    /// Packets of this host, or of the lower address where none is known to be this host.
    public var outbound = Counts()
    /// Packets of the other host.
    public var inbound = Counts()
    /// Who began the last IKE SA that was set up or tried; nil when no IKE_SA_INIT was seen.
    public var initiator: TrafficDirection?
    /// The IKE SAs that were seen.
    public var associations: UInt64 = 0
    /// The proposals that were offered last.
    public var offered: [IKEProposal] = []
    /// The proposal that was chosen last; nil when none was seen to be.
    public var chosen: IKEProposal?
    /// The group of the last public key that was offered.
    public var offeredGroup: IKEGroup?
    /// The cleartext error that answered the last IKE_SA_INIT, and the group that it wants; nil after
    /// one that went well.
    public var refusal: IKENotify?
    /// Whether the peer sends IKE from or to port 500 and answers there; nil when nothing was sent.
    public var answered500: Bool?
    /// The same of port 4500.
    public var answered4500: Bool?
    /// Whether a NAT stands before this host; nil when no hash told.
    public var natLocal: Bool?
    /// Whether a NAT stands before the peer; nil when no hash told.
    public var natRemote: Bool?
    /// CREATE_CHILD_SA exchanges that were answered: rekeys, and further child SAs.
    public var rekeys: UInt64 = 0
    /// When the last packet came.
    public var lastSeen: MonotonicInstant?
    /// A failure that a cleartext notify or silence proves.
    public var failure: IKEFailure?
    /// One sentence for each thing that proves it.
    public var evidence: [String] = []

    /// Makes a report of nothing seen.
    public init() {}
}
