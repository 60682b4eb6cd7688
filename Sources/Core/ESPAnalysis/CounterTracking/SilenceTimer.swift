/// Finds the tracks that have been silent for four of their mean gaps.
///
/// A wheel of 1 024 slots of about a millisecond, each a list of tracks. It is lazy: a step of a
/// track does not touch the wheel. When the wheel reaches a track, it asks whether the track has
/// moved since, and if so puts it where it is due now, so that a track costs at most one visit for
/// each packet it sent and one for each turn of the wheel. A heap would do the same at a cost that
/// grows with the number of tracks, and leaves an entry behind for each step.
struct SilenceTimer: Sendable {
    private static let slotCount = 1024
    private static let shift: Int64 = 20

    private var heads = ContiguousArray(repeating: CounterTrack.none, count: slotCount)
    /// The tick up to which the wheel has turned.
    private var tick: Int64?
    /// When the wheel turns next, in nanoseconds.
    private(set) var nextTurn = Int64.min

    var stateBytes: Int { heads.capacity * 2 }

    /// Puts a track under the clock, or sooner than it was.
    @inline(__always)
    mutating func arm(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        if tracks[slot].timerSlot != CounterTrack.none {
            // Later is found out when the wheel comes by. Sooner happens after a change of rate.
            let left = Double(tracks[slot].timerDue &- tracks[slot].advanced)
            if 4e9 * Double(tracks[slot].elapsed) >= left * Double(tracks[slot].counted)
                || left <= 2e6
            {
                return
            }
            disarm(slot, &tracks)
        }
        place(slot, &tracks)
    }

    /// Takes a track off the wheel.
    mutating func disarm(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        let at = tracks[slot].timerSlot
        guard at != CounterTrack.none else { return }
        let next = tracks[slot].timerNext
        let previous = tracks[slot].timerPrevious
        if previous == CounterTrack.none {
            heads[Int(at)] = next
        } else {
            tracks[Int(previous)].timerNext = next
        }
        if next != CounterTrack.none { tracks[Int(next)].timerPrevious = previous }
        tracks[slot].timerSlot = CounterTrack.none
    }

    /// Turns the wheel to `now` and marks in `index` the tracks it finds silent.
    mutating func turn(
        to now: Int64, _ index: inout NextNumberIndex,
        _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        let target = now >> Self.shift
        let from = tick ?? target
        tick = target
        nextTurn = target >= Int64.max >> Self.shift ? .max : (target + 1) << Self.shift
        // After a long silence one whole turn sees every track.
        let steps = min(target &- from, Int64(Self.slotCount))
        guard steps > 0 else { return }
        for step in 0..<steps {
            let at = Int((target &- step) & Int64(Self.slotCount - 1))
            visit(at, now, &index, &tracks)
        }
    }

    private mutating func visit(
        _ at: Int, _ now: Int64, _ index: inout NextNumberIndex,
        _ tracks: inout ContiguousArray<CounterTrack>
    ) {
        var slot = heads[at]
        while slot != CounterTrack.none {
            let track = Int(slot)
            slot = tracks[track].timerNext
            let due = tracks[track].overdueAt ?? .max
            if due <= now {
                disarm(track, &tracks)
                index.markOverdue(track, &tracks)
            } else if tracks[track].timerDue <= now || tracks[track].timerDue > due {
                disarm(track, &tracks)
                place(track, &tracks)
            }
        }
    }

    private mutating func place(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        guard let due = tracks[slot].overdueAt else { return }
        tracks[slot].timerDue = due
        // The slot of a due time that lies within the present tick is visited next time round.
        let dueTick = max((due >> Self.shift) &+ 1, (tick ?? 0) &+ 1)
        let at = Int(dueTick & Int64(Self.slotCount - 1))
        let head = heads[at]
        tracks[slot].timerSlot = UInt16(at)
        tracks[slot].timerNext = head
        tracks[slot].timerPrevious = CounterTrack.none
        if head != CounterTrack.none {
            tracks[Int(head)].timerPrevious = UInt16(truncatingIfNeeded: slot)
        }
        heads[at] = UInt16(truncatingIfNeeded: slot)
    }
}
