public import NetworkPrimitives

/// What is known of a tunnel's IKE.
public struct IKEFacts: Equatable, Sendable {
    /// What a UDP port of the peer does.
    public enum Port: String, Sendable {
        /// It answers.
        case open
        /// It is silent.
        case filtered
        /// It draws ICMP errors.
        case unreachable
    }

    /// The child SA of its configuration; nil while unknown.
    public var child: String?
    /// Whether ESP flows.
    public enum Flow: Hashable, Sendable {
        /// In both directions.
        case flowing
        /// In one; the other is missing.
        case oneWay(missing: TrafficDirection)
        /// In none.
        case absent
    }

    /// Why a negotiation fails.
    public enum Failure: String, Sendable {
        /// The peer does not answer.
        case noResponse = "no_response"
        /// NO_PROPOSAL_CHOSEN.
        case noProposal = "no_proposal"
        /// AUTHENTICATION_FAILED.
        case authentication
        /// An identity is not the expected one.
        case identity
        /// TEMPORARY_FAILURE.
        case temporaryFailure = "temporary_failure"
        /// The child SA was refused.
        case childRefused = "child_refused"
    }

    /// A failure and who saw it.
    public struct FailureSeen: Hashable, Sendable {
        /// What failed.
        public var failure: Failure
        /// Who saw it: `key daemon`, `wire`, `probe`, `provider's log`.
        public var origin: String
        /// What was seen, a sentence each.
        public var evidence: [String]

        /// Makes a failure.
        public init(_ failure: Failure, origin: String, evidence: [String]) {
            self.failure = failure
            self.origin = origin
            self.evidence = evidence
        }
    }

    /// What port 500 does, and what that rests on.
    public var port500 = Fact<Port>.notYet
    /// What it rests on, a sentence.
    public var port500Evidence: String?
    /// Where requests to it die, a part of a sentence; nil where no hop ladder tells.
    public var port500Place: String?
    /// What port 4500 does.
    public var port4500 = Fact<Port>.notYet
    /// What it rests on, a sentence.
    public var port4500Evidence: String?
    /// Where requests to it die, a part of a sentence; nil where no hop ladder tells.
    public var port4500Place: String?
    /// Whether ESP flows.
    public var flow = Fact<Flow>.notYet
    /// Whether anything that was sent through the tunnel since the inside fell silent drew an answer, hop-limited
    /// probes above all.
    public var isFarEndReached = Fact<Bool>.notYet
    /// Whether a key daemon of this host, or packets of one, show that IKE is to negotiate this tunnel.
    public var isInUse = false
    /// Why a negotiation fails; known nil when none does.
    public var failure = Fact<FailureSeen?>.notYet
    /// What this side offered, by name.
    public var offered = Fact<[String]>.notYet
    /// What the peer was seen to accept, by name.
    public var accepted = Fact<[String]>.notYet
    /// Whether an IKE SA is established.
    public var isEstablished = Fact<Bool>.notYet
    /// The identity of this side, as the key daemon or its configuration has it.
    public var localID = Fact<String>.notYet
    /// What the key daemon does about a dead peer.
    public var deadPeer = Fact<DeadPeerDetection>.notYet
    /// The lifetime of the IKE SA as configured.
    public var associationLifetime = Fact<Duration>.notYet
    /// The lifetime of the child SA, as configured or as the kernel has it.
    public var childLifetime = Fact<Duration>.notYet
    /// CREATE_CHILD_SA exchanges that ended in TEMPORARY_FAILURE within the last ten minutes.
    public var temporaryFailures = Fact<Growth>.notYet
    /// The key daemon, like `strongSwan 5.9.11`; nil where none is known.
    public var daemon: String?
    /// The name of the tunnel's connection in the key daemon; nil where it is not known.
    public var connection: String?

    /// How a key daemon looks for dead peers.
    public struct DeadPeerDetection: Hashable, Sendable {
        /// How long a peer may be silent; nil when dead peers are not looked for.
        public var delay: Duration?
        /// What happens then, in the daemon's own word.
        public var action: String
        /// Whether that makes it negotiate anew.
        public var isRestart: Bool

        /// Makes it.
        public init(delay: Duration?, action: String, isRestart: Bool) {
            self.delay = delay
            self.action = action
            self.isRestart = isRestart
        }
    }

    /// Nothing is known.
    public init() {}
}
