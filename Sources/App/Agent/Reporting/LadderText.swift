import NetworkPrimitives
import ReplyPath

/// One hop ladder for people: a row a hop, and a line where Echo Replies die.
struct LadderText {
    var report: ReplyPathReport
    /// What the ladder is called, its first line.
    var title: String
    /// What the line is drawn with.
    var rule: Character
    /// Adds UDP, every silent hop and every router.
    var isVerbose: Bool

    /// The ladder; of the title alone where nothing was sent.
    var block: TextBlock {
        let heading = TextTable.Cell(title, .strong)
        let rows = self.rows
        guard !rows.isEmpty else { return TextBlock(lines: [heading]) }
        var table = TextTable(
            [.right, .left, .right, .right] + (isVerbose ? [.right] : []))
        table.add(
            (["hop", "router", "request", "reply"] + (isVerbose ? ["UDP"] : []))
                .map { .init($0, .faint) })
        for row in rows { table.add(row.cells) }
        var block = table.block
        if let cut {
            let place = rows.firstIndex { $0.distance > cut } ?? rows.count
            block.lines.insert(line(width: block.width), at: place + 1)
        }
        block.lines.insert(heading, at: 0)
        return block
    }

    /// The last hop at which Echo Replies were alive; nil unless blocked.
    private var cut: Int? { report.verdict == .blocked ? report.blockedAfterHop : nil }

    private func line(width: Int) -> TextTable.Cell {
        let isExact = (report.likelyHops ?? []).count < 2
        let text = isExact ? " replies die here " : " replies die about here "
        let rest = max(0, width - text.count)
        func rule(_ count: Int) -> String { String(repeating: self.rule, count: count) }
        return .init(rule(rest / 2) + text + rule(rest - rest / 2), .bad)
    }

    // MARK: - Rows

    private struct Row {
        /// The last hop that the row stands for.
        var distance: Int
        var cells: [TextTable.Cell]
    }

    private var rows: [Row] {
        var rows: [Row] = []
        var silent: [ReplyPathReport.Hop] = []
        func endSilence() {
            guard let first = silent.first, let last = silent.last else { return }
            rows.append(row(summing: silent, from: first.distance, to: last.distance))
            silent = []
        }
        for hop in report.hops where hop.sent > 0 {
            // A silent run is one row, but none reaches over the line.
            let isCut = silent.last?.distance == cut && cut != nil
            let isApart = silent.last.map { $0.distance + 1 != hop.distance } ?? false
            if isVerbose || !hop.isSilent || isCut || isApart { endSilence() }
            if hop.isSilent {
                silent.append(hop)
            } else {
                rows.append(row(summing: [hop], from: hop.distance, to: hop.distance))
                rows += furtherRouters(of: hop)
            }
        }
        endSilence()
        return rows
    }

    private func row(summing hops: [ReplyPathReport.Hop], from first: Int, to last: Int) -> Row {
        func sum(_ count: KeyPath<ReplyPathReport.Hop, Int>) -> Int {
            hops.reduce(0) { $0 + $1[keyPath: count] }
        }
        let requests = (sum(\.requestsAnswered), sum(\.requestsSent))
        let replies = (sum(\.repliesAnswered), sum(\.repliesSent))
        let datagrams = (sum(\.datagramsAnswered), sum(\.datagramsSent))
        let isDead = replies.0 == 0 && cut.map { last > $0 } ?? false
        let isTarget = hops.contains(where: \.isTarget)
        var cells: [TextTable.Cell] = [
            .init(first == last ? "\(first)" : "\(first)-\(last)"), router(hops),
            share(requests, .plain),
            // An end system takes an Echo Reply that it did not ask for without a word.
            isTarget && replies.0 == 0 && !isDead
                ? .init("-", .faint) : share(replies, isDead && requests.0 > 0 ? .bad : .plain),
        ]
        if isVerbose { cells.append(share(datagrams, .plain)) }
        return Row(distance: last, cells: cells)
    }

    private func share(_ count: (answered: Int, sent: Int), _ style: TextStyle) -> TextTable.Cell {
        guard count.sent > 0 else { return .init("-", .faint) }
        let isNone = count.answered == 0 && style == .plain
        return .init("\(count.answered)/\(count.sent)", isNone ? .faint : style)
    }

    private func router(_ hops: [ReplyPathReport.Hop]) -> TextTable.Cell {
        let routers = hops.flatMap(\.routers)
        guard let first = routers.first else { return .init("*", .faint) }
        guard !isVerbose, routers.count > 1 else { return .init(first.description) }
        return .init(parts: [(first.description, .plain), (" +\(routers.count - 1)", .faint)])
    }

    /// Routers that share a distance, which is how several ways look.
    private func furtherRouters(of hop: ReplyPathReport.Hop) -> [Row] {
        guard isVerbose else { return [] }
        return hop.routers.dropFirst().map { address in
            Row(
                distance: hop.distance,
                cells: [.init(""), .init(address.description), .init(""), .init(""), .init("")])
        }
    }
}

extension ReplyPathReport.Hop {
    /// Packets of all kinds.
    fileprivate var sent: Int { requestsSent + repliesSent + datagramsSent }

    /// Whether nothing came back from it.
    fileprivate var isSilent: Bool { requestsAnswered + repliesAnswered + datagramsAnswered == 0 }

    /// All that answered, in order of their first answer to a request or a reply.
    fileprivate var routers: [IPAddress] {
        requestRouters + replyRouters.filter { !requestRouters.contains($0) }
    }
}
