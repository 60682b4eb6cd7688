public import NetworkPrimitives

/// An ICMP error message: what a router or host reported, and about which packet of ours.
public struct ICMPError: Hashable, Sendable {
    /// What kind of error, in words that both families share.
    public enum Meaning: Hashable, Sendable {
        /// The hop limit ran out in transit (RFC 792; RFC 4443 §3.3).
        case timeExceeded
        /// A filter refused the packet and said so.
        case filtered
        /// The destination cannot be reached for another reason.
        case unreachable
        /// The packet exceeds a link's MTU, which is given in octets; 0 from routers before RFC 1191.
        case packetTooBig(mtu: Int)
        /// A reassembly timeout, a header problem or a type that this list does not know.
        case other
    }

    /// The ICMP type octet.
    public var type: UInt8
    /// The ICMP code octet.
    public var code: UInt8
    /// The common meaning of type and code.
    public var meaning: Meaning
    /// The echo message that the error quotes.
    public var quote: QuotedEcho
}

/// The start of an echo message of ours, as an ICMP error quotes it.
///
/// RFC 792 promises the IP header and eight octets: the whole ICMP header, nothing of the payload.
public struct QuotedEcho: Hashable, Sendable {
    /// Source address of the quoted packet.
    public var source: IPAddress
    /// Destination address of the quoted packet.
    public var destination: IPAddress
    /// Request or reply.
    public var kind: EchoMessage.Kind
    /// The identifier field.
    public var identifier: UInt16
    /// The sequence number field.
    public var sequence: UInt16
}

extension ICMPError.Meaning {
    /// The meaning of type and code in `family`; nil where the type is no error.
    init?(type: UInt8, code: UInt8, mtu: UInt32, family: IPAddress.Family) {
        switch (family, type, code) {
        // Redirect (5) and Source Quench (4, to be ignored by RFC 6633 §3) lose no packet.
        // RFC 1122 §3.2.2.1 codes 9 and 10, RFC 1812 §5.2.7.1 code 13: administratively prohibited.
        case (.v4, 3, 9), (.v4, 3, 10), (.v4, 3, 13): self = .filtered
        // RFC 1191 §4: the next hop's MTU stands in the low 16 bits of the second word.
        case (.v4, 3, 4): self = .packetTooBig(mtu: Int(mtu & 0xffff))
        case (.v4, 3, _): self = .unreachable
        case (.v4, 11, 0): self = .timeExceeded
        case (.v4, 11, _), (.v4, 12, _): self = .other
        // RFC 4443 §3.1: 1 prohibited, 5 source address failed policy, 6 reject route.
        case (.v6, 1, 1), (.v6, 1, 5), (.v6, 1, 6): self = .filtered
        case (.v6, 1, _): self = .unreachable
        case (.v6, 2, _): self = .packetTooBig(mtu: Int(mtu))
        case (.v6, 3, 0): self = .timeExceeded
        case (.v6, 3, _), (.v6, 4, _): self = .other
        default: return nil
        }
    }
}

extension QuotedEcho {
    /// Takes the echo message from a quoted packet; nil where it is another ICMP message.
    init?(_ packet: QuotedPacket, _ bytes: RawSpan, family: IPAddress.Family) {
        switch bytes.uint8(at: packet.payload) {
        case EchoMessage.Kind.request.type(in: family): kind = .request
        case EchoMessage.Kind.reply.type(in: family): kind = .reply
        default: return nil
        }
        source = packet.source
        destination = packet.destination
        identifier = bytes.bigEndianUInt16(at: packet.payload + 4)
        sequence = bytes.bigEndianUInt16(at: packet.payload + 6)
    }
}
