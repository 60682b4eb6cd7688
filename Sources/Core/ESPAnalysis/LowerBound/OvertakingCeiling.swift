/// How far a packet can have been overtaken, k (algorithms §5).
///
/// k = 2 · (most packets in any δ-window of the last 10 s) + 64. Within δ one sender cannot have
/// emitted more than the stream carries; factor 2 covers 50 % loss. There is no ceiling in the
/// first 10 s, nor for 10 s and δ after packets went uncounted.
///
/// The sliding maximum is a queue of falling counts. It takes counts in batches, of which only
/// those matter that no later one reaches. When it is full the latest two become one with the
/// larger count and the later time, so that k comes out larger then, never smaller.
///
/// *Memory.* 5 KiB.
struct OvertakingCeiling: Sendable {
    private struct Peak {
        /// In nanoseconds since the stream's first packet.
        var time: UInt64 = 0
        var count: Int32 = 0
    }

    private static let span: UInt64 = 10_000_000_000
    private static let batchSize = 64
    private static let queueSize = 256

    private var batch = ContiguousArray(repeating: Peak(), count: batchSize)
    private var batchCount = 0
    private var batchPeak: Int32 = 0
    /// When the batch's first count does not count any more.
    private var batchEnd: UInt64 = .max
    private var queue = ContiguousArray(repeating: Peak(), count: queueSize)
    private var head = 0
    private var queued = 0
    private var queuePeak: Int32 = 0
    /// When the queue's first count does not count any more.
    private var queueEnd: UInt64 = .max
    /// From when there is a ceiling.
    private var knownFrom = span

    /// Takes in a count and returns k; nil is no ceiling.
    ///
    /// `count` packets arrived in the δ up to `elapsed` nanoseconds after the stream's first
    /// packet.
    @inline(__always)
    mutating func update(_ count: Int, at elapsed: UInt64) -> Int? {
        if batchCount == Self.batchSize || elapsed > batchEnd { enqueueBatch() }
        if batchCount == 0 { batchEnd = elapsed &+ Self.span }
        let count = Int32(truncatingIfNeeded: count)
        batch[batchCount] = Peak(time: elapsed, count: count)
        batchCount &+= 1
        batchPeak = max(batchPeak, count)
        if elapsed > queueEnd { forget(before: elapsed &- Self.span) }
        return elapsed >= knownFrom ? 2 &* Int(max(batchPeak, queuePeak)) &+ 64 : nil
    }

    /// Notes that a packet at `elapsed` is missing in the counts of the next `delta`.
    mutating func loseCount(at elapsed: UInt64, delta: UInt64) {
        knownFrom = max(knownFrom, elapsed &+ delta &+ Self.span)
    }

    @inline(never)
    private mutating func enqueueBatch() {
        // What no later count reaches, moved to the end of the batch.
        var first = batchCount
        var highest: Int32 = 0
        for index in (0..<batchCount).reversed() where batch[index].count > highest {
            highest = batch[index].count
            first -= 1
            batch[first] = batch[index]
        }
        let mask = Self.queueSize - 1
        while queued > 0, queue[(head + queued - 1) & mask].count <= highest { queued -= 1 }
        for index in first..<batchCount {
            if queued == Self.queueSize {
                queue[(head + queued - 1) & mask].time = batch[index].time
            } else {
                queue[(head + queued) & mask] = batch[index]
                queued += 1
            }
        }
        batchCount = 0
        batchPeak = 0
        batchEnd = .max
        frontChanged()
    }

    private mutating func forget(before time: UInt64) {
        while queued > 0, queue[head].time < time {
            head = (head + 1) & (Self.queueSize - 1)
            queued -= 1
        }
        frontChanged()
    }

    private mutating func frontChanged() {
        queuePeak = queued > 0 ? queue[head].count : 0
        queueEnd = queued > 0 ? queue[head].time &+ Self.span : .max
    }
}
