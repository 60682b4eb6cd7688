import NetworkPrimitives

/// A request of one side and what became of it.
struct ObservedExchange: Sendable {
    let messageID: UInt32
    let type: IKEExchangeType
    /// Between whom it was sent, and which way: an SA may move on to other addresses.
    let pair: HostPair
    let direction: TrafficDirection
    /// Whether it went with the non-ESP marker, as on port 4500.
    var isEncapsulated: Bool
    /// When it was sent first, and when last.
    let first: MonotonicInstant
    var last: MonotonicInstant
    /// How often it was sent.
    var sendings = 1
    /// What it was, to tell a repetition from another attempt.
    let fingerprint: UInt64
    /// The first payload inside it; nil where nothing is encrypted.
    let firstInside: IKEPayloadKind?
    /// Whether it had no room for a child SA.
    var lacksChildSA = false
    /// Which of its fragments came; bit 0 is the first.
    var fragments: UInt64 = 0
    /// What was encrypted in the answer, or nothing; nil as long as there is none.
    var answer: Answer?
    /// Whether its silence was counted.
    var isCountedUnanswered = false

    /// What an answer was like.
    enum Answer: Sendable {
        /// In the clear, or of a size that says nothing.
        case plain
        /// One notify alone: an error.
        case oneNotify
        /// An IKE_AUTH without room for a child SA.
        case withoutChildSA
    }

    /// How long after the last sending an answer is waited for.
    static let patience = Duration.seconds(10)
    /// The same request within this time is one packet that was captured twice.
    static let copyInterval = Duration.milliseconds(20)

    init(
        _ message: IKEMessage, between pair: HostPair, _ direction: TrafficDirection,
        isEncapsulated: Bool, fingerprint: UInt64, at now: MonotonicInstant
    ) {
        self.pair = pair
        self.direction = direction
        messageID = message.header.messageID
        type = message.header.exchange
        self.isEncapsulated = isEncapsulated
        first = now
        last = now
        self.fingerprint = fingerprint
        firstInside = message.encrypted?.firstInside
        if let fragment = message.encrypted?.fragment { note(fragment) }
    }

    /// Notes a fragment; false when it came before.
    @discardableResult
    mutating func note(_ fragment: IKEMessage.Fragment) -> Bool {
        // A shift past the width gives 0: those beyond the 64th are taken as new.
        let bit = UInt64(1) << UInt64(fragment.number - 1)
        guard fragments & bit == 0 else { return false }
        fragments |= bit
        return true
    }
}

/// A number that tells messages apart: FNV-1a over the captured octets.
///
/// No secret and no proof: somebody who wants two messages to look alike gains a retransmission.
func messageFingerprint(_ bytes: RawSpan) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for offset in 0..<bytes.byteCount {
        hash = (hash ^ UInt64(bytes.uint8(at: offset))) &* 0x0000_0100_0000_01b3
    }
    return hash
}

extension ObservedExchange {
    /// Whether it was not answered though there was time to.
    func isOverdue(at now: MonotonicInstant) -> Bool {
        answer == nil && now - last >= Self.patience
    }

    /// Whether the other side seems not to answer: it was asked twice, or is silent for long.
    func isSilent(at now: MonotonicInstant) -> Bool {
        answer == nil && (sendings > 1 || now - first >= Self.silence)
    }

    /// Longer than any answer of a peer that is there takes.
    private static let silence = Duration.seconds(5)
}
