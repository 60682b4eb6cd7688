import NetworkPrimitives

extension ReplyLadder {
    /// What to do once the evidence of the moment is weighed.
    enum Step {
        /// Nothing before more is known.
        case wait
        /// Send what this plan says.
        case goOn(LadderPlan)
        /// This flow is blocked; the next one must agree.
        case nextFlow(LadderPlan, BlockingPosterior)
        /// It is over.
        case finish(ReplyPathReport)
    }

    /// Counts what is settled in one flow, or in all of them for nil.
    func evidence(flow: Int?) -> LadderEvidence {
        let target = flow.map { targetHops[$0] } ?? targetHops.values.min()
        return LadderEvidence(
            records, flow: flow, attempt: attempt,
            farthestHop: Int(settings.farthestHop), beyond: target,
            ignoresUnseen: settings.seesLeaving && hasSeenControls, noted: noted)
    }

    func nextStep() -> Step {
        let isComplete = plan.dueHops(self).isEmpty && current.allSatisfy(\.isSettled)
        if let report = localVerdict() ?? explicitVerdict(isFinal: isComplete) {
            return .finish(report)
        }
        guard isComplete || settings.isUrgent else { return .wait }
        let evidence = evidence(flow: plan.flow)
        let posterior = BlockingPosterior(evidence.visible)
        if !evidence.visible.isEmpty, posterior.open >= BlockingPosterior.required {
            return stepWhenOpen(evidence, posterior, isComplete: isComplete)
        }
        if settings.isUrgent, plan.flow > 0 {
            return isComplete ? stepInHurry(evidence, posterior) : .wait
        }
        if posterior.blocked >= BlockingPosterior.required {
            if isEnough(posterior, evidence) { return .finish(blockedVerdict(posterior)) }
            guard isComplete else { return .wait }
            return stepWhenBlocked(evidence, posterior)
        }
        guard isComplete else { return .wait }
        if evidence.visible.isEmpty {
            if plan.flow > 0 { return .finish(unseenVerdict()) }
            // No router: UDP may show one.
            return mayAskBeyond
                ? askBeyond(0) : .finish(silentVerdict(evidence))
        }
        // More of one flow at the only router that tells is less than some of each flow.
        let telling = evidence.visible.dropFirst(evidence.lastReply).count(where: \.isVisible)
        if settings.isUrgent, telling == 1, posterior.blocked > posterior.open {
            return stepWhenBlocked(evidence, posterior)
        }
        return stepWhenUndecided(evidence, posterior)
    }

    private func stepWhenUndecided(
        _ evidence: LadderEvidence, _ posterior: BlockingPosterior
    ) -> Step {
        guard let goal = Self.goals.first(where: { $0 > plan.goal }) else {
            return .finish(
                inconclusive(
                    "undecided after \(Self.goals.last ?? 0) packets of each kind for a hop",
                    posterior))
        }
        var next = plan
        next.goal = goal
        // Hops nearer than one that answered a test lie before any block.
        let last = max(evidence.lastRequest, evidence.lastReply)
        next.focus = max(1, min(evidence.lastReply, last))...last
        return .goOn(next)
    }

    /// What a ladder that ends now says.
    func finalReport(reason: String) -> ReplyPathReport {
        if let report = localVerdict() ?? explicitVerdict(isFinal: true) { return report }
        let evidence = evidence(flow: plan.flow)
        let posterior = BlockingPosterior(evidence.visible)
        if plan.flow == 0, !evidence.visible.isEmpty, isExplored(evidence),
            posterior.open >= BlockingPosterior.required
        {
            return openVerdict(posterior, evidence)
        }
        if posterior.blocked >= BlockingPosterior.required, isEnough(posterior, evidence) {
            return blockedVerdict(posterior)
        }
        if settings.isUrgent, plan.flow + 1 == Self.checksums.count,
            let pooled = pooled(testsOfEach: Self.goals[0] - 1)
        {
            return verdictUnlessSplit(pooled)
        }
        let flows = (0...plan.flow).map { self.evidence(flow: $0).visible }
        return inconclusive(
            attempt > 0 ? "\(reason); the path changed during the ladder" : reason,
            BlockingPosterior(flows: flows))
    }

    private var current: some Sequence<LadderRecord> {
        records.lazy.filter { $0.attempt == attempt }
    }

    // MARK: - Open

