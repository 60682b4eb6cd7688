import EchoProbing
import History
import NetworkPrimitives
import TunnelHealth

/// Adds up what a tunnel was in a minute of the wall clock, and what became of its probes.
///
/// Time is added up on the monotonic clock; the wall clock only says where a minute ends.
struct MinuteCount: Sendable {
    private var state: TunnelState
    private var states: [TunnelState: Duration] = [:]
    /// Until when time is added up.
    private var until: MonotonicInstant
    private var began: WallTime?
    private var counts: [ProbeRole: Decided] = [:]
    private var ofState = Decided()
    private var outside = Decided()

    private struct Decided: Sendable {
        var received: UInt64 = 0
        var lost: UInt64 = 0

        /// What was added since; all of it where counting began anew.
        func since(_ before: Decided) -> Decided {
            guard received >= before.received, lost >= before.lost else { return self }
            return Decided(received: received - before.received, lost: lost - before.lost)
        }

        mutating func add(_ other: Decided) {
            received += other.received
            lost += other.lost
        }
    }

    /// Begins with a state.
    init(state: TunnelState, at now: MonotonicInstant) {
        self.state = state
        until = now
    }

    /// The state became another at an instant, which may lie before the last report: the sample that
    /// decided it was waited for.
    mutating func note(_ next: TunnelState, at instant: MonotonicInstant) {
        if instant > until {
            states[state, default: .zero] += instant - until
            until = instant
        } else {
            let moved = min(until - instant, states[state] ?? .zero)
            states[state, default: .zero] -= moved
            states[next, default: .zero] += moved
        }
        state = next
    }

    /// Takes a report; gives the minute that it ends.
    mutating func take(
        _ report: TunnelReport, at now: MonotonicInstant, wall: WallTime
    ) -> HistoryMinute? {
        let minute = Self.minute(of: wall)
        let start = began ?? minute
        began = minute
        var row: HistoryMinute?
        if start != minute {
            // What passed before the boundary, at most.
            let after = Duration.nanoseconds(wall.nanoseconds &- minute.nanoseconds)
            advance(to: max(until, now - after))
            row = takeRow(of: report.plan.name, at: start)
        }
        advance(to: now)
        // A handler of the change may come later than a report that knows of it already.
        if state != report.state { state = report.state }
        for probes in report.rows {
            let now = Decided(received: probes.counts.received, lost: probes.counts.lost)
            let added = now.since(counts[probes.role] ?? Decided())
            counts[probes.role] = now
            if probes.role == report.plan.stateRole { ofState.add(added) }
            if probes.role == ProbeRole(.outside, .request) { outside.add(added) }
        }
        return row
    }

    /// The minute under way, which ends now; nil where nothing was added up.
    mutating func end(
        of tunnel: String, at now: MonotonicInstant, wall: WallTime
    ) -> HistoryMinute? {
        guard let start = began else { return nil }
        advance(to: now)
        began = nil
        return takeRow(of: tunnel, at: start)
    }

    private mutating func advance(to now: MonotonicInstant) {
        guard now > until else { return }
        states[state, default: .zero] += now - until
        until = now
    }

    private mutating func takeRow(of tunnel: String, at start: WallTime) -> HistoryMinute {
        func milliseconds(_ state: TunnelState) -> Int {
            Int(clamping: (states[state] ?? .zero).nanoseconds / 1_000_000)
        }
        var row = HistoryMinute(at: start, tunnel: tunnel)
        row.healthy = milliseconds(.healthy)
        row.degraded = milliseconds(.degraded)
        row.down = milliseconds(.down)
        row.unknown = milliseconds(.unknown)
        row.sent = Int(clamping: ofState.received + ofState.lost)
        row.lost = Int(clamping: ofState.lost)
        row.outsideSent = Int(clamping: outside.received + outside.lost)
        row.outsideLost = Int(clamping: outside.lost)
        states = [:]
        (ofState, outside) = (Decided(), Decided())
        return row
    }

    /// The beginning of a time's minute.
    private static func minute(of wall: WallTime) -> WallTime {
        let length: Int64 = 60_000_000_000
        let rest = wall.nanoseconds % length
        return WallTime(nanoseconds: wall.nanoseconds &- (rest < 0 ? rest &+ length : rest))
    }
}
