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
        public var tunnel: String?
        /// The network namespace, empty for the agent's own.
        public var namespace: String
        /// Hops from this host, 1 for the first router.
        public var distance: UInt8

        /// Names a hop.
        public init(tunnel: String?, namespace: String, distance: UInt8) {
            self.tunnel = tunnel
            self.namespace = namespace
            self.distance = distance
        }
    }

    /// The least time between two packets for one hop.
    public static let spacing = Duration.milliseconds(1200)

    private struct Bookings {
        /// When the queue of continuous probing ends.
        var queueEnd: MonotonicInstant?
        /// When the last packet left.
        var departed: MonotonicInstant?
        /// Slots of urgent packets that have not left yet, in order.
        var urgent: [MonotonicInstant] = []
    }

    private var bookings: [Hop: Bookings] = [:]

    /// A pacer that has granted nothing yet.
    public init() {}

    /// Books two slots for a pair, the first at or after `earliest`.
    ///
    /// Continuous probing queues: where more tunnels share a hop than its rate allows, each gets its
    /// turn and pairs become rarer. A diagnosis on demand is urgent and does not queue; what it
    /// pushes aside leaves a little later (`postpone`).
    public mutating func reservePair(
        at hop: Hop, from earliest: MonotonicInstant, isUrgent: Bool
    ) -> (first: MonotonicInstant, second: MonotonicInstant) {
        var book = bookings[hop] ?? Bookings()
        var first = earliest
        if let last = book.departed { first = max(first, last + Self.spacing) }
        if isUrgent {
            if let last = book.urgent.last { first = max(first, last + Self.spacing) }
        } else if let end = book.queueEnd {
            first = max(first, end)
        }
        let second = first + Self.spacing
        if isUrgent {
            book.urgent += [first, second]
        }
        book.queueEnd = max(book.queueEnd ?? second, second + Self.spacing)
        bookings[hop] = book
        return (first, second)
    }

    /// Lets a packet whose slot has come leave at `now`, or says when to ask again.
    ///
    /// Slots lie apart; what leaves late, after a stall of this process above all, might not.
    ///
    /// - Returns: nil when it may leave, which counts as done; else a later instant.
    public mutating func postpone(
        _ hop: Hop, at now: MonotonicInstant, isUrgent: Bool
    ) -> MonotonicInstant? {
        var book = bookings[hop] ?? Bookings()
        defer { bookings[hop] = book }
        if let last = book.departed, now - last < Self.spacing { return last + Self.spacing }
        if isUrgent {
            if !book.urgent.isEmpty { book.urgent.removeFirst() }
        } else {
            // An urgent packet that should have left long ago was given up with its diagnosis.
            book.urgent.removeAll { now - $0 > Self.spacing * 2 }
            if let next = book.urgent.first, next - now < Self.spacing {
                return max(now, next) + Self.spacing
            }
        }
        book.departed = now
        book.queueEnd = max(book.queueEnd ?? now, now + Self.spacing)
        return nil
    }
}
