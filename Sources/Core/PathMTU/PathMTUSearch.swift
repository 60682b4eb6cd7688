public import NetworkPrimitives

/// Searches the largest packet that a path carries, RFC 8899 with a few more eyes.
///
/// First the target's own answers decide (`EndToEndPlan`): Packet Too Big messages propose sizes and
/// never decide alone, so the search works as well where none come. Where the target answers no Echo
/// Request at all, routers stand in for it (`HopSweepPlan`). Then hop-limited probes name the link
/// behind which larger packets do not come (`LinkLocation`).
///
/// A size is reported only when it was answered, the next octet was not, and the loss seen meanwhile
/// cannot explain that; otherwise there is a reason.
public struct PathMTUSearch: Sendable {
    enum Stage: Hashable {
        case target
        case sweep
        case location(best: Int, behind: Int?, router: IPAddress?)
    }

    /// What is known so far; its reason is "in progress" until the search is finished.
    public internal(set) var report = PathMTUReport(unknown: "in progress")
    /// Whether there is nothing more to send or to wait for.
    public private(set) var isFinished = false
    /// When to call `advance` next at the latest; nil when finished.
    public private(set) var deadline: MonotonicInstant?

    let settings: Settings
    private let start: MonotonicInstant
    var log: SizeLog
    var stage = Stage.target
    /// What this host's devices and routes let out, as far as the kernel has said.
    var ceiling: Int
    private var restarts = 0
    /// Sending failed for another reason than size, so many times in a row.
    private var failures = 0
    private var notBefore: MonotonicInstant
    /// When a hop's turn comes, or a refusal has settled.
    private var nextTurn: MonotonicInstant?

    /// RFC 8899 §5.1.2; for IPv4, 1200 rather than 1280 leaves room for tunnels on the way.
    var base: Int { min(settings.family == .v4 ? 1200 : 1280, ceiling) }
    /// Between two packets of a round, so that a queue or a moment's loss does not take all.
    private static let spacing = Duration.milliseconds(10)
    /// Probes to the target: about three times what a black hole takes without loss.
    private var targetBudget: Int { settings.isUrgent ? 160 : 120 }
    private var hopBudget: Int { 14 * Int(settings.farthestHop) }

    /// Starts a search; the first packets are due at once.
    public init(settings: Settings, start: MonotonicInstant) {
        self.settings = settings
        self.start = start
        log = SizeLog(family: settings.family, isUrgent: settings.isUrgent)
        ceiling = settings.ceiling
        notBefore = start
        deadline = start
        if ceiling < EndToEndPlan.smallest { finishAtDevice(at: start) }
    }

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - pace: asked for every hop-limited probe with its hop: nil lets it leave now and counts it,
    ///     an instant says when to ask again.
    ///   - actions: where to append the probes to send, in this order.
    public mutating func advance(
        to now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [SizeProbe]
    ) {
        guard !isFinished else { return }
        if let limit = settings.timeLimit, now >= start + limit {
            return stop(because: "time limit", at: now)
        }
        _ = log.expire(at: now)
        nextTurn = nil
        if now >= notBefore {
            // Each pass either waits for something or moves to another stage.
            for _ in 0..<4 {
                let before = stage
                plan(at: now, pace: pace, into: &actions)
                guard !isFinished, stage != before else { break }
            }
        }
        guard !isFinished else { return }
        for index in log.start..<log.count
        where log.entries[index].outcome == .queued && log.entries[index].due <= now {
            depart(index, at: now, into: &actions)
        }
        note()
        schedule(at: now)
    }

