import NetworkPrimitives

/// What to send to the target next: one size at a time, or rounds of them when somebody waits.
///
/// A size that stays silent is only suspected; what is decided is the step from the largest size
/// answered to the next octet, with as many tries as the loss seen so far demands, and with the
/// largest size answered again in the same time.
struct EndToEndPlan: Sendable {
    enum Step: Hashable, Sendable {
        /// Send these sizes, in this order.
        case send([Int])
        /// A router has refused the deciding size; an answer may still overrule it.
        case wait(until: MonotonicInstant)
        /// The largest size that passes; whether it is a black hole is open where routers refuse larger
        /// ones without a size, and perhaps not all they should.
        case decided(bytes: Int, isBlackHole: Bool?, router: IPAddress?)
        /// The target answers nothing, by what was tried.
        case unanswered
        /// What passed before passes no longer.
        case pathChanged
    }

    let isUrgent: Bool
    /// RFC 8899 BASE_PLPMTU: what any path worth the name carries.
    let base: Int
    /// The largest size to try.
    let ceiling: Int

    /// Sizes of one round beside repeats.
    private static let width = 14
    /// Small enough for anything; tells a target that answers nothing from a path that carries
    /// nothing large.
    static let smallest = 100

    func step(_ log: SizeLog, at now: MonotonicInstant) -> Step {
        let evidence = SizeEvidence(log)
        guard let best = evidence.best else { return openingStep(log, evidence) }
        if best >= ceiling { return .decided(bytes: best, isBlackHole: false, router: nil) }
        let silence = SizeEvidence.silence(of: best, in: log)
        if silence.tries >= 4, silence.smallerAnswers >= 2 { return .pathChanged }
        if best >= base,
            !log.current.contains(where: {
                $0.byteCount > base && $0.hopLimit == nil && $0.outcome != .failed
            })
        {
            return .send([ceiling])
        }
        let bound = evidence.upperBound(ceiling: ceiling)
        if bound == best + 1 {
            return closingStep(
                log, evidence, best: best, isLost: silence.tries > 0, at: now)
        }
        return isUrgent
            ? round(evidence, best: best, bound: bound)
            : .send([single(evidence, best: best, bound: bound)])
    }

    // MARK: - The first answer

    private func openingStep(_ log: SizeLog, _ evidence: SizeEvidence) -> Step {
        let tried = log.current.reduce(into: [:] as [Int: Int]) { tried, entry in
            guard entry.hopLimit == nil, entry.outcome != .failed else { return }
            tried[entry.byteCount, default: 0] += 1
        }
        if tried.isEmpty {
            guard isUrgent, ceiling > base else { return .send([base]) }
            return .send(ceiling > 1500 ? [base, ceiling, 1500] : [base, ceiling])
        }
        if let proposal = evidence.proposal(above: 0, below: base), tried[proposal] == nil {
            return .send([proposal])
        }
        let bases = tried[base] ?? 0
        let small = min(Self.smallest, base)
        if bases < 3, !isUrgent { return .send([base]) }
        if (tried[small] ?? 0) < 2, small < base {
            return .send(
                bases < 3 ? [base, small, base, small, base] : [small, base, small, base])
        }
        if bases < 3 { return .send([base]) }
        return .unanswered
    }

    // MARK: - The last octet

    private func closingStep(
        _ log: SizeLog, _ evidence: SizeEvidence, best: Int, isLost: Bool,
        at now: MonotonicInstant
    ) -> Step {
        let size = best + 1
        if evidence.believesRefusals, evidence.refusals[size] != nil {
            // The target's own answer to the same probe would overrule the router.
            let settled =
                (evidence.refusedAt[size] ?? now) + (log.roundTrip ?? .zero) * 2
            guard now >= settled else { return .wait(until: settled) }
            return .decided(bytes: best, isBlackHole: false, router: evidence.router)
        }
        let isNamed = evidence.isBestNamed
        let missing = evidence.decidingTries - (evidence.freshlySilent[size] ?? 0)
        let isControlled = isControlled(log, size: size, best: best)
        if missing <= 0, isControlled {
            let isUnclear = evidence.refusals.contains { $0.value.mtu == 0 }
            return .decided(
                bytes: best, isBlackHole: isNamed ? false : isUnclear ? nil : true,
                router: evidence.router)
        }
        var sizes: [Int] = []
        if !isUrgent || !isControlled || isLost { sizes.append(best) }
        if isLost, base < best { sizes.append(base) }
        if missing > 0 {
            sizes.insert(size, at: 0)
            if isUrgent { sizes += Array(repeating: size, count: min(missing, 6) - 1) }
        }
        if isUrgent, !isControlled { sizes.append(best) }
        return .send(sizes)
    }

