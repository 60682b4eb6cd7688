import Configuration
import KernelState
import NetworkPrimitives
import Rekeying

extension TunnelReport {
    /// Rekeys so far: the kernel's count, beside an appliance those that the wire showed.
    var rekeyCount: UInt64 {
        plan.configuration.role == .observer
            ? rekeys.wireCount ?? 0 : kernel.reading?.totals.rekeys ?? 0
    }
}

/// What is known of one tunnel's rekeys.
struct TunnelRekeys: Sendable {
    /// The latest 20, oldest first.
    var records: [RekeyRecord] = []
    /// Rekeys that were seen on the wire alone; nil where the kernel counts them.
    var wireCount: UInt64?
    /// How long finished ones took, in whole; counts never fall.
    var histogram = ConvergenceHistogram()
    /// Instants on the wall clock: the moment that the report is of, on both clocks.
    var takenAt = MonotonicInstant.zero
    var wall = WallTime(nanoseconds: 0)
    /// Why packets are not seen; nil when they are.
    var captureReason: String?
    /// Why probes are not counted; nil when they are.
    var probeReason: String?

    /// An instant on the wall clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime { wall + (instant - takenAt) }

    /// The rekey that began last; nil without one.
    var latest: RekeyRecord? { records.last }
}
