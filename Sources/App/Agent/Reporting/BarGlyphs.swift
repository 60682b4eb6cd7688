/// What bars are drawn with: block elements, or ASCII where the locale has none.
struct BarGlyphs: Equatable, Sendable {
    /// A cell of the first part of a bar.
    var first: String
    /// A cell of its second part.
    var second: String
    /// Ends of cells in growing width, for the last cell of a bar of one part; empty for none.
    private var parts: [String]
    /// What a line across is drawn with.
    var rule: Character

    /// Unicode's block elements (U+2580 to U+259F).
    static let blocks = BarGlyphs(
        first: "█", second: "▒", parts: ["▏", "▎", "▍", "▌", "▋", "▊", "▉"], rule: "─")

    /// ASCII, readable on every terminal.
    static let ascii = BarGlyphs(first: "#", second: "=", parts: [], rule: "-")

    /// A bar of one part.
    ///
    /// - Parameters:
    ///   - share: how much of `width` it fills, 0...1.
    ///   - width: cells of a full bar.
    /// - Returns: the bar padded with spaces to `width` characters; what is not nothing shows.
    func bar(_ share: Double, width: Int) -> String {
        let steps = parts.count + 1
        var eighths = Int((min(max(share, 0), 1) * Double(width * steps)).rounded())
        if share > 0, eighths == 0 { eighths = 1 }
        var bar = String(repeating: first, count: eighths / steps)
        if eighths % steps > 0 { bar += parts[eighths % steps - 1] }
        return bar + String(repeating: " ", count: width - bar.count)
    }

    /// A bar of two parts, one after the other, in whole cells.
    ///
    /// - Returns: both parts and the rest of `width` in spaces; what is not nothing shows.
    func bar(_ share: Double, then other: Double, width: Int) -> (String, String, String) {
        func cells(_ share: Double) -> Int { Int((share * Double(width)).rounded()) }
        let end = min(max(cells(share + other), share + other > 0 ? 1 : 0), width)
        // The part that is larger keeps its cell where there is room for one alone.
        var middle = min(cells(share), end)
        if share > 0, middle == 0, end > 1 || share >= other { middle = 1 }
        if other > 0, middle == end, end > 1 || other > share { middle -= 1 }
        return (
            String(repeating: first, count: middle), String(repeating: second, count: end - middle),
            String(repeating: " ", count: width - end)
        )
    }
}
