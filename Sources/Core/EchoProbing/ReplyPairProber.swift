public import NetworkPrimitives
public import PacketFormats

/// Finds out whether unsolicited Echo Replies get through, hop by hop.
///
/// Nobody answers an Echo Reply, so it is sent hop-limited: the router where the limit runs out
/// answers Time Exceeded, unless something drops the reply before. Each *test* has a *control*, an
/// Echo Request with the same hop limit, identifier, length and checksum, so that a silent or rate
/// limited router is not taken for a filter. The order within a pair is random.
///
/// A test refused by an ICMP error is lost. Any other pair counts only if a router answered its
/// control. An answered test is received. An unanswered one proves little alone: it stays undecided
/// (in flight) until the third in a row at its hop makes all of them lost, or an answered one makes
/// them inconclusive. Such a run has both orders in it: a router that answers every second packet,
/// in step with the pairs, looks like a filter in one of them.
public struct ReplyPairProber: Sendable {
    /// What to send and how often.
    public struct Settings: Equatable, Sendable {
        /// The address family of the target.
        public var family: IPAddress.Family
        /// Time between pairs; with `limit`, pairs follow each other as fast as the pacer allows.
        public var interval: Duration
        /// How long an answer may take.
        public var timeout: Duration
        /// Octets after the ICMP header.
        public var payloadByteCount: Int
        /// The farthest hop to try, at least 1.
        public var farthestHop: UInt8
        /// How many pairs to send at each hop; nil for no end.
        public var limit: Int?
        /// The hops' place in the pacer: the tunnel for its inside, nil for the underlay.
        public var tunnel: String?
        /// The network namespace, for the pacer.
        public var namespace: String

        /// Makes settings.
        public init(
            family: IPAddress.Family, interval: Duration, timeout: Duration, payloadByteCount: Int,
            farthestHop: UInt8, limit: Int? = nil, tunnel: String? = nil, namespace: String = ""
        ) {
            self.family = family
            self.interval = interval
            self.timeout = timeout
            self.payloadByteCount = payloadByteCount
            self.farthestHop = farthestHop
            self.limit = limit
            self.tunnel = tunnel
            self.namespace = namespace
        }
    }

    /// What is known of one hop.
    public struct Hop: Hashable, Sendable {
        /// Hops from this host.
        public var distance: UInt8
        /// The router that answered last; nil before the first answer.
        public var responder: IPAddress?
        /// Controls sent and answered with Time Exceeded.
        public var controlsSent: UInt64 = 0
        /// Controls that a router answered.
        public var controlsAnswered: UInt64 = 0
        /// Tests sent.
        public var testsSent: UInt64 = 0
        /// Tests that a router answered.
        public var testsAnswered: UInt64 = 0
        /// Pairs that are judged, both of whose packets left.
        public var pairsJudged: UInt64 = 0
        /// Controls of those pairs that a router answered.
        public var judgedControlsAnswered: UInt64 = 0
        /// Tests of those pairs that a router answered.
        public var judgedTestsAnswered: UInt64 = 0
        /// Whether the control reached the target itself: no router there to answer.
        public var isTarget = false
        var undecided = 0
        var undecidedTestFirst = 0
        var isBlocked = false

        /// The order that the run of unanswered tests still lacks; nil before there is a need.
        var missingOrder: Bool? {
            guard undecided >= ReplyPairProber.lossRun - 1 else { return nil }
            return undecidedTestFirst == 0 ? true : undecidedTestFirst == undecided ? false : nil
        }

        mutating func endRun() {
            undecided = 0
            undecidedTestFirst = 0
        }
    }

    /// Tests in a row that must stay unanswered, with their controls answered, to be lost; at least.
    public static let lossRun = 3

    /// How long a hop beyond the target is left alone: paths change.
    public static let reviewInterval = Duration.seconds(600)

