public import NetworkPrimitives
public import PacketFormats

/// How to write a simulated packet as a frame: link, outer headers, ESP.
///
/// Octets after the ESP header are the IV and then a stream that follows from the packet's identity,
/// so frames have equal payloads exactly when their identities and IVs are equal.
public struct ESPFrame: Hashable, Sendable {
    /// What stands before the IP header.
    public enum Link: Hashable, Sendable {
        /// Ethernet with VLAN tags, outermost first: (TPID, TCI) pairs as one 32-bit number each.
        case ethernet(tags: [UInt32])
        /// Ethernet with VLAN tags, and PPPoE with a session id (RFC 2516).
        case pppoe(tags: [UInt32], session: UInt16)
        /// LINUX_SLL.
        case cooked
        /// LINUX_SLL2.
        case cooked2
        /// IP at once.
        case raw
        /// BSD loopback: the address family in the writer's byte order, little-endian here.
        case loopback

        /// Ethernet without tags.
        public static let plainEthernet = Link.ethernet(tags: [])

        /// The LINKTYPE_ number of the pcap registry.
        public var linkType: UInt32 {
            switch self {
            case .ethernet, .pppoe: 1
            case .cooked: 113
            case .cooked2: 276
            case .raw: 101
            case .loopback: 0
            }
        }
    }

    /// What stands before the IP header.
    public var link = Link.plainEthernet
    /// The outer source address; of the same family as `destination`.
    public var source = IPAddress.v4(0xc633_6401)
    /// The outer destination address.
    public var destination = IPAddress.v4(0xcb00_710a)
    /// Whether UDP stands between IP and ESP.
    public var encapsulation = ESPEncapsulation.esp
    /// The UDP source port.
    public var sourcePort: UInt16 = 4500
    /// The UDP destination port.
    public var destinationPort: UInt16 = 4500
    /// The SPI.
    public var spi = SPI(rawValue: 0xc0de_0001)
    /// The length of the outer IP packet in octets, at least its headers.
    public var length = 140
    /// The DSCP and ECN bits.
    public var trafficClass: UInt8 = 0
    /// Octets of IPv4 options, a multiple of 4 up to 40: no-operations.
    public var optionLength = 0
    /// Protocol numbers of IPv6 extension headers of 8 octets each before ESP or UDP, like 0 or 60.
    public var extensionHeaders: [UInt8] = []

    /// A frame of 140 octets of IPv4 on untagged Ethernet.
    public init(_ adjust: (inout Self) -> Void = { _ in }) {
        adjust(&self)
    }

    /// The frame of a packet.
    public func octets(of packet: SimulatedESPPacket) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(length + 40)
        appendLink(to: &octets)
        let start = octets.count
        let headers =
            source.family.headerByteCount + optionLength + 8 * extensionHeaders.count
            + (encapsulation == .udp ? 8 : 0) + 8
        let length = max(self.length, headers)
        let next: UInt8 = encapsulation == .udp ? 17 : 50
        switch source.family {
        case .v4: appendIPv4(packet, length: length, next: next, to: &octets)
        case .v6: appendIPv6(packet, length: length, next: next, to: &octets)
        }
        if encapsulation == .udp {
            octets.append(bigEndian: sourcePort)
            octets.append(bigEndian: destinationPort)
            octets.append(bigEndian: UInt16(length - (octets.count - 4 - start)))
            // RFC 3948 §2.1: the checksum should be zero.
            octets.append(bigEndian: UInt16(0))
        }
        octets.append(bigEndian: UInt64(spi.rawValue) << 32 | UInt64(packet.sequence))
        var stream = packet.identity
        octets.append(bigEndian: packet.initializationVector)
        while octets.count - start < length {
            octets.append(bigEndian: stream)
            stream = mixed(stream &+ 0x9e37_79b9_7f4a_7c15)
        }
        octets.removeLast(octets.count - start - length)
        return octets
    }

    private var etherType: UInt16 { source.family == .v4 ? 0x0800 : 0x86dd }

    private func appendLink(to octets: inout [UInt8]) {
        switch link {
        case .ethernet(let tags):
            appendEthernet(tags, type: etherType, to: &octets)
        case .pppoe(let tags, let session):
            appendEthernet(tags, type: 0x8864, to: &octets)
            octets.append(bigEndian: UInt16(0x1100))
            octets.append(bigEndian: session)
            octets.append(bigEndian: UInt16(length + 2))
            octets.append(bigEndian: source.family == .v4 ? UInt16(0x0021) : 0x0057)
        case .cooked:
            // To us, Ethernet, an address of six octets in a field of eight.
            octets += [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0]
            octets.append(bigEndian: etherType)
        case .cooked2:
            octets.append(bigEndian: etherType)
            // Reserved; interface 3; Ethernet; to us; an address of six octets.
            octets += [0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0]
        case .raw:
            break
        case .loopback:
            octets += [source.family == .v4 ? 2 : 24, 0, 0, 0]
        }
    }

    private func appendEthernet(_ tags: [UInt32], type: UInt16, to octets: inout [UInt8]) {
        octets += [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
        for tag in tags {
            octets.append(bigEndian: UInt16(truncatingIfNeeded: tag >> 16))
            octets.append(bigEndian: UInt16(truncatingIfNeeded: tag))
        }
        octets.append(bigEndian: type)
    }

    private func appendIPv4(
        _ packet: SimulatedESPPacket, length: Int, next: UInt8, to octets: inout [UInt8]
    ) {
        let start = octets.count
        octets.append(UInt8(0x45 + optionLength / 4))
        octets.append(trafficClass)
        octets.append(bigEndian: UInt16(truncatingIfNeeded: length))
        octets.append(bigEndian: packet.identification)
        // Linux sends identification 0 with DF only.
        octets.append(bigEndian: packet.identification == 0 ? UInt16(0x4000) : 0)
        octets += [packet.hopLimit, next, 0, 0]
        octets += source.octets
        octets += destination.octets
        octets += Array(repeating: 1, count: optionLength)
        var sum: UInt32 = 0
        for offset in stride(from: start, to: octets.count, by: 2) {
            sum += UInt32(octets[offset]) << 8 | UInt32(octets[offset + 1])
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        octets[start + 10] = UInt8(truncatingIfNeeded: ~sum >> 8)
        octets[start + 11] = UInt8(truncatingIfNeeded: ~sum)
    }

    private func appendIPv6(
        _ packet: SimulatedESPPacket, length: Int, next: UInt8, to octets: inout [UInt8]
    ) {
        octets += [0x60 | trafficClass >> 4, trafficClass << 4, 0, 0]
        octets.append(bigEndian: UInt16(truncatingIfNeeded: length - 40))
        octets += [extensionHeaders.first ?? next, packet.hopLimit]
        octets += source.octets
        octets += destination.octets
        for position in extensionHeaders.indices {
            let following =
                position + 1 < extensionHeaders.count ? extensionHeaders[position + 1] : next
            // Length 0: eight octets, the last six a PadN option.
            octets += [following, 0, 1, 4, 0, 0, 0, 0]
        }
    }
}
