public import NetworkPrimitives

/// Something that a socket's queues held.
///
/// `EchoSocket.drain` reports a message's `transmitted` before the `received` of its answer.
public enum SocketEvent: Hashable, Sendable {
    /// The message with that ticket left this host, as far as the kernel sees: its device driver
    /// took it at `at`. Nil when the stamp could not be converted, see `ClockCorrelation.convert`.
    /// Not every message is reported: one may be dropped on its way to the driver, the driver may
    /// give no stamps, and a stamp that could be of two messages is discarded.
    case transmitted(ticket: UInt32, at: MonotonicInstant?)
    /// An ICMP message arrived.
    case received(ReceivedMessage)
    /// Reading failed, or the error queue held something that is no transmit stamp.
    case queuedError(QueuedError)
}

/// Where an ICMP message came from, and when; its octets come beside it.
public struct ReceivedMessage: Hashable, Sendable {
    /// The IP source address.
    public let source: IPAddress
    /// The IP destination address, which is this host's; nil when the kernel did not say.
    public let destination: IPAddress?
    /// The IPv4 time to live or IPv6 hop limit on arrival; nil when the kernel did not say.
    public let hopLimit: UInt8?
    /// The IPv4 type of service or IPv6 traffic class on arrival, ECN bits included (RFC 2474).
    ///
    /// Nil when the kernel did not say.
    public let differentiatedServices: UInt8?
    /// The index of the device it arrived on; nil when the kernel did not say.
    public let interfaceIndex: UInt32?
    /// When it arrived: the kernel's receive stamp, or else the time it was read.
    public let at: MonotonicInstant
    /// Whether `at` is the kernel's receive stamp.
    public let stampedByKernel: Bool
    /// Whether the message was longer than the socket's buffer, so that its end is missing.
    public let truncated: Bool
}

/// A failed read, or an entry of the error queue that is no transmit stamp.
public struct QueuedError: Hashable, Sendable {
    /// The errno(3) number, 0 for an entry that could not be understood.
    public let errno: Int32
    /// The error in words.
    public let description: String
}