    private func stepWhenOpen(
        _ evidence: LadderEvidence, _ posterior: BlockingPosterior, isComplete: Bool
    ) -> Step {
        if plan.flow > 0 {
            guard isComplete else { return .wait }
            // Of this flow no test was missed: it came through, or nobody is there to tell.
            return .finish(
                evidence.lastReply > blockedFlows.first?.mostLikelyHop ?? 0
                    ? inconclusive(
                        "Echo Replies of one flow get through and those of another do not")
                    : unseenVerdict())
        }
        guard isComplete || isExplored(evidence) else { return .wait }
        let last = max(evidence.lastRequest, evidence.lastReply)
        if isComplete, mayAskBeyond { return askBeyond(last) }
        // Datagrams on their way may still show that the path goes on.
        guard plan.datagramHops == nil || isComplete else { return .wait }
        return .finish(openVerdict(posterior, evidence))
    }

    private func openVerdict(
        _ posterior: BlockingPosterior, _ evidence: LadderEvidence
    ) -> ReplyPathReport {
        let last = max(evidence.lastRequest, evidence.lastReply)
        if evidence.lastDatagram > last { return datagramVerdict(evidence, beyond: last) }
        if last == 1, !settings.isInside, targetHops[0] != 2 {
            return inconclusive("no router beyond the first hop answers")
        }
        var report = ReplyPathReport(inconclusive: "")
        report.verdict = .open
        report.reason = nil
        report.confidence = posterior.open
        report.openProbability = posterior.open
        report.blockedAfterProbabilities = posterior.blockedAfter
        return report
    }

    /// Whether it is known how far the path can be seen.
    private func isExplored(_ evidence: LadderEvidence) -> Bool {
        plan.hops(self, evidence).allSatisfy { hop in
            let rung = evidence.rungs[hop - 1]
            return rung.tally.isVisible || rung.requestsSent >= 2 && rung.isSettled
        }
    }

    private var mayAskBeyond: Bool {
        settings.maySendDatagrams && !settings.isUrgent && plan.datagramHops == nil
            && targetHops.isEmpty
    }

    /// Datagrams to the hops that no ICMP was answered from.
    private func askBeyond(_ last: Int) -> Step {
        let farthest = Int(settings.farthestHop)
        guard last < farthest else { return .finish(inconclusive("the path is too long")) }
        var next = plan
        next.datagramHops = last + 1...min(farthest, last + Self.silentHops)
        return .goOn(next)
    }

    private func silentVerdict(_ evidence: LadderEvidence) -> ReplyPathReport {
        if !records.isEmpty, current.allSatisfy({ $0.state == .failed || $0.state == .refusedHere })
        {
            return inconclusive("this host could not send Echo Requests")
        }
        guard evidence.lastDatagram > 0 else {
            return inconclusive(
                targetHops.values.min() == 1
                    ? "no router stands between this host and the target"
                    : "no router answers Echo Requests")
        }
        return datagramVerdict(evidence, beyond: 0)
    }

    /// The verdict where a second or third flow meets no router that tells anything.
    private func unseenVerdict() -> ReplyPathReport {
        let block = blockedFlows.first?.mostLikelyHop ?? 0
        return inconclusive("to another checksum no router beyond hop \(block) answers")
    }

    /// The verdict where routers answer UDP and nothing else: what all ICMP meets is not asked here.
    private func datagramVerdict(
        _ evidence: LadderEvidence, beyond last: Int
    ) -> ReplyPathReport {
        let answering = evidence.rungs.dropFirst(last).count { $0.datagramsAnswered >= 2 }
        // A single one may stand on another path, which datagrams take.
        guard answering >= 2 else {
            return inconclusive("beyond hop \(last) a router answers UDP and no ICMP")
        }
        var report = inconclusive(
            "beyond hop \(last) routers answer UDP only, so all ICMP seems to be dropped there")
        report.dropsAllICMP = true
        return report
    }

    // MARK: - Blocked

    private func stepWhenBlocked(
        _ evidence: LadderEvidence, _ posterior: BlockingPosterior
    ) -> Step {
        let last = max(evidence.lastRequest, evidence.lastReply)
        guard plan.flow + 1 < Self.checksums.count else {
            return .finish(
                agreedVerdict(blockedFlows + [posterior]))
        }
        var next = plan.nextFlow(focus: max(1, min(evidence.lastReply, last))...last)
        if settings.maySendDatagrams, !settings.isUrgent, plan.flow == 0 {
            next.datagramHops = min(evidence.lastReply + 1, last)...last
        }
        return .nextFlow(next, posterior)
    }

