public import NetworkPrimitives
public import PacketFormats

/// Probes one target with Echo Requests: when to send, which reply answers what, what was lost.
///
/// A pure value in the shape of every engine here: `deadline` says when to call `advance`, which
/// appends actions; what arrives is passed in. It never reads a clock and owns no socket.
///
/// Sends lie on an absolute grid, so a late wake-up delays one probe and not all that follow. A
/// probe that stays unanswered for `silence` is followed by two retries 10 ms apart, with a fresh
/// identifier: if they are answered while the old identifier is not, a firewall or NAT on the way
/// holds a stale session. Retries are samples of the health state and nothing else.
public struct RequestProber: Sendable {
    /// What to send and how often.
    public struct Settings: Equatable, Sendable {
        /// The address family of the target.
        public var family: IPAddress.Family
        /// Time between probes.
        public var interval: Duration
        /// How long an answer may take.
        public var timeout: Duration
        /// Octets after the ICMP header, at least `EchoMessage.minimumPayloadByteCount`.
        public var payloadByteCount: Int
        /// How many probes to send in all; nil for no end.
        public var limit: Int?

        /// Makes settings.
        public init(
            family: IPAddress.Family, interval: Duration, timeout: Duration, payloadByteCount: Int,
            limit: Int? = nil
        ) {
            self.family = family
            self.interval = interval
            self.timeout = timeout
            self.payloadByteCount = payloadByteCount
            self.limit = limit
        }
    }

    /// The shortest silence that makes a probe suspicious, whatever the round-trip time.
    public static let minimumSilence = Duration.milliseconds(200)
    /// Retries after a failure, and the time between them.
    public static let retryCount = 2
    /// Time between the retries after a failure.
    public static let retrySpacing = Duration.milliseconds(10)
    /// The shortest time between two fresh identifiers.
    public static let rotationSpacing = Duration.seconds(10)

    /// What to send and how often.
    public private(set) var settings: Settings
    /// Who the identifiers belong to in the pool.
    public let owner: Int
    /// Everything counted so far.
    public var counts = ProbeCounts()
    /// Round-trip times of answered probes; retries are left out, they follow a loss.
    public var roundTrips = RoundTripStatistics()
    /// Time from the send call to the kernel's transmit stamp.
    public var localDelays = RoundTripStatistics()
    /// Times to send that passed while this process did not run; nothing was sent for them.
    public private(set) var skippedSlots: UInt64 = 0
    /// Whether any probe was ever answered.
    public private(set) var hasEverAnswered = false
    /// The identifier in use.
    public private(set) var identifier: UInt16

    var log = TransmissionLog()
    private let checksum: UInt16
    private var retired: [(identifier: UInt16, until: MonotonicInstant)] = []
    private var nextSend: MonotonicInstant
    private var scheduled = 0
    private var retriesDue: [MonotonicInstant] = []
    private var lastBurst: MonotonicInstant?
    private var lastRotation: MonotonicInstant?
    private var smoothedRoundTrip: Duration?
    private var highestAnswered: UInt64?
    private var failuresInARow = 0
    private var isTryingFreshIdentifier = false

    /// A prober whose first probe is due at `start`.
    public init(
        settings: Settings, owner: Int, start: MonotonicInstant,
        identifiers: inout EchoIdentifierPool
    ) {
        self.settings = settings
        self.owner = owner
        nextSend = start
        identifier = identifiers.take(for: owner)
        checksum = UInt16(truncatingIfNeeded: identifiers.nonce()) | 1
    }

    /// How long a probe may stay unanswered before retries follow: max(200 ms, 4·RTT), and never
    /// longer than the timeout.
    public var silence: Duration {
        min(settings.timeout, max(Self.minimumSilence, (smoothedRoundTrip ?? .zero) * 4))
    }

    /// When `advance` next has something to do; nil when the last probe is decided.
    public var deadline: MonotonicInstant? {
        var earliest = isExhausted ? MonotonicInstant.distantFuture : nextSend
        if let retry = retriesDue.first { earliest = min(earliest, retry) }
        if let sent = log.firstUnsuspected { earliest = min(earliest, sent + silence) }
        if let sent = log.firstPending { earliest = min(earliest, sent + settings.timeout) }
        return earliest == .distantFuture ? nil : earliest
    }

    /// Whether every probe of a limited run is sent and decided.
    public var isFinished: Bool { isExhausted && retriesDue.isEmpty && log.firstPending == nil }

    /// How much of a limited run is sent, 0...1; 1 for one that has nothing to send.
    public var scheduledShare: Double {
        guard let limit = settings.limit, limit > 0 else { return 1 }
        return Double(min(scheduled, limit)) / Double(limit)
    }

