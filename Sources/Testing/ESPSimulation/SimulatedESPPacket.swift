public import ESPAnalysis
public import NetworkPrimitives
import PacketFormats

/// One packet of a simulated ESP stream, with the truth about it.
public struct SimulatedESPPacket: Hashable, Sendable {
    /// When it arrives, in nanoseconds since the stream's start.
    public var arrival: Int64
    /// The sequence number on the wire.
    public var sequence: UInt32
    /// The hop limit it arrives with.
    public var hopLimit: UInt8
    /// The IPv4 identification.
    public var identification: UInt16
    /// The eight octets after the ESP header.
    public var initializationVector: UInt64
    /// Equal for copies of a packet, and only for them.
    public var identity: UInt64
    /// Who really sent it.
    public var sender: Int32
    /// The how-manieth packet of its sender it is, from 0.
    public var index: Int32
    /// Whether it is a copy that an attacker sent again.
    public var isReplay: Bool
    /// Whether it is a copy that the network made.
    public var isDuplicate: Bool
    /// The high-order half of the sender's extended sequence number (RFC 4304), which is not on the
    /// wire; 0 until its counter passes 2³² − 1.
    public var epoch: UInt32

    /// Makes a packet.
    public init(
        arrival: Int64, sequence: UInt32, hopLimit: UInt8, identification: UInt16,
        initializationVector: UInt64, identity: UInt64, sender: Int32, index: Int32,
        isReplay: Bool = false, isDuplicate: Bool = false, epoch: UInt32 = 0
    ) {
        self.arrival = arrival
        self.sequence = sequence
        self.hopLimit = hopLimit
        self.identification = identification
        self.initializationVector = initializationVector
        self.identity = identity
        self.sender = sender
        self.index = index
        self.isReplay = isReplay
        self.isDuplicate = isDuplicate
        self.epoch = epoch
    }

    /// Whether it is a copy of a packet that arrived before, made by whomever.
    public var isCopy: Bool { isReplay || isDuplicate }

    /// The packet as the analysis would see it.
    public func observation(
        spi: SPI = SPI(rawValue: 0xc0de_0001), source: IPAddress = .v4(0xc633_6401),
        destination: IPAddress = .v4(0xcb00_710a), length: Int = 140
    ) -> ESPObservation {
        ESPObservation(
            arrival: MonotonicInstant(nanoseconds: arrival), source: source,
            destination: destination, encapsulation: .esp, spi: spi, sequence: sequence,
            hopLimit: hopLimit, identification: identification, length: length,
            initializationVector: initializationVector, identity: identity)
    }
}
