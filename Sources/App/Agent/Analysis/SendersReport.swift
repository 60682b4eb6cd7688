import NetworkPrimitives
import TunnelHealth

/// Who sends: the senders of every stream, of the running agent or of a file.
///
/// `GET /api/v1/senders` of the agent gives it, for all tunnels or for the one named by `tunnel`; a
/// name that no tunnel has is answered 400. Its verdict goes into the header of verdicts.
struct SendersReport: Sendable {
    /// The streams, inbound ones first, then with most packets first.
    private(set) var streams: [CapturedStream]
    /// The tunnel that was asked for; nil for all.
    var tunnel: String?
    /// Why streams may be missing, an agent that does not capture for example; nil when none are.
    var reason: String?

    /// Sorts streams into a report.
    ///
    /// - Parameters:
    ///   - streams: the streams of all tunnels, or of the one that was asked for.
    ///   - tunnel: the tunnel that was asked for; nil for all.
    ///   - reason: why streams may be missing; nil when none are.
    init(streams: [CapturedStream], tunnel: String? = nil, reason: String? = nil) {
        self.tunnel = tunnel
        self.reason = reason
        self.streams = streams.sorted { left, right in
            let (first, second) = (left.direction == .outbound, right.direction == .outbound)
            return first == second ? CapturedStream.isBefore(left, right) : second
        }
    }

    /// The stream that stands for all where there is room for one: what arrives, and most of it.
    var principal: CapturedStream? { streams.first }

    /// Healthy where there is something to show, else unknown: the command's exit status.
    var verdict: TunnelState { streams.isEmpty ? .unknown : .healthy }
}
