public import NetworkPrimitives

extension ProviderCheckWatch {
    typealias Report = ProviderChecksReport

    /// A conclusion about all checks needs this share of them.
    private static let majority = 0.95
    /// So many checks make a minute enough.
    private static let minuteEnough = 30
    /// The share of bursts that is alarming, and how many there must be.
    private static let alarm = (ratio: 0.05, bursts: 10)
    /// So few checks that none was answered is no accident.
    private static let enoughSilent = 10

    /// What is known at `now`.
    public func report(at now: MonotonicInstant) -> ProviderChecksReport {
        guard settings.watched.contains(settings.arrivalPlace) else {
            var report = Report(
                unknown: settings.isPolicyBased
                    ? "the underlay's device is not captured"
                    : "the tunnel's device is not captured")
            report.totals = totals.mapValues(Self.totals)
            return report
        }
        var report = Report(unknown: "no check arrived yet")
        report.totals = totals.mapValues(Self.totals)
        report.perSecond = rate.perSecond(at: now)
        report.reason = report.perSecond == nil ? "watched for less than 4 s" : nil
        report.isSteeredAway = steering.isAway(at: now)
        let recent = found.targets.map { ($0, $0.recent.sum(of: .seconds(300), before: now)) }
            .filter { $0.1.total > 0 }
        fillSenders(&report, now)
        guard !recent.isEmpty else {
            if !totals.isEmpty {
                let quiet = Report(unknown: "no check arrived within five minutes")
                report.styleReason = quiet.styleReason
                report.directionReason = quiet.directionReason
                report.answeredReason = quiet.answeredReason
                report.retryReason = quiet.retryReason
                report.predictedReason = quiet.predictedReason
                report.obstacleReason = quiet.obstacleReason
            }
            return report
        }
        report.targets = recent.sorted { $0.1.total > $1.1.total }.map {
            Report.Target(style: $0.0.style, address: $0.0.address, totals: Self.totals($0.1))
        }
        fillStyle(&report, recent)
        fillDirection(&report, recent)
        fillAnswers(&report, now)
        fillRetries(&report, now)
        fillPrediction(&report)
        fillMissing(&report, now)
        return report
    }

    private static func totals(_ tally: CheckTally) -> Report.Totals {
        Report.Totals(
            answered: tally.answered, unanswered: tally.unanswered, late: tally.late,
            unjudged: tally.unjudged)
    }

    private func fillSenders(_ report: inout Report, _ now: MonotonicInstant) {
        let active = found.senders.filter { now - $0.value <= .seconds(600) }
        report.senderCount = active.count
        report.isSenderCountBound = found.isSenderListCut
        report.senders = active.sorted { $0.value > $1.value }.prefix(8).map(\.key)
    }

    private func fillStyle(_ report: inout Report, _ recent: [(CheckTarget, CheckTally)]) {
        let all = recent.reduce(0) { $0 + $1.1.total }
        report.styleReason = "both Echo Requests and unsolicited Echo Replies arrive"
        for style in Report.Style.allCases {
            let count = recent.reduce(0) { $0 + ($1.0.style == style ? $1.1.total : 0) }
            guard Double(count) >= Self.majority * Double(all) else { continue }
            report.style = style
            report.styleReason = nil
        }
    }

    private func fillDirection(_ report: inout Report, _ recent: [(CheckTarget, CheckTally)]) {
        var sum = CheckTally()
        for (_, tally) in recent { sum += tally }
        report.answeredBy = .init(
            tunnel: sum.byTunnel, wan: sum.byWAN, otherTunnel: sum.byOtherTunnel)
        if sum.answered > 0 {
            let needed = Self.majority * Double(sum.answered)
            if Double(sum.byTunnel + sum.byOtherTunnel) >= needed {
                report.direction = .bidirectional
            } else if Double(sum.byWAN) >= needed {
                report.direction = .unidirectional
            }
            report.directionReason =
                report.direction == nil
                ? "some answers leave by the tunnel and some beside it" : nil
            return
        }
        let inferred = Set(recent.map { inferredDirection($0.0) })
        report.direction = inferred.count == 1 ? inferred.first ?? nil : nil
        report.isDirectionInferred = report.direction != nil
        report.directionReason =
            report.direction == nil ? "no answer was seen, and the addresses do not tell" : nil
    }

