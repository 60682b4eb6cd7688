import NetworkPrimitives

/// The start of an IP packet as an ICMP error quotes it, with eight octets of payload at least.
struct QuotedPacket {
    /// Source address of the quoted packet.
    var source: IPAddress
    /// Its destination address.
    var destination: IPAddress
    /// The protocol after the last header that was read; nil where it is a later fragment, whose
    /// first octets are no header.
    var protocolNumber: UInt8?
    /// Where that protocol's header starts.
    var payload: Int

    /// RFC 792: a quote ends eight octets behind the IP header at the earliest.
    private static let leastPayload = 8

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
        var length: Int
        switch family {
        case .v4:
            length = Int(bytes.uint8(at: start) & 15) * 4
            guard length >= 20 else { throw .malformed(.headerLength) }
            let isFirst = bytes.bigEndianUInt16(at: start + 6) & 0x1fff == 0
            protocolNumber = isFirst ? bytes.uint8(at: start + 9) : nil
            source = .v4(bytes.bigEndianUInt32(at: start + 12))
            destination = .v4(bytes.bigEndianUInt32(at: start + 16))
        case .v6:
            source = .v6(bytes.bigEndianUInt128(at: start + 8))
            destination = .v6(bytes.bigEndianUInt128(at: start + 24))
            var next = bytes.uint8(at: start + 6)
            length = 40
            // RFC 8200 §4: hop-by-hop, routing and destination options may stand before the rest.
            while next == 0 || next == 43 || next == 60 {
                try require(length + 2)
                next = bytes.uint8(at: start + length)
                length += (Int(bytes.uint8(at: start + length + 1)) + 1) * 8
            }
            protocolNumber = next
        }
        // What is of another protocol is not truncated, whatever there is of it.
        switch (protocolNumber, family) {
        case (17, _), (1, .v4), (58, .v6): break
        default: throw .unsupported
        }
        try require(length + Self.leastPayload)
        payload = start + length
    }
}

/// What a received ICMP error quotes, as far as probing reads it.
enum Quote {
    case echo(QuotedEcho)
    case datagram(QuotedDatagram)

    /// Reads the IP packet that starts at `start` of an ICMP error.
    init(parsing bytes: RawSpan, at start: Int, family: IPAddress.Family) throws(PacketError) {
        let packet = try QuotedPacket(parsing: bytes, at: start, family: family)
        if packet.protocolNumber == 17 {
            self = .datagram(QuotedDatagram(packet, bytes))
        } else if let echo = QuotedEcho(packet, bytes, family: family) {
            self = .echo(echo)
        } else {
            throw .unsupported
        }
    }
}
