import EchoProbing
import NetworkPrimitives
import ReplyPath
import Synchronization

/// The path measurements of one examination: how far they are, and what the reply pairs beside them
/// tell their ladders.
///
/// Ladders and pairs share the hops' rate, so the pairs' answers at the first hops count for both.
final class PathExamination: Sendable {
    private struct State {
        var progress = PathService.Progress()
        var isFinished = false
        /// What was told, by monitor and path.
        var told: [Told: [UInt8: PairObservations]] = [:]
    }

    private struct Told: Hashable {
        var monitor: Int
        var path: ProbePath
    }

    private let paths: PathService
    private let state = Mutex(State())

    /// Makes an examination that has not begun.
    init(_ paths: PathService) { self.paths = paths }

    /// Measures both paths of these tunnels.
    func run(_ plans: [TunnelPlan], until end: MonotonicInstant) async {
        await paths.examine(plans, until: end) { progress in
            state.withLock { $0.progress = progress }
        }
        state.withLock { $0.isFinished = true }
    }

    /// Whether nothing more is measured.
    var isFinished: Bool { state.withLock { $0.isFinished } }

    /// The share of paths that are measured, 0...1.
    var share: Double {
        state.withLock { state in
            state.isFinished
                ? 1 : Double(state.progress.finished) / Double(max(state.progress.all, 1))
        }
    }

    /// Passes on what is new of the reply pairs.
    func note(_ monitors: [TunnelMonitor]) {
        for monitor in monitors {
            for path in ProbePath.allCases {
                let pairs = Self.observations(monitor.replies[path.index].hops)
                let isNew = state.withLock { state in
                    let key = Told(monitor: monitor.id, path: path)
                    guard state.told[key] != pairs else { return false }
                    state.told[key] = pairs
                    return true
                }
                if isNew { paths.note(pairs, of: monitor.plan, path) }
            }
        }
    }

    /// What judged pairs found; of one that waits nothing is known yet.
    static func observations(_ hops: [ReplyPairProber.Hop]) -> [UInt8: PairObservations] {
        Dictionary(
            hops.filter { $0.pairsJudged > 0 && !$0.isTarget }.map { hop in
                let count = Int(hop.pairsJudged)
                return (
                    hop.distance,
                    PairObservations(
                        controlsSent: count, controlsAnswered: Int(hop.judgedControlsAnswered),
                        testsSent: count, testsAnswered: Int(hop.judgedTestsAnswered),
                        router: hop.responder)
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}
