/// How the frames of a capture begin, as far as `FrameDecoder` reads it.
public enum LinkKind: String, CaseIterable, Hashable, Sendable {
    /// Ethernet II, with or without VLAN tags.
    case ethernet
    /// An IP packet of either family; the version nibble says which.
    case rawIP
    /// An IPv4 packet.
    case ipv4
    /// An IPv6 packet.
    case ipv6
    /// BSD loopback: four octets with an address family, in either byte order.
    case loopback
    /// Linux "cooked" capture, SLL: what the `any` device gave, and devices without a header.
    case linuxCooked
    /// Linux "cooked" capture, SLL2: what the `any` device gives today.
    case linuxCooked2
    /// PPP, with or without the address and control octets of RFC 1662.
    case ppp
    /// PPPoE without its Ethernet header.
    case pppoe
    /// Anything else: its frames are not read.
    case unsupported

    /// The kind that a LINKTYPE_ or DLT_ number stands for.
    ///
    /// Files hold LINKTYPE_ numbers, live handles give DLT_ numbers. They differ for raw IP only: 101
    /// in files, 12 (14 on OpenBSD) on a handle and in old files. No number of one list that is read
    /// here means another link type in the other, so one function serves both. 12 was DLT_LOOP on
    /// OpenBSD's handles, which do not reach us.
    public init(linkType number: UInt32) {
        switch number {
        case 1: self = .ethernet
        case 12, 14, 101: self = .rawIP
        case 228: self = .ipv4
        case 229: self = .ipv6
        case 0, 108: self = .loopback
        case 113: self = .linuxCooked
        case 276: self = .linuxCooked2
        case 9, 50: self = .ppp
        case 51: self = .pppoe
        default: self = .unsupported
        }
    }
}