    /// What to send and how often.
    public let settings: Settings
    /// Who the identifier belongs to in the pool.
    public let owner: Int
    /// The identifier of all pairs.
    public let identifier: UInt16
    /// Everything counted so far; `sent` counts tests.
    public var counts = ProbeCounts()
    /// Times from a test to the Time Exceeded it drew.
    public var roundTrips = RoundTripStatistics()
    /// Time from the send call to the kernel's transmit stamp.
    public var localDelays = RoundTripStatistics()
    /// The hops tried, nearest first.
    public private(set) var hops: [Hop]

    var pairs: [EchoPair] = []
    /// The pairs before this index are judged.
    private var judgedPrefix = 0
    let checksum: UInt16
    private var nextPair: MonotonicInstant
    private var nextHop = 0
    private var pairsStarted: [Int]
    private var pairNumber: UInt64 = 0
    private var nextReview: MonotonicInstant

    /// A prober whose first pair is due at `start`.
    public init(
        settings: Settings, owner: Int, start: MonotonicInstant,
        identifiers: inout EchoIdentifierPool
    ) {
        precondition(settings.farthestHop >= 1, "a hop limit of 0 never leaves this host")
        self.settings = settings
        self.owner = owner
        nextPair = start
        nextReview = start + Self.reviewInterval
        identifier = identifiers.take(for: owner)
        checksum = UInt16(truncatingIfNeeded: identifiers.nonce()) | 1
        hops = (1...settings.farthestHop).map { Hop(distance: $0) }
        pairsStarted = hops.map { _ in 0 }
    }

    /// When `advance` next has something to do; nil when the last pair is decided.
    public var deadline: MonotonicInstant? {
        var earliest = isExhausted ? MonotonicInstant.distantFuture : nextPair
        for pair in pairs[judgedPrefix...] where !pair.isJudged {
            if pair.first.state == .waiting { earliest = min(earliest, pair.first.due) }
            if pair.second.state == .waiting { earliest = min(earliest, pair.second.due) }
            if let expiry = pair.expiry(after: settings.timeout) {
                earliest = min(earliest, expiry)
            }
        }
        return earliest == .distantFuture ? nil : earliest
    }

    /// Whether every pair of a limited run is sent and judged.
    public var isFinished: Bool { isExhausted && judgedPrefix == pairs.count }

    /// How much of a limited run is sent and judged, 0...1; 1 for one that has nothing to send.
    public var scheduledShare: Double {
        guard let limit = settings.limit, limit > 0, !isFinished else { return 1 }
        let planned = zip(hops, pairsStarted).reduce(0) { $0 + ($1.0.isTarget ? $1.1 : limit) }
        return Double(pairs.count(where: \.isJudged)) / Double(max(planned, 1))
    }

