import IKE
import NetworkPrimitives

/// The provider's IKE log for people.
struct IKELogText {
    var palette: TextPalette
    /// Shows all peers and events that are kept.
    var isVerbose = false

    private static let shownPeers = 10
    private static let shownEvents = 12

    /// What the verdict rests on, in a few words.
    static func headline(_ report: IKELogReport) -> String {
        let failing = report.digest.peers.filter { $0.failure != nil }
        if let first = failing.first, let failure = first.failure {
            let place = failing.count > 1 ? " at \(failing.count) peers" : ""
            return "the provider's log ends with a failed negotiation\(place): "
                + failure.rawValue.replacingUnderscores
        }
        if report.damage != nil { return "the provider's log cannot be read" }
        if report.tally.records == 0 { return "there is no record in the provider's log" }
        if report.isCorrupt { return "some lines of the provider's log cannot be read" }
        return "the provider's log names no failure that lasts"
    }

    /// The section: what the file is, then peer by peer, then what happened.
    func lines(_ report: IKELogReport) -> [String] {
        var lines = [palette.paint("provider's IKE log", .strong) + "  " + Self.size(report)]
        lines += Self.remarks(report).map { "  " + palette.paint($0, .faint) }
        let peers = report.digest.peers
        let shown = isVerbose ? peers.count : min(peers.count, Self.shownPeers)
        // Who fails comes first.
        let order = peers.indices.sorted {
            (peers[$0].failure == nil ? 1 : 0, $0) < (peers[$1].failure == nil ? 1 : 0, $1)
        }
        for index in order.prefix(shown) {
            lines += self.lines(peers[index], tunnel: report.tunnels[index])
        }
        if peers.count > shown {
            lines.append("  \(peers.count - shown) more pairs of addresses; --verbose shows all")
        }
        return lines
    }

    /// What happened, in order.
    func lines(_ timeline: Timeline) -> [String] {
        guard !timeline.entries.isEmpty else { return [] }
        // Failures first where there is no room for all: they are what one looks for.
        var shown = timeline.entries
        if !isVerbose, shown.count > Self.shownEvents {
            let telling = shown.filter { $0.failure != nil || $0.source == .capture }
            shown = Array((telling.isEmpty ? shown : telling).suffix(Self.shownEvents))
        }
        var lines = [
            palette.paint("timeline", .strong)
                + "  times as the capturing host and the provider give them"
        ]
        for entry in shown {
            let style: TextStyle = entry.failure == nil ? .plain : .bad
            let source = entry.source == .capture ? "capture" : "provider"
            lines.append(
                "  \(entry.at)  \(source)  \(palette.paint(entry.text.onOneLine, style))"
                    + (entry.tunnel.map { "  (\($0))" } ?? ""))
        }
        let hidden = UInt64(timeline.entries.count - shown.count) + timeline.leftOut
        if hidden > 0 {
            lines.append(
                "  \(hidden) more"
                    + (isVerbose ? " were not kept" : "; --verbose shows those that were kept"))
        }
        return lines
    }

    private static func size(_ report: IKELogReport) -> String {
        var text = FigureText.count(report.tally.records, "record")
        if let first = report.digest.first, let last = report.digest.last {
            let span = Duration.nanoseconds(last.nanoseconds) - .nanoseconds(first.nanoseconds)
            text += " in \(FigureText.duration(span)) from \(first.seconds)"
        }
        text += ", \(FigureText.octets(report.octets))"
        return text + (report.isGzipped ? " unpacked" : "")
    }

    private static func remarks(_ report: IKELogReport) -> [String] {
        let tally = report.tally
        var remarks: [String] = []
        if let damage = report.damage { remarks.append(damage) }
        if let first = tally.firstUnreadable, tally.refusal == nil {
            remarks.append(
                "\(FigureText.count(tally.unreadableLines, "unreadable line")), the first is line "
                    + "\(first.line): \(first.reason)")
        }
        if tally.isTruncated { remarks.append("the last record is cut; all before it is read") }
        for key in tally.renamedKeys {
            remarks.append(
                "key \(key.key.onOneLine) taken as \(key.field.rawValue), by its "
                    + (key.isByValue ? "values" : "name"))
        }
        if !tally.unknownKeys.isEmpty {
            let names = tally.unknownKeys.prefix(8).map { $0.key.onOneLine }
            remarks.append(
                "keys that are no field of the dataset: " + names.joined(separator: ", ")
                    + (tally.unknownKeys.count > 8 ? ", ..." : ""))
        }
        if tally.recordsWithoutTime > 0 {
            remarks.append("\(FigureText.count(tally.recordsWithoutTime, "record")) without a time")
        }
        return remarks
    }

    private func lines(_ peer: ProviderLogPeer, tunnel: String?) -> [String] {
        let ends = [peer.local, peer.remote].map { $0?.description ?? "?" }
        let name = tunnel.map { "\($0)  " } ?? ""
        var counts = ProviderLogMessage.Kind.allCases.compactMap { kind in
            peer.kinds[kind].map { "\($0) \(kind.rawValue)" }
        }
        counts = counts.map { $0.replacingUnderscores }
        var lines = [
            "  \(name)\(ends[0]) - \(ends[1])  "
                + "\(FigureText.count(peer.records, "record")): \(counts.joined(separator: ", "))"
        ]
        if let failure = peer.failure {
            let text = peer.failureEvent?.record.message.onOneLine ?? ""
            lines.append(
                "    \(palette.paint(failure.rawValue.replacingUnderscores, .bad))  \(text)")
        } else if !peer.failures.isEmpty {
            lines.append("    failed before, and was established after it")
        }
        if !peer.cipherSuites.isEmpty {
            lines.append("    suites  " + peer.cipherSuites.joined(separator: ", ").onOneLine)
        }
        return lines
    }
}

extension String {
    /// Without control characters, which a log could steer a terminal with; its first 200 characters.
    fileprivate var onOneLine: String {
        let plain = String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(200).map { $0.properties.isPrintable ? $0 : "\u{fffd}" }))
        return unicodeScalars.count > 200 ? plain + "..." : plain
    }

    fileprivate var replacingUnderscores: String {
        String(map { $0 == "_" ? " " : $0 })
    }
}

extension Unicode.Scalar.Properties {
    /// Whether it shows as something and steers nothing.
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
