import History
import NetworkPrimitives

/// A history for people.
struct HistoryText {
    var palette: TextPalette
    /// Whether the locale has block elements.
    var hasBlocks = false
    /// Columns of the terminal.
    var columns = 80
    /// Shows every hour and every event.
    var isVerbose = false

    private var layout: TextLayout {
        TextLayout(
            palette: palette, glyphs: hasBlocks ? .blocks : .ascii, columns: max(columns, 60))
    }

    /// The whole report, ended by a newline.
    func render(_ report: HistoryReport) -> String {
        var lines = [
            palette.paint(
                "\(Self.minute(report.from)) to \(Self.minute(report.to)) UTC, objective "
                    + "\(FigureText.fixed(report.objective, 1)) %", .faint)
        ]
        if report.tunnels.isEmpty {
            lines += ["", "Nothing is kept of any tunnel in that time."]
        }
        for tunnel in report.tunnels { lines += [""] + render(tunnel, report) }
        if isVerbose, !report.hostEvents.isEmpty {
            lines += ["", palette.paint("the agent", .strong)]
            lines += report.hostEvents.map { "  \(Self.second($0.at))  \($0.words)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func render(_ tunnel: TunnelHistory, _ report: HistoryReport) -> [String] {
        let share = tunnel.total.availability
        var lines = [
            "\(palette.paint(tunnel.name, .strong))  "
                + (share.map { "\(FigureText.percent($0)) available" } ?? "nothing was judged")
                + (tunnel.total.healthyShare.map {
                    palette.paint(", \(FigureText.percent($0)) healthy", .faint)
                } ?? "")
        ]
        lines.append("")
        lines += strip(tunnel, report)
        lines += [""] + totals(tunnel)
        lines += burn(tunnel)
        if tunnel.episodes.isEmpty {
            if tunnel.total.judged > .zero { lines += ["", "  no unhealthy episode"] }
        } else {
            lines += [""] + episodes(tunnel)
        }
        lines += availability(tunnel)
        if !tunnel.rekeys.isEmpty { lines += [""] + [rekeys(tunnel)] }
        if !tunnel.findings.isEmpty { lines += [""] + findings(tunnel) }
        if isVerbose, !tunnel.events.isEmpty {
            lines += [""] + tunnel.events.map { "  \(Self.second($0.at))  \($0.words)" }
        }
        return lines
    }

    /// The states as a row of cells, the worst of each cell's time, with the hours below.
    private func strip(_ tunnel: TunnelHistory, _ report: HistoryReport) -> [String] {
        let width = min(max(columns - 4, 40), 96)
        let span = report.to.nanoseconds - report.from.nanoseconds
        guard span > 0 else { return [] }
        func moment(_ cell: Int) -> WallTime {
            WallTime(
                nanoseconds: report.from.nanoseconds
                    + Int64(Double(span) * Double(cell) / Double(width)))
        }
        var row = TextTable.Cell(parts: [("  ", .plain)])
        for cell in 0..<width {
            let lengths = tunnel.timeline.lengths(moment(cell)...moment(cell + 1))
            let (glyph, style): (String, TextStyle) =
                if lengths.down > .zero {
                    (hasBlocks ? "█" : "X", .bad)
                } else if lengths.degraded > .zero {
                    (hasBlocks ? "▓" : "+", .doubtful)
                } else if lengths.healthy > .zero {
                    (hasBlocks ? "▁" : "-", .good)
                } else if lengths.unknown > .zero {
                    ("?", .faint)
                } else {
                    (" ", .plain)
                }
            row.append(glyph, style)
        }
        let first = Self.minute(report.from)
        let last = Self.minute(report.to)
        let gap = String(repeating: " ", count: max(1, width - first.count - last.count))
        let legend =
            hasBlocks
            ? "▁ healthy  ▓ degraded  █ down  ? unknown  blank: no agent ran"
            : "- healthy  + degraded  X down  ? unknown  blank: no agent ran"
        return TextBlock(lines: [row]).lines(palette)
            + [
                "  " + palette.paint(first + gap + last, .faint),
                "  " + palette.paint(legend, .faint),
            ]
    }

    private func totals(_ tunnel: TunnelHistory) -> [String] {
        let total = tunnel.total
        let parts = [
            ("healthy", total.healthy), ("degraded", total.degraded), ("down", total.down),
            ("unknown", total.unknown), ("not watched", total.notWatched),
        ].filter { $0.1 > .zero }.map { "\($0.0) \(FigureText.duration($0.1))" }
        var lines = layout.entry("time", "", .plain, parts.joined(separator: ", "))
        guard !tunnel.episodes.isEmpty else { return lines }
        var figures = [FigureText.count(tunnel.episodes.count, "unhealthy episode")]
        if let mean = tunnel.meanTimeBetween {
            figures.append("\(FigureText.duration(mean)) between them")
        }
        if let mean = tunnel.meanTimeToRecover {
            figures.append("\(FigureText.duration(mean)) to recover")
        }
        figures.append("longest healthy run \(FigureText.duration(tunnel.longestStable))")
        lines += layout.entry("episodes", "", .plain, figures.joined(separator: ", "))
        return lines
    }

    private func burn(_ tunnel: TunnelHistory) -> [String] {
        let rates = zip(["5 min", "1 h"], tunnel.burnRates).map { name, burn in
            "\(name) " + (burn.rate.map { "\(FigureText.fixed($0, 1)) x" } ?? "not judged")
        }
        let word = tunnel.isAlerting == true ? "ALERT:" : ""
        return layout.entry(
            "burn", word, .bad,
            rates.joined(separator: ", ")
                + (tunnel.isAlerting == true ? " of the error budget, both windows miss it" : ""))
    }

    private func episodes(_ tunnel: TunnelHistory) -> [String] {
        let shown = isVerbose ? tunnel.episodes[...] : tunnel.episodes.suffix(10)
        var lines: [String] = []
        if shown.count < tunnel.episodes.count {
            lines.append(
                "  "
                    + palette.paint(
                        "the last \(shown.count) of \(tunnel.episodes.count); --verbose shows all",
                        .faint))
        }
        for episode in shown {
            let head = TextTable.Cell(
                parts: [
                    ("  ", .plain), (Self.second(episode.from), .faint), ("  ", .plain),
                    (episode.worst, episode.worst == "down" ? .bad : .doubtful),
                ])
            let length =
                FigureText.duration(episode.length) + (episode.isOngoing ? " so far" : "")
            let causes = episode.causes.prefix(3).map(\.id).joined(separator: ", ")
            let rekeys =
                episode.rekeysBefore > 0
                ? "after \(FigureText.count(episode.rekeysBefore, "rekey"))" : ""
            lines += layout.hanging(
                head,
                [
                    (length, .plain),
                    (
                        causes.isEmpty ? "no cause was found" : causes,
                        causes.isEmpty ? .faint : .strong
                    ), (rekeys, .faint),
                ], from: 33)
        }
        return lines
    }

    private func availability(_ tunnel: TunnelHistory) -> [String] {
        let rows = isVerbose || tunnel.days.count <= 1 ? tunnel.hours : tunnel.days
        let isHours = isVerbose || tunnel.days.count <= 1
        // Hours without trouble are no news.
        let shown = rows.filter {
            isVerbose || !isHours || ($0.lengths.healthyShare ?? 1) < 1 || $0.lost > 0
        }
        guard !shown.isEmpty else { return [] }
        var table = TextTable([.left, .right, .right, .right, .right])
        table.add(
            ["  \(isHours ? "hour" : "day")", "available", "healthy", "probes", "lost"]
                .map { .init($0, .faint) })
        for row in shown.suffix(isVerbose ? 10_000 : 24) {
            let availability = row.lengths.availability
            table.add([
                .init(
                    "  "
                        + (isHours
                            ? Self.minute(row.from) : String(row.from.description.prefix(10)))),
                .init(
                    availability.map(FigureText.percent) ?? "-",
                    (availability ?? 1) < 1 ? .bad : .plain),
                .init(row.lengths.healthyShare.map(FigureText.percent) ?? "-"),
                .init("\(row.sent)"), .init("\(row.lost)", row.lost > 0 ? .doubtful : .plain),
            ])
        }
        return [""] + table.lines(palette)
    }

    private func rekeys(_ tunnel: TunnelHistory) -> String {
        let slowest = tunnel.rekeys.compactMap(\.entry.convergenceSeconds).max()
        let lost = tunnel.rekeys.compactMap(\.entry.probesLost).reduce(0, +)
        return
            "  \(palette.paint("rekeys", .faint))   \(FigureText.count(tunnel.rekeys.count, "rekey"))"
            + (slowest.map { ", the slowest took \(FigureText.duration(.seconds($0)))" } ?? "")
            + (lost > 0
                ? ", \(FigureText.count(lost, "probe")) lost meanwhile"
                : ", no probe lost meanwhile")
    }

    private func findings(_ tunnel: TunnelHistory) -> [String] {
        let shown = tunnel.findings.filter {
            isVerbose || $0.severity != "info" && $0.explainedBy == nil
        }
        guard !shown.isEmpty else { return [] }
        var table = TextTable([.left, .left, .right, .right, .left])
        table.add(
            ["  finding", "severity", "times", "stood", "last"].map { .init($0, .faint) })
        for finding in shown {
            table.add([
                .init("  \(finding.id)"),
                .init(
                    finding.severity,
                    finding.severity == "critical"
                        ? .bad : finding.severity == "warning" ? .doubtful : .plain),
                .init("\(finding.times)"), .init(FigureText.duration(finding.total)),
                .init(finding.isStanding ? "stands" : Self.second(finding.last)),
            ])
        }
        var lines = table.lines(palette)
        if let first = shown.first(where: \.isStanding) {
            lines += [""] + layout.entry("fix first", first.id, .bad, first.summary)
            for step in first.remedy.prefix(2) { lines.append("             \(step)") }
        }
        return lines
    }

    /// `2026-11-22 12:00`.
    static func minute(_ time: WallTime) -> String {
        let text = time.description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"
    }

    /// `11-22 12:00:05Z`.
    static func second(_ time: WallTime) -> String {
        let text = time.description
        return "\(text.dropFirst(5).prefix(5)) \(text.dropFirst(11).prefix(8))Z"
    }
}
