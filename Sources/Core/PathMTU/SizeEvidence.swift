import NetworkPrimitives

/// What the probes to the target itself say about its path, as a whole.
struct SizeEvidence: Sendable {
    /// The largest size that the target answered; nil for none.
    var best: Int?
    /// What became of sizes that pass.
    var loss = LossEstimate()
    /// Silent tries of sizes that were never answered.
    var silent: [Int: Int] = [:]
    /// Those that left after the largest size was answered first: what led there proves nothing.
    var freshlySilent: [Int: Int] = [:]
    /// Sizes that a router refused, and those messages.
    var refusals: [Int: SizeLog.Refusal] = [:]
    /// When the last of them left.
    var refusedAt: [Int: MonotonicInstant] = [:]
    /// Whether Packet Too Big messages are believed: not once one was found out.
    let believesRefusals: Bool

    init(_ log: SizeLog) {
        believesRefusals = log.suspiciousMessages == 0
        let entries = log.current.filter { $0.hopLimit == nil || $0.outcome == .echo }
        let best = entries.reduce(0) { $1.outcome == .echo ? max($0, $1.byteCount) : $0 }
        self.best = best > 0 ? best : nil
        var isFresh = false
        for entry in entries {
            if entry.byteCount == best, entry.outcome == .echo { isFresh = true }
            if entry.byteCount <= best {
                if entry.outcome == .echo { loss.answered += 1 }
                if entry.isUnanswered { loss.lost += 1 }
            } else {
                if let refusal = entry.refusal {
                    refusals[entry.byteCount] = refusal
                    refusedAt[entry.byteCount] = entry.sentAt
                }
                if entry.outcome == .silent || entry.refusal != nil && !believesRefusals {
                    silent[entry.byteCount, default: 0] += 1
                    if isFresh { freshlySilent[entry.byteCount, default: 0] += 1 }
                }
            }
        }
    }

    /// How many silent tries decide: more once any probe was lost that had to pass, and fewer where
    /// a router has said what fits.
    var decidingTries: Int {
        if isBestNamed, believesRefusals { return loss.tries(below: 0.02, atLeast: 2) }
        return loss.tries(below: loss.lost == 0 ? 0.003 : 0.0003, atLeast: 3)
    }

    /// The least size that is taken for too large, for now; `ceiling` + 1 where none is.
    func upperBound(ceiling: Int) -> Int {
        let tries = loss.tries(below: 0.25)
        var bound = ceiling + 1
        for (size, count) in silent where count >= tries { bound = min(bound, size) }
        if believesRefusals { for size in refusals.keys { bound = min(bound, size) } }
        return bound
    }

    /// Whether a router said that exactly `best` fits.
    var isBestNamed: Bool { router != nil }

    /// The router that said so.
    var router: IPAddress? {
        refusals.first { $0.value.mtu == best || $0.value.mtu == 0 && $0.key == (best ?? 0) + 1 }?
            .value.router
    }

    /// Whether a router said that `size` fits.
    func isNamed(_ size: Int) -> Bool { refusals.contains { $0.value.mtu == size } }

    /// The size to try because a router named it, strictly between `low` and `high`.
    func proposal(above low: Int, below high: Int) -> Int? {
        var proposal: Int?
        for (size, refusal) in refusals {
            if refusal.mtu > 0 {
                guard low < refusal.mtu, refusal.mtu < high else { continue }
                proposal = min(proposal ?? .max, refusal.mtu)
            } else if size == high {
                let plateau = SizePriors.plateaus.first { $0 < high }
                if let plateau, plateau > low, proposal == nil { proposal = plateau }
            }
        }
        return proposal
    }

    /// Silent tries of `size` since it or more was answered last, and answers of smaller sizes to
    /// probes that left after the first of them.
    static func silence(of size: Int, in log: SizeLog) -> (tries: Int, smallerAnswers: Int) {
        var tries = 0
        var answers = 0
        for entry in log.current where entry.hopLimit == nil {
            if entry.byteCount >= size, entry.outcome == .echo {
                tries = 0
                answers = 0
            } else if entry.byteCount == size, entry.isUnanswered {
                tries += 1
            } else if tries > 0, entry.outcome == .echo {
                answers += 1
            }
        }
        return (tries, answers)
    }
}
