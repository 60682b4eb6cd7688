/// What checks came to.
struct CheckTally: SlotValue, Hashable {
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