    /// Whether `best` was answered to a probe that left after the first try of `size`.
    private func isControlled(_ log: SizeLog, size: Int, best: Int) -> Bool {
        guard
            let passed = log.current.firstIndex(where: {
                $0.byteCount == best && $0.outcome == .echo
            }),
            let first = log.entries[passed...].firstIndex(where: {
                $0.byteCount == size && $0.isUnanswered && $0.hopLimit == nil
            })
        else { return false }
        return log.entries[first...].contains {
            $0.byteCount == best && $0.outcome == .echo && $0.hopLimit == nil
        }
    }

    // MARK: - In between

    private func single(_ evidence: SizeEvidence, best: Int, bound: Int) -> Int {
        // A size silent too rarely to mean anything is tried again before others.
        let doubtful = evidence.silent.keys.filter { best < $0 && $0 < bound }.min()
        if let doubtful { return doubtful }
        // The first silence of all, and that of a size that a router named, cost the most packets
        // where they mean nothing.
        if bound == ceiling, evidence.silent[bound] == 1, evidence.silent.count == 1 {
            return bound
        }
        if evidence.silent[bound] == 1, evidence.isNamed(bound) { return bound }
        if let proposal = evidence.proposal(above: best, below: bound) { return proposal }
        if best != base, SizePriors.contains(best) || evidence.isBestNamed { return best + 1 }
        return SizePriors.median(above: best, below: bound) ?? (best + bound) / 2
    }

    private func round(_ evidence: SizeEvidence, best: Int, bound: Int) -> Step {
        if let proposal = evidence.proposal(above: best, below: bound) {
            return .send(proposal + 1 < bound ? [proposal, proposal + 1] : [proposal])
        }
        if evidence.isBestNamed { return .send([best + 1]) }
        let tries = min(evidence.loss.tries(below: 0.25), 4)
        let closing = min(evidence.decidingTries, 6)
        if bound - best <= 4 {
            // Few enough to decide all of them at once; smaller sizes lead, so that tries of a larger
            // one follow the answer that makes them count.
            var last = Array((best + 1)..<bound)
            if bound <= ceiling { last.append(bound) }
            let sizes = (0..<closing).flatMap { $0 < 2 ? last + [best] : last }
            return .send(sizes)
        }
        // Under loss fewer sizes, each as often as a suspicion needs.
        let width = max(Self.width / tries, 3)
        var sizes: [Int] = []
        for size in SizePriors.division(above: best, below: bound, count: width) {
            let missing = min(max(tries - (evidence.silent[size] ?? 0), 1), 6)
            sizes += Array(repeating: size, count: missing)
        }
        if best != base, SizePriors.contains(best) {
            let missing = closing - (evidence.freshlySilent[best + 1] ?? 0)
            let planned = sizes.contains(best + 1) ? 1 : 0
            sizes += Array(repeating: best + 1, count: max(0, missing - planned))
            sizes.append(best)
        }
        return .send(Self.spread(sizes))
    }

    /// Another order, always the same: a burst of loss, or a limit that cuts off the end of a round,
    /// must not look like a size.
    private static func spread(_ sizes: [Int]) -> [Int] {
        guard sizes.count > 3 else { return sizes }
        // The step next to the golden section that has no factor in common with the count.
        var step = max(1, sizes.count * 62 / 100)
        while !isCoprime(step, sizes.count) { step += 1 }
        return sizes.indices.map { sizes[($0 * step) % sizes.count] }
    }

    private static func isCoprime(_ first: Int, _ second: Int) -> Bool {
        var (larger, smaller) = (first, second)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger == 1
    }
}
