import KernelState
import NetworkPrimitives
import PathMTU

/// How large a packet fits, for people: the MTUs one under the other, and what to set.
struct PathMTUText {
    /// What was measured.
    var path: TunnelPath
    /// The tunnel's device.
    var device: String?
    /// How the report is laid out.
    var layout: TextLayout

    /// The lines, indented by two; one where nothing was measured.
    var lines: [String] {
        if let reason = commonReason { return layout.entry("MTU", "", .plain, reason) }
        var rows = [
            Row("outside", Self.size(path.outsideMTU), note(path.outsideMTU, .outside)),
            Row("inside", Self.size(path.insideMTU), note(path.insideMTU, .inside), agreement),
        ]
        rows.append(Row("device", path.deviceMTU.value.map(String.init) ?? "-", deviceNote))
        rows.append(Row("overhead", mtu.overhead.map(String.init) ?? "-", overheadNote))
        rows.append(advice)
        var table = TextTable([.left, .left, .right])
        for (index, row) in rows.enumerated() {
            table.add([
                .init(index == 0 ? "MTU" : "", .faint), .init(row.name, row.style),
                .init(row.figure, row.style),
            ])
        }
        let block = table.block
        let start = 2 + block.width + 2
        return zip(block.lines, rows).flatMap { line, row in
            var head = line
            head.parts.insert(("  ", .plain), at: 0)
            return layout.hanging(head, row.notes, from: start)
        }
    }

    /// The same in one line without colours.
    var summary: String {
        if let reason = commonReason { return reason }
        var parts = [
            "outside \(Self.size(path.outsideMTU))", "inside \(Self.size(path.insideMTU))",
        ]
        if let device = path.deviceMTU.value { parts.append("device \(device)") }
        if let overhead = mtu.overhead { parts.append("overhead \(overhead)") }
        if path.outsideMTU.isBlackHole == true { parts.append("BLACK HOLE outside") }
        if path.insideMTU.isBlackHole == true { parts.append("BLACK HOLE inside") }
        if let recommended = mtu.recommendedMTU { parts.append("set \(recommended)\(clamp)") }
        return parts.joined(separator: ", ")
    }

    private var mtu: TunnelMTU { path.tunnelMTU }

    /// Why neither path is known at all, where that is one reason.
    private var commonReason: String? {
        let reports = [path.outsideMTU, path.insideMTU]
        guard reports.allSatisfy({ $0.bytes == nil && $0.atLeast == nil }),
            let reason = reports[0].reason, reports[1].reason == reason
        else { return nil }
        return reason
    }

    // MARK: - Rows

    private typealias Note = (text: String, style: TextStyle)

    private struct Row {
        var name: String
        var figure: String
        var notes: [Note]
        var style = TextStyle.plain

        init(_ name: String, _ figure: String, _ notes: Note?...) {
            self.name = name
            self.figure = figure
            let notes = notes.compactMap { $0 }
            self.notes = notes.enumerated().map { index, note in
                (note.text + (index + 1 < notes.count ? ";" : ""), note.style)
            }
        }
    }

    private static func size(_ report: PathMTUReport) -> String {
        report.bytes.map(String.init) ?? report.atLeast.map { ">=\($0)" } ?? "-"
    }

    private func note(_ report: PathMTUReport, _ path: ProbePath) -> Note {
        var parts: [String] = []
        var style = TextStyle.faint
        let link = Self.place(report, path)
        if report.isBlackHole == true {
            style = .bad
            parts.append(
                "BLACK HOLE: larger packets vanish\(link.map { " \($0)" } ?? ""), "
                    + "and no router says so")
        } else if let reason = report.reason {
            parts.append(reason)
        } else if report.limitingLink?.distance == 0 {
            parts.append("this host itself sends nothing larger")
        } else {
            parts.append(
                link.map { "the limit is \($0)" }
                    ?? report.limitingLinkReason ?? "nothing on the way limits it")
        }
        if report.isBlackHole == true, link == nil, let reason = report.limitingLinkReason {
            parts.append("where is not known: \(reason)")
        }
        if report.bytes ?? report.atLeast != nil, let hop = report.provenDistance {
            parts.append("seen as far as hop \(hop)")
        }
        if report.suspiciousMessages > 0 {
            style = style == .faint ? .doubtful : style
            parts.append("\(report.suspiciousMessages) Packet Too Big not believed")
        }
        return (parts.joined(separator: "; "), style)
    }

