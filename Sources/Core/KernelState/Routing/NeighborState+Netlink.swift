import NetworkPrimitives

// linux/neighbour.h:
//
//     struct ndmsg {              offset
//         __u8  ndm_family;            0
//         __u8  ndm_pad1;              1
//         __u16 ndm_pad2;              2
//         __s32 ndm_ifindex;           4
//         __u16 ndm_state;             8
//         __u8  ndm_flags, ndm_type;  10
//     };                              12 octets

extension NeighborState {
    /// MAX_ADDR_LEN of linux/netdevice.h.
    private static let linkAddressLimit = 32

    /// Reads the payload of RTM_NEWNEIGH: `struct ndmsg` and attributes; nil for a family other than
    /// IPv4 and IPv6, like the addresses that a bridge learns.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public static func neighbor(
        parsing message: RawSpan
    ) throws(KernelMessageError) -> NeighborState? {
        try message.require(12)
        switch UInt16(message.uint8(at: 0)) {
        case AddressFamilyNumber.inet, AddressFamilyNumber.inet6: break
        default: return nil
        }
        var address: IPAddress?
        var linkAddress: [UInt8] = []
        var attributes = NetlinkAttributes(of: message, after: 12)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case 1: address = try message.address(of: attribute, "NDA_DST")
            case 2:
                guard attribute.payload.count <= linkAddressLimit else {
                    throw .badLength(field: "NDA_LLADDR", length: attribute.payload.count)
                }
                linkAddress = attribute.payload.map { message.uint8(at: $0) }
            default: break
            }
        }
        guard let address else { throw .badLength(field: "NDA_DST", length: 0) }
        return NeighborState(
            interfaceIndex: Int(Int32(bitPattern: message.hostUInt32(at: 4))), address: address,
            linkAddress: linkAddress, reachability: Reachability(state: message.hostUInt16(at: 8)))
    }
}

extension NeighborState.Reachability {
    /// Makes it from NUD_INCOMPLETE 0x01 to NUD_PERMANENT 0x80; the kernel sets one bit.
    init(state: UInt16) {
        switch state {
        case 0x01: self = .incomplete
        case 0x02: self = .reachable
        case 0x04: self = .stale
        case 0x08: self = .delay
        case 0x10: self = .probe
        case 0x20: self = .failed
        case 0x40: self = .noarp
        case 0x80: self = .permanent
        default: self = .none
        }
    }
}
