public import NetworkPrimitives

/// What one run against a reflector told: how much of each kind arrived, each way.
public struct ReflectionReport: Hashable, Sendable {
    /// What the numbers of one direction amount to.
    public enum Verdict: String, CaseIterable, Sendable {
        /// Unsolicited Echo Replies arrive.
        case open
        /// None arrived, while Echo Requests did.
        case blocked
        /// It cannot be told; `reason` says why.
        case inconclusive
    }

    /// Probes of one kind in one direction.
    public struct Delivery: Hashable, Sendable {
        /// Probes that left; nil where nobody told.
        public var sent: UInt32?
        /// Those that arrived, each counted once; nil where nobody told.
        public var received: UInt32?
        /// Further copies that arrived; nil where nobody told.
        public var duplicates: UInt32?
        /// Probes that arrived behind one with a higher number; nil where nobody told.
        public var reordered: UInt32?
        /// The lowest and the highest hop limit on arrival; nil where not known.
        public var hopLimits: ClosedRange<UInt8>?

        /// Nothing is known.
        public init() {}

        /// The share that arrived, 0...1; nil when nothing was sent or nobody told.
        public var ratio: Double? {
            guard let sent, sent > 0, let received else { return nil }
            return min(Double(received) / Double(sent), 1)
        }

        /// Routers that the probes passed, if they began with a common hop limit (64, 128, 255).
        public var likelyHops: Int? {
            guard let highest = hopLimits?.upperBound else { return nil }
            let first: UInt8 = highest <= 64 ? 64 : highest <= 128 ? 128 : 255
            return Int(first - highest)
        }
    }

    /// One way: from the agent to the reflector, or back.
    public struct Direction: Hashable, Sendable {
        /// Unsolicited Echo Replies.
        public var replies = Delivery()
        /// Echo Requests.
        public var requests = Delivery()
        /// What the numbers amount to.
        public var verdict = Verdict.inconclusive
        /// The probability of the verdict, 0...1; nil where inconclusive.
        public var confidence: Double?
        /// Why it is inconclusive, or what else is to be said; nil for nothing.
        public var reason: String?

        /// Nothing is known.
        public init() {}
    }

    /// Why there is no measurement, or why it is not whole; nil when it is.
    public var reason: String?
    /// Whether a receipt was had.
    public var isComplete = false
    /// From the agent to the reflector.
    public var forward = Direction()
    /// From the reflector to the agent.
    public var reverse = Direction()
    /// The address and port that the agent's datagrams came from, as the reflector saw them.
    public var observed: Endpoint?
    /// The address that the agent's probes came from, as the reflector saw it; nil for none.
    public var observedProbeSource: IPAddress?
    /// Whether addresses are translated on the way; nil while not known.
    public var isTranslated: Bool?
    /// The shortest round trip of the datagrams; nil for none.
    public var roundTrip: Duration?
    /// Echo Requests of the agent that the reflector's kernel answered, and the answer came back.
    public var answersReceived: UInt32 = 0
    /// Echo Requests of the reflector that the agent's kernel answered, and the answer arrived there;
    /// nil where nobody told.
    public var answersDelivered: UInt32?
    /// When the run ended; nil while it has not.
    public var endedAt: MonotonicInstant?

    /// A measurement that was not made, and why.
    public init(unavailable reason: String) {
        self.reason = reason
        forward.reason = reason
        reverse.reason = reason
    }

    /// A measurement that begins.
    init() {}
}

/// A UDP address and port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public var address: IPAddress
    /// The port.
    public var port: UInt16

    /// Makes an endpoint.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `192.0.2.1:9818` or `[2001:db8::1]:9818`.
    public var description: String {
        address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}
