/// The last looks at one path, as a row of cells, the newest on the right.
struct WatchStrip: Equatable, Sendable {
    /// What was seen between two looks.
    enum Cell: Equatable, Sendable {
        /// No probe was decided.
        case nothing
        /// All were answered, in this mean time; nil where it is not known.
        case answered(seconds: Double?)
        /// Some were lost.
        case some(lost: UInt64, of: UInt64)
        /// All were lost.
        case lost
    }

    /// The counters of a path as a status has them, since the agent's start.
    struct Totals: Equatable, Sendable {
        var received: UInt64
        var lost: UInt64
        /// Mean of all round trips in seconds; nil before the first.
        var meanSeconds: Double?
    }

    /// The most cells that are kept: a wide terminal.
    static let capacity = 512

    private(set) var cells: [Cell] = []
    private var latest: Totals?
    private(set) var received: UInt64 = 0
    private(set) var lost: UInt64 = 0

    /// Takes the totals of a look; the first one is what the others are counted from.
    mutating func take(_ totals: Totals) {
        defer { latest = totals }
        guard let before = latest else { return }
        // An agent that was started anew counts from 0.
        guard totals.received >= before.received, totals.lost >= before.lost else { return }
        let answered = totals.received - before.received
        let missed = totals.lost - before.lost
        received += answered
        lost += missed
        append(cell(answered, missed, before, totals))
    }

    private func cell(
        _ answered: UInt64, _ missed: UInt64, _ before: Totals, _ now: Totals
    ) -> Cell {
        switch (answered, missed) {
        case (0, 0): return .nothing
        case (0, _): return .lost
        case (_, 0):
            guard let mean = now.meanSeconds else { return .answered(seconds: nil) }
            let sum = mean * Double(now.received)
            let former = (before.meanSeconds ?? 0) * Double(before.received)
            return .answered(seconds: max(0, (sum - former) / Double(answered)))
        default: return .some(lost: missed, of: answered + missed)
        }
    }

    private mutating func append(_ cell: Cell) {
        if cells.count == Self.capacity { cells.removeFirst() }
        cells.append(cell)
    }

    /// The share of probes lost since the first look; nil of none.
    var lossRatio: Double? {
        received + lost == 0 ? nil : Double(lost) / Double(received + lost)
    }

    /// The mean time of the last look that had one, in seconds.
    var lastSeconds: Double? {
        for cell in cells.reversed() {
            if case .answered(let seconds?) = cell { return seconds }
        }
        return nil
    }

    /// The newest cells that fit, painted.
    ///
    /// - Parameters:
    ///   - width: columns.
    ///   - hasBlocks: whether heights can be shown.
    /// - Returns: as many pieces of text as it takes.
    func parts(width: Int, hasBlocks: Bool) -> [(text: String, style: TextStyle)] {
        let shown = cells.suffix(max(width, 0))
        let times = shown.compactMap { cell -> Double? in
            if case .answered(let seconds) = cell { seconds } else { nil }
        }
        // A steady path is a steady line at half the height, and what is slow stands out.
        let median = times.sorted()[safely: times.count / 2] ?? 0
        let top = max(times.max() ?? 0, median * 2, 1e-6)
        var row = TextTable.Cell(parts: [])
        for cell in shown {
            switch cell {
            case .nothing: row.append(" ", .plain)
            case .answered(let seconds):
                row.append(
                    hasBlocks ? Self.block(seconds.map { $0 / top } ?? 0) : ".",
                    .good)
            case .some: row.append(hasBlocks ? "▒" : ":", .doubtful)
            case .lost: row.append(hasBlocks ? "✕" : "x", .bad)
            }
        }
        return row.parts
    }

    private static func block(_ share: Double) -> String {
        let blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        return blocks[min(blocks.count - 1, max(0, Int(share * Double(blocks.count) - 0.5)))]
    }
}

extension [Double] {
    /// An element; nil where there is none.
    fileprivate subscript(safely index: Int) -> Double? {
        indices.contains(index) ? self[index] : nil
    }
}
