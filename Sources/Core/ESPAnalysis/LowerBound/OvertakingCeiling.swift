/// How far a packet can have been overtaken, k (algorithms §5).
///
/// k = 2 · (most packets in any δ-window of the last 10 s) + 64. Within δ one sender cannot have
/// emitted more than the stream carries; factor 2 covers 50 % loss. There is no ceiling in the
/// first 10 s, nor for 10 s and δ after packets went uncounted.
///
/// The maximum is kept for every slice of 40 ms, so a peak counts for up to 40 ms longer than 10 s:
/// k comes out larger then, never smaller.
///
/// *Memory.* 1 KiB.
struct OvertakingCeiling: Sendable {
    private static let span: UInt64 = 10_000_000_000
    private static let sliceLength: UInt64 = 40_000_000
    /// The slices that the last 10 s can touch.
    private static let sliceCount: UInt64 = 251

    /// The largest count of each of the latest slices, at the slice's number modulo theirs.
    private var peaks = ContiguousArray<Int32>(repeating: 0, count: Int(sliceCount))
    private var slice: UInt64 = 0
    private var sliceEnd = sliceLength
    /// The largest count of the slice in progress.
    private var peak: Int32 = 0
    /// The largest count of all slices before it.
    private var earlierPeak: Int32 = 0
    /// From when there is a ceiling.
    private var knownFrom = span

    /// Takes in that `count` packets arrived in the δ up to `elapsed` nanoseconds after the
    /// stream's first packet, and returns k; nil is no ceiling.
    @inline(__always)
    mutating func update(_ count: Int, at elapsed: UInt64) -> Int? {
        if elapsed >= sliceEnd { beginSlice(at: elapsed) }
        peak = max(peak, Int32(truncatingIfNeeded: count))
        return elapsed >= knownFrom ? 2 * Int(max(peak, earlierPeak)) + 64 : nil
    }

    /// Notes that a packet at `elapsed` is missing in the counts of the next `delta`.
    mutating func loseCount(at elapsed: UInt64, delta: UInt64) {
        knownFrom = max(knownFrom, elapsed &+ delta &+ Self.span)
    }

    @inline(never)
    private mutating func beginSlice(at elapsed: UInt64) {
        peaks[Int(slice % Self.sliceCount)] = peak
        earlierPeak = max(earlierPeak, peak)
        peak = 0
        let next = elapsed / Self.sliceLength
        var highestForgotten: Int32 = 0
        for step in 0..<min(next - slice, Self.sliceCount) {
            let place = Int((next - step) % Self.sliceCount)
            highestForgotten = max(highestForgotten, peaks[place])
            peaks[place] = 0
        }
        if highestForgotten == earlierPeak { earlierPeak = peaks.reduce(0, max) }
        slice = next
        sliceEnd = (next + 1) &* Self.sliceLength
    }
}
