public import NetworkPrimitives

/// What the kernel asks its policies about one inside packet, `struct flowi`.
public struct PolicyQuestion: Hashable, Sendable {
    /// Which of the three lookups it is.
    public var direction: SecurityPolicy.Direction
    /// The inside source address.
    public var source: IPAddress
    /// The inside destination address.
    public var destination: IPAddress
    /// The inside IP protocol.
    public var `protocol`: UInt8
    /// The source port; the type of an ICMP message.
    public var sourcePort: UInt16
    /// The destination port; the code of an ICMP message.
    public var destinationPort: UInt16
    /// The packet's mark; what a VTI puts there while it asks.
    public var mark: UInt32
    /// The interface id of the XFRM interface it goes through; nil for none.
    public var interfaceID: UInt32?
    /// The index of the device it leaves by, or for the other directions came in by; nil where the
    /// asker does not know it.
    public var interfaceIndex: Int?

    /// Makes a question about a packet without ports.
    ///
    /// - Precondition: Both addresses are of one family.
    public init(
        direction: SecurityPolicy.Direction, source: IPAddress, destination: IPAddress,
        protocol: UInt8, sourcePort: UInt16 = 0, destinationPort: UInt16 = 0, mark: UInt32 = 0,
        interfaceID: UInt32? = nil, interfaceIndex: Int? = nil
    ) {
        precondition(source.family == destination.family, "addresses of one family")
        self.direction = direction
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.mark = mark
        self.interfaceID = interfaceID
        self.interfaceIndex = interfaceIndex
    }
}
