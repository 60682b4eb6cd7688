/// The heights of conflict chains over one span of a stream (algorithms §5).
///
/// Of the packets with a chain of at least h, level h keeps the largest number: once among those
/// old enough to conflict with everything above them (`matured`), once among all. Both fall or stay
/// with h, so the longest chain that a packet can extend is found by binary search.
///
/// A level may know less than there was; then heights come out smaller, never larger.
///
/// *Memory.* 8 octets a level rounded up to a power of two, 512 KiB at `limit`.
struct ConflictLevels: Sendable {
    /// No chain is told longer than this.
    static let limit = Int(UInt16.max)

    private struct Level {
        var matured: UInt32 = 0
        var all: UInt32 = 0
    }

    /// One less than a power of two of them, so that a search needs no check of its end.
    ///
    /// Numbers begin at 1, so a level without packets, 0, is never reached.
    private var levels = ContiguousArray(repeating: Level(), count: 7)
    /// The longest chain.
    private(set) var bound = 0

    /// The length of the longest chain that a packet with `sequence` could extend.
    ///
    /// Packets above `ceiling` conflict however young they are. Chains of equal numbers among
    /// packets that have not matured are left out.
    @inline(__always)
    func longestChain(above sequence: UInt32, ceiling: UInt32) -> Int {
        // Most packets of a stream with few senders are above all that matured.
        guard levels[0].matured >= sequence || levels[0].all > ceiling else { return 0 }
        let levels = levels.span
        var step = (levels.count + 1) >> 1
        var matured = 0
        var all = 0
        while step > 0 {
            matured &+= levels[matured &+ step &- 1].matured >= sequence ? step : 0
            all &+= levels[all &+ step &- 1].all > ceiling ? step : 0
            step >>= 1
        }
        return max(matured, all)
    }

    /// Notes a packet at the end of a chain of `height`.
    @inline(__always)
    mutating func add(_ sequence: UInt32, height: Int) {
        if height > bound {
            bound = height
            if height > levels.count { grow() }
        }
        if levels[height - 1].all < sequence { levels[height - 1].all = sequence }
    }

    /// Notes that a packet noted before is older now than any overtaking takes.
    @inline(__always)
    mutating func mature(_ sequence: UInt32, height: Int) {
        guard levels[height - 1].matured < sequence else { return }
        // The packet that this one conflicts with was older and matured before, unless it had no
        // place among the pending ones. Then this one counts as the end of a shorter chain, which
        // it also is.
        guard height == 1 || levels[height - 2].matured >= sequence else {
            let lower = longestChain(above: sequence, ceiling: .max)
            levels[lower].matured = sequence
            return
        }
        levels[height - 1].matured = sequence
    }

    /// Forgets everything but the room.
    mutating func removeAll() {
        for index in 0..<min(bound, levels.count) { levels[index] = Level() }
        bound = 0
    }

    private mutating func grow() {
        levels.append(contentsOf: repeatElement(Level(), count: levels.count + 1))
    }
}
