import NetworkPrimitives

/// Searches the largest size that reaches the farthest hop that answers, where the target does not.
///
/// A hop may be asked only once in 1.2 s, but all hops at once: those behind the limiting link try
/// other sizes meanwhile. What is silent there cannot pass farther; what is answered there is only
/// proposed to the farthest hop, which decides.
struct HopSweepPlan: Sendable {
    enum Result: Hashable, Sendable {
        /// Nobody answers.
        case unanswered
        /// The largest size that reaches this hop; nothing larger does.
        case limited(bytes: Int, distance: Int)
        /// Everything that can be tried reaches this hop.
        case unlimited(distance: Int)
    }

    let base: Int
    let ceiling: Int

    private struct View {
        var last: Int
        /// The largest size that reached the last hop.
        var best: Int
        /// The least size taken for too large.
        var bound: Int
        /// Hops behind the limiting link.
        var lanes: [Int]
        /// The largest size that any of them answered.
        var proposed: Int
        /// Whether a router refused `bound`.
        var isRefused: Bool
    }

    /// What each hop should be sent next; hops that need nothing more are missing.
    func wanted(_ evidence: HopEvidence) -> [Int: Int] {
        var wanted: [Int: Int] = [:]
        let horizon = evidence.target ?? evidence.hops.count
        for distance in 1...horizon {
            let hop = evidence[distance]
            guard !hop.isBusy else { continue }
            if !hop.isAlive {
                if (hop.silent[base] ?? 0) < 2 { wanted[distance] = base }
            } else if hop.passed < ceiling, hop.silent[ceiling] == nil,
                hop.refusals[ceiling] == nil, evidence.reach(of: ceiling) < distance
            {
                wanted[distance] = ceiling
            }
        }
        guard let view = view(evidence) else { return wanted }
        let free = view.lanes.filter { !evidence[$0].isBusy && wanted[$0] == nil }
        guard !free.isEmpty else { return wanted }
        if view.bound > ceiling {
            if view.best < ceiling, free.contains(view.last) { wanted[view.last] = ceiling }
            return wanted
        }
        if isDecided(view, evidence) { return wanted }
        for (index, distance) in free.enumerated() {
            if distance == view.last, view.best < view.proposed {
                wanted[distance] = view.proposed
            } else if view.bound == view.proposed + 1 {
                // What does not reach one of them reaches none behind it.
                switch HopTrial(of: view.bound, at: evidence[distance]).need {
                case .control: wanted[distance] = min(view.proposed, evidence[distance].passed)
                case .size: wanted[distance] = view.bound
                case .excluded, .hopeless: break
                }
            } else {
                wanted[distance] = size(view, evidence, index: index, of: free.count)
            }
        }
        return wanted
    }

    /// What stands when nothing more is wanted and nothing is on its way; nil for not enough.
    func result(_ evidence: HopEvidence) -> Result? {
        guard let view = view(evidence) else { return .unanswered }
        if view.bound > ceiling {
            return view.best >= ceiling ? .unlimited(distance: view.last) : nil
        }
        return isDecided(view, evidence)
            ? .limited(bytes: view.best, distance: view.last) : nil
    }

    private func isDecided(_ view: View, _ evidence: HopEvidence) -> Bool {
        guard view.bound == view.best + 1, view.proposed == view.best else { return false }
        if view.isRefused { return true }
        return view.lanes.contains {
            HopTrial(of: view.bound, at: evidence[$0]).need == .excluded
        }
    }

    private func view(_ evidence: HopEvidence) -> View? {
        guard let last = evidence.last else { return nil }
        let best = evidence[last].passed
        let tries = evidence.loss.tries(below: 0.25)
        var sizes: Set<Int> = []
        for distance in 1...last where evidence[distance].isAlive {
            sizes.formUnion(evidence[distance].silent.keys)
            sizes.formUnion(evidence[distance].refusals.keys)
        }
        var bound = ceiling + 1
        var isRefused = false
        for size in sizes where best < size && size < bound {
            let (silent, refused) = tally(of: size, upTo: last, evidence)
            guard refused || silent >= tries else { continue }
            bound = size
            isRefused = refused
        }
        let reach = min(evidence.reach(of: bound), last - 1)
        let lanes = ((reach + 1)...last).filter { evidence[$0].isAlive }
        let proposed = lanes.reduce(best) { max($0, evidence[$1].passed) }
        return View(
            last: last, best: best, bound: bound, lanes: lanes,
            proposed: min(proposed, bound - 1), isRefused: isRefused)
    }

    /// Silent tries of `size` at hops that it was not seen to reach, and whether it was refused.
    private func tally(
        of size: Int, upTo last: Int, _ evidence: HopEvidence
    ) -> (silent: Int, isRefused: Bool) {
        var silent = 0
        var isRefused = false
        let reach = evidence.reach(of: size)
        guard reach < last else { return (0, false) }
        for distance in (reach + 1)...last where evidence[distance].isAlive {
            silent += evidence[distance].silent[size] ?? 0
            isRefused =
                isRefused || evidence.believesRefusals && evidence[distance].refusals[size] != nil
        }
        return (silent, isRefused)
    }

    private func size(_ view: View, _ evidence: HopEvidence, index: Int, of count: Int) -> Int {
        let (low, high) = (view.proposed, view.bound)
        var named: [Int] = []
        var doubtful: Int?
        for distance in view.lanes {
            for refusal in evidence[distance].refusals.values
            where low < refusal.mtu && refusal.mtu < high {
                named.append(refusal.mtu)
            }
            for size in evidence[distance].silent.keys where low < size && size < high {
                doubtful = min(doubtful ?? size, size)
            }
        }
        if let size = named.min() { return min(size + index, high - 1) }
        let isNamed = view.lanes.contains { distance in
            evidence[distance].refusals.values.contains { $0.mtu == low }
        }
        if isNamed, index == 0 { return low + 1 }
        if let doubtful, index == 0 { return doubtful }
        if count >= 3 {
            let sizes = SizePriors.division(above: low, below: high, count: count)
            return sizes.isEmpty ? (low + high) / 2 : sizes[index % sizes.count]
        }
        if index == 0, low == view.best, low != base, SizePriors.contains(low) { return low + 1 }
        if index == 0 { return SizePriors.median(above: low, below: high) ?? (low + high) / 2 }
        return (low + high) / 2
    }
}