    private var isExhausted: Bool { settings.limit.map { scheduled >= $0 } ?? false }

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - identifiers: the pool for fresh identifiers and marks.
    ///   - actions: where to append what is to be done.
    public mutating func advance(
        to now: MonotonicInstant, identifiers: inout EchoIdentifierPool,
        into actions: inout [ProbeAction]
    ) {
        while let sent = log.firstUnsuspected, sent + silence <= now {
            log.suspectFirst()
            retry(from: now, identifiers: &identifiers)
        }
        while let sent = log.firstPending, sent + settings.timeout <= now {
            let entry = log.resolveFirst(as: .lost)
            if !entry.isRetry { counts.lost += 1 }
            actions.append(.resolved(entry.outcome(.lost)))
        }
        if !isExhausted, nextSend <= now {
            // Of the slots that passed while this process did not run only the last is used, so
            // that no burst follows a stall.
            let interval = settings.interval.nanoseconds
            let slept = (now - nextSend).nanoseconds / interval
            skippedSlots += UInt64(slept)
            nextSend = nextSend + .nanoseconds(slept * interval)
            transmit(deadline: nextSend, isRetry: false, identifiers: &identifiers, into: &actions)
            scheduled += 1
            nextSend = nextSend + settings.interval
        }
        while let due = retriesDue.first, due <= now {
            retriesDue.removeFirst()
            transmit(deadline: due, isRetry: true, identifiers: &identifiers, into: &actions)
        }
        retired.removeAll { old in
            guard old.until <= now else { return false }
            identifiers.release(old.identifier)
            return true
        }
        log.forget(before: now - settings.timeout * 2 - .seconds(5))
        emitSamples(into: &actions)
    }

