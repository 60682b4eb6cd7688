import NetworkPrimitives

/// Makes instants that never run backwards out of a file's stamps, which may.
///
/// Stamps of several queues, interfaces or joined files are not in order. An earlier one is taken as
/// simultaneous with its predecessor, and counted. Where all of `patience` packets in a row are
/// earlier by more than a second, the clock was set back or another file begins: time goes on from
/// there.
struct CaptureClock: Sendable {
    /// Stamps that lie before an earlier packet's.
    private(set) var backward = BackwardStamps()
    /// Packets without a stamp; they are taken as simultaneous with their predecessors.
    private(set) var unstampedPackets: UInt64 = 0
    /// The earliest stamp.
    private(set) var first: WallTime?
    /// The latest stamp.
    private(set) var last: WallTime?
    /// The instant of the latest packet.
    private(set) var now = MonotonicInstant.zero

    /// Where the relation of both clocks changes: what to add to later instants, in nanoseconds.
    private var anchors: [(instant: MonotonicInstant, offset: Int64)] = []
    /// The offset in force, the last of `anchors`.
    private var offset: Int64 = 0
    private var setBackPackets = 0

    private static let patience = 64
    private static let tolerance = Duration.seconds(1)
    private static let anchorLimit = 256

    /// The instant of a packet; never before that of its predecessor.
    @inline(__always)
    mutating func instant(of stamp: WallTime?) -> MonotonicInstant {
        if let stamp, let last {
            let (nanoseconds, overflow) = stamp.nanoseconds.subtractingReportingOverflow(offset)
            if !overflow, nanoseconds >= now.nanoseconds {
                if stamp > last { self.last = stamp }
                now = MonotonicInstant(nanoseconds: nanoseconds)
                setBackPackets = 0
                return now
            }
        }
        return unusual(stamp)
    }

    @inline(never)
    private mutating func unusual(_ stamp: WallTime?) -> MonotonicInstant {
        guard let stamp else {
            unstampedPackets += 1
            return now
        }
        guard let first else {
            first = stamp
            last = stamp
            anchor(stamp)
            return now
        }
        self.first = min(first, stamp)
        let (nanoseconds, overflow) = stamp.nanoseconds.subtractingReportingOverflow(offset)
        let instant = MonotonicInstant(
            nanoseconds: overflow ? (offset > 0 ? .min : .max) : nanoseconds)
        guard instant < now else {
            // Farther ahead than instants reach.
            last = stamp
            now = instant
            return now
        }
        backward.packets += 1
        let back = now - instant
        if back > backward.largest { backward.largest = back }
        setBackPackets = back > Self.tolerance ? setBackPackets + 1 : 0
        if setBackPackets >= Self.patience { anchor(stamp) }
        return now
    }

    /// From now on `stamp` is now.
    private mutating func anchor(_ stamp: WallTime) {
        setBackPackets = 0
        let (difference, overflow) = stamp.nanoseconds.subtractingReportingOverflow(now.nanoseconds)
        guard !overflow, anchors.count < Self.anchorLimit else { return }
        offset = difference
        anchors.append((now, offset))
    }

    /// An instant on the file's clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime {
        let offset = anchors.last { $0.instant <= instant }?.offset ?? offset
        return WallTime(nanoseconds: offset) + .nanoseconds(instant.nanoseconds)
    }
}

/// Stamps that lie before those of earlier packets.
struct BackwardStamps: Equatable, Sendable {
    /// Packets with one.
    var packets: UInt64 = 0
    /// The longest way back.
    var largest: Duration = .zero
}
