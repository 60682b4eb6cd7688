import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath
import RawSockets
import Synchronization

/// What is to be measured of one path, and how its packets leave.
struct PathRoundOrder: Sendable {
    /// A search for the largest packet.
    struct Search: Sendable {
        var target: IPAddress
        var settings: PathMTUSearch.Settings
    }

    /// A ladder of hop-limited packets.
    struct Ladder: Sendable {
        var target: IPAddress
        /// Its source is filled in when a socket has one.
        var settings: @Sendable (_ source: IPAddress, _ seesLeaving: Bool) -> ReplyLadder.Settings
    }

    var path: ProbePath
    /// Source, device, mark, namespace and code point; the targets are the search's and the ladder's.
    var route: ProbeRoute
    /// The search; nil for none.
    var search: Search?
    /// The ladder; nil for none.
    var ladder: Ladder?
    /// The device that is captured for answers, and why there is none to capture.
    var captureDevice: Reading<String>
    /// Whether the packets themselves are to be seen on that device as they leave.
    var leavesByCaptureDevice: Bool
    /// The tunnel whose hops the pacer counts; nil for the shared underlay.
    var pacedTunnel: String?
    /// When it ends at the latest.
    var end: MonotonicInstant
}

/// What a round found.
struct PathRoundOutcome: Sendable {
    /// The search's report; nil when there was none.
    var mtu: PathMTUReport?
    /// The ladder's report; nil when there was none.
    var replies: ReplyPathReport?
    /// Why answers were not captured, so that a firewall of this host may have hidden some; nil when
    /// they were.
    var captureReason: String?
    /// ICMP messages that were not used.
    var refused = PathProbeTable.Refused()
    /// Whether it was called off before its end.
    var isCancelled = false

    /// A round that could not be.
    static func impossible(_ order: PathRoundOrder, because reason: String) -> PathRoundOutcome {
        PathRoundOutcome(
            mtu: order.search.map { _ in PathMTUReport(unknown: reason) },
            replies: order.ladder.map { _ in ReplyPathReport(inconclusive: reason) })
    }
}

/// What others tell a round while it runs.
final class PathRoundControl: Sendable {
    private struct State {
        var isCancelled = false
        var pairs: [UInt8: PairObservations] = [:]
        var waker: Waker?
    }

    private let state = Mutex(State())

    /// Whether the round is to end now, with what it has.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Has `waker` used when there is something new.
    func attach(_ waker: Waker) { state.withLock { $0.waker = waker } }

    /// Ends the round.
    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            return state.waker
        }?.wake()
    }

    /// Tells what reply pairs of the same path found, by hop.
    func note(_ pairs: [UInt8: PairObservations]) {
        state.withLock { $0.pairs.merge(pairs) { _, new in new } }
    }

    /// What is new of reply pairs.
    func takePairs() -> [UInt8: PairObservations] {
        state.withLock { state in
            defer { state.pairs = [:] }
            return state.pairs
        }
    }
}
