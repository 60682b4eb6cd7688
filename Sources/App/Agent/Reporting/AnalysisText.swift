import ESPAnalysis
import NetworkPrimitives
import PacketFormats
import TunnelHealth

/// The analysis of a file for people: verdict first, then stream by stream.
struct AnalysisText {
    var palette: TextPalette
    var glyphs: BarGlyphs
    /// Shows every stream, and more about each.
    var isVerbose = false

    /// How many streams are shown to those who did not ask for all.
    private static let shownStreams = 10

    /// The whole report, ended by a newline.
    func render(_ report: AnalysisReport) -> String {
        var lines = [
            "\(palette.paint(report.file, .strong))  \(palette.paint(report.verdict))  "
                + headline(report)
        ]
        lines += file(report).map { "  " + palette.paint($0, .faint) }
        let shown = isVerbose ? report.streams[...] : report.streams.prefix(Self.shownStreams)
        let text = StreamText(
            palette: palette, glyphs: glyphs, isVerbose: isVerbose,
            namedWindows: report.namedWindows)
        for stream in shown { lines += [""] + text.render(stream) }
        let hidden = report.streams.count - shown.count
        if hidden > 0 {
            lines += [
                "", "\(hidden) more with fewer packets; --verbose shows all, --stream SPI one",
            ]
        }
        for finding in report.findings { lines += [""] + finding.lines(palette) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the verdict rests on, in one line.
    private func headline(_ report: AnalysisReport) -> String {
        guard !report.streams.isEmpty else {
            return report.damage == nil
                ? "there is no ESP in it" : "nothing in it could be analysed"
        }
        var parts: [String] = []
        if report.streams.contains(where: { $0.says(.replaySuspected) }) {
            parts.append("old packets return: replay suspected")
        }
        if report.streams.contains(where: { $0.says(.pathReordering) }) {
            parts.append("the path reorders packets")
        }
        for window in report.droppingWindows {
            parts.append(
                "a window of \(window.window) would drop \(FigureText.percent(window.ratio))")
        }
        if report.damage != nil { parts.append("the file is corrupt") }
        if parts.isEmpty { parts.append("nothing wrong found") }
        let many = report.streams.filter { $0.says(.multiSender) }
        if !many.isEmpty {
            let streams =
                report.streams.count == 1
                ? "several senders share its SA"
                : "several senders share \(many.count) of \(report.streams.count) SAs"
            let worst = many.compactMap { $0.report.windows.last?.ratio }.max() ?? 0
            let advice =
                worst >= 0.005
                ? ": keep the replay window off, it would drop up to \(FigureText.percent(worst))"
                : ""
            parts.append(streams + advice)
        }
        return parts.joined(separator: "; ")
    }

    private func file(_ report: AnalysisReport) -> [String] {
        let frames = report.frames
        var first = FigureText.count(report.packets, "packet")
        if let start = report.firstPacket, let end = report.lastPacket {
            let span = Duration.nanoseconds(end.nanoseconds - start.nanoseconds)
            first += " in \(FigureText.duration(span)) from \(start.seconds)"
        }
        if let format = report.format {
            first = "\(format), \(FigureText.octets(report.octets)), \(first)"
        }
        let kinds = [
            (frames.esp, "ESP"), (frames.ike, "IKE"), (frames.natKeepalives, "NAT keepalives"),
            (frames.icmp, "ICMP"), (frames.laterFragments, "later fragments"),
            (frames.other, "other"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let unreadable = FrameFault.allCases.filter { frames[$0] > 0 }
            .map { "\(frames[$0]) \($0.words(joinedBy: " "))" }
        var lines = [first]
        if !kinds.isEmpty { lines.append("of these: " + kinds.joined(separator: ", ")) }
        if !unreadable.isEmpty { lines.append("unreadable: " + unreadable.joined(separator: ", ")) }
        let back = report.backwardStamps
        if back.packets > 0 {
            lines.append(
                "\(FigureText.count(back.packets, "stamp")) before an earlier packet's, by at most "
                    + "\(FigureText.duration(back.largest)): taken as simultaneous")
        }
        if let damage = report.damage {
            lines.append(damage.problem)
        } else if report.isTruncated {
            lines.append("the last record is cut; everything before it is analysed")
        }
        return lines
    }
}
