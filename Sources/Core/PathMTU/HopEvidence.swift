import NetworkPrimitives

/// What hop-limited probes say: the router at a hop that answers Time Exceeded has had the packet
/// whole, so every link up to it carries that size.
struct HopEvidence: Sendable {
    struct Hop: Sendable {
        /// The largest size answered from there; 0 while nothing was.
        var passed = 0
        var router: IPAddress?
        /// Whether the target itself answers at this hop limit.
        var isTarget = false
        /// Silent tries by size.
        var silent: [Int: Int] = [:]
        /// Sizes that a router before this hop refused.
        var refusals: [Int: SizeLog.Refusal] = [:]
        /// Whether a probe is on its way.
        var isBusy = false
        /// How often sizes that pass were tried.
        var controls = 0
        /// How many of those were answered in a row, the latest ones.
        var steadyAnswers = 0

        var isAlive: Bool { passed > 0 }
    }

    /// From the first hop on.
    var hops: [Hop]
    /// What became of sizes that pass.
    var loss = LossEstimate()
    let believesRefusals: Bool

    init(_ log: SizeLog, farthest: Int) {
        believesRefusals = log.suspiciousMessages == 0
        hops = Array(repeating: Hop(), count: farthest)
        let entries = log.current.filter { Int($0.hopLimit ?? 0) > 0 }
        for entry in entries {
            let index = Int(entry.hopLimit ?? 1) - 1
            guard hops.indices.contains(index) else { continue }
            switch entry.outcome {
            case .timeExceeded(let router):
                hops[index].passed = max(hops[index].passed, entry.byteCount)
                hops[index].router = router
            case .echo:
                hops[index].passed = max(hops[index].passed, entry.byteCount)
                hops[index].isTarget = true
            default: break
            }
        }
        for entry in entries {
            let index = Int(entry.hopLimit ?? 1) - 1
            guard hops.indices.contains(index) else { continue }
            if entry.isAwaited { hops[index].isBusy = true }
            let passed = entry.byteCount <= hops[index].passed
            if entry.isUnanswered {
                if let refusal = entry.refusal, !passed {
                    hops[index].refusals[entry.byteCount] = refusal
                }
                if entry.refusal == nil || !believesRefusals {
                    hops[index].silent[entry.byteCount, default: 0] += 1
                }
                guard passed else { continue }
                loss.lost += 1
                hops[index].controls += 1
                hops[index].steadyAnswers = 0
            } else if passed, !entry.isAwaited, entry.outcome != .failed {
                loss.answered += 1
                hops[index].controls += 1
                hops[index].steadyAnswers += 1
            }
        }
    }

    subscript(distance: Int) -> Hop { hops[distance - 1] }

    /// The farthest hop that `size` was seen to reach; 0 for none.
    func reach(of size: Int) -> Int {
        (hops.lastIndex { $0.passed >= size } ?? -1) + 1
    }

    /// The nearest hop limit at which the target answers.
    var target: Int? { hops.firstIndex { $0.isTarget }.map { $0 + 1 } }

    /// The farthest hop that answers; nil for none.
    var last: Int? { target ?? hops.lastIndex { $0.isAlive }.map { $0 + 1 } }

    /// Whether a hop answers so reliably, just now, that its silence means something.
    ///
    /// Two answers in a row at the pace of the probes: a router that answers more rarely than it is
    /// asked cannot do that for long.
    func isSteady(_ hop: Hop) -> Bool { hop.steadyAnswers >= 2 }

    /// Whether a hop answers too irregularly to prove anything.
    func isHopeless(_ hop: Hop) -> Bool { hop.controls >= 8 && !isSteady(hop) }

    /// Silent tries that mean more than chance.
    var neededTries: Int { loss.tries(below: 0.004, atLeast: 3) }
}
