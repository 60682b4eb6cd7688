import TunnelHealth

/// Columns that line up.
///
/// Cells are padded by characters, and colour is added after padding so that it has no width.
struct TextTable {
    /// How a column is aligned.
    enum Alignment {
        case left
        case right
    }

    /// One cell: pieces of text, each with a style of its own.
    struct Cell {
        var parts: [(text: String, style: TextStyle)]

        init(_ text: String, _ style: TextStyle = .plain) {
            parts = [(text, style)]
        }

        init(parts: [(text: String, style: TextStyle)]) {
            self.parts = parts
        }

        /// Characters, which is columns.
        var count: Int { parts.reduce(0) { $0 + $1.text.count } }

        /// Adds a piece, to the last one where that has the same style.
        mutating func append(_ text: String, _ style: TextStyle) {
            guard let last = parts.last, last.style == style else {
                parts.append((text, style))
                return
            }
            parts[parts.count - 1].text += text
        }
    }

    private let alignments: [Alignment]
    private var rows: [[Cell]] = []

    init(_ alignments: [Alignment]) {
        self.alignments = alignments
    }

    /// Adds a row of as many cells as there are columns.
    mutating func add(_ cells: [Cell]) {
        precondition(cells.count == alignments.count, "\(cells.count) cells")
        rows.append(cells)
    }

    /// The lines, two spaces between columns, without trailing spaces.
    func lines(_ palette: TextPalette) -> [String] { block.lines(palette) }

    /// The same lines before they are painted.
    var block: TextBlock {
        let widths = alignments.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return TextBlock(
            lines: rows.map { row in
                var line = Cell(parts: [])
                var pending = ""
                for (column, cell) in row.enumerated() {
                    let gap = String(repeating: " ", count: widths[column] - cell.count)
                    let isRight = alignments[column] == .right
                    let before = isRight ? gap : ""
                    if cell.count > 0 {
                        line.parts.append((pending + before, .plain))
                        line.parts += cell.parts
                        pending = ""
                    } else {
                        pending += before
                    }
                    pending += (isRight ? "" : gap) + "  "
                }
                return line
            })
    }
}

/// What a piece of text means, for colour.
enum TextStyle {
    case plain
    case strong
    case faint
    case good
    case doubtful
    case bad
}

/// Colours, or none.
struct TextPalette: Sendable {
    var isColored: Bool

    /// `text` in the colour of `style`.
    func paint(_ text: String, _ style: TextStyle) -> String {
        guard isColored, let code = style.code else { return text }
        return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }
}

extension TextStyle {
    /// The SGR parameter (ECMA-48 §8.3.117); only the colours every terminal has.
    fileprivate var code: String? {
        switch self {
        case .plain: nil
        case .strong: "1"
        case .faint: "2"
        case .good: "1;32"
        case .doubtful: "1;33"
        case .bad: "1;31"
        }
    }
}

extension TextPalette {
    /// A verdict in capitals and its colour.
    func paint(_ state: TunnelState) -> String {
        let style: TextStyle =
            switch state {
            case .healthy: .good
            case .degraded, .unknown: .doubtful
            case .down: .bad
            }
        return paint(state.rawValue.uppercased(), style)
    }
}
