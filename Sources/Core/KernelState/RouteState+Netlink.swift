import NetworkPrimitives

// linux/rtnetlink.h:
//
//     struct rtmsg {                   offset     struct rtnexthop {               offset
//         unsigned char rtm_family;         0         unsigned short rtnh_len;          0
//         unsigned char rtm_dst_len;        1         unsigned char  rtnh_flags;        2
//         unsigned char rtm_src_len;        2         unsigned char  rtnh_hops;         3
//         unsigned char rtm_tos;            3         int            rtnh_ifindex;      4
//         unsigned char rtm_table;          4     };                                    8 octets
//         unsigned char rtm_protocol;       5
//         unsigned char rtm_scope;          6
//         unsigned char rtm_type;           7
//         unsigned      rtm_flags;          8
//     };                                   12 octets

extension RouteState {
    /// RTA_… of linux/rtnetlink.h.
    private enum AttributeType {
        static let destination: UInt16 = 1
        static let outputInterface: UInt16 = 4
        static let gateway: UInt16 = 5
        static let priority: UInt16 = 6
        static let preferredSource: UInt16 = 7
        static let metrics: UInt16 = 8
        static let multipath: UInt16 = 9
        static let table: UInt16 = 15
        static let via: UInt16 = 18
    }

    private static let headerByteCount = 12
    /// RTM_F_CLONED: in a table an exception that the kernel learned, like a path MTU; every answer to a lookup.
    private static let cloned: UInt32 = 0x200

    /// Reads the payload of RTM_NEWROUTE: `struct rtmsg` and attributes.
    ///
    /// One value for each next hop; none for a kind of route that this program does not know.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public static func routes(
        parsing message: RawSpan
    ) throws(KernelMessageError) -> [RouteState] {
        try message.require(headerByteCount)
        let unspecified: IPAddress
        switch UInt16(message.uint8(at: 0)) {
        case AddressFamilyNumber.inet: unspecified = .v4(0)
        case AddressFamilyNumber.inet6: unspecified = .v6(0)
        case let family: throw .badValue(field: "rtm_family", value: UInt64(family))
        }
        guard let kind = RouteKind(rawValue: message.uint8(at: 7)) else { return [] }
        var route = RouteState(
            destination: IPPrefix(unspecified, length: 0), outputInterface: nil,
            table: UInt32(message.uint8(at: 4)))
        route.kind = kind
        route.isLearned = message.hostUInt32(at: 8) & cloned != 0
        var destination = unspecified
        var multipath: NetlinkAttribute?
        var attributes = NetlinkAttributes(of: message, after: headerByteCount)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case AttributeType.destination:
                destination = try message.address(of: attribute, "RTA_DST")
            case AttributeType.priority:
                route.metric = try message.hostUInt32(of: attribute, "RTA_PRIORITY")
            case AttributeType.preferredSource:
                route.preferredSource = try message.address(of: attribute, "RTA_PREFSRC")
            case AttributeType.table:
                route.table = try message.hostUInt32(of: attribute, "RTA_TABLE")
            case AttributeType.metrics:
                route.mtu = try mtu(in: attribute, of: message)
            case AttributeType.outputInterface:
                route.outputInterface = Int(try message.hostUInt32(of: attribute, "RTA_OIF"))
            case AttributeType.multipath:
                multipath = attribute
            default:
                try route.readGateway(attribute, of: message)
            }
        }
        route.destination = try IPPrefix(
            destination, kernelLength: message.uint8(at: 1), "rtm_dst_len")
        guard let multipath else { return [route] }
        // After the loop, since a next hop takes what stands in any other attribute from `route`.
        return try nextHops(in: multipath.payload, of: message, route)
    }

    /// Reads RTA_MULTIPATH: a run of `struct rtnexthop`, each with attributes of its own.
    private static func nextHops(
        in payload: Range<Int>, of message: RawSpan, _ route: RouteState
    ) throws(KernelMessageError) -> [RouteState] {
        var hops: [RouteState] = []
        var start = payload.lowerBound
        while start < payload.upperBound {
            guard payload.upperBound - start >= 8 else {
                throw .truncated(needed: start + 8, available: payload.upperBound)
            }
            let length = Int(message.hostUInt16(at: start))
            guard length >= 8 else { throw .badLength(field: "rtnh_len", length: length) }
            guard length <= payload.upperBound - start else {
                throw .truncated(needed: start + length, available: payload.upperBound)
            }
            var hop = route
            hop.outputInterface = Int(Int32(bitPattern: message.hostUInt32(at: start + 4)))
            var attributes = NetlinkAttributes(in: start + 8..<start + length)
            while let attribute = try attributes.next(in: message) {
                try hop.readGateway(attribute, of: message)
            }
            hops.append(hop)
            start += (length + 3) & ~3
        }
        return hops
    }

    /// Reads RTA_GATEWAY, or RTA_VIA for a router of the other family.
    private mutating func readGateway(
        _ attribute: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        switch attribute.type {
        case AttributeType.gateway:
            gateway = try message.address(of: attribute, "RTA_GATEWAY")
        case AttributeType.via:
            // struct rtvia { __kernel_sa_family_t rtvia_family; __u8 rtvia_addr[]; }
            try message.require(2, of: attribute, "RTA_VIA")
            let start = attribute.payload.lowerBound
            gateway = try message.address(
                of: NetlinkAttribute(
                    type: attribute.type, payload: start + 2..<attribute.payload.upperBound),
                "RTA_VIA")
        default:
            break
        }
    }

    /// Reads RTAX_MTU (2) from RTA_METRICS.
    private static func mtu(
        in metrics: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) -> Int? {
        var attributes = NetlinkAttributes(in: metrics.payload)
        while let attribute = try attributes.next(in: message) {
            guard attribute.type == 2 else { continue }
            return Int(try message.hostUInt32(of: attribute, "RTAX_MTU"))
        }
        return nil
    }
}