    private var isExhausted: Bool {
        guard let limit = settings.limit else { return false }
        return zip(hops, pairsStarted).allSatisfy { $0.isTarget || $1 >= limit }
    }

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - identifiers: the pool for marks and the order of a pair.
    ///   - pacer: the agent's one pacer.
    ///   - actions: where to append what is to be done.
    public mutating func advance(
        to now: MonotonicInstant, identifiers: inout EchoIdentifierPool, pacer: inout HopPacer,
        into actions: inout [ProbeAction]
    ) {
        for index in judgedPrefix..<pairs.count where !pairs[index].isJudged {
            for isFirst in [true, false] {
                let probe = isFirst ? pairs[index].first : pairs[index].second
                guard probe.state == .waiting, probe.due <= now else { continue }
                if hops[Int(pairs[index].distance) - 1].isTarget {
                    // No router there to answer a test, so none is sent.
                    pairs[index].update(isFirst: isFirst) { $0.state = .failed }
                    continue
                }
                if let later = pacer.postpone(
                    place(at: pairs[index].distance), at: now, isUrgent: settings.limit != nil)
                {
                    pairs[index].update(isFirst: isFirst) { $0.due = later }
                    continue
                }
                let nonce = identifiers.nonce()
                pairs[index].update(isFirst: isFirst) {
                    $0.state = .sent
                    $0.nonce = nonce
                }
                let message = message(of: pairs[index], isFirst: isFirst)
                actions.append(
                    .send(
                        EchoTransmission(
                            number: pairs[index].number * 2 + (isFirst ? 0 : 1), message: message,
                            checksum: checksum, hopLimit: pairs[index].distance,
                            deadline: probe.due)))
            }
            if let expiry = pairs[index].expiry(after: settings.timeout), expiry <= now {
                judge(index, into: &actions)
            }
        }
        skipSlots(at: now)
        if settings.limit == nil, nextReview <= now {
            nextReview = now + Self.reviewInterval
            for hop in hops.indices where hops[hop].isTarget {
                hops[hop].isTarget = false
                // Its first control goes first again, so a target is found without a test.
                pairsStarted[hop] = 0
            }
        }
        while !isExhausted, nextPair <= now {
            begin(at: nextPair, identifiers: &identifiers, pacer: &pacer)
        }
        while judgedPrefix < pairs.count, pairs[judgedPrefix].isJudged { judgedPrefix += 1 }
        // Judged pairs are kept for a while, to tell a late answer from a forged one.
        if pairs.count > 64 {
            let count = min(32, judgedPrefix)
            pairs.removeFirst(count)
            judgedPrefix -= count
        }
    }

