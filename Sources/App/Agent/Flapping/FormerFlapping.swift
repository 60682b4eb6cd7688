import Flapping
import History
import NetworkPrimitives
import TunnelHealth

/// What the event store keeps of a tunnel, as far as it bears on why it flaps.
///
/// Coarser than what is seen as it happens: the store knows the minute in which probes of the underlay
/// were lost, and no single probe.
struct FormerFlapping: Sendable {
    /// Before it is told here; from it on by what happens.
    let end: (at: MonotonicInstant, wall: WallTime)
    private let events: [HistoryEvent]
    private let minutes: [HistoryMinute]
    /// How often the path MTU was measured: so long before it was seen, a change may have happened.
    private let sizeInterval: Duration

    /// What minutes may miss of their sixty seconds and be watched throughout.
    private static let minuteSlack = Duration.seconds(2)

    /// Reads what is kept of a tunnel.
    ///
    /// - Parameters:
    ///   - source: what is kept.
    ///   - tunnel: its name.
    ///   - end: the moment that watching it began, on both clocks.
    ///   - sizeInterval: how often its path MTU is measured.
    /// - Throws: what the source does.
    init<Source: HistorySource>(
        from source: Source, of tunnel: String, before end: (at: MonotonicInstant, wall: WallTime),
        sizeInterval: Duration
    ) throws(Source.Failure) {
        let times = end.wall + (.zero - FlapHistory.reach)...end.wall
        self.end = end
        self.sizeInterval = sizeInterval
        events = try source.events(times, of: tunnel)
        minutes = try source.minutes(times, of: tunnel)
    }

    /// Notes all of it.
    func fill(_ history: inout FlapHistory) {
        // Which probes were lost through the tunnel after a rekey is known from now on only.
        history.forgetInsideLosses(before: end.at)
        for span in watched { history.noteWatch(from: span.start, to: span.end) }
        for minute in minutes where minute.outsideLost > 0 {
            let start = instant(of: minute.at)
            history.noteUnderlayLoss(from: start, to: min(start + .seconds(60), end.at))
        }
        for event in events where event.at < end.wall {
            let at = instant(of: event.at)
            switch event.kind {
            case .stateChanged(let change):
                guard let from = TunnelState(rawValue: change.from),
                    let to = TunnelState(rawValue: change.to)
                else { continue }
                history.noteChange(from: .init(from), to: .init(to), at: at)
            case .rekeyed: history.noteRekey(at: at)
            case .routeChanged: history.noteRouteChange(at: at)
            case .pathMTUChanged(let change):
                // The first measurement of an agent is no change.
                guard change.path == ProbePath.outside.rawValue, let from = change.from,
                    let to = change.to, from != to
                else { continue }
                history.noteSizeChange(between: at - sizeInterval, and: at)
            case .agentStarted, .agentStopped, .findingRaised, .findingCleared, .replyPathChanged,
                .configurationLoaded, .captureSaved, .other:
                continue
            }
        }
    }

    /// The times in which the tunnel was watched; minutes that follow each other are one.
    private var watched: [(start: MonotonicInstant, end: MonotonicInstant)] {
        var spans: [(start: MonotonicInstant, end: MonotonicInstant)] = []
        for minute in minutes {
            let watched = Duration.milliseconds(
                minute.healthy + minute.degraded + minute.down + minute.unknown)
            guard watched > .zero else { continue }
            let start = instant(of: minute.at)
            let isWhole = watched + Self.minuteSlack >= .seconds(60)
            let until = min(start + (isWhole ? .seconds(60) : watched), end.at)
            if let last = spans.last, start - last.end <= Self.minuteSlack {
                spans[spans.count - 1].end = max(last.end, until)
            } else if until > start {
                spans.append((start, until))
            }
        }
        return spans
    }

    private func instant(of wall: WallTime) -> MonotonicInstant {
        end.at + .nanoseconds(wall.nanoseconds - end.wall.nanoseconds)
    }
}
