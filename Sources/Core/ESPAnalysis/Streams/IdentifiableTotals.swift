/// Sums over senders as counters for metrics: they never fall, and stand still while the senders are
/// not identifiable.
struct IdentifiableTotals: Sendable {
    /// What tells the senders apart; each begins to count anew.
    enum Source: Sendable {
        case single
        case named
        case counters
    }

    private(set) var reordered: UInt64 = 0
    private(set) var lost: UInt64 = 0
    private var source: Source?
    private var latestReordered: UInt64 = 0
    private var latestLost: UInt64 = 0

    /// Takes over figures that are known now.
    mutating func update(_ source: Source, reordered newReordered: UInt64, lost newLost: UInt64) {
        if source == self.source {
            reordered += newReordered > latestReordered ? newReordered - latestReordered : 0
            lost += newLost > latestLost ? newLost - latestLost : 0
        } else {
            // Another view of the same packets: what was counted already is not counted twice.
            reordered = max(reordered, newReordered)
            lost = max(lost, newLost)
        }
        self.source = source
        latestReordered = newReordered
        latestLost = newLost
    }

    /// Takes note of figures that cannot be published: they are not made up for later.
    mutating func standStill(_ source: Source, reordered: UInt64, lost: UInt64) {
        self.source = source
        latestReordered = reordered
        latestLost = lost
    }
}
