import NetworkPrimitives

/// Whether one size reaches one hop: its silence held against the answers of sizes that do.
///
/// A router may be slow to answer, or answer only so often. Its silence counts only when it answered
/// two probes just as close together before, and probes of other sizes in between and after.
struct HopTrial: Sendable {
    /// What a hop should be sent next to get on.
    enum Need: Hashable, Sendable {
        /// A size that is known to reach it.
        case control
        /// The size in question.
        case size
        /// Nothing: the size does not reach it.
        case excluded
        /// Nothing: it answers too irregularly.
        case hopeless
    }

    let need: Need

    /// Controls after which a hop whose answers still do not add up is given up.
    private static let patience = 12

    init(of size: Int, at hop: HopEvidence.Hop) {
        var loss = LossEstimate()
        var silences = 0
        var controlsSince = 0
        /// The shortest time after which it answered again.
        var gap: Duration?
        /// Whether the size was tried sooner than that, which proves nothing.
        var isHasty = false
        var last: HopEvidence.Try?
        for attempt in hop.tries {
            if attempt.size <= hop.passed {
                if attempt.isAnswered {
                    loss.answered += 1
                    if silences > 0 { controlsSince += 1 }
                    if let last, last.isAnswered {
                        let time = attempt.sentAt - last.sentAt
                        if time < gap ?? .seconds(3600) {
                            gap = time
                            isHasty = false
                        }
                    }
                } else {
                    // From here on anew: it does not answer everything that reaches it.
                    loss.lost += 1
                    silences = 0
                    controlsSince = 0
                    gap = nil
                }
            } else if attempt.size == size, let gap, let last {
                if (attempt.sentAt - last.sentAt) * 10 >= gap * 9 {
                    silences += 1
                } else {
                    isHasty = true
                }
            }
            last = attempt
        }
        let needed = loss.tries(below: 0.004, atLeast: 3)
        if gap != nil, silences >= needed, controlsSince >= 2 {
            need = .excluded
        } else if loss.answered + loss.lost >= Self.patience, loss.lost >= 3 {
            need = .hopeless
        } else if gap == nil || isHasty || controlsSince < silences {
            need = .control
        } else {
            need = .size
        }
    }
}