    /// Where the link is that limits; nil where that is not known at all.
    static func place(_ report: PathMTUReport, _ path: ProbePath) -> String? {
        let doubt = report.limitingLink?.mayBeOnTheWayBack == true ? ", or on the way back" : ""
        let router = report.limitingLink?.router.map { "\($0)" }
        switch report.limitingLink?.distance {
        case 0? where path == .inside: return "in the tunnel itself\(doubt)"
        case 0?: return "on this host's own link\(doubt)"
        case let hop?: return "behind hop \(hop)" + (router.map { " (\($0))" } ?? "") + doubt
        case nil: break
        }
        if let hops = report.limitingDistances, hops.count > 1 {
            return "behind one of the hops \(hops.lowerBound) to \(hops.upperBound)"
                + (router.map { " (\($0) says so)" } ?? "")
        }
        return router.map { "behind \($0)" }
    }

    private var agreement: Note? {
        switch mtu.verdict {
        case .consistent where path.insideMTU.bytes == mtu.fitting:
            ("just what fits outside", .faint)
        case .consistent: ("all that the device lets in", .faint)
        case .insideDropsEarlier(let bytes):
            ("\(bytes) less than should pass: something drops earlier", .doubtful)
        case .outerFragmentation(let bytes):
            ("\(bytes) more than fits outside: outer packets are fragmented", .doubtful)
        case nil: nil
        }
    }

    private var deviceNote: Note? {
        let route = path.routeMTU.value
        let also = route.map { "; the route has \($0)" } ?? ""
        guard let device = path.deviceMTU.value else {
            return (path.deviceMTU.because + also, .faint)
        }
        switch mtu.isDeviceTooLarge {
        case true?: return ("TOO LARGE: it lets packets in that do not fit\(also)", .bad)
        case false?:
            guard let route, route < device else { return ("fits\(also)", .faint) }
            return ("the route into it lets \(route) in, and that fits", .faint)
        case nil: return route.map { ("the route has \($0)", .faint) }
        }
    }

    private var overheadNote: Note? {
        guard let least = mtu.overhead else { return mtu.overheadReason.map { ($0, .faint) } }
        let most = mtu.greatestOverhead ?? least
        let padding = most > least ? "to \(most) with padding" : nil
        let fitting = mtu.fitting.map { "so \($0) inside fit outside" }
        let parts = [padding, fitting].compactMap { $0 }
        return parts.isEmpty ? nil : (parts.joined(separator: ", "), .faint)
    }

    private var clamp: String {
        guard let clamp = mtu.recommendedMSSIPv4 else { return "" }
        return ", MSS \(clamp)" + (mtu.recommendedMSSIPv6.map { " (IPv6 \($0))" } ?? "")
    }

    private var advice: Row {
        guard let wanted = mtu.recommendedMTU else {
            return Row("set", "-", mtu.recommendationReason.map { ($0, .faint) })
        }
        var text = "for what enters the tunnel, and clamp the TCP MSS"
        var style = TextStyle.strong
        if let device, let has = path.deviceMTU.value {
            switch has {
            case wanted:
                text = "is what \(device) has; clamp the TCP MSS"
                style = .good
            case ..<wanted:
                text = "would fit, \(device) has less, which does no harm; clamp the TCP MSS"
                style = .good
            default:
                text = "on \(device), and clamp the TCP MSS"
                style = mtu.isDeviceTooLarge == true ? .bad : .strong
            }
        }
        if let clamp = mtu.recommendedMSSIPv4 {
            text += " to \(clamp)" + (mtu.recommendedMSSIPv6.map { " (IPv6 \($0))" } ?? "")
        }
        var row = Row("set", "\(wanted)", (text, .plain))
        row.style = style
        return row
    }
}
