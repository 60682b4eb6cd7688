import NetworkPrimitives
import TunnelHealth

/// A change of a tunnel's state that is recorded.
struct RecordedEvent: Equatable, Sendable {
    var tunnel: String
    var from: TunnelState
    var to: TunnelState
    /// The send time of the probe that decided it.
    var at: MonotonicInstant
    /// The same moment on the wall clock.
    var wall: WallTime
    /// Why, where probes alone do not tell.
    var reason: String?

    /// Like `tunnel cf-1: healthy -> down at 2026-11-23T03:45:00.123Z: why`.
    var text: String {
        let why = reason.map { ": \($0)" } ?? ""
        return "tunnel \(tunnel): \(from.rawValue) -> \(to.rawValue) at \(wall)\(why)"
    }

    /// Whether a change is one to look into later: to worse, and not the way back up from down.
    static func isRecorded(_ transition: HealthStateMachine.Transition) -> Bool {
        switch transition.to {
        case .down: true
        case .degraded: transition.from != .down
        case .healthy, .unknown: false
        }
    }
}
