public import NetworkPrimitives

/// What the fixed IP header of a captured packet says, both families alike.
///
/// RFC 791 §3.1, RFC 8200 §3.
public struct IPHeader: Hashable, Sendable {
    /// The source address.
    public var source: IPAddress
    /// The destination address.
    public var destination: IPAddress
    /// The time to live or hop limit, as it arrived.
    public var hopLimit: UInt8
    /// The differentiated services code point and ECN bits together, as one octet.
    public var trafficClass: UInt8
    /// The IPv4 identification; 0 for IPv6.
    public var identification: UInt16
    /// Whether the packet must not be fragmented; always true for IPv6.
    public var dontFragment: Bool
    /// Whether it is a fragment, the first one or a later one.
    public var isFragment: Bool
    /// The length of the IP packet on the wire in octets, header included.
    public var length: Int
    /// The protocol after the last header that was read, 50 for ESP.
    public var protocolNumber: UInt8

    /// Makes a header of an unfragmented packet.
    public init(
        source: IPAddress, destination: IPAddress, hopLimit: UInt8, trafficClass: UInt8 = 0,
        identification: UInt16 = 0, dontFragment: Bool = false, isFragment: Bool = false,
        length: Int, protocolNumber: UInt8
    ) {
        self.source = source
        self.destination = destination
        self.hopLimit = hopLimit
        self.trafficClass = trafficClass
        self.identification = identification
        self.dontFragment = dontFragment
        self.isFragment = isFragment
        self.length = length
        self.protocolNumber = protocolNumber
    }
}
