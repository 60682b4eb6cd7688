/// Lines whose pieces keep their styles until they are painted, so that blocks can stand side by side.
struct TextBlock {
    var lines: [TextTable.Cell]

    /// The widest line's characters.
    var width: Int { lines.map(\.count).max() ?? 0 }

    /// This block on the left, `other` on the right, both from their first line on.
    func beside(_ other: TextBlock, gap: Int) -> TextBlock {
        let start = width + gap
        return TextBlock(
            lines: (0..<max(lines.count, other.lines.count)).map { row in
                var line = row < lines.count ? lines[row] : TextTable.Cell(parts: [])
                guard row < other.lines.count else { return line }
                line.parts.append((String(repeating: " ", count: start - line.count), .plain))
                line.parts += other.lines[row].parts
                return line
            })
    }

    /// The lines in their colours.
    func lines(_ palette: TextPalette) -> [String] {
        lines.map { line in
            line.parts.filter { !$0.text.isEmpty }.map { palette.paint($0.text, $0.style) }.joined()
        }
    }
}
