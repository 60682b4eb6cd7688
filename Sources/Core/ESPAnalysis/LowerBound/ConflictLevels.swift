/// The heights of conflict chains, in the life of a stream and in its present window (algorithms
/// §5).
///
/// Of the packets with a chain of at least h, level h keeps the largest number: once among those
/// old enough to conflict with everything above them (`matured`), once among all. Both fall or stay
/// with h, so the longest chain that a packet can extend is found by binary search.
///
/// A level may know less than there was; then heights come out smaller, never larger.
///
/// *Memory.* 16 octets a level rounded up to a power of two, 1 MiB at `limit`.
struct ConflictLevels: Sendable {
    /// No chain is told longer than this.
    static let limit = Int(UInt16.max)

    private struct Level {
        var lifeMatured: UInt32 = 0
        var lifeAll: UInt32 = 0
        var windowMatured: UInt32 = 0
        var windowAll: UInt32 = 0

        /// Whether some packet of the level conflicts with a new one, apart from equal numbers.
        @inline(__always)
        func conflictsInLife(_ sequence: UInt32, _ ceiling: UInt32) -> Bool {
            lifeMatured >= sequence || lifeAll > ceiling
        }

        @inline(__always)
        func conflictsInWindow(_ sequence: UInt32, _ ceiling: UInt32) -> Bool {
            windowMatured >= sequence || windowAll > ceiling
        }
    }

    /// The length of a chain in both spans.
    struct Heights {
        var life: Int
        var window: Int
    }

    /// One less than a power of two of them, so that a search needs no check of its end.
    ///
    /// Numbers begin at 1, so a level without packets, 0, is never reached.
    private var levels = ContiguousArray(repeating: Level(), count: 7)
    /// The longest chain in the life of the stream.
    private(set) var bound = 0
    /// The longest chain in the present window.
    private(set) var windowBound = 0

    /// The length of the longest chains that a packet with `sequence` could extend.
    ///
    /// Packets above `ceiling` conflict however young they are. Chains of equal numbers among
    /// packets that have not matured are left out. `guess` is what is likely: the chains that the
    /// number before could extend.
    @inline(__always)
    func longestChains(above sequence: UInt32, ceiling: UInt32, guess: Heights) -> Heights {
        let levels = levels.span
        guard guess.life < levels.count,
            !levels[guess.life].conflictsInLife(sequence, ceiling),
            !levels[guess.window].conflictsInWindow(sequence, ceiling),
            guess.life == 0 || levels[guess.life &- 1].conflictsInLife(sequence, ceiling),
            guess.window == 0 || levels[guess.window &- 1].conflictsInWindow(sequence, ceiling)
        else { return search(levels, sequence, ceiling) }
        return guess
    }

    @inline(never)
    private func search(
        _ levels: Span<Level>, _ sequence: UInt32, _ ceiling: UInt32
    ) -> Heights {
        let top = levels[0]
        // Nearly all packets of a stream with one sender are above all others.
        guard top.lifeMatured >= sequence || top.lifeAll > ceiling else {
            return Heights(life: 0, window: 0)
        }
        var chains = (0, 0, 0, 0)
        // All four searches at once, and by arithmetic: what a search finds is as good as random,
        // so every branch would be guessed wrong half of the time.
        var digit = (levels.count &+ 1).trailingZeroBitCount
        while digit > 0 {
            digit &-= 1
            let below = (1 &<< digit) &- 1
            let first = levels[chains.0 | below].lifeMatured
            let second = levels[chains.1 | below].lifeAll
            let third = levels[chains.2 | below].windowMatured
            let fourth = levels[chains.3 | below].windowAll
            chains.0 |= Self.bit(first >= sequence) &<< digit
            chains.1 |= Self.bit(second > ceiling) &<< digit
            chains.2 |= Self.bit(third >= sequence) &<< digit
            chains.3 |= Self.bit(fourth > ceiling) &<< digit
        }
        return Heights(life: max(chains.0, chains.1), window: max(chains.2, chains.3))
    }

    @inline(__always)
    private static func bit(_ condition: Bool) -> Int { condition ? 1 : 0 }

    /// Notes a packet at the end of chains of `heights`.
    @inline(__always)
    mutating func add(_ sequence: UInt32, _ heights: Heights) {
        if heights.life > bound {
            bound = heights.life
            if bound > levels.count { grow() }
        }
        windowBound = max(windowBound, heights.window)
        var levels = levels.mutableSpan
        let (life, window) = (heights.life - 1, heights.window - 1)
        levels[life].lifeAll = max(levels[life].lifeAll, sequence)
        levels[window].windowAll = max(levels[window].windowAll, sequence)
    }

    /// Notes that a packet noted before is older now than any overtaking takes; `heights.window` is
    /// 0 if it came before the present window.
    @inline(__always)
    mutating func mature(_ sequence: UInt32, _ heights: Heights) {
        var levels = levels.mutableSpan
        let life = heights.life - 1
        if levels[life].lifeMatured < sequence {
            if life == 0 || levels[life - 1].lifeMatured >= sequence {
                levels[life].lifeMatured = sequence
            } else {
                Self.matureLower(sequence, &levels, \.lifeMatured)
            }
        }
        let window = heights.window - 1
        if window >= 0, levels[window].windowMatured < sequence {
            if window == 0 || levels[window - 1].windowMatured >= sequence {
                levels[window].windowMatured = sequence
            } else {
                Self.matureLower(sequence, &levels, \.windowMatured)
            }
        }
    }

    /// Notes a packet as the end of the longest chain that is known to have matured.
    ///
    /// The packet that it conflicts with was older and matured before, unless it had no place among
    /// the pending ones. The end of a long chain is that of a shorter one, too.
    @inline(never)
    private static func matureLower(
        _ sequence: UInt32, _ levels: inout MutableSpan<Level>,
        _ column: WritableKeyPath<Level, UInt32>
    ) {
        var step = (levels.count + 1) >> 1
        var height = 0
        while step > 0 {
            if levels[height + step - 1][keyPath: column] >= sequence { height += step }
            step >>= 1
        }
        levels[height][keyPath: column] = sequence
    }

    /// Begins the next window.
    mutating func beginWindow() {
        for index in 0..<windowBound {
            levels[index].windowMatured = 0
            levels[index].windowAll = 0
        }
        windowBound = 0
    }

    private mutating func grow() {
        levels.append(contentsOf: repeatElement(Level(), count: levels.count + 1))
    }
}
