import ESPAnalysis
import NetworkPrimitives
import PacketFormats

/// A stream for people: who sends what to whom, what that is, and what a replay window would do.
struct StreamText {
    var palette: TextPalette
    var glyphs: BarGlyphs
    /// Adds what only a closer look needs: the last minute, the forecasts by packet length.
    var isVerbose = false
    /// Window sizes that the operator named.
    var namedWindows: [Int] = []
    /// Says why a stream's tunnel is not known; false where that is said once for all streams.
    var explainsPlace = true
    /// With fewer packets nothing is said of a confidence.
    private static let fewPackets: UInt64 = 16

    /// The stream's lines.
    func render(_ stream: CapturedStream) -> [String] {
        var lines = [headline(stream)]
        lines += verdicts(stream.report)
        lines.append("")
        lines += figures(stream).map { name, text in
            "  \(palette.paint(name + String(repeating: " ", count: 13 - name.count), .faint))\(text)"
        }
        let chart = ReplayWindowChart(palette: palette, glyphs: glyphs, named: namedWindows)
        if !stream.report.windows.isEmpty {
            lines += [""] + chart.lines(stream.report.windows) + chart.legend(stream.report.windows)
            lines += interpretation(stream).map { "  \(palette.paint($0, .strong))" }
        }
        if isVerbose { lines += lengthClasses(stream.report, chart) }
        let unknown = unknowns(stream)
        if !unknown.isEmpty {
            lines += [""] + unknown.map { palette.paint("  not known: \($0)", .faint) }
        }
        return lines
    }

    /// Whose stream it is, in one line.
    func headline(_ stream: CapturedStream) -> String {
        let id = stream.report.id
        let source = stream.report.sources.first?.description ?? "?"
        let more = stream.report.sources.count - 1
        let ends = "\(source)\(more > 0 ? " and \(more) more" : "") -> \(id.destination)"
        var place = [ends, id.encapsulation == .udp ? "ESP in UDP" : "ESP"]
        if let direction = stream.direction {
            place.append(
                [direction.rawValue, stream.tunnel].compactMap { $0 }.joined(separator: " on "))
        }
        return "\(palette.paint(id.spi.description, .strong))  \(place.joined(separator: "  "))"
    }

    // MARK: - Verdicts

    /// One clause of the evidence a line.
    private func verdicts(_ report: StreamReport) -> [String] {
        var table = TextTable([.left, .left, .left])
        for verdict in report.verdicts {
            let clauses = verdict.evidence.split(separator: "; ").map(String.init)
            for (index, clause) in clauses.enumerated() {
                table.add([
                    .init(
                        index == 0 ? "  \(Self.words(verdict.kind))" : "", Self.style(verdict.kind)),
                    .init(index == 0 ? verdict.grade.rawValue : "", .strong), .init(clause),
                ])
            }
        }
        return table.lines(palette)
    }

    static func words(_ kind: StreamVerdict.Kind) -> String {
        switch kind {
        case .multiSender: "several senders"
        case .pathReordering: "path reordering"
        case .reorderingNotIdentifiable: "reordering not identifiable"
        case .networkDuplication: "network duplicates"
        case .captureDuplication: "captured twice"
        case .replaySuspected: "replay suspected"
        case .singleSender: "one sender"
        case .clean: "clean"
        }
    }

    private static func style(_ kind: StreamVerdict.Kind) -> TextStyle {
        switch kind {
        case .pathReordering, .replaySuspected: .bad
        case .multiSender, .reorderingNotIdentifiable, .networkDuplication, .captureDuplication:
            .doubtful
        case .singleSender, .clean: .good
        }
    }

    // MARK: - Figures

