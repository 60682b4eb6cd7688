import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath

/// What was measured of a tunnel's two paths: how large a packet fits, and where Echo Replies die.
struct TunnelPath: Sendable {
    /// The path MTU over the underlay.
    var outsideMTU = PathMTUReport(unknown: Self.notYet)
    /// The path MTU through the tunnel.
    var insideMTU = PathMTUReport(unknown: Self.notYet)
    /// The tunnel device's MTU, in octets.
    var deviceMTU: Reading<Int> = .unknown(reason: Self.notYet)
    /// The MTU that the route into the tunnel has of its own, in octets.
    var routeMTU: Reading<Int> = .unknown(reason: Self.notYet)
    /// The MTUs held against each other, and what to set.
    var tunnelMTU = TunnelMTU(
        outside: nil, inside: nil, deviceMTU: nil, routeMTU: nil,
        overhead: .unknown(reason: Self.notYet))
    /// The ladder over the underlay, to the provider's endpoint.
    var outsideReplies = ReplyPathReport(inconclusive: Self.notYet)
    /// The ladder through the tunnel, beyond the far end.
    var insideReplies = ReplyPathReport(inconclusive: Self.notYet)
    /// Why the last measurement of the underlay captured no answers, so that a firewall of this host may
    /// have hidden some; nil when it did, or there was none.
    var outsideCaptureReason: String?
    /// The same of the inside.
    var insideCaptureReason: String?
    /// The moment that the report is of, on both clocks.
    var takenAt = MonotonicInstant.zero
    var wall = WallTime(nanoseconds: 0)

    /// Nothing is measured yet.
    init() {}

    /// Why something is not known before its first measurement ended.
    static let notYet = "not measured yet"

    /// An instant on the wall clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime { wall + (instant - takenAt) }
}
