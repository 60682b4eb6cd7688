/// From which sequence number on a repeated number is certainly no copy (algorithms §1).
///
/// The identity table forgets. A packet with a number seen before that the table does not know is
/// either different or a copy from long ago, and only the first is proof of a second sender. Numbers
/// above the highest of a while ago were all seen since, so the table still knew their packets.
///
/// A while is counted in packets of the whole table, which other streams fill as well.
struct IdentityHorizon: Sendable {
    private static let marks = 16

    /// The stream's highest number at some time, and how many packets the table had taken in then.
    private struct Mark {
        var highest: UInt32 = 0
        var taken: UInt64 = 0
    }

    /// The latest marks at least a sixteenth of the reach apart, from `first` on in their order.
    ///
    /// The very first is that of nothing: no number was seen before.
    private var ring = InlineArray<16, Mark>(repeating: Mark())
    private var first = 0
    private var count = 0
    private var nextMark: UInt64 = 0
    private var latest = Mark()

    /// Notes a packet that is no copy.
    ///
    /// - Parameters:
    ///   - highest: The stream's highest number after it.
    ///   - taken: How many packets the table has taken in, this one included.
    ///   - reach: After how many it may begin to forget.
    @inline(__always)
    mutating func note(highest: UInt32, taken: UInt64, reach: Int) {
        if taken >= nextMark { mark(taken, reach) }
        latest = Mark(highest: highest, taken: taken)
    }

    /// Marks where the stream stood before the present packet.
    @inline(never)
    private mutating func mark(_ taken: UInt64, _ reach: Int) {
        nextMark = taken + UInt64(max(1, reach / Self.marks))
        if count == Self.marks {
            first = (first + 1) % Self.marks
            count -= 1
        }
        ring[(first + count) % Self.marks] = Mark(highest: latest.highest, taken: taken - 1)
        count += 1
        while count > 0, taken - ring[first].taken > UInt64(reach) {
            first = (first + 1) % Self.marks
            count -= 1
        }
    }

    /// Whether the first packet with this number came within the reach.
    func isCertain(_ sequence: UInt32) -> Bool { count > 0 && sequence > ring[first].highest }
}
