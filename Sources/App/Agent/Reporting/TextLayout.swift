/// How a report for people is laid out.
struct TextLayout {
    var palette: TextPalette
    var glyphs: BarGlyphs
    /// Columns that a line should not exceed.
    var columns: Int

    /// Where the text of an entry begins.
    private static let margin = 11

    /// A named fact: its name, a word of its own colour and a sentence, which hangs.
    func entry(_ name: String, _ word: String, _ style: TextStyle, _ text: String) -> [String] {
        let head = TextTable.Cell(parts: [("  ", .plain), (name, .faint)])
        return hanging(head, [(word, style), (text, .plain)], from: Self.margin)
    }

    /// Notes behind a head, broken between words, further lines under the first one's start.
    ///
    /// - Parameters:
    ///   - head: what stands before them, shorter than `start`.
    ///   - notes: what to say, each in its colour; a space comes between them.
    ///   - start: the column where they begin.
    /// - Returns: at least one line, none with a space at its end.
    func hanging(
        _ head: TextTable.Cell, _ notes: [(text: String, style: TextStyle)], from start: Int
    ) -> [String] {
        var lines = [head]
        for (text, style) in notes {
            for word in Self.words(text) {
                var line = lines[lines.count - 1]
                let column = line.count
                if column <= start {
                    line.append(String(repeating: " ", count: start - column), .plain)
                    line.append(word, style)
                } else if column + 1 + word.count <= columns {
                    // A space within a note has its colour, so that the note is painted once.
                    line.append(" ", line.parts.last?.style == style ? style : .plain)
                    line.append(word, style)
                } else {
                    line = TextTable.Cell(String(repeating: " ", count: start))
                    line.append(word, style)
                    lines.append(line)
                    continue
                }
                lines[lines.count - 1] = line
            }
        }
        return TextBlock(lines: lines).lines(palette)
    }

    /// The words of a text, a sign of percent with its number.
    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").reduce(into: []) { words, word in
            if word.hasPrefix("%"), let last = words.popLast() {
                words.append("\(last) \(word)")
            } else {
                words.append(String(word))
            }
        }
    }
}
