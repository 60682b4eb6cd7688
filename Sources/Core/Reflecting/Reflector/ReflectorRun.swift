import NetworkPrimitives
import PacketFormats

/// One run of an agent, as the reflector keeps it: of fixed size, whatever arrives.
struct ReflectorRun: Sendable {
    /// What the agent calls it.
    let nonce: UInt128
    /// What the reflector calls it.
    let number: UInt64
    /// Where the agent is.
    let agent: Endpoint
    /// The address of this host that the agent uses; nil where the kernel did not say.
    let local: IPAddress?
    /// The first of the four identifiers of its probes.
    let identifiers: UInt16
    /// When it began.
    let begunAt: MonotonicInstant
    /// When it is forgotten.
    var expiresAt: MonotonicInstant
    /// Whether the agent has asked for the last time.
    var isEnded = false

    private var counters: CounterWindow
    private var replies = ArrivalCount()
    private var requests = ArrivalCount()
    private var answers = ArrivalCount()
    private var orderedReplies = IndexSet()
    private var orderedRequests = IndexSet()
    private var sentReplies: UInt32 = 0
    private var sentRequests: UInt32 = 0
    private var refused: UInt32 = 0
    private var source: IPAddress?
    private var hasOtherSources = false

    init(
        nonce: UInt128, number: UInt64, agent: Endpoint, local: IPAddress?, identifiers: UInt16,
        counter: UInt32, begunAt: MonotonicInstant, expiresAt: MonotonicInstant
    ) {
        (self.nonce, self.number, self.agent) = (nonce, number, agent)
        (self.local, self.identifiers) = (local, identifiers)
        (self.begunAt, self.expiresAt) = (begunAt, expiresAt)
        counters = CounterWindow(first: counter)
    }

    /// What arrived and what was sent.
    var receipt: Receipt {
        var receipt = Receipt()
        receipt.replies = replies.arrivals
        receipt.requests = requests.arrivals
        receipt.answers = answers.arrivals.received
        receipt.duplicateAnswers = answers.arrivals.duplicates
        (receipt.sentReplies, receipt.sentRequests) = (sentReplies, sentRequests)
        receipt.refused = refused
        (receipt.source, receipt.hasOtherSources) = (source, hasOtherSources)
        return receipt
    }

    /// Takes the counter of a genuine datagram; false for one that was taken before or is too old.
    mutating func accept(_ counter: UInt32) -> Bool { counters.insert(counter) }

    /// Takes a genuine probe of this run, or an answer to one; false for an impossible one.
    mutating func take(
        _ mark: ProbeMark, _ echo: ReceivedEcho, at now: MonotonicInstant
    ) -> Bool {
        let index = Int(mark.index)
        guard index < IndexSet.limit else { return false }
        let age = now - begunAt
        switch (mark.origin, echo.kind) {
        case (.agentReply, .reply): replies.take(index, hopLimit: echo.hopLimit, age: age)
        case (.agentRequest, .request): requests.take(index, hopLimit: echo.hopLimit, age: age)
        case (.reflectorRequest, .reply):
            answers.take(index, hopLimit: echo.hopLimit, age: age)
            return true
        default:
            // The reflector's own probe come back as it was, say.
            return false
        }
        if source == nil { source = echo.source }
        if source != echo.source { hasOtherSources = true }
        return true
    }

    /// Marks a probe as asked for; false when it was before, or cannot be.
    mutating func order(_ kind: EchoMessage.Kind, _ index: Int) -> Bool {
        guard index < IndexSet.limit else { return false }
        let insertion =
            switch kind {
            case .reply: orderedReplies.insert(index)
            case .request: orderedRequests.insert(index)
            }
        return insertion != .again
    }

    /// Counts a probe that left, or that the kernel refused.
    mutating func count(_ kind: EchoMessage.Kind, wasSent: Bool) {
        switch (wasSent, kind) {
        case (true, .reply): sentReplies &+= 1
        case (true, .request): sentRequests &+= 1
        case (false, _): refused &+= 1
        }
    }
}
