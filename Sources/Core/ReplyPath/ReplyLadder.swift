public import NetworkPrimitives

/// Finds out after which hop unsolicited Echo Replies die, if they do.
///
/// Hop by hop it sends *tests*, Echo Replies that nobody asked for, and *controls*, Echo Requests
/// equal in everything else. Where a hop limit runs out a router answers Time Exceeded, unless
/// something dropped the packet before. The routers that answer controls and no tests stand behind
/// the block, if there are enough of them: `BlockingPosterior` weighs that. The target's own Echo
/// Replies prove nothing, for a filter against Echo Replies may drop those as well.
///
/// Packets of one *flow* share what routers hash, so they take one path; but tests and controls
/// differ in their type, so some routers send them different ways. Hence three flows must agree
/// before the path is called blocked, each with a checksum of its own.
public struct ReplyLadder: Sendable {
    /// The checksums of the flows.
    public static let checksums: [UInt16] = [0xbeef, 0x1234, 0x7a5c]
    /// Packets for each hop and kind, raised as long as nothing is decided.
    public static let goals = [3, 5, 10]
    /// Silent hops behind the last router that answered, before the ladder ends.
    public static let silentHops = 3
    /// The first destination port of datagrams.
    public static let datagramPort: UInt16 = 33434

    /// What to climb.
    public let settings: Settings
    /// Whether there is nothing more to send or to wait for.
    public private(set) var isFinished = false
    /// When to call `advance` next at the latest; nil when finished.
    public private(set) var deadline: MonotonicInstant?

    private let start: MonotonicInstant
    var conclusion: ReplyPathReport?

    // What was sent.
    var records: [LadderRecord] = []
    private var unsettled: [Int] = []
    private var probes: LadderProbeFactory
    private var generator: any RandomNumberGenerator & Sendable

    // What is to be sent.
    var plan = LadderPlan()
    private var nextSlot: MonotonicInstant
    private var notBefore: [Int: MonotonicInstant] = [:]

    // What was learned.
    var attempt = 0
    var isUnstable = false
    var noted: [Int: PairObservations] = [:]
    private var routers: [RouterKey: IPAddress] = [:]
    /// By flow: the nearest hop at which the target answered.
    var targetHops: [Int: Int] = [:]
    var foreignQuotes = 0
    private var ignoredAnswers = 0
    var blockedFlows: [BlockingPosterior] = []

    private struct RouterKey: Hashable {
        var flow: Int
        var kind: LadderProbe.Kind
        var hop: Int
    }

    /// Starts a ladder; the first packets are due at once.
    public init(
        settings: Settings, start: MonotonicInstant,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.settings = settings
        self.start = start
        var generator = generator
        probes = LadderProbeFactory(using: &generator)
        self.generator = generator
        nextSlot = start
        deadline = start
    }

    /// What is known so far; its reason is "in progress" until the ladder is finished.
    public var report: ReplyPathReport {
        var report = conclusion ?? ReplyPathReport(inconclusive: "in progress")
        let evidence = evidence(flow: nil)
        report.lastHopRequest = evidence.lastRequest == 0 ? nil : evidence.lastRequest
        report.lastHopReply = evidence.lastReply == 0 ? nil : evidence.lastReply
        report.targetHop = targetHops.values.min()
        report.ignoredAnswers = ignoredAnswers
        report.checksums =
            Set(
                records.lazy.filter { $0.attempt == attempt && $0.kind == .reply && $0.counts }
                    .map(\.flow)
            ).count
        let farthest = max(
            evidence.lastRequest, evidence.lastReply, evidence.lastDatagram,
            targetHops.values.min() ?? 0)
        report.hops = evidence.rungs.prefix(farthest).enumerated().map { index, rung in
            var hop = ReplyPathReport.Hop(distance: index + 1)
            hop.requestsSent = rung.requestsSent
            hop.requestsAnswered = rung.requestsAnswered
            hop.repliesSent = rung.testsSent
            hop.repliesAnswered = rung.testsAnswered
            hop.datagramsSent = rung.datagramsSent
            hop.datagramsAnswered = rung.datagramsAnswered
            hop.requestRouters = rung.requestRouters
            hop.replyRouters = rung.replyRouters
            hop.filteredBy = rung.filteredBy
            hop.isTarget = targetHops.values.min() == index + 1
            return hop
        }
        return report
    }

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - pace: asked for every probe with its hop: nil lets it leave now and counts it, an instant
    ///     says when to ask again.
    ///   - actions: where to append the probes to send, in this order.
    public mutating func advance(
        to now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [LadderProbe]
    ) {
        guard !isFinished else { return }
        if let limit = settings.timeLimit, now >= start + limit {
            return conclude(at: now, reason: "time limit")
        }
        settle(at: now)
        evaluate(at: now)
        guard !isFinished else { return }
        if nextSlot <= now {
            // One packet a slot; after a stall no more than one.
            for hop in plan.dueHops(self).shuffled(using: &generator)
            where notBefore[hop].map({ $0 <= now }) ?? true {
                if let later = pace(UInt8(hop), now) {
                    notBefore[hop] = max(later, now + .milliseconds(1))
                    continue
                }
                actions.append(makeProbe(at: hop, now: now))
                nextSlot = now + settings.spacing
                break
            }
        }
        deadline = nextDeadline(at: now)
    }

