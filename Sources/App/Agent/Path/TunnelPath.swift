import NetworkPrimitives
import PathMTU
import ReplyPath

/// What was measured of a tunnel's two paths: how large a packet fits, and where Echo Replies die.
struct TunnelPath: Sendable {
    /// The path MTU over the underlay.
    var outsideMTU = PathMTUReport(unknown: "not measured yet")
    /// The path MTU through the tunnel.
    var insideMTU = PathMTUReport(unknown: "not measured yet")
    /// The ladder over the underlay, to the provider's endpoint.
    var outsideReplies = ReplyPathReport(inconclusive: "not measured yet")
    /// The ladder through the tunnel, beyond the far end.
    var insideReplies = ReplyPathReport(inconclusive: "not measured yet")

    /// Nothing is measured yet.
    init() {}
}
