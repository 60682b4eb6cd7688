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
    private var departed: [Hop: MonotonicInstant] = [:]

    /// A pacer that has granted nothing yet.
    public init() {}

    /// Books the first free slot at or after `earliest` and returns it.
    public mutating func reserve(_ hop: Hop, from earliest: MonotonicInstant) -> MonotonicInstant {
        let slot = max(earliest, free[hop] ?? earliest)
        free[hop] = slot + Self.spacing
        return slot
    }

    /// Lets a packet whose slot has come leave at `now`, or says when to ask again.
    ///
    /// Slots lie apart; what leaves late, after a stall of this process above all, might not.
    ///
    /// - Returns: nil when it may leave, which counts as done; else a later instant.
    public mutating func postpone(_ hop: Hop, at now: MonotonicInstant) -> MonotonicInstant? {
        if let last = departed[hop], now - last < Self.spacing { return last + Self.spacing }
        departed[hop] = now
        free[hop] = max(free[hop] ?? now, now + Self.spacing)
        return nil
    }
}
