import Diagnosis

/// Findings for people: what is wrong, what was seen, what to do.
struct FindingText {
    /// How lines are laid out.
    var layout: TextLayout
    /// Whether what a finding explains is shown with its evidence, and not by name alone.
    var isVerbose = false

    /// How the step begins that names the settings of other equipment (`VendorTable.remedy`).
    private static let vendors = "on other equipment: "
    /// Where the texts begin.
    private static let margin = 13

    /// Where a finding stands among the others.
    enum Place: String {
        /// The one to mend first.
        case first = "fix first"
        /// Another that matters.
        case other = "also"
        /// Worth knowing.
        case note
    }

    /// One finding in full.
    ///
    /// - Parameters:
    ///   - finding: the finding.
    ///   - place: where it stands among the others.
    /// - Returns: its lines.
    func lines(_ finding: Finding, _ place: Place) -> [String] {
        var lines = entry(
            place.rawValue,
            [
                (finding.id.rawValue, finding.severity.style),
                (Self.grade(finding), .faint),
            ])
        lines += entry("", [(finding.summary, place == .first ? .strong : .plain)])
        for (index, sentence) in finding.evidence.enumerated() {
            lines += entry(index == 0 ? "seen" : "", [(sentence, .plain)])
        }
        for (index, step) in finding.remedy.enumerated() {
            // What twenty vendors call it helps who has their equipment, and buries the rest.
            if !isVerbose, step.hasPrefix(Self.vendors) {
                lines += entry(
                    index == 0 ? "do" : "",
                    step: "probe explain \(finding.id.rawValue)  # what other equipment calls it")
            } else {
                lines += entry(index == 0 ? "do" : "", step: step)
            }
        }
        if !finding.explained.isEmpty {
            let names = finding.explained.map(\.id.rawValue).joined(separator: ", ")
            lines += entry("explains", [(names, .plain)])
            if isVerbose {
                for symptom in finding.explained {
                    for sentence in symptom.evidence {
                        lines += entry("", [("\(symptom.id.rawValue): \(sentence)", .faint)])
                    }
                }
            }
        }
        if isVerbose, let guide = finding.guide { lines += entry("guide", [(guide, .faint)]) }
        return lines
    }

    /// `(critical, 98 % sure)`.
    private static func grade(_ finding: Finding) -> String {
        let share = Int((finding.confidence * 100).rounded())
        return share >= 100
            ? "(\(finding.severity.rawValue))" : "(\(finding.severity.rawValue), \(share) % sure)"
    }

    private func entry(
        _ name: String, _ notes: [(text: String, style: TextStyle)]
    ) -> [String] {
        layout.hanging(
            TextTable.Cell(parts: [("  ", .plain), (name, .faint)]), notes, from: Self.margin)
    }

    /// A step: what can be pasted stays on one line, however long it is.
    private func entry(_ name: String, step: String) -> [String] {
        guard Self.isCommand(step) else { return entry(name, [(step, .plain)]) }
        let head = "  \(name)"
        let gap = String(repeating: " ", count: Self.margin - head.count)
        return ["  \(layout.palette.paint(name, .faint))\(gap)\(step)"]
    }

    /// Programs that remedies name.
    private static let programs: Set<Substring> = [
        "ip", "nft", "iptables", "ip6tables", "swanctl", "ipsec", "systemctl", "sysctl", "ethtool",
        "tcpdump", "rmmod", "setcap", "modprobe", "echo", "probe", "journalctl", "ping", "mtr",
        "conntrack", "sudo", "sed", "whack",
    ]

    /// Whether a step begins with a command.
    static func isCommand(_ step: String) -> Bool {
        step.split(separator: " ", maxSplits: 1).first.map(programs.contains) ?? false
    }
}

extension Finding.Severity {
    /// How it is painted.
    var style: TextStyle {
        switch self {
        case .critical: .bad
        case .warning: .doubtful
        case .info: .strong
        }
    }
}
