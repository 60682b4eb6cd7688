/// A captured UDP datagram of IKE, RFC 7296: its headers, and where in the frame its message stands.
public struct IKEDatagram: Sendable {
    /// The outer IP header.
    public var ip: IPHeader
    /// The UDP source port.
    public var sourcePort: UInt16
    /// The UDP destination port.
    public var destinationPort: UInt16
    /// Whether four zero octets stood before the message, as they do on port 4500.
    ///
    /// RFC 3948 §2.2.
    public var hasNonESPMarker: Bool
    /// The captured octets of the IKE message, without the marker, as offsets into the frame; may be
    /// cut by the capture's snapshot length, or be the first fragment of more.
    public var payload: Range<Int>
    /// The IKE message's length on the wire in octets, as the UDP header says it.
    public var length: Int

    /// Makes a datagram.
    public init(
        ip: IPHeader, sourcePort: UInt16, destinationPort: UInt16, hasNonESPMarker: Bool,
        payload: Range<Int>, length: Int
    ) {
        self.ip = ip
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.hasNonESPMarker = hasNonESPMarker
        self.payload = payload
        self.length = length
    }
}
