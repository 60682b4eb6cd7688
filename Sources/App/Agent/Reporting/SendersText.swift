import ESPAnalysis
import NetworkPrimitives

/// The senders for people: a table a stream, one row a sender.
struct SendersText {
    var palette: TextPalette
    var glyphs: BarGlyphs
    /// Shows every sender that is known by name, and every stream.
    var isVerbose = false

    private static let shownSenders = 20
    private static let shownStreams = 4
    private static let barWidth = 12

    /// The whole report, ended by a newline.
    func render(_ report: SendersReport) -> String {
        let place = report.tunnel.map { " of \($0)" } ?? ""
        guard !report.streams.isEmpty else {
            return "no ESP stream\(place): \(report.reason ?? "none was seen")\n"
        }
        let shown = isVerbose ? report.streams[...] : report.streams.prefix(Self.shownStreams)
        var lines: [String] = []
        for stream in shown { lines += (lines.isEmpty ? [] : [""]) + render(stream) }
        let hidden = report.streams.count - shown.count
        if hidden > 0 {
            lines += ["", "\(FigureText.count(hidden, "more stream")); --verbose shows all"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func render(_ stream: CapturedStream) -> [String] {
        let text = StreamText(palette: palette, glyphs: glyphs, isVerbose: isVerbose)
        var lines = [text.headline(stream), "  senders: " + text.senders(stream.report)]
        let senders = stream.report.topSenders
        let shown = isVerbose ? senders[...] : senders.prefix(Self.shownSenders)
        guard !shown.isEmpty else {
            let reason = stream.report.senders.reason ?? "none is identified"
            return lines + ["  single senders are not known: \(reason)"]
        }
        var table = TextTable([
            .left, .right, .left, .right, .right, .right, .right, .right, .left,
        ])
        table.add(
            ["  sender", "share", "", "rate", "TTL", "packets", "lost", "reordered", "last seen"]
                .map { .init($0, .faint) })
        // Shares of a thousand senders are all small: the bars compare them with the largest.
        let largest = senders.map(\.share).max() ?? 1
        for sender in shown {
            table.add([
                .init("  \(sender.name)", .strong), .init(FigureText.percent(sender.share)),
                .init(glyphs.bar(sender.share / max(largest, 1e-9), width: Self.barWidth)),
                .init(sender.perSecond.map(FigureText.rate) ?? "-"),
                .init("\(sender.hopLimit)"), .init("\(sender.packets)"),
                .init(sender.lost.map { "\($0)" } ?? "?", style(sender.lost)),
                .init(sender.reordered.map { "\($0)" } ?? "?", style(sender.reordered)),
                .init(stream.wallTime(sender.lastArrival).description),
            ])
        }
        lines += [""] + table.lines(palette)
        lines += remainder(stream, shown: shown)
        if shown.contains(where: { $0.lost == nil || $0.reordered == nil }) {
            let reason = stream.report.unidentifiableBecause ?? "no reason given"
            lines.append(palette.paint("  ? not known: \(reason)", .faint))
        }
        return lines
    }

    /// What the table leaves out.
    private func remainder(
        _ stream: CapturedStream, shown: ArraySlice<SenderReport>
    ) -> [String] {
        let known = stream.report.topSenders.count
        let all = max(stream.report.senders.estimate ?? known, known)
        guard all > shown.count else { return [] }
        let share = max(0, 1 - shown.reduce(0) { $0 + $1.share })
        var text = "  and \(all - shown.count) more with \(FigureText.percent(share))"
        if known > shown.count { text += "; --verbose shows \(known), --json too" }
        return [palette.paint(text, .faint)]
    }

    private func style(_ count: UInt64?) -> TextStyle {
        count.map { $0 == 0 ? .plain : .doubtful } ?? .faint
    }
}