    private func figures(_ stream: CapturedStream) -> [(String, String)] {
        let report = stream.report
        var rows = [("packets", packets(stream)), ("senders", senders(report))]
        if report.sources.count > 1 {
            let shown = report.sources.map(\.description).joined(separator: ", ")
            rows.insert(("sources", "one SPI from several addresses: \(shown)"), at: 1)
        }
        rows.append(("per sender", perSender(report)))
        let order = report.reordering
        rows.append(
            (
                "as one flow",
                order.streamRatio.map {
                    "\(FigureText.percent($0)) below the highest number so far "
                        + "(\(order.outOfOrder))"
                } ?? "order not known"
            ))
        if report.duplicates.total > 0 { rows.append(("copies", copies(report.duplicates))) }
        return rows
    }

    private func packets(_ stream: CapturedStream) -> String {
        let report = stream.report
        var text = "\(report.packets)"
        if let rate = stream.packetsPerSecond { text += ", \(FigureText.rate(rate))" }
        if stream.span > .zero { text += " over \(FigureText.duration(stream.span))" }
        text += ", \(FigureText.octets(report.bytes)), from \(stream.firstSeen.seconds)"
        if report.fragments > 0 {
            text += ", \(FigureText.count(report.fragments, "first fragment"))"
        }
        return text
    }

    /// How many senders it has, in one line.
    func senders(_ report: StreamReport) -> String {
        let senders = report.senders
        let grade = report.verdicts.first { $0.kind == .multiSender }?.grade ?? .proven
        let proven = "at least \(senders.atLeast) \(grade.rawValue)"
        guard let estimate = senders.estimate else { return proven }
        if estimate == 1, senders.rangeHigh ?? 1 <= 1, report.packets < Self.fewPackets {
            return "1, as far as so few packets tell"
        }
        var text = "\(estimate)\(senders.isGrowing ? " and rising" : ""), \(proven)"
        if let high = senders.rangeHigh, high > estimate { text += ", perhaps \(high)" }
        if isVerbose, let active = senders.activeLastMinute {
            text += ", \(active) in the last minute"
        }
        switch senders.method {
        case .iv:
            text += "; told apart by their IVs"
            if let family = senders.family { text += " (\(family.rawValue))" }
        case .counters: text += "; told apart by their counters"
        case nil: break
        }
        if let confidence = senders.confidence {
            text += ", confidence \(FigureText.confidence(confidence))"
        }
        return text
    }

    private func perSender(_ report: StreamReport) -> String {
        let reordering = report.reordering
        guard report.lostPackets != nil || reordering.senderPackets != nil else {
            return "loss and reordering not known"
        }
        var parts: [String] = []
        if let lost = report.lostPackets {
            let sent = Double(report.packets - min(report.duplicates.total, report.packets) + lost)
            var text =
                lost == 0
                ? "none lost" : "\(FigureText.percent(Double(lost) / max(sent, 1))) lost (\(lost))"
            if let skipped = report.outagePackets, skipped > 0 {
                text +=
                    "\(lost == 0 ? " but" : " and") \(FigureText.count(skipped, "number")) "
                    + "skipped in gaps of over 256"
            }
            parts.append(text)
        }
        if let reordered = reordering.senderPackets {
            parts.append(reordered == 0 ? "none reordered" : self.reordered(reordered, reordering))
        }
        return parts.joined(separator: ", ")
    }

    private func reordered(_ packets: UInt64, _ report: ReorderingReport) -> String {
        var text = "\(FigureText.percent(report.senderRatio ?? 0)) reordered (\(packets)"
        if let extent = report.maximumExtent {
            text += "; by at most \(FigureText.count(extent, "packet"))"
        }
        if let late = report.maximumLateness { text += ", \(FigureText.duration(late))" }
        return text + ")"
    }

