/// How far a packet can have been overtaken, k (algorithms §5).
///
/// k = 2 · (most packets in any δ-window of the last 10 s) + 64. Within δ one sender cannot have
/// emitted more than the stream carries; factor 2 covers 50 % loss. There is no ceiling in the
/// first 10 s, nor for 10 s and δ after packets went uncounted.
///
/// *Memory.* 4 KiB. The sliding maximum is a queue of falling counts; when it is full the two
/// latest become one with the larger count and the later time, which makes k larger, never smaller.
struct OvertakingCeiling: Sendable {
    private struct Peak {
        var time: Int64
        var count: Int
    }

    private static let span: Int64 = 10_000_000_000
    private static let capacity = 256

    private var peaks = ContiguousArray(repeating: Peak(time: 0, count: 0), count: capacity)
    private var head = 0
    private var length = 0
    /// When there is a ceiling at last; nil before the first packet.
    private var knownFrom: Int64?

    /// Takes in that `count` packets arrived in the δ up to `time`, and returns k; nil is no
    /// ceiling.
    @inline(__always)
    mutating func update(_ count: Int, at time: Int64) -> Int? {
        let mask = Self.capacity - 1
        var newest = Peak(time: time, count: count)
        while length > 0, peaks[(head + length - 1) & mask].count <= count { length -= 1 }
        if length == Self.capacity {
            length -= 1
            newest.count = peaks[(head + length) & mask].count
        }
        peaks[(head + length) & mask] = newest
        length += 1
        while peaks[head].time < time &- Self.span {
            head = (head + 1) & mask
            length -= 1
        }
        guard let knownFrom else {
            knownFrom = time &+ Self.span
            return nil
        }
        return time >= knownFrom ? 2 * peaks[head].count + 64 : nil
    }

    /// Notes that a packet at `time` is missing in the counts of the next `delta`.
    mutating func loseCount(at time: Int64, delta: Int64) {
        knownFrom = max(knownFrom ?? .min, time &+ delta &+ Self.span)
    }
}
