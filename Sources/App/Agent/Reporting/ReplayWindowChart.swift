import ESPAnalysis

/// What each window size drops, as bars in a terminal.
struct ReplayWindowChart {
    var palette: TextPalette
    var glyphs: BarGlyphs
    /// Sizes that the operator named, which are marked.
    var named: [Int] = []

    private static let width = 32

    /// The chart's lines, a header first; empty without forecasts.
    func lines(_ forecasts: [ReplayWindowForecast]) -> [String] {
        guard !forecasts.isEmpty else { return [] }
        let largest = forecasts.map(\.ratio).max() ?? 0
        // The scale is one of three, so that two charts can be compared at a glance.
        let scale = [0.01, 0.1, 1].first { largest <= $0 } ?? 1
        let hasZeros = forecasts.contains { $0.zero > 0 }
        let mark = "\(FigureText.fixed(scale * 100, 0)) %"
        let axis = "0" + String(repeating: " ", count: Self.width - 1 - mark.count) + mark
        var rows = TextTable([.right, .right, .left, .right, .right, .right])
        rows.add(
            ["replay window", "drops", axis, "too old", "already seen", hasZeros ? "number 0" : ""]
                .map { .init($0, .faint) })
        for forecast in forecasts {
            let isNamed = named.contains(forecast.window)
            rows.add([
                .init((isNamed ? "> " : "") + "\(forecast.window)", isNamed ? .strong : .plain),
                .init(FigureText.percent(forecast.ratio), style(forecast.ratio)),
                .init(parts: bar(forecast, scale)),
                .init("\(forecast.tooOld)"), .init("\(forecast.alreadySeen)"),
                .init(hasZeros ? "\(forecast.zero)" : ""),
            ])
        }
        return rows.lines(palette).map { "  \($0)" }
    }

    /// What the two kinds of cells mean; empty where only one kind is drawn.
    func legend(_ forecasts: [ReplayWindowForecast]) -> [String] {
        guard forecasts.contains(where: { $0.tooOld + $0.zero > 0 }),
            forecasts.contains(where: { $0.alreadySeen > 0 })
        else { return [] }
        return [
            palette.paint(
                "  \(glyphs.first) older than the window reaches   "
                    + "\(glyphs.second) a number the window has already seen", .faint)
        ]
    }

    private func bar(
        _ forecast: ReplayWindowForecast, _ scale: Double
    ) -> [(text: String, style: TextStyle)] {
        let all = Double(max(forecast.packets, 1)) * scale
        let (old, seen, rest) = glyphs.bar(
            Double(forecast.tooOld + forecast.zero) / all,
            then: Double(forecast.alreadySeen) / all, width: Self.width)
        return [(old, .bad), (seen, .doubtful), (rest, .plain)]
    }

    private func style(_ ratio: Double) -> TextStyle {
        ratio == 0 ? .good : ratio < 0.005 ? .doubtful : .bad
    }
}