    /// Whether one flow is enough, because somebody waits and nothing speaks against it.
    ///
    /// It must be enough without the hops that left a control unanswered, and of the others there
    /// must be two: a router that answers no test may be another than the one that answers controls.
    private func isEnough(_ posterior: BlockingPosterior, _ evidence: LadderEvidence) -> Bool {
        guard settings.isUrgent, !isSplit, let block = posterior.mostLikelyHop else { return false }
        var hops = evidence.visible
        for index in hops.indices.dropFirst(block) where hops[index].testsAnswered == 0 {
            let isClean =
                hops[index].controlsAnswered == hops[index].controlsSent
                && hops[index].controlsSent >= Self.goals[0]
                && hops[index].testsSent >= Self.goals[0]
            if !isClean { hops[index] = HopTally() }
        }
        return hops.dropFirst(block).count(where: \.isVisible) >= 2
            && BlockingPosterior(hops).blocked >= BlockingPosterior.required
    }

    /// Whether tests and controls were seen to take different ways somewhere.
    private var isSplit: Bool {
        (0...plan.flow).contains { flow in
            evidence(flow: flow).rungs.contains(where: \.isSplit)
        }
    }

    /// What to do after a second or third flow while somebody waits: some packets of each flow are
    /// weighed together.
    private func stepInHurry(
        _ evidence: LadderEvidence, _ posterior: BlockingPosterior
    ) -> Step {
        if evidence.visible.isEmpty { return .finish(unseenVerdict()) }
        guard plan.flow + 1 == Self.checksums.count else {
            return stepWhenBlocked(evidence, posterior)
        }
        guard let pooled = pooled(testsOfEach: Self.goals[0]) else {
            return stepWhenUndecided(evidence, posterior)
        }
        return .finish(verdictUnlessSplit(pooled))
    }

    /// The flows weighed together, if that is enough for a block and each of them had `count` tests
    /// at a router beyond it.
    private func pooled(testsOfEach count: Int) -> BlockingPosterior? {
        let flows = (0...plan.flow).map { evidence(flow: $0).visible }
        let pooled = BlockingPosterior(flows: flows)
        guard pooled.blocked >= BlockingPosterior.required, let block = pooled.mostLikelyHop
        else { return nil }
        let isShared = flows.allSatisfy { hops in
            hops.dropFirst(block).contains { $0.controlsAnswered > 0 && $0.testsSent >= count }
        }
        return isShared ? pooled : nil
    }

    private func verdictUnlessSplit(_ posterior: BlockingPosterior) -> ReplyPathReport {
        let block = posterior.mostLikelyHop ?? 0
        let flows = (0...plan.flow).map { evidence(flow: $0) }
        let telling = flows.map { $0.visible.dropFirst(block).count(where: \.isVisible) }
        if telling.allSatisfy({ $0 < 2 }), flows.contains(where: \.isLopsided) {
            return inconclusive(
                "only one router tells, and Echo Requests may take another path than Echo Replies",
                posterior)
        }
        return blockedVerdict(posterior)
    }

    private func agreedVerdict(_ flows: [BlockingPosterior]) -> ReplyPathReport {
        let joint = BlockingPosterior(agreeing: flows)
        guard joint.blocked > 0 else {
            return inconclusive("Echo Replies of different flows die at different hops")
        }
        return verdictUnlessSplit(joint)
    }

    private func blockedVerdict(_ posterior: BlockingPosterior) -> ReplyPathReport {
        guard let block = posterior.mostLikelyHop, let likely = posterior.likelyHops else {
            return inconclusive("no router answers Echo Requests")
        }
        if isUnstable { return inconclusive("the path changed during the ladder", posterior) }
        if let reason = natReason, likely != 0...0 {
            return inconclusive(Self.untestable(behind: reason))
        }
        var report = blocked(after: block, likely: likely, confidence: posterior.blocked)
        report.openProbability = posterior.open
        report.blockedAfterProbabilities = posterior.blockedAfter
        (report.place, report.mayBeProviderEdge) = place(ofBlockAfter: likely)
        return report
    }

    private func blocked(
        after hop: Int, likely: ClosedRange<Int>, confidence: Double
    ) -> ReplyPathReport {
        var report = ReplyPathReport(inconclusive: "")
        report.verdict = .blocked
        report.reason = nil
        report.blockedAfterHop = hop
        report.blockedAfterAddress = hop == 0 ? nil : router(at: hop)
        report.likelyHops = Array(likely)
        report.confidence = confidence
        report.dropsAllICMP = false
        return report
    }