    /// Notes that a probe went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {
        failures = 0
        log.noteDeparture(of: number, at: instant)
        schedule(at: instant)
    }

    /// Notes that this host did not send a probe, which says nothing about the path.
    ///
    /// - Parameters:
    ///   - number: which one.
    ///   - mtu: for EMSGSIZE the limit that the kernel names, 0 where it names none; nil for any
    ///     other failure.
    ///   - instant: when.
    public mutating func failedToSend(
        _ number: UInt64, tooLargeFor mtu: Int?, at instant: MonotonicInstant
    ) {
        guard !isFinished, let index = log.fail(number) else { return }
        let size = log.entries[index].byteCount
        guard let mtu else {
            failures += 1
            notBefore = instant + .milliseconds(settings.isUrgent ? 100 : 1000)
            if failures >= 10 { finish(because: "this host does not send the probes", at: instant) }
            return schedule(at: instant)
        }
        let limit = (1..<size).contains(mtu) ? mtu : size - 1
        ceiling = min(ceiling, limit)
        log.dropQueued()
        if let best = SizeEvidence(log).best, best > limit {
            // What left this host before does so no longer: another device or route.
            restart(at: instant)
        }
        if ceiling < EndToEndPlan.smallest { finishAtDevice(at: instant) }
        if !isFinished { deadline = instant }
    }

    /// Takes what came back for a probe; of several answers to one probe each may be given.
    public mutating func receive(
        _ answer: SizeAnswer, to number: UInt64, at instant: MonotonicInstant
    ) {
        guard !isFinished else { return }
        log.receive(answer, to: number, at: instant)
        report.suspiciousMessages = log.suspiciousMessages
        deadline = instant
    }

    /// Ends the search with what it has.
    public mutating func stop(because reason: String, at instant: MonotonicInstant) {
        guard !isFinished else { return }
        if case .location(let best, let behind, let router) = stage {
            let evidence = HopEvidence(log, farthest: Int(settings.farthestHop))
            location(of: best, behind: behind, router: router)
                .conclude(evidence, named: router, into: &report)
            if report.limitingLinkReason != nil { report.limitingLinkReason = reason }
            return finish(because: nil, at: instant)
        }
        finish(because: reason, at: instant)
    }

    // MARK: - Stages

    private mutating func plan(
        at now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [SizeProbe]
    ) {
        switch stage {
        case .target: planTarget(at: now)
        case .sweep: planSweep(at: now, pace: pace, into: &actions)
        case .location(let best, let behind, let router):
            let evidence = HopEvidence(log, farthest: Int(settings.farthestHop))
            if let passed = SizeEvidence(log).best, passed > best || behind != nil {
                // The target answers what it did not before, or answers at all.
                return restart(at: now)
            }
            let location = location(of: best, behind: behind, router: router)
            let isWaiting = send(location.wanted(evidence), at: now, pace: pace, into: &actions)
            guard !isWaiting, !evidence.hops.contains(where: \.isBusy) else { return }
            location.conclude(evidence, named: router, into: &report)
            finish(because: nil, at: now)
        }
    }

    private func location(of best: Int, behind: Int?, router: IPAddress?) -> LinkLocation {
        LinkLocation(best: best, behind: behind, isWide: settings.isUrgent && router == nil)
    }

    private mutating func planTarget(at now: MonotonicInstant) {
        let plan = EndToEndPlan(isUrgent: settings.isUrgent, base: base, ceiling: ceiling)
        let isAwaiting = log.current.contains { $0.hopLimit == nil && $0.isAwaited }
        // Nothing larger can be tried, so nothing else matters.
        if isAwaiting, SizeEvidence(log).best.map({ $0 < ceiling }) ?? true { return }
        switch plan.step(log, at: now) {
        case .send(let sizes):
            guard log.entries.count(where: { $0.hopLimit == nil }) + sizes.count <= targetBudget
            else { return giveUp(at: now) }
            report.rounds += 1
            for (index, size) in sizes.enumerated() {
                log.append(
                    SizeLog.Entry(
                        byteCount: size, due: now + Self.spacing * (isSpread(sizes) ? index : 0)))
            }
        case .wait(let instant): nextTurn = instant
        case .decided(let bytes, let isBlackHole, let router):
            decide(bytes, isBlackHole: isBlackHole, router: router, at: now)
        case .pathChanged: restart(at: now)
        case .unanswered:
            guard settings.maySweep else {
                return finish(because: silenceReason, at: now)
            }
            stage = .sweep
            if !log.current.contains(where: { $0.byteCount == ceiling && $0.hopLimit == nil }) {
                // Draws a Packet Too Big from wherever one is sent.
                log.append(SizeLog.Entry(byteCount: ceiling, due: now))
            }
        }
    }

    private func isSpread(_ sizes: [Int]) -> Bool { sizes.count > 3 }

    private mutating func decide(
        _ bytes: Int, isBlackHole: Bool?, router: IPAddress?, at now: MonotonicInstant
    ) {
        report.bytes = bytes
        report.reason = nil
        report.atLeast = nil
        report.isBlackHole = isBlackHole
        guard bytes < ceiling else {
            if ceiling < settings.ceiling {
                report.limitingLink = PathMTUReport.LimitingLink(distance: 0, router: nil)
            } else {
                report.limitingLinkReason = "nothing limits below the device's \(ceiling) octets"
            }
            return finish(because: nil, at: now)
        }
        if let router {
            report.limitingLink = PathMTUReport.LimitingLink(distance: nil, router: router)
        }
        guard settings.maySweep else {
            if router == nil { report.limitingLinkReason = "not looked for" }
            return finish(because: nil, at: now)
        }
        report.limitingLinkReason = "in progress"
        stage = .location(best: bytes, behind: nil, router: router)
    }

    // MARK: - Sending

    /// Sends what hops want as far as they may; false when there is nothing to wait for.
    mutating func send(
        _ wanted: [Int: Int], at now: MonotonicInstant,
        pace: (UInt8, MonotonicInstant) -> MonotonicInstant?, into actions: inout [SizeProbe]
    ) -> Bool {
        guard !wanted.isEmpty else { return false }
        for (distance, size) in wanted.sorted(by: { $0.key < $1.key }) {
            guard log.entries.count(where: { $0.hopLimit != nil }) < hopBudget else {
                stop(because: "too few routers answer", at: now)
                return true
            }
            let hop = UInt8(distance)
            if let later = pace(hop, now) {
                nextTurn = min(nextTurn ?? later, max(later, now + .milliseconds(1)))
                continue
            }
            log.append(SizeLog.Entry(byteCount: size, hopLimit: hop, due: now))
            depart(log.count - 1, at: now, into: &actions)
        }
        return true
    }

    private mutating func depart(
        _ index: Int, at now: MonotonicInstant, into actions: inout [SizeProbe]
    ) {
        log.depart(index, at: now)
        let entry = log.entries[index]
        if entry.hopLimit == nil { report.probesSent += 1 } else { report.hopProbesSent += 1 }
        actions.append(
            SizeProbe(
                number: UInt64(index), byteCount: entry.byteCount, hopLimit: entry.hopLimit))
    }

    private mutating func schedule(at now: MonotonicInstant) {
        guard !isFinished else { return }
        var next = [log.nextExpiry, nextTurn].compactMap(\.self).min()
        for entry in log.current where entry.outcome == .queued {
            next = min(next ?? entry.due, entry.due)
        }
        if now < notBefore { next = min(next ?? notBefore, notBefore) }
        // Nothing on its way and no turn to wait for: plan again at once.
        var deadline = next ?? now
        if let limit = settings.timeLimit { deadline = min(deadline, start + limit) }
        self.deadline = deadline
    }

    // MARK: - The end

    private mutating func restart(at now: MonotonicInstant) {
        restarts += 1
        report.bytes = nil
        report.isBlackHole = nil
        report.limitingLink = nil
        report.limitingLinkReason = nil
        report.reason = "in progress"
        guard restarts <= 2 else {
            log.forgetEvidence()
            return finish(because: "the path changed during the search", at: now)
        }
        log.dropQueued()
        log.forgetEvidence()
        stage = .target
    }

    private mutating func finishAtDevice(at now: MonotonicInstant) {
        finish(because: "this host sends \(max(0, ceiling)) octets at the most", at: now)
    }

    /// The budget is spent.
    private mutating func giveUp(at now: MonotonicInstant) {
        let recent = log.current.suffix(12).filter { $0.hopLimit == nil }
        finish(
            because: recent.contains { $0.outcome == .echo }
                ? "too much loss to tell" : "the target stopped answering", at: now)
    }

    /// Keeps what can be said in the report while the search runs.
    private mutating func note() {
        report.suspiciousMessages = log.suspiciousMessages
        if report.bytes == nil, let best = SizeEvidence(log).best { report.atLeast = best }
    }

    mutating func finish(because reason: String?, at now: MonotonicInstant) {
        note()
        if let reason {
            report.reason = reason
            if report.limitingLinkReason == nil, report.limitingLink == nil {
                report.limitingLinkReason = reason
            }
            if report.atLeast == nil { noteReach() }
        }
        report.endedAt = now
        isFinished = true
        deadline = nil
    }

    /// What hop-limited probes have proven so far, of the farthest hop that answered.
    private mutating func noteReach() {
        let evidence = HopEvidence(log, farthest: Int(settings.farthestHop))
        guard let last = evidence.last, evidence[last].isAlive else { return }
        report.atLeast = evidence[last].passed
        report.provenDistance = last
    }
}
