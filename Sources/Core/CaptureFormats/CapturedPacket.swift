public import NetworkPrimitives

/// One packet record of a capture file.
public struct CapturedPacket: Hashable, Sendable {
    /// Which interface of the file saw it: numbered from 0 in the order of their descriptions, over
    /// all sections; always 0 in a classic pcap file.
    public var interface: Int
    /// How its frame begins.
    public var linkType: LinkType
    /// When it was captured; nil where the record has no stamp (a Simple Packet Block), or one before
    /// 1677 or after 2262.
    public var arrival: WallTime?
    /// The frame's length on the wire in octets, as the record states it; not checked against
    /// `octets`.
    public var wireLength: Int
    /// The captured octets, as offsets into the window that the reader was given.
    public var octets: Range<Int>

    /// Makes a record.
    public init(
        interface: Int, linkType: LinkType, arrival: WallTime?, wireLength: Int, octets: Range<Int>
    ) {
        self.interface = interface
        self.linkType = linkType
        self.arrival = arrival
        self.wireLength = wireLength
        self.octets = octets
    }
}

/// The format of a capture file.
public enum CaptureFormat: String, CaseIterable, Hashable, Sendable {
    /// Classic pcap with stamps in microseconds.
    case pcap
    /// Classic pcap with stamps in nanoseconds.
    case pcapNanoseconds
    /// Classic pcap as Alexey Kuznetsov's patched libpcap wrote it: longer record headers.
    case pcapModified
    /// pcapng.
    case pcapng
}
