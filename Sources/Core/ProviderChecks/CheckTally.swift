import NetworkPrimitives

/// What checks came to.
struct CheckTally: Hashable, Sendable {
    /// Answered in time by the tunnel's device.
    var byTunnel = 0
    /// Answered in time by the underlay's device.
    var byWAN = 0
    /// Answered in time by the device of another tunnel.
    var byOtherTunnel = 0
    /// Answered, but later than 100 ms.
    var late = 0
    /// Not answered, as far as the watched devices show.
    var silent = 0
    /// Not to be judged: the capture lost packets about then.
    var unjudged = 0

    /// Checks that were answered in time.
    var answered: Int { byTunnel + byWAN + byOtherTunnel }
    /// Checks that were not.
    var unanswered: Int { late + silent }
    /// Checks that say something.
    var judged: Int { answered + unanswered }
    /// All checks.
    var total: Int { judged + unjudged }

    mutating func note(_ check: PendingCheck) {
        guard let answer = check.answer else {
            if check.isDisturbed { unjudged += 1 } else { silent += 1 }
            return
        }
        guard answer.delay <= CheckMatching.timeout else {
            late += 1
            return
        }
        switch answer.place {
        case .tunnel: byTunnel += 1
        case .wan: byWAN += 1
        case .otherTunnel: byOtherTunnel += 1
        }
    }

    static func += (left: inout CheckTally, right: CheckTally) {
        left.byTunnel += right.byTunnel
        left.byWAN += right.byWAN
        left.byOtherTunnel += right.byOtherTunnel
        left.late += right.late
        left.silent += right.silent
        left.unjudged += right.unjudged
    }
}

/// Tallies of the last five minutes, in slots of five seconds.
struct RecentTallies: Sendable {
    static let slotLength = Duration.seconds(5)
    static let slotCount = 60

    private var slots: [(number: Int64, tally: CheckTally)] = []

    mutating func note(_ check: PendingCheck, at instant: MonotonicInstant) {
        let number = Self.slot(of: instant)
        if let last = slots.last, last.number >= number {
            // Stamps of two devices are not quite in order; the slot in use is near enough.
            slots[slots.count - 1].tally.note(check)
            return
        }
        var tally = CheckTally()
        tally.note(check)
        slots.append((number, tally))
        if slots.count > Self.slotCount { slots.removeFirst() }
    }

    /// What came within `span` before `now`, to the slot.
    func tally(of span: Duration, before now: MonotonicInstant) -> CheckTally {
        let first = Self.slot(of: now - span)
        let last = Self.slot(of: now)
        var sum = CheckTally()
        for slot in slots where slot.number > first && slot.number <= last { sum += slot.tally }
        return sum
    }

    private static func slot(of instant: MonotonicInstant) -> Int64 {
        let length = slotLength.nanoseconds
        let number = instant.nanoseconds / length
        return instant.nanoseconds % length < 0 ? number - 1 : number
    }
}
