import Diagnosis
import EchoProbing
import NetworkPrimitives

extension FactSource {
    /// What Echo Requests of a path came to.
    func probes(_ path: ProbePath) -> ProbeFacts {
        let role = ProbeRole(path, .request)
        var facts = ProbeFacts()
        let plan = report.plan.roles[role.index]
        guard let route = plan.route else {
            facts.target = .unknown(reason: plan.reason ?? "it is not probed")
            return facts
        }
        facts.target =
            route.destination.map { .known($0) } ?? .unknown(reason: "its name has no address")
        guard let row = report.rows.first(where: { $0.role == role }), let record = row.record
        else { return facts }
        facts.hasEverAnswered = .known(record.hasEverAnswered)
        facts.sendFailure = record.sendFailure
        fill(&facts, record)
        // Somebody who forbids pings says nothing of the way to the endpoint.
        if row.counts.failed[.filtered] ?? 0 > 0,
            case .known(let failures, let age) = facts.failures,
            let refused = failures["unreachable"]
        {
            facts.failures = .known(["prohibited": refused], age: age)
        }
        return facts
    }

    private func fill(_ facts: inout ProbeFacts, _ record: ProbeRecord) {
        let own = record.outcomes
        let watched = record.watched ?? own
        let begin =
            record.isExamination ? own.entries.first?.sentAt ?? now : now - Self.recentSpan
        let recent = tally(own, since: begin)
        facts.recent = Self.known(recent)
        facts.longer = Self.known(tally(watched, since: now - Self.longSpan))
        facts.lossiest = Self.known(
            ProbeFacts.lossiest(of: ([recent] + stretches(of: watched)).filter { $0.sent > 0 }))
        guard !own.entries.isEmpty else {
            facts.failures = .unknown(reason: Self.undecided)
            return
        }
        var unanswered = own.run(answered: false)
        var answered = own.run(answered: true)
        // What an examination sees goes on from what the watch saw.
        if record.watched != nil {
            if unanswered == own.entries.count { unanswered += watched.run(answered: false) }
            if answered == own.entries.count { answered += watched.run(answered: true) }
        }
        facts.unansweredInARow = .known(unanswered)
        facts.answeredInARow = .known(answered)
        let refused = own.refused(since: begin)
        facts.failures = .known(refused > 0 ? ["unreachable": refused] : [:])
    }

    /// The latest probes, each stretch twice as long: loss is clearest over the time that it has lasted.
    private func stretches(of log: OutcomeLog) -> [ProbeFacts.Tally] {
        var stretches: [ProbeFacts.Tally] = []
        var count = 20
        while true {
            let first = max(0, log.entries.count - count)
            guard first < log.entries.count else { break }
            let start = max(log.entries[first].sentAt, now - Self.longSpan)
            stretches.append(tally(log, since: start))
            if first == 0 { break }
            count *= 2
        }
        return stretches
    }

    private static let undecided = "no probe is decided yet"

    private static func known(_ tally: ProbeFacts.Tally?) -> Fact<ProbeFacts.Tally> {
        guard let tally, tally.sent > 0 else { return .unknown(reason: undecided) }
        return .known(tally)
    }

    private func tally(_ log: OutcomeLog, since start: MonotonicInstant) -> ProbeFacts.Tally {
        let counts = log.tally(since: start)
        let first = log.entries.first.map { max($0.sentAt, start) } ?? now
        return ProbeFacts.Tally(
            sent: counts.sent, received: counts.received, span: max(.zero, now - first))
    }
}
