import NetworkPrimitives

/// The header of a classic pcap file, as far as reading its records needs it.
///
/// ```
/// magic                                        4 octets
/// major version, minor version                 2 + 2
/// time zone, accuracy: 0                       4 + 4
/// snapshot length                              4
/// link type in the low 26 bits, FCS above      4
/// ```
struct ClassicPcap: Sendable {
    static let headerLength = 24

    /// Octets before a packet's own.
    var recordHeader = 16
    /// Nanoseconds in a unit of the stamps' second number.
    var fractionUnit: Int64 = 1000
    var linkType = LinkType(rawValue: 0)
    /// Versions before 2.3 had the two lengths the other way round; in 2.3 some programs did.
    var lengths = Lengths.inOrder

    enum Lengths: Sendable { case inOrder, unsure, swapped }

    init() {}

    init(format: CaptureFormat, minorVersion: UInt16, network: UInt32) {
        // Kuznetsov's records go on with interface index, protocol and packet type.
        recordHeader = format == .pcapModified ? 24 : 16
        fractionUnit = format == .pcapNanoseconds ? 1 : 1000
        // The upper bits say how long a frame check sequence the frames end with; whatever follows
        // an IP packet is left alone anyway.
        linkType = LinkType(rawValue: network & 0x03ff_ffff)
        lengths = minorVersion < 3 ? .swapped : minorVersion == 3 ? .unsure : .inOrder
    }

    /// The format that a magic number in the file's own byte order says.
    static func format(magic: UInt32) -> CaptureFormat? {
        switch magic {
        case 0xa1b2_c3d4: .pcap
        case 0xa1b2_3c4d: .pcapNanoseconds
        case 0xa1b2_cd34: .pcapModified
        default: nil
        }
    }
}

extension CaptureReader {
    /// Reads a record: seconds, fraction, captured length, length on the wire, octets.
    @inline(__always)
    mutating func nextRecord(_ window: RawSpan, isFinal: Bool) -> Step {
        let start = consumed
        let header = classic.recordHeader
        guard window.byteCount - start >= header else {
            return missing(window, needed: header, isFinal: isFinal)
        }
        var captured = uint32(window, at: start + 8)
        var wire = uint32(window, at: start + 12)
        if classic.lengths != .inOrder, classic.lengths == .swapped || captured > wire {
            swap(&captured, &wire)
        }
        guard captured <= Self.maximumPacketLength else {
            return damage(.packetTooLong(octets: captured), at: 8)
        }
        let end = start + header + Int(captured)
        guard end <= window.byteCount else {
            return missing(window, needed: end - start, isFinal: isFinal)
        }
        consumed = end
        // At most 2³² seconds and 2³² microseconds, which is below 2⁶³ nanoseconds.
        let seconds = Int64(uint32(window, at: start)) * 1_000_000_000
        let fraction = Int64(uint32(window, at: start + 4)) * classic.fractionUnit
        return .packet(
            CapturedPacket(
                interface: 0, linkType: classic.linkType,
                arrival: WallTime(nanoseconds: seconds + fraction), wireLength: Int(wire),
                octets: (start + header)..<end))
    }
}
