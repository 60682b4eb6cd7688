import History
import NetworkPrimitives

/// A history as one page that needs nothing else: no script, no file beside it.
struct HistoryPage {
    var report: HistoryReport
    /// The host that it is of.
    var hostname: String

    /// The width of a chart in its own units.
    private static let width = 960.0

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>tunnels of \(StatusPage.escape(hostname)), \(HistoryText.minute(report.to))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <header>
        <h1>Tunnels of \(StatusPage.escape(hostname))</h1>
        <p>\(HistoryText.minute(report.from)) to \(HistoryText.minute(report.to)) UTC, objective \
        \(FigureText.fixed(report.objective, 1)) %</p>
        <p class="legend"><i class="healthy"></i>healthy <i class="degraded"></i>degraded \
        <i class="down"></i>down <i class="unknown"></i>unknown <i class="none"></i>no agent ran \
        <i class="rekey"></i>rekey</p>
        </header>
        <main>
        \(report.tunnels.isEmpty ? "<p>Nothing is kept of any tunnel in that time.</p>" : "")
        \(report.tunnels.map(section).joined(separator: "\n"))
        </main>
        </body>
        </html>

        """
    }

    private func section(_ tunnel: TunnelHistory) -> String {
        """
        <section>
        <h2>\(StatusPage.escape(tunnel.name)) <small>\(summary(tunnel))</small></h2>
        \(timeline(tunnel))
        \(figures(tunnel))
        <h3>Availability by hour</h3>
        \(bars(tunnel.hours, isDays: false))
        \(tunnel.days.count > 1 ? "<h3>Availability by day</h3>\n" + bars(tunnel.days, isDays: true) : "")
        \(episodes(tunnel))
        \(findings(tunnel))
        \(events(tunnel))
        </section>
        """
    }

    private func summary(_ tunnel: TunnelHistory) -> String {
        guard let share = tunnel.total.availability, let healthy = tunnel.total.healthyShare else {
            return "nothing was judged"
        }
        return "\(FigureText.percent(share)) available, \(FigureText.percent(healthy)) healthy"
    }

    // MARK: - Charts

    /// Where a moment is on a chart.
    private func place(_ time: WallTime) -> Double {
        let span = Double(report.to.nanoseconds - report.from.nanoseconds)
        guard span > 0 else { return 0 }
        return Double(time.nanoseconds - report.from.nanoseconds) / span * Self.width
    }

    private static func figure(_ value: Double) -> String { FigureText.fixed(value, 2) }

    private func timeline(_ tunnel: TunnelHistory) -> String {
        var shapes: [String] = []
        for segment in tunnel.timeline.segments where segment.state != StateTimeline.notWatched {
            let (from, to) = (place(segment.from), place(segment.to))
            let title =
                "\(segment.state), \(HistoryText.second(segment.from)) to "
                + "\(HistoryText.second(segment.to)), \(FigureText.duration(segment.length))"
            // What is short must still be seen.
            shapes.append(
                "<rect class=\"\(Self.name(segment.state))\" x=\"\(Self.figure(from))\" y=\"0\" "
                    + "width=\"\(Self.figure(max(to - from, segment.isUnhealthy ? 1.5 : 0.1)))\" "
                    + "height=\"36\"><title>\(StatusPage.escape(title))</title></rect>")
        }
        for (at, entry) in tunnel.rekeys {
            let x = Self.figure(place(at))
            shapes.append(
                "<path class=\"rekey\" d=\"M\(x) 36v8\"><title>rekey to \(StatusPage.escape(entry.spi)), "
                    + "\(HistoryText.second(at))</title></path>")
        }
        for (x, text) in ticks {
            shapes.append(
                "<text x=\"\(Self.figure(x))\" y=\"58\" text-anchor=\"\(x < 20 ? "start" : x > Self.width - 20 ? "end" : "middle")\">\(text)</text>"
            )
        }
        return """
            <svg viewBox="0 0 \(Int(Self.width)) 62" role="img" aria-label="states of \
            \(StatusPage.escape(tunnel.name))"><rect class="none" x="0" y="0" \
            width="\(Int(Self.width))" height="36"/>\(shapes.joined())</svg>
            """
    }

    /// Up to seven moments with their names.
    private var ticks: [(Double, String)] {
        let span = report.to.nanoseconds - report.from.nanoseconds
        let isLong = span > 2 * 86_400 * 1_000_000_000
        return (0...6).map { index in
            let time = WallTime(nanoseconds: report.from.nanoseconds + span / 6 * Int64(index))
            let text = time.description
            return (
                place(time),
                isLong ? String(text.dropFirst(5).prefix(5)) : String(text.dropFirst(11).prefix(5))
            )
        }
    }

    private func bars(_ rows: [TunnelHistory.Availability], isDays: Bool) -> String {
        let height = 60.0
        var shapes: [String] = []
        for row in rows {
            let (from, to) = (place(row.from), place(row.to))
            let width = max(to - from - (rows.count > 200 ? 0 : 1), 0.3)
            let lengths = row.lengths
            let title =
                (isDays ? String(row.from.description.prefix(10)) : HistoryText.minute(row.from))
                + ": "
                + (lengths.availability.map { "\(FigureText.percent($0)) available" }
                    ?? "nothing was judged")
                + ", \(row.lost) of \(row.sent) probes lost"
            var y = height
            var parts = ""
            for (name, length) in [
                ("healthy", lengths.healthy), ("degraded", lengths.degraded),
                ("down", lengths.down), ("unknown", lengths.unknown),
            ] where length > .zero {
                let whole = Double(row.to.nanoseconds - row.from.nanoseconds)
                let part = max(Double(length.nanoseconds) / whole * height, 0.8)
                y -= part
                parts +=
                    "<rect class=\"\(name)\" x=\"\(Self.figure(from))\" y=\"\(Self.figure(max(y, 0)))\" "
                    + "width=\"\(Self.figure(width))\" height=\"\(Self.figure(part))\"/>"
            }
            shapes.append("<g>\(parts)<title>\(StatusPage.escape(title))</title></g>")
        }
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(height))" role="img" \
            aria-label="availability">\(shapes.joined())</svg>
            """
    }

    // MARK: - Tables

    private func figures(_ tunnel: TunnelHistory) -> String {
        let rates = zip(["5 minutes", "1 hour"], tunnel.burnRates).map { name, burn in
            "<li>Burn rate, \(name): <b\(burn.isMissed(report.objective) == true ? " class=\"bad\"" : "")>"
                + (burn.rate.map { "\(FigureText.fixed($0, 1)) ×" } ?? "not judged") + "</b></li>"
        }.joined()
        let recovery = tunnel.meanTimeToRecover.map {
            "<li>Mean time to recover: <b>\(FigureText.duration($0))</b></li>"
        }
        let between = tunnel.meanTimeBetween.map {
            "<li>Mean time between episodes: <b>\(FigureText.duration($0))</b></li>"
        }
        return """
            <ul class="figures"><li>Episodes: <b>\(tunnel.episodes.count)</b></li>\
            \(recovery ?? "")\(between ?? "")\
            <li>Longest healthy run: <b>\(FigureText.duration(tunnel.longestStable))</b></li>\
            <li>Rekeys: <b>\(tunnel.rekeys.count)</b></li>\(rates)\
            \(tunnel.isAlerting == true ? "<li class=\"bad\">The provider would alert: both windows miss the objective.</li>" : "")</ul>
            """
    }

    private func episodes(_ tunnel: TunnelHistory) -> String {
        guard !tunnel.episodes.isEmpty else { return "<p>No unhealthy episode.</p>" }
        let rows = tunnel.episodes.map { episode in
            let causes = episode.causes.map { cause in
                "<b>\(StatusPage.escape(cause.id))</b> \(StatusPage.escape(cause.summary))"
            }.joined(separator: "<br>")
            return
                "<tr><td>\(HistoryText.second(episode.from))<td>\(FigureText.duration(episode.length))"
                + (episode.isOngoing ? " so far" : "")
                + "<td><span class=\"\(episode.worst)-text\">\(StatusPage.escape(episode.worst))</span>"
                + "<td>\(episode.rekeysBefore > 0 ? "\(episode.rekeysBefore) just before" : "")"
                + "<td>\(causes.isEmpty ? "no cause was found" : causes)</tr>"
        }
        return
            "<h3>Unhealthy episodes</h3><table><thead><tr><th>Began<th>Length<th>Worst<th>Rekeys<th>Cause"
            + "</tr></thead><tbody>\(rows.joined(separator: "\n"))</tbody></table>"
    }

    private func findings(_ tunnel: TunnelHistory) -> String {
        guard !tunnel.findings.isEmpty else { return "" }
        let rows = tunnel.findings.map { finding in
            let details =
                (finding.evidence.isEmpty ? [] : ["<p>Seen</p>" + Self.list(finding.evidence)])
                + (finding.remedy.isEmpty ? [] : ["<p>Do</p>" + Self.list(finding.remedy)])
            return
                "<tr><td>\(StatusPage.escape(finding.id))<td>\(StatusPage.escape(finding.severity))"
                + "<td>\(finding.times)<td>\(FigureText.duration(finding.total))"
                + "<td>\(finding.isStanding ? "stands" : HistoryText.second(finding.last))"
                + "<td><details><summary>\(StatusPage.escape(finding.summary))</summary>"
                + "\(details.joined())</details></tr>"
        }
        return
            "<h3>Findings</h3><table><thead><tr><th>Finding<th>Severity<th>Times<th>Stood<th>Last<th>"
            + "</tr></thead><tbody>\(rows.joined(separator: "\n"))</tbody></table>"
    }

    private static func list(_ lines: [String]) -> String {
        "<ul>" + lines.map { "<li>\(StatusPage.escape($0))</li>" }.joined() + "</ul>"
    }

    private func events(_ tunnel: TunnelHistory) -> String {
        guard !tunnel.events.isEmpty else { return "" }
        let rows = tunnel.events.suffix(200).map {
            "<li>\(HistoryText.second($0.at)) \(StatusPage.escape($0.words))</li>"
        }
        return
            "<details><summary>Paths, routes and recordings</summary><ul>\(rows.joined())</ul></details>"
    }

    private static func name(_ state: String) -> String {
        ["healthy", "degraded", "down"].contains(state) ? state : "unknown"
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; --good: #2da44e; --bad: #cf222e; \
        --doubtful: #d4a72c; --unknown: #8c959f; --none: #8882; }
        @media (prefers-color-scheme: dark) { :root { --good: #2ea043; --bad: #f85149; \
        --doubtful: #d29922; --unknown: #6e7681; } }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; \
        padding: 0 1rem; }
        h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
        h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; } small { font-weight: 400; opacity: .75; }
        header p { margin: .2rem 0; opacity: .8; }
        section { border: 1px solid var(--line); border-radius: 6px; padding: 1rem; margin: 1rem 0; \
        break-inside: avoid; }
        svg { width: 100%; height: auto; display: block; }
        svg text { font-size: 12px; fill: currentColor; opacity: .7; }
        .healthy { fill: var(--good); background: var(--good); } \
        .degraded { fill: var(--doubtful); background: var(--doubtful); }
        .down { fill: var(--bad); background: var(--bad); } \
        .unknown { fill: var(--unknown); background: var(--unknown); }
        .none { fill: var(--none); background: var(--none); } \
        .rekey { stroke: currentColor; stroke-width: 1.5; }
        .legend i { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; \
        border-radius: 2px; vertical-align: -1px; }
        .legend i.rekey { background: currentColor; width: 2px; }
        .down-text, .bad { color: var(--bad); } .degraded-text { color: var(--doubtful); }
        .figures { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; list-style: none; padding: 0; \
        margin: .6rem 0; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; \
        border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
        th { opacity: .75; } td:first-child { white-space: nowrap; } summary { cursor: pointer; }
        details ul { margin: .2rem 0; } details p { margin: .2rem 0; opacity: .75; }
        @media print { body { margin: 0; max-width: none; } details { display: block; } }
        """
}
