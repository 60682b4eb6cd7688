import NetworkPrimitives
import PacketFormats

/// What one run has sent and received at the agent, and what that amounts to.
struct DeliveryTally: Sendable {
    /// What the reflector told; nil while it has not.
    var receipt: Receipt?

    private var sentReplies: UInt32 = 0
    private var sentRequests: UInt32 = 0
    private var refusal: String?
    private var isRefusedHere = false
    private var replies = ArrivalCount()
    private var requests = ArrivalCount()
    private var answers = ArrivalCount()

    /// Counts a probe that is given to the kernel.
    mutating func sent(_ kind: EchoMessage.Kind) {
        switch kind {
        case .reply: sentReplies += 1
        case .request: sentRequests += 1
        }
    }

    /// Takes one back that the kernel refused.
    mutating func failedToSend(
        _ kind: EchoMessage.Kind, isRefusedHere: Bool, because reason: String
    ) {
        switch kind {
        case .reply: sentReplies = max(sentReplies, 1) - 1
        case .request: sentRequests = max(sentRequests, 1) - 1
        }
        if kind == .reply {
            refusal = refusal ?? reason
            self.isRefusedHere = self.isRefusedHere || isRefusedHere
        }
    }

    /// Takes a genuine probe of this run, or an answer to one.
    mutating func take(_ mark: ProbeMark, _ echo: ReceivedEcho) {
        let index = Int(mark.index)
        guard index < IndexSet.limit else { return }
        switch (mark.origin, echo.kind) {
        case (.reflectorReply, .reply): replies.take(index, hopLimit: echo.hopLimit, age: .zero)
        case (.reflectorRequest, .request):
            requests.take(index, hopLimit: echo.hopLimit, age: .zero)
        case (.agentRequest, .reply): answers.take(index, hopLimit: echo.hopLimit, age: .zero)
        default: break
        }
    }

    /// Writes numbers and verdicts.
    func conclude(because reason: String?, into report: inout ReflectionReport) {
        report.reason = reason
        report.isComplete = receipt != nil
        report.answersReceived = answers.arrivals.received
        report.answersDelivered = receipt?.answers
        report.observedProbeSource = receipt?.source
        if let source = receipt?.source, let observed = report.observed,
            source != observed.address
        {
            // Datagrams and probes leave from one address; on the way they got two.
            report.isTranslated = true
        }
        report.forward.replies.sent = sentReplies
        report.forward.requests.sent = sentRequests
        if let receipt {
            report.forward.replies.take(receipt.replies)
            report.forward.requests.take(receipt.requests)
            report.reverse.replies.sent = receipt.sentReplies
            report.reverse.requests.sent = receipt.sentRequests
        }
        // Without a receipt, what came is known, but not of how many.
        if receipt != nil || replies.arrivals.received > 0 {
            report.reverse.replies.take(replies.arrivals)
        }
        if receipt != nil || requests.arrivals.received > 0 {
            report.reverse.requests.take(requests.arrivals)
        }
        if sentReplies == 0, let refusal {
            report.forward.verdict = isRefusedHere ? .blocked : .inconclusive
            report.forward.confidence = isRefusedHere ? 1 : nil
            report.forward.reason = "this host cannot send Echo Replies: \(refusal)"
        } else {
            report.forward.judge(
                because: reason, arrivingAt: "the reflector", isTranslated: report.isTranslated)
        }
        report.reverse.judge(
            because: reason, arrivingAt: "this host", isTranslated: report.isTranslated)
    }
}

extension ReflectionReport.Delivery {
    fileprivate mutating func take(_ arrivals: Receipt.Arrivals) {
        received = arrivals.received
        duplicates = arrivals.duplicates
        reordered = arrivals.reordered
        hopLimits = arrivals.hopLimits
    }
}

extension ReflectionReport.Direction {
    /// The chance of losing every reply by ordinary loss below which they count as blocked.
    private static let largestChance = 0.01

    /// Judges the numbers: one reply that came is proof, none that came is weighed against the loss
    /// of the requests.
    mutating func judge(
        because missing: String?, arrivingAt place: String, isTranslated: Bool?
    ) {
        if let received = replies.received, received > 0 {
            verdict = .open
            confidence = 1
            if let ratio = replies.ratio, let other = requests.ratio, ratio < other / 2 {
                reason =
                    "only \(received) of \(replies.sent ?? 0) Echo Replies arrived at \(place)"
            }
            return
        }
        verdict = .inconclusive
        guard let received = replies.received, let arrived = requests.received else {
            reason = missing ?? "nobody told what arrived"
            return
        }
        guard let sent = replies.sent, let control = requests.sent, sent > 0, control > 0 else {
            reason = missing ?? "no probe of both kinds left"
            return
        }
        precondition(received == 0, "a reply that came was judged above")
        guard arrived > 0 else {
            reason =
                "neither Echo Replies nor Echo Requests arrived at \(place)"
                + (isTranslated == true
                    ? ": addresses are translated on the way, which lets in what was asked for only"
                    : "")
            return
        }
        // Laplace's rule for the share that is lost; a copy that came of too few sent is no loss.
        let lost = Double(control) - Double(min(arrived, control))
        let share = (lost + 1) / (Double(control) + 2)
        var chance = 1.0
        for _ in 0..<min(sent, 1000) { chance *= share }
        let numbers =
            "none of \(sent) Echo Replies arrived at \(place), "
            + "\(arrived) of \(control) Echo Requests did"
        guard chance <= Self.largestChance else {
            reason = "\(numbers): with such loss that may be chance"
            return
        }
        verdict = .blocked
        confidence = 1 - chance
        let suspects =
            isTranslated == true
            ? "the translation of addresses on the way drops them, or a firewall"
            : "something on the way drops them, or a firewall of \(place)"
        reason = "\(numbers): \(suspects)"
    }
}
