public import NetworkPrimitives

/// One echo message as a device showed it in plain text.
public struct CheckObservation: Hashable, Sendable {
    /// Where one may be seen.
    public enum Place: String, CaseIterable, Sendable {
        /// On the tunnel's own device: decrypted, or not encrypted yet.
        case tunnel
        /// On the device of the underlay, outside ESP.
        case wan
        /// On the device of another tunnel of this host.
        case otherTunnel = "other_tunnel"
    }

    /// Which of the two echo messages it is.
    public enum Kind: Hashable, Sendable {
        /// Echo Request: ICMP type 8, ICMPv6 type 128.
        case request
        /// Echo Reply: ICMP type 0, ICMPv6 type 129.
        case reply
    }

    /// When the device showed it.
    public var at: MonotonicInstant
    /// Request or reply.
    public var kind: Kind
    /// The source address of its IP header.
    public var source: IPAddress
    /// The destination address of its IP header.
    public var destination: IPAddress
    /// The identifier of its ICMP header.
    public var identifier: UInt16
    /// The sequence number of its ICMP header.
    public var sequence: UInt16
    /// A hash of the octets after its ICMP header; the same for the same octets on every device.
    public var payloadHash: UInt64
    /// How many octets there are after its ICMP header.
    public var payloadByteCount: Int
    /// Time to live, or hop limit.
    public var hopLimit: UInt8

    /// Makes an observation.
    public init(
        at: MonotonicInstant, kind: Kind, source: IPAddress,
        destination: IPAddress, identifier: UInt16, sequence: UInt16, payloadHash: UInt64,
        payloadByteCount: Int, hopLimit: UInt8
    ) {
        self.at = at
        self.kind = kind
        self.source = source
        self.destination = destination
        self.identifier = identifier
        self.sequence = sequence
        self.payloadHash = payloadHash
        self.payloadByteCount = payloadByteCount
        self.hopLimit = hopLimit
    }
}
