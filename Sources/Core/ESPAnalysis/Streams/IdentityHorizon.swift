/// From which sequence number on a repeated number is certainly no copy (algorithms §1).
///
/// The identity table forgets. A packet with a number seen before that the table does not know is
/// either different or a copy from long ago, and only the first is proof of a second sender. Numbers
/// above the highest of a while ago were all seen since, so the table still knew their packets.
struct IdentityHorizon: Sendable {
    private static let marks = 16

    /// The stream's highest number at every sixteenth of the reach.
    private var ring: ContiguousArray<UInt32> = []
    private var next = 0
    private var nextMark: UInt64 = 0
    private var horizon: UInt32 = 0

    /// Notes a packet that is no copy.
    ///
    /// - Parameters:
    ///   - highest: The stream's highest number after it.
    ///   - ordinal: How many there have been.
    ///   - reach: After how many packets of the stream the table may begin to forget.
    @inline(__always)
    mutating func note(highest: UInt32, ordinal: UInt64, reach: Int) {
        if ordinal >= nextMark { mark(highest, ordinal, reach) }
    }

    @inline(never)
    private mutating func mark(_ highest: UInt32, _ ordinal: UInt64, _ reach: Int) {
        nextMark = ordinal + UInt64(max(1, reach / Self.marks))
        guard ring.count == Self.marks else {
            ring.append(highest)
            return
        }
        horizon = ring[next]
        ring[next] = highest
        next = next + 1 == Self.marks ? 0 : next + 1
    }

    /// Whether the first packet with this number came within the reach.
    func isCertain(_ sequence: UInt32) -> Bool { sequence > horizon }
}