    private func copies(_ counts: DuplicateCounts) -> String {
        [
            (counts.network, "by the network"), (counts.capture, "by the capture"),
            (counts.replay, "replayed"), (counts.undecided, "undecided"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }

    // MARK: - What it means

    /// One sentence on the shape of the drops, one on what to do.
    private func interpretation(_ stream: CapturedStream) -> [String] {
        let report = stream.report
        let reading = ReplayWindowReading(report)
        let size = reading.sufficientWindow
        switch reading.shape {
        case .noDrops: return ["None of these windows would drop anything."]
        case .small:
            guard let size else {
                return ["A window of 64 or more would drop less than half a percent."]
            }
            return ["A window of \(size) is enough: it drops at most 0.1 %."]
        case .flat:
            // A single packet far ahead makes every later one too old, and anybody can forge it.
            guard stream.says(.multiSender) else {
                return [
                    "Large windows drop as much as small ones, because the numbers lie far apart, "
                        + "yet no second sender is proven.",
                    "Where these are a few forged or damaged packets, a receiver rejects them and "
                        + "drops nothing else; probe senders shows whose they are.",
                ]
            }
            let cause =
                report.collisions * 2 >= (report.windows.last?.wouldDrop ?? 0)
                ? "several senders use the same numbers" : "the senders' numbers lie farther apart"
            let place =
                stream.direction == .inbound ? "on this host's SA" : "at the receiver"
            return [
                "No window size helps: large ones drop as much as small ones, because \(cause).",
                "Set replay-window 0 \(place) (strongSwan: replay_window = 0 of the child), or ask "
                    + "the provider for one sender per tunnel.",
            ] + aloneSentence(report)
        case .falling:
            let cause = stream.says(.multiSender) ? "" : ": this is path reordering"
            guard let size else {
                return ["Larger windows drop less, and none of these is enough\(cause)."]
            }
            return ["A window of \(size) would be enough\(cause)."]
        case .between:
            return [
                "Larger windows drop less, yet not little: several senders, or reordering over a "
                    + "long time."
            ]
        case .copies:
            return [
                "What windows drop here are byte-identical copies"
                    + (stream.says(.captureDuplication)
                        ? " that the capture made: no receiver saw them."
                        : ": that is what windows are for.")
            ]
        }
    }

    /// What is left to drop when every sender has a window of its own: reordering alone.
    private func aloneSentence(_ report: StreamReport) -> [String] {
        guard let alone = report.windowsPerSender?.first(where: { $0.window >= 64 }) else {
            return []
        }
        let share = alone.wouldDrop == 0 ? "nothing" : FigureText.percent(alone.ratio)
        return ["With one sender, a window of \(alone.window) would drop \(share)."]
    }

    private func lengthClasses(_ report: StreamReport, _ chart: ReplayWindowChart) -> [String] {
        report.lengthClasses.flatMap { lengths in
            let range =
                lengths.lengths.count == 1
                ? "\(lengths.lengths.lowerBound)"
                : "\(lengths.lengths.lowerBound) to \(lengths.lengths.upperBound)"
            return [
                "", "  packets of \(range) octets: \(lengths.packets)",
            ] + chart.lines(lengths.windows)
        }
    }

    private func unknowns(_ stream: CapturedStream) -> [String] {
        let report = stream.report
        var lines: [String] = []
        if explainsPlace, let reason = stream.unknownBecause {
            lines.append("tunnel and direction: \(reason)")
        }
        if report.senders.estimate == nil {
            lines.append("how many senders: \(report.senders.reason ?? "no reason given")")
        }
        if report.lostPackets == nil || report.reordering.senderPackets == nil {
            lines.append(
                "loss and reordering per sender: "
                    + (report.unidentifiableBecause ?? "no reason given"))
        }
        if !report.startsAtBirth {
            lines.append(
                "the receiver's window before the first packet: the capture starts amid the SA")
        }
        return lines
    }
}

extension FigureText {
    /// A confidence with two decimals, 1 only where nothing is left to doubt.
    static func confidence(_ value: Double) -> String {
        value >= 0.995 && value < 1 ? ">0.99" : fixed(value, 2)
    }
}

extension WallTime {
    /// RFC 3339 in UTC with whole seconds.
    var seconds: String { "\(description.prefix(19))Z" }
}
