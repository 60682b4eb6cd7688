import Diagnosis
import Logging

/// Says in the log which findings came and went, once each.
struct FindingLog: Sendable {
    private var standing: [String: [FindingID: Finding.Severity]] = [:]

    /// What is new in a report, as lines with their levels.
    mutating func lines(of report: StatusReport) -> [(level: Logger.Level, text: String)] {
        var lines: [(Logger.Level, String)] = []
        var present: [String: [FindingID: Finding.Severity]] = [:]
        let places = [("", report.findings)] + report.tunnels.map { ($0.plan.name, $0.findings) }
        for (name, findings) in places {
            let place = name.isEmpty ? "this host" : "tunnel \(name)"
            let before = standing[name] ?? [:]
            // What another explains is no news of its own.
            let now = Dictionary(
                findings.map { ($0.id, $0.severity) }, uniquingKeysWith: { first, _ in first })
            for finding in findings where before[finding.id] != finding.severity {
                lines.append(
                    (
                        finding.severity.logLevel,
                        "\(place): \(finding.severity.rawValue) \(finding.id.rawValue): "
                            + finding.summary
                    ))
            }
            let all = Set(findings.withExplained.map(\.id))
            for id in FindingID.allCases where before[id] != nil && !all.contains(id) {
                lines.append((.notice, "\(place): \(id.rawValue) is over"))
            }
            if !now.isEmpty { present[name] = now }
        }
        standing = present
        return lines
    }
}

extension Finding.Severity {
    fileprivate var logLevel: Logger.Level {
        switch self {
        case .critical: .error
        case .warning: .warning
        case .info: .info
        }
    }
}
