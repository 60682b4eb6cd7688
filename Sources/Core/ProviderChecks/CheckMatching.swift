import NetworkPrimitives

/// What a check's answer is known by when it leaves.
///
/// The source is not part of it: address translation may change it.
struct AnswerKey: Hashable, Sendable {
    var destination: IPAddress
    var identifier: UInt16
    var sequence: UInt16
    var payloadHash: UInt64
    var payloadByteCount: Int

    /// The answer to a message that arrived: a request is turned round, a reply goes on as it is.
    init(answerTo arrival: CheckObservation) {
        self.init(
            arrival, destination: arrival.kind == .request ? arrival.source : arrival.destination)
    }

    /// A reply that leaves.
    init(leaving reply: CheckObservation) { self.init(reply, destination: reply.destination) }

    private init(_ message: CheckObservation, destination: IPAddress) {
        self.destination = destination
        identifier = message.identifier
        sequence = message.sequence
        payloadHash = message.payloadHash
        payloadByteCount = message.payloadByteCount
    }
}

/// A message that arrived by the tunnel, and what became of it so far.
struct PendingCheck: Sendable {
    struct Answer: Hashable, Sendable {
        var place: CheckObservation.Place
        var delay: Duration
        var source: IPAddress
    }

    var arrival: CheckObservation
    var answer: Answer?
    /// Whether the capture lost packets while its answer was due.
    var isDisturbed = false
}

/// Brings arrivals together with what leaves, whichever of the two is told of first.
struct CheckMatching: Sendable {
    /// An answer counts within this time after the check (algorithm of the local turnaround).
    static let timeout = Duration.milliseconds(100)
    /// Two devices' captures are handed over in batches, by two threads.
    static let patience = Duration.milliseconds(1_200)
    /// Two devices' stamps of one packet may be this much the wrong way round.
    static let tolerance = Duration.milliseconds(5)
    static let limit = 16_384

    private var pending = KeyedLine<AnswerKey, PendingCheck>(limit: limit)
    private var leaving = KeyedLine<AnswerKey, CheckObservation>(limit: limit)
    /// When the capture lost packets last.
    private var loss: (start: MonotonicInstant, end: MonotonicInstant)?

    /// How many arrivals wait for their answer.
    var pendingCount: Int { pending.count }
    /// How many replies left that answered nothing yet.
    var leavingCount: Int { leaving.count }

    /// A message arrived by the tunnel.
    ///
    /// - Returns: what had to make room for it, judged too early.
    mutating func arrive(_ arrival: CheckObservation) -> PendingCheck? {
        var check = PendingCheck(arrival: arrival)
        let key = AnswerKey(answerTo: arrival)
        while let number = leaving.first(of: key) {
            let delay = leaving[number].at - arrival.at
            guard delay >= .zero - Self.tolerance else {
                // Whatever this answered, it was not told of.
                leaving.unlinkFirst(of: key)
                continue
            }
            check.answer = answer(leaving[number], delay)
            leaving.unlinkFirst(of: key)
            break
        }
        let gone = pending.isFull ? pending.removeOldest() : nil
        pending.append(check, for: key, isLinked: check.answer == nil)
        return gone
    }

    /// An Echo Reply left.
    mutating func leave(_ reply: CheckObservation) {
        let key = AnswerKey(leaving: reply)
        while let number = pending.first(of: key) {
            let delay = reply.at - pending[number].arrival.at
            guard delay >= .zero - Self.tolerance else { break }
            if delay > Self.timeout, let next = pending.next(after: number),
                reply.at - pending[next].arrival.at >= .zero - Self.tolerance
            {
                // Of equal checks the younger has the better claim once the older's time is over.
                pending.unlinkFirst(of: key)
                continue
            }
            pending[number].answer = answer(reply, delay)
            pending.unlinkFirst(of: key)
            return
        }
        if leaving.isFull { leaving.removeOldest() }
        leaving.append(reply, for: key)
    }

    /// The capture lost packets about this time.
    mutating func lose(at instant: MonotonicInstant) {
        if let loss, instant - loss.end <= Self.patience * 2, loss.start <= instant {
            self.loss = (loss.start, max(loss.end, instant))
        } else {
            loss = (instant, instant)
        }
    }

    /// The oldest check whose time is over, if it is.
    mutating func judge(at now: MonotonicInstant) -> PendingCheck? {
        while let reply = leaving.oldest, isOver(reply.at, at: now) { leaving.removeOldest() }
        guard var check = pending.oldest, isOver(check.arrival.at, at: now) else { return nil }
        pending.removeOldest()
        if let loss, check.arrival.at >= loss.start - Self.patience,
            check.arrival.at <= loss.end + Self.patience
        {
            check.isDisturbed = true
        }
        return check
    }

    /// Whether nothing more is waited for; a stamp from the future must not hold up what is behind it.
    private func isOver(_ instant: MonotonicInstant, at now: MonotonicInstant) -> Bool {
        now - instant > Self.patience || instant - now > Self.patience
    }

    private func answer(_ reply: CheckObservation, _ delay: Duration) -> PendingCheck.Answer {
        PendingCheck.Answer(place: reply.place, delay: max(delay, .zero), source: reply.source)
    }
}
