public import NetworkPrimitives

/// Writes a pcapng file, block by block: little-endian, stamps in nanoseconds.
///
/// The octets gather here until `takeOctets`; nothing is bounded but by what the caller adds.
/// Texts are cut at what an option holds. Format: draft-ietf-opsawg-pcapng.
public struct PcapngWriter: Sendable {
    /// What a file says of itself in its section header.
    public struct Section: Hashable, Sendable {
        /// shb_hardware; nil leaves it out.
        public var hardware: String?
        /// shb_os; nil leaves it out.
        public var operatingSystem: String?
        /// shb_userappl; nil leaves it out.
        public var application: String?
        /// opt_comment, any number of them.
        public var comments: [String]

        /// Makes a description of a file.
        public init(
            hardware: String? = nil, operatingSystem: String? = nil, application: String? = nil,
            comments: [String] = []
        ) {
            self.hardware = hardware
            self.operatingSystem = operatingSystem
            self.application = application
            self.comments = comments
        }
    }

    /// A device that packets were captured on.
    public struct Interface: Hashable, Sendable {
        /// if_name.
        public var name: String
        /// if_description; nil leaves it out.
        public var description: String?
        /// How its frames begin; below 65 536.
        public var linkType: LinkType
        /// The most octets of a packet that are kept; 0 for no limit.
        public var snapLength: UInt32

        /// Makes a device.
        public init(
            name: String, description: String? = nil, linkType: LinkType, snapLength: UInt32 = 0
        ) {
            self.name = name
            self.description = description
            self.linkType = linkType
            self.snapLength = snapLength
        }
    }

    /// Which way a packet passed a device, as epb_flags has it.
    public enum Direction: UInt32, CaseIterable, Hashable, Sendable {
        /// It arrived.
        case inbound = 1
        /// It left.
        case outbound = 2
    }

    /// All of a packet but its octets.
    public struct Packet: Hashable, Sendable {
        /// Which interface saw it, in the order in which they were added.
        public var interface: Int
        /// When it passed; a time before 1970 is written as 1970.
        public var arrival: WallTime
        /// Its length on the wire in octets; one below the captured octets is written as those.
        public var wireLength: Int
        /// Which way it passed; nil where that is not known.
        public var direction: Direction?
        /// opt_comment, any number of them.
        public var comments: [String]

        /// Describes a packet.
        public init(
            interface: Int, arrival: WallTime, wireLength: Int, direction: Direction? = nil,
            comments: [String] = []
        ) {
            self.interface = interface
            self.arrival = arrival
            self.wireLength = wireLength
            self.direction = direction
            self.comments = comments
        }
    }

    /// How many interfaces were added.
    public private(set) var interfaceCount = 0

    private var octets: [UInt8]

    /// Begins a file.
    public init(_ section: Section) {
        // Byte-order magic, version 1.0, a length that is not known yet.
        var block = PcapngBlockText(PcapngBlock.sectionHeader)
        block.append(0x1a2b_3c4d as UInt32)
        block.append(1 as UInt32)
        block.append(UInt64.max)
        block.addComments(section.comments)
        block.addText(2, section.hardware)
        block.addText(3, section.operatingSystem)
        block.addText(4, section.application)
        octets = block.finished()
    }

    /// How many octets wait to be taken.
    public var count: Int { octets.count }

    /// The octets since the last call.
    public mutating func takeOctets() -> [UInt8] {
        defer { octets = [] }
        return octets
    }

    /// Adds a device.
    ///
    /// - Precondition: the link type fits into 16 bits.
    /// - Returns: its number, for `Packet.interface`.
    public mutating func add(_ interface: Interface) -> Int {
        precondition(interface.linkType.rawValue <= 0xffff, "a link type of 16 bits")
        var block = PcapngBlockText(PcapngBlock.interfaceDescription)
        block.append(interface.linkType.rawValue)
        block.append(interface.snapLength)
        block.addText(2, interface.name)
        block.addText(3, interface.description)
        // if_tsresol: ten to the power of minus nine seconds.
        block.addOption(9, [9])
        octets += block.finished()
        defer { interfaceCount += 1 }
        return interfaceCount
    }

    /// Adds a packet.
    ///
    /// - Parameters:
    ///   - packet: what is known of it.
    ///   - frame: its captured octets, at most `CaptureReader.maximumPacketLength`.
    /// - Precondition: its interface was added.
    public mutating func add(_ packet: Packet, _ frame: RawSpan) {
        precondition(
            (0..<interfaceCount).contains(packet.interface), "an interface that was added")
        precondition(frame.byteCount <= CaptureReader.maximumPacketLength, "a packet's octets")
        var block = PcapngBlockText(PcapngBlock.enhancedPacket)
        block.append(UInt32(packet.interface))
        block.append(stamp: packet.arrival)
        block.append(UInt32(frame.byteCount))
        block.append(UInt32(clamping: max(packet.wireLength, frame.byteCount)))
        block.appendPadded(frame)
        block.addComments(packet.comments)
        if let direction = packet.direction {
            block.addOption(2, [UInt8(direction.rawValue), 0, 0, 0])
        }
        octets += block.finished()
    }

    /// Adds what a device's capture counted.
    ///
    /// - Parameters:
    ///   - interface: the device, by its number.
    ///   - instant: when it was counted.
    ///   - received: packets that passed the filter.
    ///   - dropped: packets that passed it and that the file does not hold.
    ///   - comments: opt_comment, any number of them.
    /// - Precondition: the interface was added.
    public mutating func addStatistics(
        of interface: Int, at instant: WallTime, received: UInt64, dropped: UInt64,
        comments: [String] = []
    ) {
        precondition((0..<interfaceCount).contains(interface), "an interface that was added")
        var block = PcapngBlockText(PcapngBlock.interfaceStatistics)
        block.append(UInt32(interface))
        block.append(stamp: instant)
        block.addComments(comments)
        block.addOption(4, received)
        block.addOption(7, dropped)
        octets += block.finished()
    }
}
