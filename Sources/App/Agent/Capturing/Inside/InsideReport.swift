import NetworkPrimitives
import PacketSizes
import ProviderChecks

/// What is known of the inside of a tunnel by the packets that pass.
struct InsideReport: Sendable {
    /// Why the tunnel's own device is not captured on now; nil when it is.
    var deviceReason: String?
    /// Why the WAN is not; nil when it is.
    var wanReason: String?
    /// What they showed of packet sizes.
    var sizes = PacketSizesReport()
    /// The provider's health checks.
    var checks: ProviderChecksReport

    /// Nothing is known, and why.
    init(unknown reason: String) {
        deviceReason = reason
        wanReason = reason
        checks = ProviderChecksReport(unknown: reason)
    }
}
