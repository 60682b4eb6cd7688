public import NetworkPrimitives

/// What Echo Requests of one path came to.
public struct ProbeFacts: Equatable, Sendable {
    /// Decided probes of a stretch of time.
    public struct Tally: Hashable, Sendable {
        /// Probes that were sent and decided.
        public var sent: UInt64
        /// Those that were answered in time.
        public var received: UInt64
        /// The time they were sent in.
        public var span: Duration

        /// Those that were not.
        public var lost: UInt64 { sent - min(received, sent) }
        /// The share of lost ones, 0...1; nil of none.
        public var lossRatio: Double? { sent == 0 ? nil : Double(lost) / Double(sent) }

        /// Makes a tally.
        public init(sent: UInt64, received: UInt64, span: Duration) {
            self.sent = sent
            self.received = received
            self.span = span
        }
    }

    /// The address that is asked, or why none is.
    public var target = Fact<IPAddress>.notYet
    /// The latest probes: up to 10 s in the agent, all of them in an examination.
    public var recent = Fact<Tally>.notYet
    /// Up to the last five minutes.
    public var longer = Fact<Tally>.notYet
    /// The stretch of the latest probes over which loss is most certain; without loss, all that are kept.
    public var lossiest = Fact<Tally>.notYet
    /// The latest probes in a row that went unanswered.
    public var unansweredInARow = Fact<Int>.notYet
    /// The latest probes in a row that were answered.
    public var answeredInARow = Fact<Int>.notYet
    /// Whether the target has ever answered.
    public var hasEverAnswered = Fact<Bool>.notYet
    /// ICMP errors and failures to send, of the latest probes, by reason: `send`, `resolve`,
    /// `filtered`, `unreachable`.
    public var failures = Fact<[String: UInt64]>.notYet
    /// Why the last probe could not be sent; nil where it was.
    public var sendFailure: String?

    /// Nothing is known.
    public init() {}
}
