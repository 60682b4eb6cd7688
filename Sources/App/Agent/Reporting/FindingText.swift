import Diagnosis

extension Finding {
    /// The finding for people: what is wrong, what was seen, what to do.
    func lines(_ palette: TextPalette) -> [String] {
        let style: TextStyle =
            switch severity {
            case .critical: .bad
            case .warning: .doubtful
            case .info: .strong
            }
        return ["\(palette.paint(id.rawValue, style))  \(summary)"]
            + evidence.map { "  seen  \($0)" } + remedy.map { "  do    \($0)" }
    }
}
