import NetworkPrimitives

/// What hop-limited probes say: the router at a hop that answers Time Exceeded has had the packet
/// whole, so every link up to it carries that size.
struct HopEvidence: Sendable {
    struct Try: Sendable {
        var size: Int
        var sentAt: MonotonicInstant
        var isAnswered: Bool
    }

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
        /// Every probe that was answered or whose silence is decided, in order.
        var tries: [Try] = []

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
            guard !entry.isAwaited, entry.outcome != .failed, let sentAt = entry.sentAt else {
                continue
            }
            if let refusal = entry.refusal {
                if !passed { hops[index].refusals[entry.byteCount] = refusal }
                // An answer, if not the router's at this hop.
                if believesRefusals { continue }
            }
            hops[index].tries.append(
                Try(size: entry.byteCount, sentAt: sentAt, isAnswered: !entry.isUnanswered))
            if entry.isUnanswered { hops[index].silent[entry.byteCount, default: 0] += 1 }
            guard passed else { continue }
            if entry.isUnanswered { loss.lost += 1 } else { loss.answered += 1 }
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
}
