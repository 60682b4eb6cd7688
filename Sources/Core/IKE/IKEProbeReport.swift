/// What one active look at a peer's IKE ports told.
public struct IKEProbeReport: Equatable, Sendable {
    /// What a UDP port did with a probe, interface page §6.
    public enum PortState: String, Hashable, Sendable {
        /// The peer answered.
        case open
        /// Nothing came back.
        case filtered
        /// An ICMP error came back.
        case unreachable
        /// Not probed.
        case unknown
    }

    /// UDP port 500.
    public var port500 = PortState.unknown
    /// UDP port 4500.
    public var port4500 = PortState.unknown

    /// Makes a report of nothing probed.
    public init() {}
}
