public import NetworkPrimitives

/// What a transport gives back with a transmit stamp: which prober's which message.
public struct ProbeTag: Hashable, Sendable {
    /// The prober.
    public var owner: Int
    /// The prober's own number.
    public var number: UInt64

    /// Makes a tag.
    public init(owner: Int, number: UInt64) {
        self.owner = owner
        self.number = number
    }
}

/// What became of a message.
public enum TransportResult: Sendable {
    /// Handed to the kernel; the instant is the one before the call.
    case sent(at: MonotonicInstant)
    /// Not sent, in words for the operator.
    case failed(reason: String)
}

/// Carries probes: raw sockets in the agent, a simulated network in tests.
public protocol ProbeTransport {
    /// Sends one ICMP message.
    ///
    /// - Parameters:
    ///   - message: the whole ICMP message.
    ///   - destination: where to.
    ///   - route: source, device, mark, namespace and code point.
    ///   - hopLimit: nil for the system's default.
    ///   - tag: given back with the transmit stamp.
    /// - Returns: whether it left, and when.
    mutating func send(
        _ message: [UInt8], to destination: IPAddress, by route: ProbeRoute, hopLimit: UInt8?,
        tag: ProbeTag
    ) -> TransportResult
}

/// An ICMP message that arrived.
public struct ProbeArrival: Sendable {
    /// Its sender.
    public var source: IPAddress
    /// Which socket it came in by.
    public var channel: ProbeChannel
    /// When, on the monotonic clock.
    public var at: MonotonicInstant
    /// Whether the kernel made that stamp.
    public var isStamped: Bool
    /// Whether the message was longer than what was read of it.
    public var isTruncated: Bool

    /// Makes an arrival.
    public init(
        source: IPAddress, channel: ProbeChannel, at: MonotonicInstant, isStamped: Bool,
        isTruncated: Bool
    ) {
        self.source = source
        self.channel = channel
        self.at = at
        self.isStamped = isStamped
        self.isTruncated = isTruncated
    }
}

/// What tells one socket from another.
///
/// Every raw ICMP socket gets a copy of every message that its binding admits, so an unbound socket
/// also sees the answers to probes of a bound one. Only the copy on the prober's own channel counts.
public struct ProbeChannel: Hashable, Sendable {
    /// The address family.
    public var family: IPAddress.Family
    /// The device it is bound to.
    public var device: String?
    /// The firewall mark of what it sends.
    public var mark: UInt32
    /// Its network namespace.
    public var namespace: String?

    /// The channel of a route.
    public init(_ route: ProbeRoute) {
        family = route.family
        device = route.device
        mark = route.mark
        namespace = route.namespace
    }
}
