public import NetworkPrimitives
public import PacketFormats

/// One ESP packet as the wire showed it: all that the analysis needs, and no octet more.
public struct ESPObservation: Sendable {
    /// When it arrived, never before its predecessor.
    ///
    /// Whoever makes observations clamps a stamp that runs backwards, and counts it.
    public var arrival: MonotonicInstant
    /// The outer source address.
    public var source: IPAddress
    /// The outer destination address.
    public var destination: IPAddress
    /// What stands between the outer IP header and ESP.
    public var encapsulation: ESPEncapsulation
    /// The SPI.
    public var spi: SPI
    /// The sequence number as on the wire.
    public var sequence: UInt32
    /// The time to live or hop limit.
    public var hopLimit: UInt8
    /// The IPv4 identification; 0 for IPv6 and wherever the sender leaves it 0.
    public var identification: UInt16
    /// The outer packet's length on the wire in octets.
    public var length: Int
    /// The eight octets after the ESP header, which are the explicit IV of an AEAD cipher; nil where
    /// the capture is too short.
    public var initializationVector: UInt64?
    /// A keyed hash of the sequence number and up to 48 octets after the ESP header: equal for
    /// copies of a packet, different for different packets except with chance 2⁻⁶⁴.
    public var identity: UInt64
    /// Whether it is the first fragment of a larger packet; later ones carry no ESP header.
    public var isFragment: Bool

    /// Makes an observation.
    public init(
        arrival: MonotonicInstant, source: IPAddress, destination: IPAddress,
        encapsulation: ESPEncapsulation, spi: SPI, sequence: UInt32, hopLimit: UInt8,
        identification: UInt16, length: Int, initializationVector: UInt64?, identity: UInt64,
        isFragment: Bool = false
    ) {
        self.arrival = arrival
        self.source = source
        self.destination = destination
        self.encapsulation = encapsulation
        self.spi = spi
        self.sequence = sequence
        self.hopLimit = hopLimit
        self.identification = identification
        self.length = length
        self.initializationVector = initializationVector
        self.identity = identity
        self.isFragment = isFragment
    }
}
