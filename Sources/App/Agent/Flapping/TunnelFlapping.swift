import Flapping
import NetworkPrimitives

/// What is known of why a tunnel is unhealthy again and again.
struct TunnelFlapping: Sendable {
    /// What its episodes go with; nil where nobody watches continuously.
    var analysis: FlapAnalysis?
    /// What its rekeys cost.
    var costs = RekeyCosts()
    /// What cannot be seen from here, and why.
    var unobservable: [FlapCause: String] = [:]
    /// The moment that it is of, on both clocks.
    var takenAt = MonotonicInstant.zero
    var wall = WallTime(nanoseconds: 0)

    /// Nobody watches continuously.
    init() {}

    /// What was found of a tunnel that is watched.
    init(
        _ analysis: FlapAnalysis, _ costs: RekeyCosts, _ unobservable: [FlapCause: String],
        at now: MonotonicInstant, wall: WallTime
    ) {
        var analysis = analysis
        analysis.adopt(costs)
        self.analysis = analysis
        self.costs = costs
        self.unobservable = unobservable
        takenAt = now
        self.wall = wall
    }

    /// Why there is no analysis.
    static let unwatched = "no agent watches this tunnel continuously, so its past is not known"

    /// An instant on the wall clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime { wall + (instant - takenAt) }
}
