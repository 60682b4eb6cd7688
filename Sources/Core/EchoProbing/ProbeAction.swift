public import NetworkPrimitives
public import PacketFormats

/// An echo message to be sent, and what identifies it to its prober afterwards.
public struct EchoTransmission: Equatable, Sendable {
    /// The prober's own number for it; never reused.
    public var number: UInt64
    /// The message.
    public var message: EchoMessage
    /// The constant checksum of its flow (IPv4; see `EchoMessage`).
    public var checksum: UInt16
    /// The hop limit to send it with; nil for the system's default.
    public var hopLimit: UInt8?
    /// When it should leave.
    public var deadline: MonotonicInstant
}

/// One input of the health state: a probe or retry, decided.
public struct ProbeSample: Equatable, Sendable {
    /// When it was sent, or should have been.
    public var sentAt: MonotonicInstant
    /// Whether it was answered in time.
    public var succeeded: Bool

    /// Makes a sample.
    public init(sentAt: MonotonicInstant, succeeded: Bool) {
        self.sentAt = sentAt
        self.succeeded = succeeded
    }
}

/// How one probe ended.
public struct ProbeOutcome: Equatable, Sendable {
    /// The ways a probe can end.
    public enum Result: String, Sendable {
        /// Answered in time.
        case received
        /// Unanswered at the timeout.
        case lost
        /// Refused by an ICMP error.
        case refused
        /// Never sent.
        case unsent
        /// Its silence proves nothing.
        case inconclusive
    }

    /// The ICMP identifier.
    public var identifier: UInt16
    /// The ICMP sequence number.
    public var sequence: UInt16
    /// When it was handed to the kernel, or should have been.
    public var sentAt: MonotonicInstant
    /// The round-trip time; nil unless received.
    public var roundTrip: Duration?
    /// How it ended.
    public var result: Result
    /// Whether it was a retry.
    public var isRetry: Bool
    /// The hop limit, for hop-limited probes.
    public var hopLimit: UInt8?
}

/// What a prober wants done, or has to tell, in the order it happened.
public enum ProbeAction: Equatable, Sendable {
    /// Send this message; report back with `sent` or `failedToSend`.
    case send(EchoTransmission)
    /// A sample for the health state; samples come in the order they were sent.
    case sample(ProbeSample)
    /// A probe is decided.
    case resolved(ProbeOutcome)
}
