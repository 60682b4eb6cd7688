import NetworkPrimitives
import ReplyPath

/// Where Echo Replies die, for people: the two ladders, and a sentence for each.
struct ReplyPathText {
    private let outside: Ladder
    private let inside: Ladder
    private let layout: TextLayout

    private struct Ladder {
        var path: ProbePath
        var report: ReplyPathReport
        var target: IPAddress?

        var name: String { path.rawValue }
    }

    init(_ tunnel: TunnelReport, layout: TextLayout) {
        outside = Ladder(
            path: .outside, report: tunnel.path.outsideReplies, target: tunnel.plan.remote)
        inside = Ladder(
            path: .inside, report: tunnel.path.insideReplies,
            target: tunnel.plan.roles[ProbeRole(.inside, .reply).index].route?.destination)
        self.layout = layout
    }

    /// The lines, indented by two; one where nothing is known for one reason.
    func lines(isVerbose: Bool) -> [String] {
        let ladders = ladders(isVerbose: isVerbose)
        guard !ladders.isEmpty else { return withoutLadders }
        let caption = "  Echo Requests and unsolicited Echo Replies by hop limit: answered/sent"
        return [layout.palette.paint(caption, .faint), ""]
            + ladders.map { $0.isEmpty ? "" : "  \($0)" } + [""]
            + [outside, inside].flatMap { ladder in
                verdict(ladder) + (isVerbose ? odds(ladder) : [])
            }
    }

    private var withoutLadders: [String] {
        if outside.report.verdict == .inconclusive, inside.report.verdict == .inconclusive,
            let reason = outside.report.reason, inside.report.reason == reason
        {
            return layout.entry("replies", "", .plain, reason)
        }
        return [layout.palette.paint("  unsolicited Echo Replies", .faint)] + verdict(outside)
            + verdict(inside)
    }

    /// The ladders side by side, or one under the other where they are too wide for that; empty where
    /// nothing was sent.
    func ladders(isVerbose: Bool) -> [String] {
        let blocks = [outside, inside].map { ladder in
            LadderText(
                report: ladder.report,
                title: ladder.target.map { "\(ladder.name), to \($0)" } ?? ladder.name,
                rule: layout.glyphs.rule, isVerbose: isVerbose
            ).block
        }.filter { $0.lines.count > 1 }
        guard let first = blocks.first else { return [] }
        guard blocks.count > 1 else { return first.lines(layout.palette) }
        let both = first.beside(blocks[1], gap: 4)
        return both.width + 2 <= layout.columns
            ? both.lines(layout.palette)
            : first.lines(layout.palette) + [""] + blocks[1].lines(layout.palette)
    }

    /// What the verdict was weighed by; nothing where nothing was weighed.
    private func odds(_ ladder: Ladder) -> [String] {
        guard let open = ladder.report.openProbability else { return [] }
        let hops = ladder.report.blockedAfterProbabilities.enumerated().filter {
            $0.element >= 0.001
        }
        let parts =
            ["open \(FigureText.percent(open))"]
            + hops.map { hop, probability in
                let place = hop == 0 ? "before hop 1" : "after hop \(hop)"
                return "dies \(place) \(FigureText.percent(probability))"
            }
        return layout.entry("", "weighed:", .faint, parts.joined(separator: ", "))
    }

    private func verdict(_ ladder: Ladder) -> [String] {
        let report = ladder.report
        let (word, style): (String, TextStyle) =
            switch report.verdict {
            case .open: ("open:", .good)
            case .blocked: ("BLOCKED:", .bad)
            case .inconclusive: ("unclear:", report.hops.isEmpty ? .plain : .doubtful)
            }
        return layout.entry(ladder.name, word, style, report.sentence(on: ladder.path))
    }
}

extension ReplyPathReport {
    /// The verdict in a sentence, without its word.
    func sentence(on path: ProbePath) -> String {
        switch verdict {
        case .open:
            let end = lastHopReply.map { " as far as hop \($0)" } ?? ""
            return "Echo Replies pass\(end), like Echo Requests"
                + (confidence.map { " (\(FigureText.percent($0)))" } ?? "")
        case .blocked:
            return "Echo Replies die \(site)\(beyond)\(certainty); \(suspect(on: path))"
        case .inconclusive: return reason ?? "not known"
        }
    }

    /// Where they die: the likeliest hop, and all others that it may be.
    private var site: String {
        let others = (likelyHops ?? []).filter { $0 != blockedAfterHop }
            .map { $0 == 0 ? "before the first" : "\($0)" }
        guard let hop = blockedAfterHop, hop > 0 else {
            let doubt = others.isEmpty ? "" : ", or after hop \(others.joined(separator: " or "))"
            return "before the first hop\(doubt)"
        }
        let hops = ["\(hop)" + (blockedAfterAddress.map { " (\($0))" } ?? "")] + others
        let last = hops.count > 1 ? " or \(hops[hops.count - 1])" : ""
        return "after hop " + hops.prefix(max(1, hops.count - 1)).joined(separator: ", ") + last
    }

    private var beyond: String {
        if dropsAllICMP == true { return ", and Echo Requests with them" }
        return lastHopRequest.map { ", while Echo Requests come as far as hop \($0)" } ?? ""
    }

    private var certainty: String {
        confidence.map { " (\(FigureText.percent($0)) sure)" } ?? ""
    }

    private func suspect(on path: ProbePath) -> String {
        let act = refusedBy.map { "refuses them, says \($0)" } ?? "drops them"
        let doubt = mayBeProviderEdge ? ", or it is the provider's edge" : ""
        return switch place {
        case .thisHost: "this host's own firewall \(act)"
        case .firstHop: "the first router or a firewall on the customer's side \(act)\(doubt)"
        case .transit where path == .inside: "a network behind the far end \(act)\(doubt)"
        case .transit: "a network on the way \(act), most likely the ISP's\(doubt)"
        case .providerEdge where path == .inside: "the provider's edge \(act)"
        case .providerEdge: "the last router before the endpoint or the provider's edge \(act)"
        case nil: "whose equipment \(act) is not certain\(doubt)"
        }
    }
}