    /// The way that the addresses of a check imply: between the tunnel's own inside addresses through
    /// it, from the outer address to a public one beside it.
    private func inferredDirection(_ target: CheckTarget) -> Report.Direction? {
        let far = target.lastFar
        if far == settings.farAddress || settings.linkPrefixes.contains(where: { $0.contains(far) })
        {
            return .bidirectional
        }
        return target.address == settings.localEndpoint && far.isPublic ? .unidirectional : nil
    }

    private func tally(
        _ now: MonotonicInstant, where isWanted: (CheckTarget) -> Bool
    ) -> CheckTally {
        func sum(_ span: Duration) -> CheckTally {
            found.targets.filter(isWanted).reduce(into: CheckTally()) {
                $0 += $1.recent.sum(of: span, before: now)
            }
        }
        let minute = sum(.seconds(60))
        return minute.judged >= Self.minuteEnough ? minute : sum(.seconds(300))
    }

    private func fillAnswers(_ report: inout Report, _ now: MonotonicInstant) {
        let style = report.style
        let sum = tally(now) { style == nil || $0.style == style }
        report.answered = Report.Share(sum.answered, of: sum.judged)
        report.answeredReason = report.answered == nil ? unjudgedReason : nil
    }

    /// Why checks arrive and none can be judged.
    private var unjudgedReason: String {
        settings.isPolicyBased
            ? "answers leave encrypted, and a policy-based tunnel has no device to see them on"
            : settings.watched.contains(.wan)
                ? "the capture lost packets whenever a check arrived"
                : "the underlay's device is not captured: answers may leave by it"
    }

    private func fillRetries(_ report: inout Report, _ now: MonotonicInstant) {
        let tally = bursts.tally(of: .seconds(600), before: now)
        report.retries = .init(
            singles: tally.singles, bursts: tally.bursts, pairs: tally.pairs,
            crowded: tally.crowded, surges: rate.surgeCount(at: now))
        let groups = tally.singles + tally.bursts
        guard groups > 0, tally.crowded <= groups else {
            report.retryReason =
                tally.crowded > 0
                ? "too many checks share an identifier to tell a repetition"
                : "no check is old enough to tell whether it was repeated"
            return
        }
        let ratio = Double(tally.bursts) / Double(groups)
        report.retryRatio = ratio
        report.retryReason = nil
        report.retries.isAlarming =
            tally.bursts >= Self.alarm.bursts && ratio >= Self.alarm.ratio
    }

    private func fillPrediction(_ report: inout Report) {
        guard report.answered != nil else {
            report.predictedReason = report.answeredReason
            return
        }
        guard let state = health.state else {
            report.predictedReason = "fewer than 30 checks were seen, and none failed twice"
            return
        }
        if report.retries.isAlarming, state == .healthy {
            report.predictedState = .degraded
            report.predictedReason =
                "checks are answered here, yet the provider repeats them: answers are lost behind "
                + "this host"
            return
        }
        report.predictedState = state
        report.predictedReason =
            switch state {
            case .healthy: "fewer than two checks of the last five minutes failed here"
            case .degraded: "checks failed here within the last minutes"
            case .down: "the last checks all failed here"
            }
    }

    private func fillMissing(_ report: inout Report, _ now: MonotonicInstant) {
        var most = 0
        for target in found.targets {
            guard let last = target.lastUnanswered else { continue }
            let sum = tally(now) {
                $0.address == target.address && $0.style == target.style
            }
            guard sum.unanswered > most, let share = Report.Share(sum.answered, of: sum.judged),
                share.high < 0.05 || sum.answered == 0 && sum.judged >= Self.enoughSilent
            else { continue }
            most = sum.unanswered
            report.missing = Report.MissingAnswer(
                style: target.style, source: target.address, destination: last.far,
                hopLimit: last.hopLimit, answered: share, isLate: sum.late > sum.silent)
        }
        report.obstacleReason =
            report.missing != nil
            ? "its cause was not looked for yet" : Self.reasonForNoObstacle(report.answered)
    }

    private static func reasonForNoObstacle(_ answered: Report.Share?) -> String {
        guard let answered else { return "whether checks are answered is not known" }
        if answered.count == answered.total { return "checks are answered" }
        return "\(answered.total - answered.count) of \(answered.total) checks are unanswered: not "
            + "so many that one cause stops them all"
    }
}
