import Configuration
import Diagnosis
import EchoProbing
import KernelState
import NetworkPrimitives
import Reflecting
import ReplyPath
import TunnelHealth

/// The page at `/`, which needs no script: the tunnels, their probes, and links to the rest.
struct StatusPage {
    var report: StatusReport

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="refresh" content="10">
        <title>\(report.verdict.rawValue) - tunnel-probe on \(Self.escape(report.agent.hostname))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <header>
        <h1>tunnel-probe</h1>
        <p>\(Self.escape(report.agent.hostname)), version \(report.agent.version),
        up \(Self.span(report.agent.uptime)), \(report.generatedAt.description.prefix(19))Z</p>
        </header>
        <main>
        \(report.tunnels.isEmpty ? Self.noTunnel : report.tunnels.map(section).joined(separator: "\n"))
        \(report.findings.isEmpty ? "" : "<section><h2>This host</h2>"
            + FindingPage(findings: report.findings).urgent
            + FindingPage(findings: report.findings).notes + "</section>")
        </main>
        <nav><a href="/metrics">Metrics</a> <a href="/api/v1/status">Status as JSON</a>
        <a href="/-/healthy">Healthy</a> <a href="/-/ready">Ready</a></nav>
        </body>
        </html>

        """
    }

    private static let noTunnel = """
        <section><h2>No tunnel</h2><p>None is configured, and the kernel of this host knows none.
        Add a <code>[[tunnel]]</code> to <code>agent.conf</code> and reload.</p></section>
        """

    private func section(_ tunnel: TunnelReport) -> String {
        let plan = tunnel.plan
        let place = [
            plan.kind == .unknown ? nil : plan.kind.rawValue, plan.tunnelInterface,
            plan.wanInterface.map { "over \($0)" },
            plan.configuration.role == .observer ? "observer" : nil,
        ].compactMap { $0 }.joined(separator: " ")
        let waiting = plan.waitingFor.map {
            "<p class=\"doubtful\">Waits for \(Self.escape($0)).</p>"
        }.joined()
        let flapping =
            tunnel.isFlapping
            ? "<p class=\"doubtful\">Flapping: \(tunnel.changesLastHour) changes in the last hour.</p>"
            : ""
        let reason = tunnel.stateReason.map { ": \(Self.escape($0))" } ?? ""
        let findings = FindingPage(
            findings: tunnel.findings, unexplained: tunnel.diagnosis.unexplained)
        return """
            <section>
            <h2>\(Self.escape(plan.name)) <span class="\(tunnel.verdict.rawValue)">\
            \(tunnel.verdict.rawValue)</span></h2>
            <p>\(plan.local?.description ?? "?") &rarr; \
            \(Self.escape(plan.configuration.remote.description)) \(Self.escape(place))</p>
            <p>\(tunnel.state.rawValue) since \(tunnel.stateSince.description.prefix(19))Z, \
            by \(tunnel.stateSource.rawValue) requests\(reason)</p>
            \(waiting)\(flapping)
            \(findings.urgent)
            <table>
            <thead><tr><th>Path<th>Style<th>Sent<th>Answered<th>Lost<th>Unclear<th>Median<th>p99<th></tr></thead>
            <tbody>
            \(tunnel.rows.map(row).joined(separator: "\n"))
            </tbody>
            </table>
            \(CaptureText(capture: tunnel.capture).lines.map {
                "<p>\($0.name): \(Self.escape($0.text))</p>"
            }.joined(separator: "\n"))
            <p>kernel: \(Self.escape(KernelText(kernel: tunnel.kernel).summary))</p>
            \(ProviderChecksText(checks: tunnel.checks).lines.map {
                "<p>provider's checks: \(Self.escape($0.text))</p>"
            }.joined(separator: "\n"))
            \(path(tunnel))
            \(findings.notes)
            </section>
            """
    }

    /// How large a packet fits, and whether Echo Replies come through; the ladders for who opens them.
    private func path(_ tunnel: TunnelReport) -> String {
        let layout = TextLayout(
            palette: TextPalette(isColored: false), glyphs: .blocks, columns: 120)
        let mtu = PathMTUText(
            path: tunnel.path, device: tunnel.plan.tunnelInterface, layout: layout)
        let replies = ReplyPathText(tunnel, layout: layout)
        var lines = ["<p>MTU: \(Self.escape(mtu.summary))</p>"]
        lines += PacketSizesText(capture: tunnel.capture).lines.map {
            "<p>\($0.name): \(Self.escape("\($0.word) \($0.text)"))</p>"
        }
        for (path, report) in [
            (ProbePath.outside, tunnel.path.outsideReplies), (.inside, tunnel.path.insideReplies),
        ] {
            let style = report.verdict == .blocked ? " class=\"down\"" : ""
            lines.append(
                "<p\(style)>Echo Replies \(path.rawValue): "
                    + "\(Self.escape(report.sentence(on: path)))</p>")
        }
        if tunnel.reflection.place != nil {
            let report = tunnel.reflection.report
            for (name, way) in [("to", report.forward), ("from", report.reverse)] {
                let style = way.verdict == .blocked ? " class=\"down\"" : ""
                lines.append(
                    "<p\(style)>Echo Replies \(name) the reflector: "
                        + "\(Self.escape(way.sentence))</p>")
            }
        }
        let ladders = replies.ladders(isVerbose: false)
        if !ladders.isEmpty {
            lines.append(
                "<details><summary>Hop by hop</summary>"
                    + "<pre>\(Self.escape(ladders.joined(separator: "\n")))</pre></details>")
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ row: ProbeRow) -> String {
        let summary = row.roundTrips.summary
        let cells = [
            "\(row.counts.sent)", "\(row.counts.received)", "\(row.counts.lost)",
            "\(row.counts.inconclusive + row.counts.inFlight)",
            summary.map { StatusText.milliseconds($0.median) } ?? "-",
            summary.map { StatusText.milliseconds($0.percentile99) } ?? "-",
        ]
        return "<tr><td>\(row.role.path.rawValue)<td>\(row.role.style.rawValue)"
            + cells.map { "<td class=\"number\">\($0)" }.joined()
            + "<td>\(Self.escape(row.reason ?? ""))</tr>"
    }

    private static func span(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        return seconds < 120
            ? "\(seconds) s"
            : seconds < 7200
                ? "\(seconds / 60) min"
                : seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) days"
    }

    static func escape(_ text: String) -> String {
        var output = ""
        for character in text {
            switch character {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            default: output.append(character)
            }
        }
        return output
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; \
        --doubtful: #9a6700; }
        @media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; \
        --doubtful: #d29922; } }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; \
        padding: 0 1rem; }
        h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; }
        header p, nav { opacity: .75; margin: .2rem 0 1rem; }
        section { border: 1px solid var(--line); border-radius: 6px; padding: 1rem; \
        margin-bottom: 1rem; overflow-x: auto; }
        section p { margin: .3rem 0; }
        h2 span { text-transform: uppercase; font-size: .85em; margin-left: .5em; }
        .healthy { color: var(--good); } .down { color: var(--bad); }
        .degraded, .unknown, .doubtful { color: var(--doubtful); }
        table { border-collapse: collapse; width: 100%; margin-top: .6rem; }
        th, td { text-align: left; padding: .25rem .6rem .25rem 0; \
        border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
        th { font-weight: 600; opacity: .75; } .number { white-space: nowrap; }
        summary { cursor: pointer; opacity: .75; } pre { overflow-x: auto; margin: .3rem 0; }
        nav a { margin-right: 1rem; }
        .finding { border-left: 4px solid var(--doubtful); padding-left: .8rem; margin: .8rem 0; }
        .finding.down-edge { border-color: var(--bad); }
        h3 { font-size: 1rem; margin: 0; } small { font-weight: 400; opacity: .75; }
        .label { opacity: .75; } ul { margin: .2rem 0; padding-left: 1.2rem; }
        code { font-size: .9em; overflow-wrap: anywhere; }
        """
}
