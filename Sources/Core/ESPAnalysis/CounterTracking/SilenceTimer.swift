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

    /// Whether a track that moved must be put under the clock, or sooner than it was.
    ///
    /// Later is found out when the wheel comes by; sooner happens after a change of rate.
    @inline(__always)
    static func needsArming(_ track: CounterTrack) -> Bool {
        guard track.timerSlot != CounterTrack.none else { return true }
        let left = Double(track.timerDue &- track.advanced)
        return left > 2e6 && 4e9 * Double(track.elapsed) < left * Double(track.counted)
    }

    /// Puts a track under the clock when it is due by its present rate.
    @inline(never)
    mutating func arm(_ slot: Int, _ tracks: inout ContiguousArray<CounterTrack>) {
        disarm(slot, &tracks)
        if let due = tracks[slot].overdueAt { place(slot, due, &tracks) }
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
            // One whole turn ahead, or more: it stays where it is.
            if tracks[track].timerDue > now { continue }
            let due = tracks[track].overdueAt ?? .max
            disarm(track, &tracks)
            if due <= now {
                index.markOverdue(track, &tracks)
            } else {
                place(track, due, &tracks)
            }
        }
    }

    private mutating func place(
        _ slot: Int, _ due: Int64, _ tracks: inout ContiguousArray<CounterTrack>
    ) {
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