    /// Notes that a probe went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {
        guard let index = index(of: number), records[index].state == .planned else { return }
        records[index].state = .waiting
        records[index].sentAt = instant
    }

    /// Notes that the kernel took no probe; `isRefusedHere` for EPERM, a local firewall's.
    public mutating func failedToSend(
        _ number: UInt64, isRefusedHere: Bool, at instant: MonotonicInstant
    ) {
        guard let index = index(of: number), !records[index].isSettled else { return }
        records[index].state = isRefusedHere ? .refusedHere : .failed
        evaluate(at: instant)
    }

    /// Notes that a probe was captured on the egress device.
    public mutating func seenLeaving(_ number: UInt64, at instant: MonotonicInstant) {
        guard let index = index(of: number) else { return }
        records[index].wasSeen = true
    }

    /// Takes what came back for a probe; of several answers to one probe each may be given.
    public mutating func receive(
        _ answer: LadderAnswer, to number: UInt64, at instant: MonotonicInstant
    ) {
        guard !isFinished, let index = index(of: number), records[index].attempt == attempt,
            records[index].state == .waiting || records[index].state == .silent,
            let sentAt = records[index].sentAt, instant >= sentAt,
            let (state, router) = outcome(of: answer, for: records[index])
        else {
            ignoredAnswers += 1
            return
        }
        records[index].state = state
        records[index].router = router
        if let quoted = answer.quotedSource, quoted != settings.source { foreignQuotes += 1 }
        if isPathChange(records[index]) {
            if !restart(at: instant) { isUnstable = true }
        }
        evaluate(at: instant)
        if !isFinished { deadline = min(deadline ?? instant, instant) }
    }

    /// Takes over what continuous reply pairs found at a hop on the same path a short time ago; in
    /// place of what was noted of that hop before.
    ///
    /// - Parameters:
    ///   - hop: hops from this host.
    ///   - pairs: pairs whose two packets both left.
    ///   - instant: when.
    public mutating func note(
        pairsAt hop: UInt8, _ pairs: PairObservations, at instant: MonotonicInstant
    ) {
        // After a change of the path it is not known which part of them is about the new one.
        guard !isFinished, attempt == 0, hop >= 1, hop <= settings.farthestHop, pairs.isSound else {
            return
        }
        noted[Int(hop)] = pairs
        evaluate(at: instant)
    }

    /// Ends the ladder with what it has; inconclusive because of `reason` unless decided.
    public mutating func conclude(at instant: MonotonicInstant, reason: String) {
        guard !isFinished else { return }
        settle(at: instant)
        finish(finalReport(reason: reason), at: instant)
    }

    // MARK: - Time

    private mutating func settle(at now: MonotonicInstant) {
        var remaining: [Int] = []
        for index in unsettled where !records[index].isSettled {
            if let sentAt = records[index].sentAt, now - sentAt >= settings.timeout {
                // Never said to be sent: it was not, as far as anybody knows.
                records[index].state = records[index].state == .planned ? .failed : .silent
            } else {
                remaining.append(index)
            }
        }
        unsettled = remaining
    }

    private func nextDeadline(at now: MonotonicInstant) -> MonotonicInstant {
        var earliest = settings.timeLimit.map { start + $0 } ?? .distantFuture
        for index in unsettled {
            if let sentAt = records[index].sentAt {
                earliest = min(earliest, sentAt + settings.timeout)
            }
        }
        for hop in plan.dueHops(self) {
            earliest = min(earliest, max(nextSlot, notBefore[hop] ?? nextSlot))
        }
        return max(earliest, now)
    }

    private mutating func evaluate(at now: MonotonicInstant) {
        // Each step raises a goal or takes the next flow, so there are few.
        while !isFinished {
            switch nextStep() {
            case .wait: return
            case .goOn(let next): plan = next
            case .nextFlow(let next, let posterior):
                blockedFlows.append(posterior)
                plan = next
            case .finish(let report): finish(report, at: now)
            }
        }
    }

    private mutating func finish(_ report: ReplyPathReport, at now: MonotonicInstant) {
        var report = report
        report.endedAt = now
        conclusion = report
        isFinished = true
        deadline = nil
    }

    // MARK: - Probes

    private mutating func makeProbe(at hop: Int, now: MonotonicInstant) -> LadderProbe {
        let (kind, flow) = plan.take(at: hop, noted: noted, using: &generator)
        let probe = probes.make(
            kind, hop: hop, flow: flow, number: UInt64(records.count), using: &generator)
        unsettled.append(records.count)
        records.append(
            LadderRecord(kind: kind, flow: flow, hop: hop, attempt: attempt, sentAt: now))
        return probe
    }

    private func index(of number: UInt64) -> Int? {
        number < UInt64(records.count) ? Int(number) : nil
    }

    /// What an answer makes of a probe; nil when it makes no sense.
    private func outcome(
        of answer: LadderAnswer, for record: LadderRecord
    ) -> (LadderRecord.State, IPAddress)? {
        switch answer {
        case .echo: return record.kind == .request ? (.reachedTarget, settings.target) : nil
        case .timeExceeded(let router, _), .filtered(let router, _), .unreachable(let router, _):
            guard router.isPlausibleRouter, router.family == settings.target.family,
                router != settings.source || answer.isFilter
            else { return nil }
            if router == settings.target, !answer.isFilter { return (.reachedTarget, router) }
            if answer.isFilter { return (.filtered, router) }
            return (answer.isTimeExceeded ? .timeExceeded : .unreachable, router)
        }
    }

    /// Whether a router or the target stands elsewhere than before, for one kind and flow.
    private mutating func isPathChange(_ record: LadderRecord) -> Bool {
        guard record.kind != .datagram else {
            if record.state == .reachedTarget { noteTarget(record) }
            return false
        }
        switch record.state {
        case .reachedTarget:
            noteTarget(record)
            return records.contains {
                $0.attempt == attempt && $0.flow == record.flow && $0.kind == record.kind
                    && $0.hop >= record.hop && $0.state == .timeExceeded
            }
        case .timeExceeded:
            let key = RouterKey(flow: record.flow, kind: record.kind, hop: record.hop)
            guard let router = record.router else { return false }
            if let known = routers[key], known != router { return true }
            routers[key] = router
            return record.kind == .request
                && targetHops[record.flow].map { $0 <= record.hop } ?? false
        default: return false
        }
    }

    private mutating func noteTarget(_ record: LadderRecord) {
        targetHops[record.flow] = min(targetHops[record.flow] ?? .max, record.hop)
    }

    /// Starts again because the path changed; false when that was done before, or time lacks.
    private mutating func restart(at now: MonotonicInstant) -> Bool {
        if attempt > 0 { return false }
        if let limit = settings.timeLimit, now + .seconds(9) > start + limit { return false }
        attempt += 1
        plan = LadderPlan()
        noted = [:]
        routers = [:]
        targetHops = [:]
        blockedFlows = []
        return true
    }
}

extension LadderAnswer {
    var isFilter: Bool { if case .filtered = self { true } else { false } }
    var isTimeExceeded: Bool { if case .timeExceeded = self { true } else { false } }

    var quotedSource: IPAddress? {
        switch self {
        case .timeExceeded(_, let source), .filtered(_, let source), .unreachable(_, let source):
            source
        case .echo: nil
        }
    }
}

extension ReplyLadder.Settings {
    /// Time between two packets of a ladder: five in a second, but not where somebody waits.
    var spacing: Duration { isUrgent ? .milliseconds(20) : .milliseconds(200) }
    /// How many hops beyond the last router that answered are asked at once.
    var lookahead: Int { isUrgent ? 8 : ReplyLadder.silentHops }
}

extension PairObservations {
    /// Whether the numbers can be true.
    var isSound: Bool {
        controlsAnswered >= 0 && testsAnswered >= 0 && controlsAnswered <= controlsSent
            && testsAnswered <= testsSent
    }

    /// Pairs of which both packets left.
    var pairCount: Int { min(controlsSent, testsSent) }
}
