import KernelState
import NetworkPrimitives
import Reflecting

/// What was measured with a tunnel's reflector.
struct TunnelReflection: Sendable {
    /// Where the reflector is.
    struct Place: Sendable {
        /// Its address; nil while its name has none.
        var address: IPAddress?
        /// Its UDP port.
        var port: UInt16
        /// Which way routing takes to it.
        var path: Reading<ProbePath> = .unknown(reason: "not looked up yet")
    }

    /// Nil without a configured reflector.
    var place: Place?
    /// What the last run told.
    var report: ReflectionReport
    /// The moment of this report, and the same one on the wall clock.
    var now = MonotonicInstant.zero
    var wall = WallTime(nanoseconds: 0)

    /// A tunnel without a reflector, or one that was not asked yet.
    init(place: Place? = nil, unavailable reason: String = "no reflector is configured") {
        self.place = place
        report = ReflectionReport(unavailable: reason)
    }
}