    /// Notes that the message went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {
        guard let index = log.index(of: number) else { return }
        log.entries[index].sentAt = instant
        if log.entries[index].isRetry { counts.retries += 1 } else { counts.sent += 1 }
    }

    /// Notes that the message could not be sent: a failed sample, but not a probe sent.
    public mutating func failedToSend(
        _ number: UInt64, reason: ProbeCounts.FailureReason, at now: MonotonicInstant,
        identifiers: inout EchoIdentifierPool, into actions: inout [ProbeAction]
    ) {
        guard let index = log.index(of: number) else { return }
        // Samples stay in the order of sending, however late the attempt was.
        log.entries[index].sentAt = now
        log.entries[index].state = .failed
        let entry = log.entries[index]
        if !entry.isRetry { counts.failed[reason, default: 0] += 1 }
        actions.append(.resolved(entry.outcome(.unsent)))
        if !entry.isRetry { retry(from: now, identifiers: &identifiers) }
        log.advanceCursors()
        emitSamples(into: &actions)
    }

    /// Notes the kernel's transmit stamp of a message, on the monotonic clock.
    public mutating func transmitted(_ number: UInt64, at instant: MonotonicInstant) {
        guard let index = log.index(of: number) else { return }
        log.entries[index].transmittedAt = instant
        localDelays.record(instant - log.entries[index].sentAt)
    }

    /// Takes an Echo Reply whose identifier belongs to this prober.
    ///
    /// - Parameters:
    ///   - reply: the message.
    ///   - isFromTarget: whether it came from the address that is probed.
    ///   - arrival: its receive stamp on the monotonic clock.
    ///   - isStamped: whether the kernel made that stamp.
    ///   - actions: where to append what follows from it.
    public mutating func receive(
        _ reply: EchoMessage, isFromTarget: Bool, at arrival: MonotonicInstant, isStamped: Bool,
        into actions: inout [ProbeAction]
    ) {
        guard isFromTarget else { return reject(.wrongSource) }
        guard let index = log.index(identifier: reply.identifier, sequence: reply.sequence) else {
            return reject(.unknownSequence)
        }
        let entry = log.entries[index]
        let expected = EchoMessage(
            kind: .request, family: settings.family, identifier: entry.identifier,
            sequence: entry.sequence, nonce: entry.nonce,
            payloadByteCount: settings.payloadByteCount, checksum: checksum)
        guard reply.isFillIntact, reply.nonce == expected.nonce, reply.balance == expected.balance,
            reply.payloadByteCount == expected.payloadByteCount
        else { return reject(.payloadChanged) }

        switch entry.state {
        case .answered:
            if !entry.isRetry { counts.duplicates += 1 }
            return
        case .lost, .failed:
            log.entries[index].state = .answered
            if !entry.isRetry { counts.lateReplies += 1 }
            return
        case .pending where arrival - entry.sentAt >= settings.timeout:
            // The timer has not run yet, but the answer is late all the same.
            if !entry.isRetry {
                counts.lost += 1
                counts.lateReplies += 1
            }
            actions.append(.resolved(entry.outcome(.lost)))
            log.resolve(index, as: .lost)
            log.entries[index].state = .answered
            log.entries[index].isSuccess = false
        case .pending:
            accept(entry, index: index, at: arrival, isStamped: isStamped, into: &actions)
        }
        emitSamples(into: &actions)
    }

    /// Takes an ICMP error that quotes an identifier of this prober.
    ///
    /// - Parameters:
    ///   - error: the error.
    ///   - isAboutTarget: whether the quoted packet went to the address that is probed.
    ///   - now: the current instant.
    ///   - identifiers: the pool for fresh identifiers.
    ///   - actions: where to append what follows from it.
    public mutating func receive(
        _ error: ICMPError, isAboutTarget: Bool, at now: MonotonicInstant,
        identifiers: inout EchoIdentifierPool, into actions: inout [ProbeAction]
    ) {
        guard isAboutTarget, error.quote.kind == .request,
            let index = log.index(
                identifier: error.quote.identifier, sequence: error.quote.sequence)
        else { return reject(.wrongQuote) }
        counts.icmpErrors[ICMPErrorCode(type: error.type, code: error.code), default: 0] += 1
        guard log.entries[index].state == .pending else { return }
        let entry = log.entries[index]
        if !entry.isRetry {
            counts.lost += 1
            counts.failed[error.meaning == .filtered ? .filtered : .unreachable, default: 0] += 1
        }
        actions.append(.resolved(entry.outcome(.refused)))
        log.resolve(index, as: .lost)
        if !entry.isRetry { retry(from: now, identifiers: &identifiers) }
        emitSamples(into: &actions)
    }

    /// Takes over the totals of `earlier`, a prober of the same tunnel, path and style before a
    /// reload or a change of target; what it had in flight is undecided for ever.
    public mutating func inherit(from earlier: RequestProber) {
        counts = earlier.counts
        counts.inconclusive += earlier.counts.inFlight
        roundTrips = earlier.roundTrips
        localDelays = earlier.localDelays
    }

    private mutating func reject(_ reason: ProbeCounts.RejectionReason) {
        counts.rejected[reason, default: 0] += 1
    }

    private mutating func accept(
        _ entry: TransmissionLog.Entry, index: Int, at arrival: MonotonicInstant, isStamped: Bool,
        into actions: inout [ProbeAction]
    ) {
        let roundTrip = max(.zero, arrival - (entry.transmittedAt ?? entry.sentAt))
        log.resolve(index, as: .answered)
        hasEverAnswered = true
        smoothedRoundTrip = smoothedRoundTrip.map { $0 * 0.875 + roundTrip * 0.125 } ?? roundTrip
        if isTryingFreshIdentifier {
            if entry.identifier == identifier { counts.freshIdentifierRecoveries += 1 }
            isTryingFreshIdentifier = false
        }
        if !entry.isRetry {
            counts.received += 1
            if !isStamped || entry.transmittedAt == nil { counts.unstampedRoundTrips += 1 }
            roundTrips.record(roundTrip)
            if let highest = highestAnswered, entry.number < highest { counts.reordered += 1 }
            highestAnswered = max(highestAnswered ?? 0, entry.number)
        }
        actions.append(.resolved(entry.outcome(.received, roundTrip: roundTrip)))
    }

    private mutating func retry(
        from now: MonotonicInstant, identifiers: inout EchoIdentifierPool
    ) {
        // At intervals shorter than the silence, every further probe of the same gap would triple
        // the traffic. Half a silence, because a whole one may be as long as the interval, and then
        // every probe is to have its own retries, a little early or late as it may be.
        if let lastBurst, now - lastBurst < silence / 2 { return }
        retriesDue = (0..<Self.retryCount).map { now + Self.retrySpacing * $0 }
        lastBurst = now
        if lastRotation.map({ now - $0 >= Self.rotationSpacing }) ?? true {
            retired.append((identifier, now + settings.timeout * 2 + .seconds(5)))
            identifier = identifiers.take(for: owner)
            lastRotation = now
            counts.identifierRotations += 1
            isTryingFreshIdentifier = failuresInARow >= 3
        }
    }

    private mutating func transmit(
        deadline: MonotonicInstant, isRetry: Bool, identifiers: inout EchoIdentifierPool,
        into actions: inout [ProbeAction]
    ) {
        let number = log.nextNumber
        let nonce = identifiers.nonce()
        let sequence = UInt16(truncatingIfNeeded: number)
        log.append(
            TransmissionLog.Entry(
                number: number, identifier: identifier, sequence: sequence, nonce: nonce,
                sentAt: deadline, isRetry: isRetry))
        let message = EchoMessage(
            kind: .request, family: settings.family, identifier: identifier, sequence: sequence,
            nonce: nonce, payloadByteCount: settings.payloadByteCount, checksum: checksum)
        actions.append(
            .send(
                EchoTransmission(
                    number: number, message: message, checksum: checksum, hopLimit: nil,
                    deadline: deadline)))
    }

    private mutating func emitSamples(into actions: inout [ProbeAction]) {
        while let entry = log.nextSample() {
            failuresInARow = entry.isSuccess ? 0 : failuresInARow + 1
            actions.append(
                .sample(ProbeSample(sentAt: entry.sentAt, succeeded: entry.isSuccess)))
        }
    }
}
