import Diagnosis
import ESPAnalysis
import IKE
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
    /// How many pairs of hosts that speak IKE are shown to them.
    private static let shownConversations = 10
    /// With fewer packets in every stream "nothing wrong" is said with a doubt.
    private static let fewPackets: UInt64 = 16
    /// The share of missing packets from which the first line names it.
    private static let noteworthyLoss = 0.01

    /// The whole report, ended by a newline.
    func render(_ report: AnalysisReport) -> String {
        var lines = [
            "\(palette.paint(report.title, .strong))  \(palette.paint(report.verdict))  "
                + headline(report)
        ]
        if report.file != nil { lines += file(report).map { "  " + palette.paint($0, .faint) } }
        let shown = isVerbose ? report.streams[...] : report.streams.prefix(Self.shownStreams)
        // Without a configuration the reason is the same for all: once is enough.
        let reasons = Set(report.streams.compactMap(\.unknownBecause))
        let explainsPlace = report.streams.count == 1 || reasons.count > 1
        let text = StreamText(
            palette: palette, glyphs: glyphs, isVerbose: isVerbose,
            namedWindows: report.namedWindows, explainsPlace: explainsPlace)
        for stream in shown { lines += [""] + text.render(stream) }
        let hidden = report.streams.count - shown.count
        if hidden > 0 {
            lines += [
                "",
                "\(FigureText.count(hidden, "more stream")) with no more packets; "
                    + "--verbose shows all, --stream SPI one",
            ]
        }
        if !explainsPlace, let reason = reasons.first {
            let count = report.streams.count { $0.unknownBecause != nil }
            let whose = count == report.streams.count ? "" : " of \(count) streams"
            lines += [
                "",
                palette.paint("not known: tunnel and direction\(whose): \(reason)", .faint),
            ]
        }
        let rekeys = RekeyText.lines(report, isVerbose: isVerbose)
        if !rekeys.isEmpty { lines += [""] + rekeys }
        let ike = isVerbose ? report.ike[...] : report.ike.prefix(Self.shownConversations)
        for conversation in ike {
            lines += [""] + IKEWireText(palette: palette).render(conversation)
        }
        if report.ike.count > ike.count {
            let more = FigureText.count(report.ike.count - ike.count, "more pair")
            lines += ["", "\(more) of hosts with IKE; --verbose shows all"]
        }
        if let log = report.ikeLog {
            let text = IKELogText(palette: palette, isVerbose: isVerbose)
            lines += [""] + text.lines(log) + [""] + text.lines(report.timeline)
        }
        let findings = FindingText(
            layout: TextLayout(palette: palette, glyphs: .ascii, columns: 100),
            isVerbose: isVerbose)
        for (index, finding) in report.findings.enumerated() {
            lines +=
                [""]
                + findings.lines(
                    finding, finding.severity == .info ? .note : index == 0 ? .first : .other)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the verdict rests on, in one line.
    private func headline(_ report: AnalysisReport) -> String {
        let log = report.ikeLog.map { [IKELogText.headline($0)] } ?? []
        guard report.file != nil else { return log.joined() }
        guard !report.streams.isEmpty else {
            return ([absence(report)] + log).joined(separator: "; ")
        }
        return (capture(report) + log).joined(separator: "; ")
    }

    /// What the capture's part of the verdict rests on.
    private func capture(_ report: AnalysisReport) -> [String] {
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
        if parts.isEmpty {
            let isShort = report.streams.allSatisfy { $0.report.packets < Self.fewPackets }
            parts.append("nothing wrong found" + (isShort ? " in too few packets to be sure" : ""))
        }
        parts += remarks(report)
        let many = report.streams.filter { $0.says(.multiSender) }
        if !many.isEmpty {
            let streams =
                report.streams.count == 1
                ? "several senders share its SA"
                : "several senders share \(many.count) of \(report.streams.count) SAs"
            let worst = many.compactMap(\.report.windows.last).max { $0.ratio < $1.ratio }
            var advice = ""
            if let worst, worst.ratio >= 0.005 {
                advice =
                    ": keep the replay window off, even one of \(worst.window) would drop "
                    + FigureText.percent(worst.ratio)
            }
            parts.append(streams + advice)
        }
        return parts
    }

    /// Why there is no stream.
    private func absence(_ report: AnalysisReport) -> String {
        if report.damage != nil { return "nothing in it could be analysed" }
        if report.packets == 0 { return "there is no packet in it" }
        if !report.ike.isEmpty { return ikeAlone(report) }
        return report.frames[.truncatedESP] > 0
            ? "the ESP in it is cut too short to analyse" : "there is no ESP in it"
    }

    /// What a file with IKE and without ESP says.
    private func ikeAlone(_ report: AnalysisReport) -> String {
        let failures = Set(report.ike.compactMap { $0.failure?.rawValue }).sorted()
        let failing = report.ike.count { $0.failure != nil }
        guard failing > 0 else { return "IKE and no ESP; nothing wrong found" }
        let whose = report.ike.count == 1 ? "" : " between \(failing) of \(report.ike.count) pairs"
        return "IKE and no ESP; IKE fails\(whose): \(failures.joined(separator: ", "))"
    }

    /// What is no fault of the path's order, but what "nothing wrong" must not hide.
    private func remarks(_ report: AnalysisReport) -> [String] {
        var remarks: [String] = []
        let losses = report.streams.map { Self.missingShare($0.report) }
        if let worst = losses.max(), worst >= Self.noteworthyLoss {
            let place = report.streams.count == 1 ? "the" : "one stream's"
            remarks.append("\(FigureText.percent(worst)) of \(place) packets are missing")
        }
        if report.streams.contains(where: { $0.says(.networkDuplication) }) {
            remarks.append("the network duplicates packets")
        }
        if report.streams.contains(where: { $0.says(.captureDuplication) }) {
            remarks.append("the capture holds packets twice")
        }
        if report.streams.contains(where: {
            !$0.says(.multiSender) && ReplayWindowReading($0.report).shape == .flat
        }) {
            remarks.append("some numbers lie far from the others")
        }
        if report.unfollowedPackets > 0 {
            remarks.append("\(report.unfollowedPackets) ESP packets were not followed")
        }
        return remarks
    }

    /// The share of a stream's packets that never came, gaps of every length included.
    private static func missingShare(_ report: StreamReport) -> Double {
        let missing = Double(report.lostPackets ?? 0) + Double(report.outagePackets ?? 0)
        let arrived = Double(report.packets) - Double(report.duplicates.total)
        return missing / max(missing + arrived, 1)
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
        // For ESP that is cut short there is a finding, with its remedy.
        if report.streams.isEmpty, report.ike.isEmpty, report.frames[.truncatedESP] == 0 {
            lines.append(
                "capture on the WAN interface, not on the tunnel's, where there is no ESP:")
            lines.append("  \(AnalysisReport.captureCommand)")
        }
        return lines
    }
}