    /// Notes that the message went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {
        guard let (index, isFirst) = place(of: number) else { return }
        pairs[index].update(isFirst: isFirst) { $0.sentAt = instant }
        let isTest = pairs[index].isTest(isFirst: isFirst)
        if isTest { counts.sent += 1 }
        update(hop: pairs[index].distance) {
            if isTest { $0.testsSent += 1 } else { $0.controlsSent += 1 }
        }
    }

    /// Notes that the message could not be sent; its pair is void.
    public mutating func failedToSend(_ number: UInt64, reason: ProbeCounts.FailureReason) {
        guard let (index, isFirst) = place(of: number) else { return }
        if pairs[index].isTest(isFirst: isFirst) { counts.failed[reason, default: 0] += 1 }
        pairs[index].update(isFirst: isFirst) { $0.state = .failed }
    }

    /// Notes the kernel's transmit stamp of a message, on the monotonic clock.
    public mutating func transmitted(_ number: UInt64, at instant: MonotonicInstant) {
        guard let (index, isFirst) = place(of: number) else { return }
        pairs[index].update(isFirst: isFirst) { $0.transmittedAt = instant }
        let probe = isFirst ? pairs[index].first : pairs[index].second
        if pairs[index].isTest(isFirst: isFirst), let sentAt = probe.sentAt {
            localDelays.record(instant - sentAt)
        }
    }

    /// Takes an ICMP error that quotes this prober's identifier.
    public mutating func receive(
        _ error: ICMPError, from responder: IPAddress, isAboutTarget: Bool,
        at arrival: MonotonicInstant, isStamped: Bool
    ) {
        guard isAboutTarget, error.quote.identifier == identifier,
            let index = pairIndex(sequence: error.quote.sequence)
        else {
            counts.rejected[.wrongQuote, default: 0] += 1
            return
        }
        let isFirst = pairs[index].testIsFirst == (error.quote.kind == .reply)
        let isTest = error.quote.kind == .reply
        counts.icmpErrors[ICMPErrorCode(type: error.type, code: error.code), default: 0] += 1
        let probe = isFirst ? pairs[index].first : pairs[index].second
        switch probe.state {
        case .waiting, .failed: counts.rejected[.wrongQuote, default: 0] += 1
        case .answered, .refused: if isTest { counts.duplicates += 1 }
        case .sent:
            guard let sentAt = probe.sentAt else { return }
            if pairs[index].isJudged || arrival - sentAt >= settings.timeout {
                if isTest {
                    counts.lateReplies += probe.isLate ? 0 : 1
                    counts.duplicates += probe.isLate ? 1 : 0
                }
                pairs[index].update(isFirst: isFirst) { $0.isLate = true }
                return
            }
            guard error.meaning == .timeExceeded else {
                if isTest {
                    counts.failed[
                        error.meaning == .filtered ? .filtered : .unreachable, default: 0] += 1
                }
                pairs[index].update(isFirst: isFirst) { $0.state = .refused }
                return
            }
            pairs[index].update(isFirst: isFirst) { $0.state = .answered }
            update(hop: pairs[index].distance) {
                $0.responder = responder
                if isTest { $0.testsAnswered += 1 } else { $0.controlsAnswered += 1 }
            }
            guard isTest else { return }
            if !isStamped || probe.transmittedAt == nil { counts.unstampedRoundTrips += 1 }
            let roundTrip = max(.zero, arrival - (probe.transmittedAt ?? sentAt))
            pairs[index].roundTrip = roundTrip
        }
    }

    /// Takes an Echo Reply to a control: the hop limit reaches the target itself.
    public mutating func receive(
        _ reply: EchoMessage, isFromTarget: Bool
    ) {
        guard isFromTarget else {
            counts.rejected[.wrongSource, default: 0] += 1
            return
        }
        guard reply.identifier == identifier, let index = pairIndex(sequence: reply.sequence) else {
            counts.rejected[.unknownSequence, default: 0] += 1
            return
        }
        // An answer repeats the request's payload; one that came before the request is forged.
        let controlIsFirst = !pairs[index].testIsFirst
        let control = controlIsFirst ? pairs[index].first : pairs[index].second
        var answer = message(of: pairs[index], isFirst: controlIsFirst)
        answer.kind = .reply
        guard control.state != .waiting, reply == answer else {
            counts.rejected[.payloadChanged, default: 0] += 1
            return
        }
        // Nothing beyond the target can answer either.
        for hop in hops.indices where hops[hop].distance >= pairs[index].distance {
            hops[hop].isTarget = true
        }
    }

    /// Takes over the totals of `earlier`, a prober of the same tunnel, path and style before a
    /// reload or a change of target; what it had undecided is inconclusive.
    public mutating func inherit(from earlier: ReplyPairProber) {
        counts = earlier.counts
        counts.inconclusive += earlier.counts.inFlight
        roundTrips = earlier.roundTrips
        localDelays = earlier.localDelays
    }

    /// Decides what a finished limited run leaves undecided: too few tests in a row for a loss.
    public mutating func concludeUndecided() {
        for index in hops.indices {
            counts.inconclusive += UInt64(hops[index].undecided)
            hops[index].endRun()
        }
    }

    // MARK: - Pairs

    /// Without a limit, passes over the turns that this process slept through, and those at which the
    /// pair before still waits for the pacer.
    private mutating func skipSlots(at now: MonotonicInstant) {
        guard settings.limit == nil, nextPair <= now else { return }
        let interval = settings.interval.nanoseconds
        nextPair = nextPair + .nanoseconds((now - nextPair).nanoseconds / interval * interval)
        if let last = pairs.last, last.first.state == .waiting || last.second.state == .waiting {
            nextPair = nextPair + settings.interval
        }
    }

    private mutating func begin(
        at instant: MonotonicInstant, identifiers: inout EchoIdentifierPool, pacer: inout HopPacer
    ) {
        defer {
            nextPair =
                settings.limit == nil
                ? instant + settings.interval
                : instant + (nextHop == 0 ? HopPacer.spacing * 2 : .zero)
        }
        // Hops that lie beyond the target are passed over.
        for _ in hops.indices {
            let hop = nextHop
            nextHop = (nextHop + 1) % hops.count
            guard !hops[hop].isTarget, settings.limit.map({ pairsStarted[hop] < $0 }) ?? true else {
                continue
            }
            let slots = pacer.reservePair(
                at: place(at: hops[hop].distance), from: instant,
                isUrgent: settings.limit != nil)
            // The first control tells whether a router is there at all, so it goes first.
            let coin = identifiers.coin()
            let testIsFirst = pairsStarted[hop] == 0 ? false : hops[hop].missingOrder ?? coin
            pairsStarted[hop] += 1
            pairs.append(
                EchoPair(
                    number: pairNumber, distance: hops[hop].distance, testIsFirst: testIsFirst,
                    first: .init(due: slots.first), second: .init(due: slots.second)))
            pairNumber += 1
            return
        }
    }

    private func message(of pair: EchoPair, isFirst: Bool) -> EchoMessage {
        EchoMessage(
            kind: pair.isTest(isFirst: isFirst) ? .reply : .request, family: settings.family,
            identifier: identifier, sequence: pair.sequence,
            nonce: isFirst ? pair.first.nonce : pair.second.nonce,
            payloadByteCount: settings.payloadByteCount, checksum: checksum)
    }

    private mutating func judge(_ index: Int, into actions: inout [ProbeAction]) {
        pairs[index].isJudged = true
        let pair = pairs[index]
        let test = pair.testIsFirst ? pair.first : pair.second
        let control = pair.testIsFirst ? pair.second : pair.first
        guard let sentAt = test.sentAt else { return }
        let hop = Int(pair.distance) - 1
        if control.sentAt != nil {
            hops[hop].pairsJudged += 1
            hops[hop].judgedControlsAnswered += control.state == .answered ? 1 : 0
            hops[hop].judgedTestsAnswered += test.state == .answered ? 1 : 0
        }
        let result: ProbeOutcome.Result
        if test.state == .refused {
            // An ICMP error says outright what silence only suggests, whatever the control met.
            counts.lost += 1
            result = .refused
        } else if control.state != .answered {
            counts.inconclusive += 1
            result = .inconclusive
        } else if test.state == .answered {
            counts.received += 1
            if let roundTrip = pair.roundTrip { roundTrips.record(roundTrip) }
            counts.inconclusive += UInt64(hops[hop].undecided)
            hops[hop].endRun()
            result = .received
            hops[hop].isBlocked = false
        } else if hops[hop].isBlocked {
            // After three losses every further one continues them.
            counts.lost += 1
            result = .lost
        } else {
            hops[hop].undecided += 1
            hops[hop].undecidedTestFirst += pair.testIsFirst ? 1 : 0
            result = .lost
            if hops[hop].undecided >= Self.lossRun, hops[hop].missingOrder == nil {
                counts.lost += UInt64(hops[hop].undecided)
                hops[hop].endRun()
                hops[hop].isBlocked = true
            }
        }
        actions.append(
            .resolved(
                ProbeOutcome(
                    identifier: identifier, sequence: pair.sequence, sentAt: sentAt,
                    roundTrip: result == .received ? pair.roundTrip : nil, result: result,
                    isRetry: false, hopLimit: pair.distance)))
    }

    private func place(at distance: UInt8) -> HopPacer.Hop {
        HopPacer.Hop(tunnel: settings.tunnel, namespace: settings.namespace, distance: distance)
    }

    private func place(of number: UInt64) -> (index: Int, isFirst: Bool)? {
        guard let oldest = pairs.first?.number, number / 2 >= oldest else { return nil }
        let index = Int(number / 2 - oldest)
        return index < pairs.count ? (index, number % 2 == 0) : nil
    }

    private func pairIndex(sequence: UInt16) -> Int? {
        pairs.lastIndex { $0.sequence == sequence }
    }

    private mutating func update(hop distance: UInt8, _ change: (inout Hop) -> Void) {
        change(&hops[Int(distance) - 1])
    }
}
