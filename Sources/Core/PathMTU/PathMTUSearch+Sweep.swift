import NetworkPrimitives

extension PathMTUSearch {
    /// Lets routers stand in for a target that answers nothing.
    mutating func planSweep(
        at now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [SizeProbe]
    ) {
        if SizeEvidence(log).best != nil {
            // It answers after all.
            stage = .target
            return
        }
        let evidence = HopEvidence(log, farthest: Int(settings.farthestHop))
        let plan = HopSweepPlan(base: base, ceiling: ceiling)
        let isWaiting = send(plan.wanted(evidence), at: now, pace: pace, into: &actions)
        guard !isWaiting, !evidence.hops.contains(where: \.isBusy) else { return }
        let refusal = log.current.compactMap { $0.hopLimit == nil ? $0.refusal : nil }
            .filter { $0.mtu > 0 }.min { $0.mtu < $1.mtu }
        switch plan.result(evidence) {
        case nil: finish(because: "the routers answer too irregularly", at: now)
        case .unanswered:
            finish(because: "\(silenceReason), and no router on the way either", at: now)
        case .unlimited(let distance):
            report.atLeast = min(ceiling, refusal?.mtu ?? ceiling)
            report.provenDistance = distance
            name(refusal, evidence)
            finish(
                because: limitBehind(distance, passed: ceiling, refusal: refusal)
                    ?? "\(silenceReason); seen up to hop \(distance) only", at: now)
        case .limited(let bytes, let distance):
            report.provenDistance = distance
            if let reason = limitBehind(distance, passed: bytes, refusal: refusal) {
                report.atLeast = min(bytes, refusal?.mtu ?? bytes)
                name(refusal, evidence)
                return finish(because: reason, at: now)
            }
            report.bytes = bytes
            report.reason = nil
            report.atLeast = nil
            let named = log.current.first { $0.refusal?.mtu == bytes }?.refusal?.router
            report.isBlackHole = named == nil
            report.limitingLinkReason = "in progress"
            stage = .location(best: bytes, behind: distance, router: named)
        }
    }

    /// Names the link that a router behind everything that answers speaks of.
    private mutating func name(_ refusal: SizeLog.Refusal?, _ evidence: HopEvidence) {
        guard let refusal, log.suspiciousMessages == 0 else { return }
        let hop = evidence.hops.firstIndex { $0.router == refusal.router }
        report.limitingLink = PathMTUReport.LimitingLink(
            distance: hop.map { $0 + 1 }, router: refusal.router)
    }

    /// Why a size that reaches `distance` is not all: a router behind it says that less fits there.
    private func limitBehind(
        _ distance: Int, passed: Int, refusal: SizeLog.Refusal?
    ) -> String? {
        guard let refusal, refusal.mtu < passed else { return nil }
        return
            "\(silenceReason); \(refusal.router) says that \(refusal.mtu) octets fit behind it, "
            + "and nothing behind hop \(distance) answers"
    }

    /// Why the target's answers say nothing.
    var silenceReason: String {
        guard let refuser = log.refuser else {
            return log.entries.contains { $0.outcome == .echo }
                ? "the target stopped answering" : "the target answers no Echo Request"
        }
        return refuser.isFiltered
            ? "\(refuser.router) filters Echo Requests to the target"
            : "\(refuser.router) says that the target cannot be reached"
    }
}
