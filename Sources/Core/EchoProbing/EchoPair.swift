import NetworkPrimitives

/// One test and its control, sent in random order at least `HopPacer.spacing` apart.
struct EchoPair: Sendable {
    enum State: Sendable {
        /// Not due yet.
        case waiting
        /// On its way.
        case sent
        /// A router answered Time Exceeded.
        case answered
        /// Another ICMP error came back.
        case refused
        /// The kernel did not send it.
        case failed
    }

    struct Probe: Sendable {
        var due: MonotonicInstant
        var nonce: UInt64 = 0
        var sentAt: MonotonicInstant?
        var transmittedAt: MonotonicInstant?
        var state = State.waiting
        var isLate = false

        init(due: MonotonicInstant) {
            self.due = due
        }
    }

    var number: UInt64
    var distance: UInt8
    var testIsFirst: Bool
    var first: Probe
    var second: Probe
    var roundTrip: Duration?
    var isJudged = false

    /// Test and control share it; the ICMP type tells them apart.
    var sequence: UInt16 { UInt16(truncatingIfNeeded: number) }

    func isTest(isFirst: Bool) -> Bool { testIsFirst == isFirst }

    mutating func update(isFirst: Bool, _ change: (inout Probe) -> Void) {
        if isFirst { change(&first) } else { change(&second) }
    }

    /// When the pair can be judged: as soon as both are answered, else a timeout after the second;
    /// nil while one of them has not left.
    func expiry(after timeout: Duration) -> MonotonicInstant? {
        guard first.state != .waiting, second.state != .waiting else { return nil }
        guard first.state == .sent || second.state == .sent else { return .zero }
        // After a stall the slots lie further back than the timeout: wait for the report of the send.
        guard first.state != .sent || first.sentAt != nil,
            second.state != .sent || second.sentAt != nil
        else { return nil }
        return (second.sentAt ?? second.due) + timeout
    }
}
