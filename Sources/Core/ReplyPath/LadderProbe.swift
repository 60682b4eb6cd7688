public import NetworkPrimitives
public import PacketFormats

/// A hop-limited packet that a ladder wants sent.
///
/// All packets of one kind and one `flow` agree in what routers hash: addresses, DSCP, length and
/// the first four octets after the IP header. Those are type, code and checksum of an echo message,
/// and the ports of a datagram, whose own checksum is free to number it (Paris traceroute).
public struct LadderProbe: Hashable, Sendable {
    /// What is sent.
    public enum Kind: CaseIterable, Hashable, Sendable {
        /// An Echo Request: the control.
        case request
        /// An Echo Reply that nobody asked for: the test.
        case reply
        /// A UDP datagram: tells a filter of Echo Replies from one of all ICMP.
        case datagram
    }

    /// Octets after the ICMP or UDP header.
    public static let payloadByteCount = 24

    /// Names the probe towards its ladder; counts up from 0.
    public var number: UInt64
    /// What is sent.
    public var kind: Kind
    /// The hop limit, at least 1.
    public var hopLimit: UInt8
    /// Which of several flows it belongs to, from 0; each has a checksum or ports of its own.
    public var flow: Int
    /// The echo identifier; the source port of a datagram, the same for all of a flow.
    public var identifier: UInt16
    /// The echo sequence number; the destination port of a datagram, the same for all of a flow.
    public var sequence: UInt16
    /// What the checksum field of an IPv4 echo message holds, constant for a flow; in a datagram
    /// its own number, which differs from probe to probe and is never 0.
    public var checksum: UInt16
    /// Random octets for the payload of an echo message.
    public var nonce: UInt64

    /// Describes a probe.
    public init(
        number: UInt64, kind: Kind, hopLimit: UInt8, flow: Int, identifier: UInt16,
        sequence: UInt16, checksum: UInt16, nonce: UInt64
    ) {
        self.number = number
        self.kind = kind
        self.hopLimit = hopLimit
        self.flow = flow
        self.identifier = identifier
        self.sequence = sequence
        self.checksum = checksum
        self.nonce = nonce
    }

    /// The echo message to send; nil for a datagram.
    public func echoMessage(family: IPAddress.Family) -> EchoMessage? {
        let echoKind: EchoMessage.Kind
        switch kind {
        case .request: echoKind = .request
        case .reply: echoKind = .reply
        case .datagram: return nil
        }
        return EchoMessage(
            kind: echoKind, family: family, identifier: identifier, sequence: sequence,
            nonce: nonce, payloadByteCount: Self.payloadByteCount, checksum: checksum)
    }
}

/// What came back for one probe of a ladder.
///
/// Matched by what the ICMP error quotes: destination, kind, identifier and sequence number of an
/// echo message, ports and checksum of a datagram. `quotedSource` is the source address in the
/// quote, which a NAT on the way may have changed.
public enum LadderAnswer: Hashable, Sendable {
    /// The hop limit ran out at this router.
    case timeExceeded(router: IPAddress, quotedSource: IPAddress)
    /// A filter refused the packet and said so (`ICMPError.Meaning.filtered`).
    case filtered(router: IPAddress, quotedSource: IPAddress)
    /// Any other Destination Unreachable, Port Unreachable from the target among them.
    case unreachable(router: IPAddress, quotedSource: IPAddress)
    /// The target's Echo Reply to a request.
    case echo
}
