import Diagnosis

/// Findings on the page at `/`.
struct FindingPage {
    var findings: [Finding]
    /// Why a sick tunnel has no cause; nil where it has one or is well.
    var unexplained: String?

    /// What is critical or a warning: what to fix first in front, in full.
    var urgent: String {
        let urgent = findings.filter { $0.severity != .info }
        var blocks = urgent.enumerated().map { index, finding in
            block(finding, isFirst: index == 0)
        }
        if let unexplained {
            blocks.append("<p class=\"doubtful\">\(StatusPage.escape(unexplained))</p>")
        }
        return blocks.joined(separator: "\n")
    }

    /// What is worth knowing, for who opens it.
    var notes: String {
        findings.filter { $0.severity == .info }.map { finding in
            "<details><summary>\(finding.id.rawValue): \(StatusPage.escape(finding.summary))"
                + "</summary>\(body(finding))</details>"
        }.joined(separator: "\n")
    }

    private func block(_ finding: Finding, isFirst: Bool) -> String {
        let style = finding.severity == .critical ? "down" : "degraded"
        return """
            <div class="finding \(style)-edge">
            <h3><span class="\(style)">\(isFirst ? "Fix first: " : "")\(finding.id.rawValue)</span> \
            <small>\(finding.severity.rawValue), \(Int((finding.confidence * 100).rounded())) % sure\
            </small></h3>
            <p>\(StatusPage.escape(finding.summary))</p>
            \(body(finding))
            </div>
            """
    }

    private func body(_ finding: Finding) -> String {
        var parts = [list("Seen", finding.evidence, isCode: false)]
        parts.append(list("Do", finding.remedy, isCode: true))
        if !finding.explained.isEmpty {
            let names = finding.explained.map(\.id.rawValue).joined(separator: ", ")
            parts.append("<p>Explains: \(names)</p>")
        }
        return parts.joined()
    }

    private func list(_ title: String, _ lines: [String], isCode: Bool) -> String {
        guard !lines.isEmpty else { return "" }
        let items = lines.map { line in
            let text = StatusPage.escape(line)
            return isCode && FindingText.isCommand(line)
                ? "<li><code>\(text)</code></li>" : "<li>\(text)</li>"
        }
        return "<p class=\"label\">\(title)</p><ul>\(items.joined())</ul>"
    }
}
