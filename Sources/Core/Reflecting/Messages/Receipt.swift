public import NetworkPrimitives

/// What a reflector received and sent in one run, as it tells the agent.
public struct Receipt: Hashable, Sendable {
    /// What arrived of one kind of probe.
    public struct Arrivals: Hashable, Sendable {
        /// Probes that arrived, each counted once.
        public var received: UInt32 = 0
        /// Further copies of probes that had arrived.
        public var duplicates: UInt32 = 0
        /// Probes that arrived behind one with a higher number.
        public var reordered: UInt32 = 0
        /// When the first arrived, in microseconds since the run began; nil for none.
        public var firstMicroseconds: UInt32?
        /// When the last new one arrived, in microseconds since the run began; nil for none.
        public var lastMicroseconds: UInt32?
        /// The lowest and the highest hop limit on arrival; nil where the kernel did not say.
        public var hopLimits: ClosedRange<UInt8>?

        /// Nothing arrived.
        public init() {}
    }

    /// Unsolicited Echo Replies of the agent.
    public var replies = Arrivals()
    /// Echo Requests of the agent.
    public var requests = Arrivals()
    /// Answers of the agent's kernel to Echo Requests of the reflector.
    public var answers: UInt32 = 0
    /// Further copies of such answers.
    public var duplicateAnswers: UInt32 = 0
    /// Echo Replies that the reflector sent.
    public var sentReplies: UInt32 = 0
    /// Echo Requests that the reflector sent.
    public var sentRequests: UInt32 = 0
    /// Probes that its kernel refused to send.
    public var refused: UInt32 = 0
    /// The address that the first probe came from; nil for none.
    public var source: IPAddress?
    /// Whether probes came from other addresses too.
    public var hasOtherSources = false

    /// Nothing was received and nothing sent.
    public init() {}
}
