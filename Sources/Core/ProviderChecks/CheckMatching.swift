import NetworkPrimitives

/// What a check's answer is known by when it leaves.
///
/// The source is not part of it: address translation may change it.
struct AnswerKey: Hashable, Sendable {
    var namespace: Int
    var destination: IPAddress
    var identifier: UInt16
    var sequence: UInt16
    var payloadHash: UInt64
    var payloadByteCount: Int

    /// The answer to a message that arrived: a request is turned round, a reply goes on as it is.
    init(answerTo arrival: CheckObservation, in namespace: Int) {
        self.init(
            arrival, namespace,
            destination: arrival.kind == .request ? arrival.source : arrival.destination)
    }

    /// A reply that leaves.
    init(leaving reply: CheckObservation, in namespace: Int) {
        self.init(reply, namespace, destination: reply.destination)
    }

    private init(_ message: CheckObservation, _ namespace: Int, destination: IPAddress) {
        self.namespace = namespace
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
    /// The tunnel that it came by.
    var tunnel: EchoExchanges.Tunnel
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
    /// So many checks of one tunnel wait at a time: one that is flooded takes no other's place.
    static let tunnelLimit = 16_384
    /// So many of all tunnels together.
    static let limit = 131_072

    /// A reply that left, as far as it matters.
    private struct Departure: Sendable {
        var at: MonotonicInstant
        var source: IPAddress
        var exit: EchoExchanges.Exit
    }

    private var pending = KeyedLine<AnswerKey, PendingCheck>(limit: limit)
    private var pendingCounts: [Int: Int] = [:]
    private var leaving = KeyedLine<AnswerKey, Departure>(limit: limit)
    /// When replies left that were forgotten for lack of room and might have been answers.
    private(set) var forgotten = LossSpan()

    /// How many arrivals wait for their answer.
    var pendingCount: Int { pending.count }
    /// How many replies left that answered nothing yet.
    var leavingCount: Int { leaving.count }

    /// A message arrived by a tunnel.
    ///
    /// - Returns: the check itself where there is no room to wait for its answer.
    mutating func arrive(
        _ arrival: CheckObservation, by tunnel: EchoExchanges.Tunnel
    ) -> PendingCheck? {
        var check = PendingCheck(arrival: arrival, tunnel: tunnel)
        let key = AnswerKey(answerTo: arrival, in: tunnel.namespace)
        while let number = leaving.first(of: key) {
            let delay = leaving[number].at - arrival.at
            guard delay >= .zero - Self.tolerance else {
                // Whatever this answered, it was not told of.
                leaving.unlinkFirst(of: key)
                continue
            }
            check.answer = answer(leaving[number], delay, to: tunnel)
            leaving.unlinkFirst(of: key)
            break
        }
        let count = pendingCounts[tunnel.number, default: 0]
        guard !pending.isFull, count < Self.tunnelLimit else { return check }
        pendingCounts[tunnel.number] = count + 1
        pending.append(check, for: key, isLinked: check.answer == nil)
        return nil
    }

    /// An Echo Reply left.
    mutating func leave(_ reply: CheckObservation, by exit: EchoExchanges.Exit) {
        let key = AnswerKey(leaving: reply, in: exit.namespace)
        let departure = Departure(at: reply.at, source: reply.source, exit: exit)
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
            pending[number].answer = answer(departure, delay, to: pending[number].tunnel)
            pending.unlinkFirst(of: key)
            return
        }
        if leaving.isFull, let gone = leaving.removeOldest(), !isOver(gone.at, at: reply.at) {
            forgotten.note(gone.at)
        }
        leaving.append(departure, for: key)
    }

    /// The oldest check whose time is over, if it is.
    mutating func judge(at now: MonotonicInstant) -> PendingCheck? {
        while let reply = leaving.oldest, isOver(reply.at, at: now) { leaving.removeOldest() }
        guard let check = pending.oldest, isOver(check.arrival.at, at: now) else { return nil }
        pending.removeOldest()
        let left = pendingCounts[check.tunnel.number, default: 1] - 1
        pendingCounts[check.tunnel.number] = left > 0 ? left : nil
        return check
    }

    /// Whether nothing more is waited for; a stamp from the future must not hold up what is behind it.
    private func isOver(_ instant: MonotonicInstant, at now: MonotonicInstant) -> Bool {
        now - instant > Self.patience || instant - now > Self.patience
    }

    private func answer(
        _ reply: Departure, _ delay: Duration, to tunnel: EchoExchanges.Tunnel
    ) -> PendingCheck.Answer {
        PendingCheck.Answer(
            place: tunnel.place(of: reply.exit), delay: max(delay, .zero), source: reply.source)
    }
}
