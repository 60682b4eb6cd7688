import IKE
import NetworkPrimitives

/// The IKE between two hosts of a capture file, with its place among the tunnels.
struct IKEConversation: Sendable {
    /// What was seen.
    var report: IKEWireReport
    /// The tunnel whose ends the hosts are; nil where it is not known.
    var tunnel: String?
    /// Why the tunnel is not known; nil when it is.
    var unknownBecause: String?
    /// The file's clock, by which the report's instants are told.
    let clock: CaptureClock

    /// The failure that is proven, or else the likely one.
    var failure: IKEFailure? { report.failure ?? report.likelyFailure }
}