    private func inconclusive(
        _ reason: String, _ posterior: BlockingPosterior? = nil
    ) -> ReplyPathReport {
        var report = ReplyPathReport(inconclusive: reason)
        // Of no hops nothing is known, whatever the numbers say.
        if let posterior, !posterior.blockedAfter.isEmpty {
            report.openProbability = posterior.open
            report.blockedAfterProbabilities = posterior.blockedAfter
        }
        return report
    }

    // MARK: - What is said outright

    private var hasSeenControls: Bool {
        let controls = current.filter { $0.kind == .request && $0.counts }
        let seen = controls.count { $0.wasSeen }
        return seen >= 3 && seen * 5 >= controls.count * 4
    }

    /// The verdict when this host itself drops tests.
    private func localVerdict() -> ReplyPathReport? {
        let tests = current.filter { $0.kind == .reply && $0.isSettled && $0.state != .failed }
        let controls = current.filter { $0.kind == .request && $0.counts }
        guard tests.count >= 3, controls.count >= 1 else { return nil }
        let isRefused = tests.allSatisfy { $0.state == .refusedHere }
        // A capture that misses packets may miss three tests in a row, but not many.
        let isEnough = controls.allSatisfy(\.wasSeen) || tests.count >= 6
        let isUnseen =
            settings.seesLeaving && hasSeenControls && isEnough
            && tests.allSatisfy { $0.state == .silent && !$0.wasSeen }
        guard isRefused || isUnseen else { return nil }
        var report = blocked(after: 0, likely: 0...0, confidence: 1 - BlockingPosterior.noise / 2)
        report.place = .thisHost
        return report
    }

    /// The verdict when a router says twice that it refuses tests.
    private func explicitVerdict(isFinal: Bool) -> ReplyPathReport? {
        let refused = current.filter { $0.kind == .reply && $0.state == .filtered }
        guard
            let router = refused.first(where: { first in
                refused.count { $0.router == first.router } >= 2
            })?.router
        else { return nil }
        let nearest = refused.filter { $0.router == router }.map(\.hop).min() ?? 1
        let evidence = evidence(flow: nil)
        // An answer from further on belies the refusal.
        guard evidence.lastReply < nearest else { return nil }
        // The first hop at which it refuses tells where it stands; the nearer ones are asked first.
        let isLocated = (1..<max(1, nearest)).allSatisfy {
            evidence.rungs[$0 - 1].testsSent > 0 && evidence.rungs[$0 - 1].isSettled
        }
        let isKnown = evidence.rungs.contains {
            $0.replyRouters.contains(router) || $0.requestRouters.contains(router)
        }
        guard isFinal || isLocated && isKnown else { return nil }
        let likely = position(of: router, refusingFrom: nearest, evidence)
        let block = likely.upperBound
        if isUnstable { return inconclusive("the path changed during the ladder") }
        let isFirstHop = router == self.router(at: 1) || router == settings.source
        if let reason = natReason, !isFirstHop {
            return inconclusive(Self.untestable(behind: reason))
        }
        var report = blocked(after: block, likely: likely, confidence: BlockingPosterior.required)
        report.refusedBy = router
        let isAll = current.contains {
            $0.kind == .request && $0.state == .filtered && $0.router == router
        }
        report.dropsAllICMP = isAll
        if router == settings.source {
            report.place = .thisHost
        } else if isProvider(router) {
            report.place = .providerEdge
            report.mayBeProviderEdge = true
        } else {
            (report.place, report.mayBeProviderEdge) = place(ofBlockAfter: likely)
        }
        return report
    }

    /// The hops that a refusing router may let packets live at: its own, or the one before.
    private func position(
        of router: IPAddress, refusingFrom nearest: Int, _ evidence: LadderEvidence
    ) -> ClosedRange<Int> {
        // A router limits its errors, so the nearest refusal seen may not be the nearest one.
        if let hop = evidence.rungs.firstIndex(where: { $0.replyRouters.contains(router) }) {
            return hop + 1...hop + 1
        }
        if let hop = evidence.rungs.firstIndex(where: { $0.requestRouters.contains(router) }),
            hop >= evidence.lastReply, hop < nearest
        {
            // Refused with the hop limit that ends there, it is refused before the limit is looked at.
            return nearest == hop + 1 ? hop...hop : hop...hop + 1
        }
        return min(evidence.lastReply, nearest - 1)...nearest - 1
    }
}
