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
    /// Reads the IP packet that starts at `start` of an ICMP error.
    init(parsing bytes: RawSpan, at start: Int, family: IPAddress.Family) throws(PacketError) {
        let available = bytes.byteCount - start
        func require(_ count: Int) throws(PacketError) {
            guard available >= count else {
                throw .truncated(needed: count, available: available)
            }
        }
        try require(1)
        let version = bytes.uint8(at: start) >> 4
        guard version == (family == .v4 ? 4 : 6) else { throw .malformed(.version) }
        try require(family.headerByteCount)
        let payload: Int
        let isICMP: Bool
        switch family {
        case .v4:
            let length = Int(bytes.uint8(at: start) & 15) * 4
            guard length >= 20 else { throw .malformed(.headerLength) }
            payload = length
            // A later fragment carries no ICMP header: its first octets are payload.
            let isFirst = bytes.bigEndianUInt16(at: start + 6) & 0x1fff == 0
            isICMP = bytes.uint8(at: start + 9) == 1 && isFirst
            source = .v4(bytes.bigEndianUInt32(at: start + 12))
            destination = .v4(bytes.bigEndianUInt32(at: start + 16))
        case .v6:
            source = .v6(bytes.bigEndianUInt128(at: start + 8))
            destination = .v6(bytes.bigEndianUInt128(at: start + 24))
            var next = bytes.uint8(at: start + 6)
            var offset = 40
            // RFC 8200 §4: hop-by-hop, routing and destination options may stand before ICMPv6.
            while next == 0 || next == 43 || next == 60 {
                try require(offset + 2)
                next = bytes.uint8(at: start + offset)
                offset += (Int(bytes.uint8(at: start + offset + 1)) + 1) * 8
            }
            payload = offset
            isICMP = next == 58
        }
        guard isICMP else { throw .unsupported }
        try require(payload + EchoMessage.headerByteCount)
        let type = bytes.uint8(at: start + payload)
        switch type {
        case EchoMessage.Kind.request.type(in: family): kind = .request
        case EchoMessage.Kind.reply.type(in: family): kind = .reply
        default: throw .unsupported
        }
        identifier = bytes.bigEndianUInt16(at: start + payload + 4)
        sequence = bytes.bigEndianUInt16(at: start + payload + 6)
    }
}
