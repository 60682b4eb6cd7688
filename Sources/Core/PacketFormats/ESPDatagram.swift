public import NetworkPrimitives

/// What stands between the outer IP header and ESP.
public enum ESPEncapsulation: String, CaseIterable, Hashable, Sendable {
    /// Nothing: IP protocol 50, RFC 4303.
    case esp
    /// UDP, RFC 3948.
    case udp
}

/// A captured ESP packet: its headers, and where in the frame its payload stands.
public struct ESPDatagram: Sendable {
    /// The outer IP header.
    public var ip: IPHeader
    /// What stands between the IP header and ESP.
    public var encapsulation: ESPEncapsulation
    /// The UDP source port; 0 without UDP.
    public var sourcePort: UInt16
    /// The UDP destination port; 0 without UDP.
    public var destinationPort: UInt16
    /// The SPI, RFC 4303 §2.1.
    public var spi: SPI
    /// The sequence number as on the wire: the low 32 bits, RFC 4303 §2.2.
    public var sequence: UInt32
    /// The captured octets after the ESP header, as offsets into the frame; may be cut by the
    /// capture's snapshot length.
    public var payload: Range<Int>

    /// Makes a datagram.
    public init(
        ip: IPHeader, encapsulation: ESPEncapsulation, sourcePort: UInt16 = 0,
        destinationPort: UInt16 = 0, spi: SPI, sequence: UInt32, payload: Range<Int>
    ) {
        self.ip = ip
        self.encapsulation = encapsulation
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.spi = spi
        self.sequence = sequence
        self.payload = payload
    }
}
