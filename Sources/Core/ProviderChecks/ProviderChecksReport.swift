/// What is known of the health checks that the provider sends through a tunnel.
public struct ProviderChecksReport: Hashable, Sendable {
    /// What kind of ICMP message the checks are.
    public enum Style: String, CaseIterable, Sendable {
        /// Echo Requests.
        case request
        /// Unsolicited Echo Replies.
        case reply
    }

    /// Which way the answers go.
    public enum Direction: String, CaseIterable, Sendable {
        /// Back through the tunnel.
        case bidirectional
        /// Over the underlay, outside the tunnel.
        case unidirectional
    }

    /// Why checks stay unanswered.
    public enum Obstacle: String, CaseIterable, Sendable {
        /// The kernel drops packets whose source is an address of its own (accept_local = 0).
        case martianSource = "martian_source"
        /// Reverse-path filtering drops them.
        case reversePathFilter = "rp_filter"
        /// The host does not forward.
        case noForwarding = "no_forwarding"
        /// A firewall rule drops them.
        case firewall
        /// The answer is not covered by the selectors of any policy.
        case selectors
        /// There is no route for the answer.
        case noRoute = "no_route"
    }

    /// Checks a second, over the last minute; nil while not known.
    public var perSecond: Double?
    /// Why `perSecond` is not known; nil when it is.
    public var reason: String?

    /// Nothing is known, and why.
    public init(unknown reason: String) { self.reason = reason }
}
