public import NetworkPrimitives

/// Keeps the whole agent to one hop-limited packet per hop in 1.2 s.
///
/// Linux routers answer a peer with Time Exceeded in a burst of six and then once a second, measured
/// on idle ones; asking faster reads as loss. Which router stands at a hop is not known before it
/// answers, so all paths that leave by the underlay of one network namespace share its hops.
public struct HopPacer: Sendable {
    /// A place that answers at one rate.
    public struct Hop: Hashable, Sendable {
        /// Nil for the shared underlay, else the tunnel whose inside is probed.
        public var tunnel: Int?
        /// The network namespace, empty for the agent's own.
        public var namespace: String
        /// Hops from this host, 1 for the first router.
        public var distance: UInt8

        /// Names a hop.
        public init(tunnel: Int?, namespace: String, distance: UInt8) {
            self.tunnel = tunnel
            self.namespace = namespace
            self.distance = distance
        }
    }

    /// The least time between two packets for one hop.
    public static let spacing = Duration.milliseconds(1200)

    private var free: [Hop: MonotonicInstant] = [:]

    /// A pacer that has granted nothing yet.
    public init() {}

    /// Books the first free slot at or after `earliest` and returns it.
    public mutating func reserve(_ hop: Hop, from earliest: MonotonicInstant) -> MonotonicInstant {
        let slot = max(earliest, free[hop] ?? earliest)
        free[hop] = slot + Self.spacing
        return slot
    }
}
