public import NetworkPrimitives

/// An ICMP error message about a UDP datagram.
public struct DatagramError: Hashable, Sendable {
    /// The ICMP type octet.
    public var type: UInt8
    /// The ICMP code octet.
    public var code: UInt8
    /// The common meaning of type and code.
    public var meaning: ICMPError.Meaning
    /// The datagram that the error quotes.
    public var quote: QuotedDatagram
}

/// The header of a UDP datagram of ours (RFC 768), as an ICMP error quotes it.
public struct QuotedDatagram: Hashable, Sendable {
    /// Source address of the quoted packet.
    public var source: IPAddress
    /// Destination address of the quoted packet.
    public var destination: IPAddress
    /// The UDP source port.
    public var sourcePort: UInt16
    /// The UDP destination port.
    public var destinationPort: UInt16
    /// The UDP checksum field.
    public var checksum: UInt16

    /// Takes the header from a quoted packet, whose first eight octets of payload it is.
    init(_ packet: QuotedPacket, _ bytes: RawSpan) {
        source = packet.source
        destination = packet.destination
        sourcePort = bytes.bigEndianUInt16(at: packet.payload)
        destinationPort = bytes.bigEndianUInt16(at: packet.payload + 2)
        checksum = bytes.bigEndianUInt16(at: packet.payload + 6)
    }
}
