import NetworkPrimitives

/// What became of one probe of a ladder.
struct LadderRecord: Sendable {
    enum State: Hashable, Sendable {
        /// Handed out, not yet said to be sent.
        case planned
        /// Sent; an answer may still come.
        case waiting
        /// Sent, and the time for an answer has passed; a late one counts all the same.
        case silent
        /// A router answered Time Exceeded.
        case timeExceeded
        /// A filter refused it and said so.
        case filtered
        /// Another Destination Unreachable.
        case unreachable
        /// The target itself answered.
        case reachedTarget
        /// This host's firewall took no such packet.
        case refusedHere
        /// It could not be sent for another reason.
        case failed
    }

    var kind: LadderProbe.Kind
    var flow: Int
    var hop: Int
    /// Which start of the ladder it belongs to: a path that changed makes the earlier ones void.
    var attempt: Int
    var state = State.planned
    /// When it was handed out, and then when it went to the kernel.
    var sentAt: MonotonicInstant?
    /// Whether the capture saw it leave.
    var wasSeen = false
    /// Who answered.
    var router: IPAddress?

    /// Whether nothing more has to be waited for.
    var isSettled: Bool { state != .planned && state != .waiting }
    /// Whether it left this host, as far as the kernel tells, and is settled.
    var counts: Bool { isSettled && state != .refusedHere && state != .failed }
}

/// The order of the packets for one hop: pairs of a control and a test.
///
/// Of two pairs in a row one has the control first and the other the test, so that a router which
/// answers every second packet answers some of both.
struct PairOrder: Sendable {
    private var testFirst: [Bool] = []

    /// What packet number `index` is, from 0.
    mutating func kind(
        at index: Int, using generator: inout some RandomNumberGenerator
    ) -> LadderProbe.Kind {
        let pair = index / 2
        while testFirst.count <= pair {
            switch testFirst.count {
            // The fourth pair decides on a short path in little time if its test goes first.
            case 2: testFirst.append(false)
            case let count where count % 2 == 0: testFirst.append(Bool.random(using: &generator))
            default: testFirst.append(!testFirst[testFirst.count - 1])
            }
        }
        return (index % 2 == 0) == testFirst[pair] ? .reply : .request
    }
}
