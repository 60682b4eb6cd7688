import NetworkPrimitives
import ProviderChecks

/// The provider's checks for people: one line, and more of them for a closer look.
struct ProviderChecksText {
    var checks: ProviderChecksReport

    /// The line of the usual report.
    var summary: String {
        if let reason = checks.reason { return "not known: \(reason)" }
        guard !checks.targets.isEmpty else { return checks.styleReason ?? "none seen" }
        var parts = [
            (checks.style.map(Self.words) ?? "Echo Requests and Replies")
                + (checks.direction.map { ", \($0.rawValue)" } ?? "")
        ]
        if let rate = checks.perSecond { parts.append("\(Self.rate(rate))/s") }
        if let answered = checks.answered {
            parts.append(
                "\(answered.count) of the last \(answered.total) answered")
        } else if let reason = checks.answeredReason {
            parts.append("answers not known: \(reason)")
        }
        if let state = checks.predictedState { parts.append("provider's view \(state.rawValue)") }
        if checks.retries.isAlarming, let ratio = checks.retryRatio {
            parts.append("\(StatusText.percent(ratio)) repeated at once")
        }
        if checks.isSteeredAway == true { parts.append("other traffic has left the tunnel") }
        return parts.joined(separator: ", ")
    }

    /// Why checks stay unanswered; nil where they do not.
    var obstacle: String? {
        if let obstacle = checks.obstacle {
            return obstacle.words + (checks.obstacleDetail.map { ": \($0)" } ?? "")
        }
        guard checks.missing != nil else { return nil }
        return "the cause is not known: \(checks.obstacleReason ?? "not looked for")"
    }

    /// The lines for the report, each with the name of what it is about.
    var lines: [(name: String, text: String)] {
        [("checks", summary)] + (obstacle.map { [("", $0)] } ?? [])
    }

    /// The lines of a closer look, without indentation.
    var details: [String] {
        var lines: [String] = []
        for target in checks.targets {
            let totals = target.totals
            let late = totals.late > 0 ? ", \(totals.late) of them late" : ""
            let unjudged = totals.unjudged > 0 ? ", \(totals.unjudged) not judged" : ""
            lines.append(
                "checks of \(target.address), \(Self.words(target.style)): "
                    + "\(totals.answered) answered, \(totals.unanswered) not\(late)\(unjudged)")
        }
        if checks.senderCount > 0 {
            let more = checks.isSenderCountBound ? "at least " : ""
            lines.append(
                "checks from \(more)\(FigureText.count(checks.senderCount, "sender"))"
                    + ", the latest \(checks.senders[0])")
        }
        let retries = checks.retries
        if retries.singles + retries.bursts + retries.crowded > 0 {
            lines.append(
                "checks repeated at once: \(retries.bursts) of \(retries.singles + retries.bursts)"
                    + (retries.surges > 0
                        ? ", \(FigureText.count(retries.surges, "second")) with far more than usual"
                        : ""))
        }
        if let reason = checks.predictedReason, checks.predictedState != nil {
            lines.append("provider's view: \(reason)")
        }
        return lines
    }

    private static func words(_ style: ProviderChecksReport.Style) -> String {
        style == .request ? "Echo Requests" : "unsolicited Echo Replies"
    }

    private static func rate(_ rate: Double) -> String {
        let tenths = Int((rate * 10).rounded())
        return tenths >= 100 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

extension ProviderChecksReport.Obstacle {
    /// The cause for people.
    var words: String {
        switch self {
        case .martianSource: "dropped for its own source"
        case .reversePathFilter: "dropped by the reverse-path filter"
        case .noForwarding: "this host does not forward"
        case .firewall: "dropped by the packet filter"
        case .selectors: "not covered by the selectors"
        case .noRoute: "no route for the answer"
        case .echoIgnored: "this host is told to answer no Echo Requests"
        }
    }
}
