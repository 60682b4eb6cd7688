import NetworkPrimitives
import PacketSizes
import ProviderChecks

/// What is known of the inside of a tunnel by the packets that pass.
struct InsideReport: Sendable {
    /// Why the tunnel's own device is not captured on now; nil when it is.
    var deviceReason: String?
    /// Why the WAN is not; nil when it is.
    var wanReason: String?
    /// Whether what arrives is seen at the WAN, and what leaves nowhere.
    var isPolicyBased = false
    /// The moment that this is of, on both clocks.
    var takenAt = MonotonicInstant.zero
    var wall = WallTime(nanoseconds: 0)
    /// What they showed of packet sizes.
    var sizes = PacketSizesReport()
    /// The provider's health checks.
    var checks: ProviderChecksReport

    /// Why SYNs that go one way are not seen now; nil when they are.
    func obstacle(toSegments direction: TrafficDirection) -> String? {
        guard isPolicyBased else { return deviceReason }
        return direction == .inbound
            ? wanReason : "packets that leave a policy-based tunnel's host are encrypted by then"
    }

    /// An instant on the wall clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime { wall + (instant - takenAt) }

    /// Nothing is known, and why.
    init(unknown reason: String) {
        deviceReason = reason
        wanReason = reason
        checks = ProviderChecksReport(unknown: reason)
    }
}
