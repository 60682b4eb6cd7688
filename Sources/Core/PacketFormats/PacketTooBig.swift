public import NetworkPrimitives

/// A Packet Too Big, or an IPv4 "fragmentation needed", about an ESP packet.
///
/// RFC 4443 §3.2; RFC 792 with RFC 1191 §4.
public struct PacketTooBig: Hashable, Sendable {
    /// The MTU of the link that the packet did not fit, in octets; 0 from routers before RFC 1191.
    public var mtu: Int
    /// The packet that did not fit.
    public var quote: QuotedESP

    /// Makes a message.
    public init(mtu: Int, quote: QuotedESP) {
        self.mtu = mtu
        self.quote = quote
    }

    /// Reads an ICMP message, without its IP header.
    ///
    /// - Parameters:
    ///   - bytes: the message; any bytes are safe.
    ///   - family: which ICMP it is.
    ///   - isTruncated: whether the capture cut it; then no checksum is verified.
    /// - Throws: `PacketError`: `unsupported` for every other message, and for one that quotes
    ///   something other than ESP.
    public init(
        parsing bytes: RawSpan, family: IPAddress.Family, isTruncated: Bool
    ) throws(PacketError) {
        let header = EchoMessage.headerByteCount
        guard bytes.byteCount >= header else {
            throw .truncated(needed: header, available: bytes.byteCount)
        }
        let (type, code) = (bytes.uint8(at: 0), bytes.uint8(at: 1))
        guard
            case .packetTooBig(let mtu) = ICMPError.Meaning(
                type: type, code: code, mtu: bytes.bigEndianUInt32(at: 4), family: family)
        else { throw .unsupported }
        if family == .v4, !isTruncated, InternetChecksum.sum(bytes) != 0xffff {
            throw .malformed(.checksum)
        }
        self.mtu = mtu
        quote = try QuotedESP(parsing: bytes, at: header, family: family)
    }
}

/// The start of an ESP packet, as an ICMP error quotes it.
///
/// RFC 792 promises the IP header and eight octets: all of the ESP header, but of ESP in UDP only the
/// ports.
public struct QuotedESP: Hashable, Sendable {
    /// Source address of the quoted packet.
    public var source: IPAddress
    /// Destination address of the quoted packet.
    public var destination: IPAddress
    /// Its length in octets, its IP header included.
    public var length: Int
    /// What stands between the IP header and ESP.
    public var encapsulation: ESPEncapsulation
    /// Its SPI; nil where the quote of ESP in UDP ends before it.
    public var spi: SPI?

    /// Makes a quote.
    public init(
        source: IPAddress, destination: IPAddress, length: Int, encapsulation: ESPEncapsulation,
        spi: SPI?
    ) {
        self.source = source
        self.destination = destination
        self.length = length
        self.encapsulation = encapsulation
        self.spi = spi
    }

    /// Reads the IP packet that starts at `start` of an ICMP error.
    init(parsing bytes: RawSpan, at start: Int, family: IPAddress.Family) throws(PacketError) {
        let available = bytes.byteCount - start
        func require(_ count: Int) throws(PacketError) {
            guard available >= count else {
                throw .truncated(needed: count, available: available)
            }
        }
        try require(1)
        guard bytes.uint8(at: start) >> 4 == (family == .v4 ? 4 : 6) else {
            throw .malformed(.version)
        }
        try require(family.headerByteCount)
        let payload: Int
        let next: UInt8
        switch family {
        case .v4:
            payload = Int(bytes.uint8(at: start) & 15) * 4
            guard payload >= 20 else { throw .malformed(.headerLength) }
            // A later fragment has no ESP header: its first octets are payload.
            guard bytes.bigEndianUInt16(at: start + 6) & 0x1fff == 0 else { throw .unsupported }
            length = Int(bytes.bigEndianUInt16(at: start + 2))
            next = bytes.uint8(at: start + 9)
            source = .v4(bytes.bigEndianUInt32(at: start + 12))
            destination = .v4(bytes.bigEndianUInt32(at: start + 16))
        case .v6:
            payload = 40
            length = 40 + Int(bytes.bigEndianUInt16(at: start + 4))
            // Nothing puts extension headers before the ESP of a tunnel endpoint.
            next = bytes.uint8(at: start + 6)
            source = .v6(bytes.bigEndianUInt128(at: start + 8))
            destination = .v6(bytes.bigEndianUInt128(at: start + 24))
        }
        switch next {
        case 50:
            try require(payload + 4)
            encapsulation = .esp
            let number = bytes.bigEndianUInt32(at: start + payload)
            // RFC 4303 §2.1 keeps 0 off the wire.
            guard number != 0 else { throw .unsupported }
            spi = SPI(rawValue: number)
        case 17:
            try require(payload + 4)
            // The peer's port: one on this side may be any where a NAT maps it.
            guard bytes.bigEndianUInt16(at: start + payload + 2) == 4500 else {
                throw .unsupported
            }
            encapsulation = .udp
            guard available >= payload + 12 else {
                spi = nil
                return
            }
            let number = bytes.bigEndianUInt32(at: start + payload + 8)
            // Four zero octets: IKE, RFC 3948 §2.2.
            guard number != 0 else { throw .unsupported }
            spi = SPI(rawValue: number)
        default: throw .unsupported
        }
    }
}
