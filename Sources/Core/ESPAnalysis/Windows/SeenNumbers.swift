/// Which of the latest numbers have been seen: a ring of bits that forgets in no time.
///
/// A bit of the summary says whether a word of the ring means anything, so to forget a range of
/// numbers is to clear their summary: 64 bits of it stand for 4 096 numbers. However far the
/// highest number jumps, at most `span` / 4 096 words are written (256 for 2²⁰).
///
/// *Memory.* `span` / 8 octets and 1/64 of that.
struct SeenNumbers: Sendable {
    /// For how many numbers there is room.
    let span: Int
    private let ringStart: Int
    private let mask: UInt64
    /// The summary, then the ring: one array, which asks once whether it is uniquely referenced.
    private var memory: ContiguousArray<UInt64>

    /// - Parameter reach: How many numbers to remember; room is made for a power of two, at least 4 096.
    init(reach: Int) {
        var span = 4096
        while span < reach { span *= 2 }
        self.span = span
        ringStart = span / 4096
        mask = UInt64(span - 1)
        memory = ContiguousArray(repeating: 0, count: span / 4096 + span / 64)
        memory[0] = 1
    }

    /// Notes a number of the latest `span`, and returns whether it is new.
    @inline(__always)
    mutating func insert(_ number: UInt64) -> Bool {
        let ringStart = ringStart
        let word = Int(truncatingIfNeeded: number & mask) >> 6
        var memory = memory.mutableSpan
        let bit: UInt64 = 1 << (number & 63)
        let summaryBit: UInt64 = 1 << UInt64(truncatingIfNeeded: word & 63)
        let summary = memory[word >> 6]
        let known = summary & summaryBit != 0 ? memory[ringStart + word] : 0
        guard known & bit == 0 else { return false }
        memory[ringStart + word] = known | bit
        memory[word >> 6] = summary | summaryBit
        return true
    }

    /// Notes `new`, higher than all before, and forgets what is `span` below the numbers after
    /// `old`.
    ///
    /// `old` was the highest, noted, or 0 of nothing.
    @inline(__always)
    mutating func advance(from old: UInt64, to new: UInt64) {
        guard old >> 6 == new >> 6 else { return advanceFar(from: old, to: new) }
        let word = ringStart &+ Int(truncatingIfNeeded: new & mask) >> 6
        memory[word] = memory[word] & ~(Self.upTo(new) & ~Self.upTo(old)) | 1 << (new & 63)
    }

    private mutating func advanceFar(from old: UInt64, to new: UInt64) {
        if new &- old <= mask {
            let words = span / 64
            let oldWord = Int(truncatingIfNeeded: old & mask) >> 6
            let newWord = Int(truncatingIfNeeded: new & mask) >> 6
            memory[ringStart + oldWord] &= Self.upTo(old)
            memory[ringStart + newWord] &= ~Self.upTo(new)
            let between = Int(truncatingIfNeeded: (new >> 6) &- (old >> 6)) - 1
            let first = (oldWord + 1) & (words - 1)
            let beforeEnd = min(between, words - first)
            forgetWords(first..<first + beforeEnd)
            forgetWords(0..<between - beforeEnd)
        } else {
            removeAll()
        }
        _ = insert(new)
    }

    /// Forgets everything.
    mutating func removeAll() {
        for index in 0..<ringStart { memory[index] = 0 }
        // The word of number 0, which stands for the highest of nothing.
        memory[ringStart] = 0
        memory[0] = 1
    }

    private mutating func forgetWords(_ words: Range<Int>) {
        guard !words.isEmpty else { return }
        var memory = memory.mutableSpan
        let first = words.lowerBound >> 6
        let last = (words.upperBound - 1) >> 6
        let fromFirst = ~UInt64(0) << UInt64(words.lowerBound & 63)
        let upToLast = Self.upTo(UInt64(words.upperBound - 1))
        guard first < last else {
            memory[first] &= ~(fromFirst & upToLast)
            return
        }
        memory[first] &= ~fromFirst
        for index in first + 1..<last { memory[index] = 0 }
        memory[last] &= ~upToLast
    }

    /// The bits of a word up to that of `number`.
    @inline(__always)
    private static func upTo(_ number: UInt64) -> UInt64 { ~0 >> (63 - number & 63) }
}
