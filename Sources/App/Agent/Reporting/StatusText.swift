import Configuration
import Diagnosis
import EchoProbing
import KernelState
import NetworkPrimitives
import TunnelHealth

/// The report for people: verdict first, then what it rests on.
struct StatusText {
    var palette: TextPalette
    /// What lines are drawn with.
    var glyphs = BarGlyphs.ascii
    /// Columns that tables should not exceed where they can be laid out otherwise.
    var columns = 80
    /// Adds what only a closer look needs: hops, rejected messages, ICMP errors.
    var isVerbose = false

    /// The whole report, ended by a newline.
    func render(_ report: StatusReport) -> String {
        var lines: [String] = []
        if report.tunnels.isEmpty {
            lines += Self.noTunnel
            if !report.findings.isEmpty {
                lines += ["", "There may be more than could be seen:"]
            }
        }
        for tunnel in report.tunnels {
            lines += render(tunnel)
            lines.append("")
        }
        for finding in report.findings { lines += findingText.lines(finding, .note) }
        if report.tunnels.count > 1 {
            lines.append(
                "verdict  \(palette.paint(report.verdict))  (the worst of \(report.tunnels.count))")
        }
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What to do where there is nothing to probe.
    static let noTunnel = [
        "No tunnel is configured, and the kernel of this host knows none",
        "(no vti, xfrm or gre device with a far end, no tunnel-mode SA or policy).",
        "",
        "  probe now ADDRESS            probes the provider's endpoint at ADDRESS, no configuration needed",
        "  /etc/tunnel-probe/agent.conf takes a [[tunnel]] with name, remote and, for the inside,",
        "                               inside_target; role = \"observer\" where an appliance ends the tunnel",
        "  probe check-config           says what is wrong with it",
    ]

    private func render(_ tunnel: TunnelReport) -> [String] {
        let plan = tunnel.plan
        let local = plan.local?.description ?? "?"
        let remote =
            plan.remote.map { address in
                plan.configuration.remote.description == address.description
                    ? address.description : "\(plan.configuration.remote) (\(address))"
            } ?? plan.configuration.remote.description
        let device = [plan.kind == .unknown ? nil : plan.kind.rawValue, plan.tunnelInterface]
            .compactMap { $0 }
        var place = device.isEmpty ? [] : [device.joined(separator: " ")]
        if let interface = plan.wanInterface { place.append("over \(interface)") }
        if plan.configuration.role == .observer { place.append("observer") }
        var lines = [
            "\(palette.paint(plan.name, .strong))  \(palette.paint(tunnel.verdict))  "
                + palette.paint(
                    (["\(local) -> \(remote)"] + place).joined(separator: "  "), .faint)
        ]
        lines.append("  " + stateSentence(tunnel))
        if tunnel.isFlapping {
            lines.append(
                "  "
                    + palette.paint(
                        "flapping: \(tunnel.changesLastHour) changes in the last hour, "
                            + "\(Self.percent(tunnel.flapRatio)) of the last 21 checks", .doubtful))
        }
        for missing in plan.waitingFor {
            lines.append("  " + palette.paint("waits for \(missing)", .doubtful))
        }
        lines += diagnosis(tunnel)
        lines.append("")
        lines += probeTable(tunnel.rows)
        lines += [""]
        let kernel = KernelText(kernel: tunnel.kernel)
        let wire = CaptureText(capture: tunnel.capture).lines
        let rekeys = tunnel.rekeys.lines(isVerbose: isVerbose)
        let ike = IKEText(ike: tunnel.ike)
        let checks = ProviderChecksText(checks: tunnel.checks)
        let facts =
            wire + [("IKE", ike.summary), ("kernel", kernel.summary)] + rekeys + checks.lines
        lines += facts.map { line in
            let name = line.name + String(repeating: " ", count: max(1, 9 - line.name.count))
            return "  \(palette.paint(name, .faint))\(line.text)"
        }
        lines += path(tunnel)
        if isVerbose {
            lines += details(tunnel.rows)
            let facts = ike.details + kernel.details + checks.details
            if !facts.isEmpty { lines += [""] + facts.map { "    \($0)" } }
        }
        // What is merely worth knowing comes last.
        for finding in tunnel.findings where finding.severity == .info {
            lines += [""] + findingText.lines(finding, .note)
        }
        if isVerbose { lines += judgements(tunnel.diagnosis) }
        return lines
    }

    private var findingText: FindingText {
        FindingText(
            layout: TextLayout(palette: palette, glyphs: glyphs, columns: max(columns, 60)),
            isVerbose: isVerbose)
    }

    /// What is wrong, before any figure: what to mend first in front.
    private func diagnosis(_ tunnel: TunnelReport) -> [String] {
        let urgent = tunnel.findings.filter { $0.severity != .info }
        var lines = urgent.enumerated().flatMap { index, finding in
            [""] + findingText.lines(finding, index == 0 ? .first : .other)
        }
        if let reason = tunnel.diagnosis.unexplained {
            let layout = TextLayout(palette: palette, glyphs: glyphs, columns: max(columns, 60))
            lines += [""] + layout.entry("cause", "not found", .doubtful, reason)
        } else if urgent.isEmpty, tunnel.state == .healthy {
            let excluded = tunnel.diagnosis.checks.count {
                if case .excluded = $0.judgement { true } else { false }
            }
            if excluded > 0 {
                lines.append(
                    "  nothing wrong: \(excluded) of \(tunnel.diagnosis.checks.count) causes are "
                        + "excluded by evidence")
            }
        }
        return lines
    }

    /// What every rule said, for those who want to know what was looked at.
    private func judgements(_ diagnosis: Diagnosis) -> [String] {
        guard !diagnosis.checks.isEmpty else { return [] }
        let layout = TextLayout(palette: palette, glyphs: glyphs, columns: max(columns, 60))
        return ["", "  \(palette.paint("checked", .faint))"]
            + diagnosis.checks.flatMap { check in
                layout.hanging(
                    TextTable.Cell(
                        parts: [
                            ("    ", .plain), (check.id.rawValue, .plain),
                        ]),
                    [
                        (Self.word(check.judgement), Self.style(check.judgement)),
                        (check.judgement.reasons.joined(separator: "; "), .faint),
                    ], from: 37)
            }
    }

    private static func word(_ judgement: Judgement) -> String {
        switch judgement {
        case .found: "found"
        case .excluded: "excluded:"
        case .unknown: "unknown:"
        case .notApplicable: "not applicable:"
        }
    }

    private static func style(_ judgement: Judgement) -> TextStyle {
        switch judgement {
        case .found: .bad
        case .excluded: .good
        case .unknown: .doubtful
        case .notApplicable: .faint
        }
    }

    /// How large a packet fits, and where Echo Replies die.
    private func path(_ tunnel: TunnelReport) -> [String] {
        let layout = TextLayout(palette: palette, glyphs: glyphs, columns: columns)
        let mtu = PathMTUText(
            path: tunnel.path, device: tunnel.plan.tunnelInterface, layout: layout)
        let replies = ReplyPathText(tunnel, layout: layout)
        let reflection = ReflectionText(tunnel.reflection, layout: layout)
        let blocks = [mtu.lines, replies.lines(isVerbose: isVerbose), reflection.lines]
            .filter { !$0.isEmpty }
        let seen = PacketSizesText(capture: tunnel.capture).lines.flatMap {
            layout.entry($0.name, $0.word, .doubtful, $0.text)
        }
        // What could not be measured stands with the facts above.
        return seen + blocks.flatMap { $0.count == 1 ? $0 : [""] + $0 }
    }

    private func stateSentence(_ tunnel: TunnelReport) -> String {
        let since = "since \(tunnel.stateSince.description.prefix(19))Z"
        let basis = "by \(tunnel.stateSource.rawValue) requests"
        guard let reason = tunnel.stateReason else {
            return palette.paint("\(tunnel.state.rawValue) \(since), \(basis)", .faint)
        }
        return "\(tunnel.state.rawValue): \(reason)"
    }

    private func probeTable(_ rows: [ProbeRow]) -> [String] {
        var table = TextTable([
            .left, .left, .right, .right, .right, .right, .right, .right, .right, .left,
        ])
        table.add(
            [
                "  path", "style", "sent", "answered", "lost", "unclear", "median", "p99", "jitter",
                "",
            ]
            .map { .init($0, .faint) })
        for row in rows {
            let summary = row.roundTrips.summary
            let isSilent = row.counts.sent == 0
            table.add([
                .init("  \(row.role.path.rawValue)"), .init(row.role.style.rawValue),
                .init("\(row.counts.sent)", isSilent ? .faint : .plain),
                .init(isSilent ? "-" : "\(row.counts.received)"),
                .init(isSilent ? "-" : "\(row.counts.lost)", row.counts.lost > 0 ? .bad : .plain),
                .init(isSilent ? "-" : "\(row.counts.inconclusive + row.counts.inFlight)"),
                .init(summary.map { Self.milliseconds($0.median) } ?? "-"),
                .init(summary.map { Self.milliseconds($0.percentile99) } ?? "-"),
                .init(summary.map { Self.milliseconds($0.variation) } ?? "-"),
                .init(remark(row), .faint),
            ])
        }
        return table.lines(palette)
    }

    /// What the numbers of a row do not say.
    private func remark(_ row: ProbeRow) -> String {
        var remarks: [String] = []
        if let reason = row.reason { remarks.append(reason) }
        let counts = row.counts
        if counts.lateReplies > 0 { remarks.append("\(counts.lateReplies) late") }
        if counts.duplicates > 0 { remarks.append("\(counts.duplicates) duplicate") }
        if counts.reordered > 0 { remarks.append("\(counts.reordered) reordered") }
        let forged = counts.rejected.values.reduce(0, +)
        if forged > 0 { remarks.append("\(forged) rejected") }
        for reason in [ProbeCounts.FailureReason.filtered, .unreachable, .send, .resolve] {
            let count = counts.failed[reason] ?? 0
            if count > 0 { remarks.append("\(count) \(Self.words(for: reason))") }
        }
        if counts.freshIdentifierRecoveries > 0 {
            remarks.append("answered again under a fresh identifier: a stale session on the way")
        }
        return remarks.joined(separator: "; ")
    }

    private static func words(for reason: ProbeCounts.FailureReason) -> String {
        switch reason {
        case .send: "not sent"
        case .resolve: "without an address"
        case .filtered: "refused by a filter"
        case .unreachable: "unreachable"
        }
    }

    private func details(_ rows: [ProbeRow]) -> [String] {
        var lines: [String] = []
        for row in rows {
            let name = "\(row.role.path.rawValue)/\(row.role.style.rawValue)"
            for hop in row.hops where hop.controlsSent + hop.testsSent > 0 {
                let router = hop.responder?.description ?? (hop.isTarget ? "the target" : "silent")
                lines.append(
                    "    \(name) hop \(hop.distance)  \(router)  "
                        + "Echo Replies \(hop.testsAnswered) of \(hop.testsSent) answered, "
                        + "Echo Requests \(hop.controlsAnswered) of \(hop.controlsSent)")
            }
            for (code, count) in row.counts.icmpErrors.sorted(by: { $0.key < $1.key }) {
                lines.append("    \(name) ICMP type/code \(code)  \(count)")
            }
            if let delay = row.localDelays.summary {
                lines.append(
                    "    \(name) left this host after \(Self.milliseconds(delay.median)) (median), "
                        + "\(Self.milliseconds(delay.maximum)) at most")
            }
            if row.counts.unstampedRoundTrips > 0 {
                lines.append(
                    "    \(name) \(row.counts.unstampedRoundTrips) round trips without kernel stamps"
                )
            }
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    /// Milliseconds with three significant digits, like "1.23 ms" or "41.2 ms".
    static func milliseconds(_ duration: Duration) -> String {
        let microseconds = (duration.nanoseconds + 500) / 1000
        func decimal(_ value: Int64, _ divisor: Int64, _ digits: Int) -> String {
            let scaled = (value + divisor / 2) / divisor
            let unit = Int64([1, 10, 100, 1000][digits])
            let fraction = String(scaled % unit)
            return digits == 0
                ? "\(scaled) ms"
                : "\(scaled / unit)."
                    + String(repeating: "0", count: digits - fraction.count) + fraction + " ms"
        }
        switch microseconds {
        case ..<1000: return decimal(microseconds, 1, 3)
        // What rounds up to one digit more has one decimal less.
        case ..<9995: return decimal(microseconds, 10, 2)
        case ..<99_950: return decimal(microseconds, 100, 1)
        default: return decimal(microseconds, 1000, 0)
        }
    }

    static func percent(_ ratio: Double) -> String { "\(Int(ratio * 100 + 0.5)) %" }
}
