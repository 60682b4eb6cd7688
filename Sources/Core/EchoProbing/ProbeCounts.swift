/// Everything counted about the probes of one path and style, since counting began.
///
/// The loss law holds at every moment: `sent = received + lost + inconclusive + inFlight`.
public struct ProbeCounts: Hashable, Sendable {
    /// Why a probe failed other than by silence.
    public enum FailureReason: String, CaseIterable, Hashable, Sendable {
        /// The kernel refused to send it; not part of `sent`.
        case send
        /// The target's name had no address; not part of `sent`.
        case resolve
        /// An ICMP error says that a filter refused it; part of `lost`.
        case filtered
        /// Any other ICMP error about it; part of `lost`.
        case unreachable
    }

    /// Why a message that looked like an answer was not taken for one.
    public enum RejectionReason: String, CaseIterable, Hashable, Sendable {
        /// It came from another address than the one probed.
        case wrongSource = "wrong_source"
        /// Its payload is not the one that was sent.
        case payloadChanged = "payload_changed"
        /// Its identifier is ours, but no probe with its sequence number is remembered.
        case unknownSequence = "unknown_sequence"
        /// An ICMP error quotes our identifier in a packet that we did not send.
        case wrongQuote = "wrong_quote"
    }

    /// Probes handed to the network, retries not included.
    public var sent: UInt64 = 0
    /// Probes answered in time, each counted once.
    public var received: UInt64 = 0
    /// Probes known to be lost: unanswered at the timeout, or refused by an ICMP error.
    public var lost: UInt64 = 0
    /// Probes whose silence proves nothing.
    public var inconclusive: UInt64 = 0
    /// Probes not yet decided.
    public var inFlight: UInt64 { sent - received - lost - inconclusive }
    /// Answers that came after their probe had been declared lost.
    public var lateReplies: UInt64 = 0
    /// Extra probes sent at once after a failure; samples of the health state, not part of `sent`.
    public var retries: UInt64 = 0
    /// Further answers to an answered probe; never part of `received`.
    public var duplicates: UInt64 = 0
    /// Answers to a probe sent before one that was already answered (RFC 4737 type P reordered).
    public var reordered: UInt64 = 0
    /// Failures by reason; every reason is present.
    public var failed: [FailureReason: UInt64]
    /// Rejected messages by reason; every reason is present.
    public var rejected: [RejectionReason: UInt64]
    /// ICMP errors about our probes by type and code, like "3/13"; only those seen.
    public var icmpErrors: [ICMPErrorCode: UInt64] = [:]
    /// Fresh identifiers taken after a loss.
    public var identifierRotations: UInt64 = 0
    /// Times a fresh identifier was answered at once after three or more failures under the old
    /// one: the mark of a stale session in a firewall or NAT on the way.
    public var freshIdentifierRecoveries: UInt64 = 0
    /// Round-trip times taken without both kernel stamps, which include this process's own delays.
    public var unstampedRoundTrips: UInt64 = 0

    /// Nothing counted yet.
    public init() {
        failed = Dictionary(uniqueKeysWithValues: FailureReason.allCases.map { ($0, 0) })
        rejected = Dictionary(uniqueKeysWithValues: RejectionReason.allCases.map { ($0, 0) })
    }

    /// The share of decided probes that were lost, 0...1; nil while none is decided.
    public var lossRatio: Double? {
        let decided = received + lost
        return decided == 0 ? nil : Double(lost) / Double(decided)
    }
}

/// Type and code of an ICMP error.
public struct ICMPErrorCode: Hashable, Comparable, CustomStringConvertible, Sendable {
    /// The type octet.
    public var type: UInt8
    /// The code octet.
    public var code: UInt8

    /// `type/code`, like "3/13".
    public var description: String { "\(type)/\(code)" }

    /// Orders by type, then code.
    public static func < (left: ICMPErrorCode, right: ICMPErrorCode) -> Bool {
        (left.type, left.code) < (right.type, right.code)
    }
}
