import NetworkPrimitives

// linux/rtnetlink.h:
//
//     struct ifinfomsg {          offset
//         unsigned char  ifi_family;   0
//         unsigned short ifi_type;     2
//         int            ifi_index;    4
//         unsigned       ifi_flags;    8
//         unsigned       ifi_change;  12
//     };                              16 octets

extension LinkState {
    private enum Field {
        static let index = 4
        static let flags = 8
        static let byteCount = 16
    }

    /// IFF_UP and IFF_RUNNING of linux/if.h.
    private static let upFlag: UInt32 = 0x1
    private static let runningFlag: UInt32 = 0x40

    /// IFLA_… of linux/if_link.h.
    private enum AttributeType {
        static let name: UInt16 = 3
        static let mtu: UInt16 = 4
        static let link: UInt16 = 5
        static let operationalState: UInt16 = 16
        static let linkInformation: UInt16 = 18
        static let statistics: UInt16 = 23
        static let linkNamespace: UInt16 = 37
        static let informationKind: UInt16 = 1
        static let informationDetail: UInt16 = 2
    }

    /// Reads the payload of RTM_NEWLINK: `struct ifinfomsg` and attributes.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public init(parsing message: RawSpan) throws(KernelMessageError) {
        try message.require(Field.byteCount)
        self.init(
            index: Int(Int32(bitPattern: message.hostUInt32(at: Field.index))), name: "",
            kind: .other(""))
        let flags = message.hostUInt32(at: Field.flags)
        isUp = flags & Self.upFlag != 0
        isRunning = flags & Self.runningFlag != 0
        var parentIsElsewhere = false
        var attributes = NetlinkAttributes(of: message, after: Field.byteCount)
        while let attribute = try attributes.next(in: message) {
            let start = attribute.payload.lowerBound
            switch attribute.type {
            case AttributeType.linkNamespace:
                // IFLA_LINK_NETNSID is there only when the namespace is another one.
                parentIsElsewhere = true
            case AttributeType.name:
                name = message.text(in: attribute.payload)
            case AttributeType.mtu:
                mtu = Int(try message.hostUInt32(of: attribute, "IFLA_MTU"))
            case AttributeType.link:
                parentIndex = (try message.hostUInt32(of: attribute, "IFLA_LINK")).nonZero
                    .map { Int(Int32(bitPattern: $0)) }
            case AttributeType.operationalState:
                try message.require(1, of: attribute, "IFLA_OPERSTATE")
                operationalState =
                    OperationalState(rawValue: message.uint8(at: start)) ?? .unknown
            case AttributeType.statistics:
                // struct rtnl_link_stats64 { __u64 rx_packets, tx_packets, … }
                try message.require(16, of: attribute, "IFLA_STATS64")
                receivedPackets = message.hostUInt64(at: start)
                transmittedPackets = message.hostUInt64(at: start + 8)
            case AttributeType.linkInformation:
                try readLinkInformation(attribute, of: message)
            default:
                break
            }
        }
        if parentIsElsewhere { parentIndex = nil }
        guard !name.isEmpty else { throw .badLength(field: "IFLA_IFNAME", length: 0) }
    }

    /// Reads IFLA_LINKINFO: the kind, and the parameters that only the kind gives a meaning.
    private mutating func readLinkInformation(
        _ information: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        var detail: NetlinkAttribute?
        var attributes = NetlinkAttributes(in: information.payload)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case AttributeType.informationKind:
                kind = LinkKind(name: message.text(in: attribute.payload))
            case AttributeType.informationDetail:
                detail = attribute
            default:
                break
            }
        }
        guard let detail else { return }
        switch kind {
        case .vti, .vti6: try readVTI(detail, of: message)
        case .gre, .gretap, .ip6gre, .ip6gretap: try readGRE(detail, of: message)
        case .xfrm: try readXFRM(detail, of: message)
        case .other: break
        }
    }

    /// IFLA_VTI_LINK 1, IKEY 2, OKEY 3, LOCAL 4, REMOTE 5 of linux/if_tunnel.h; key 0 is none.
    private mutating func readVTI(
        _ detail: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        var attributes = NetlinkAttributes(in: detail.payload)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case 1:
                try readParent(attribute, "IFLA_VTI_LINK", of: message)
            case 2:
                inKey = try message.bigEndianUInt32(of: attribute, "IFLA_VTI_IKEY").nonZero
            case 3:
                outKey = try message.bigEndianUInt32(of: attribute, "IFLA_VTI_OKEY").nonZero
            case 4:
                local = try message.address(of: attribute, "IFLA_VTI_LOCAL").specified
            case 5:
                remote = try message.address(of: attribute, "IFLA_VTI_REMOTE").specified
            default:
                break
            }
        }
    }

    /// IFLA_GRE_LINK 1, IFLAGS 2, OFLAGS 3, IKEY 4, OKEY 5, LOCAL 6, REMOTE 7 of if_tunnel.h.
    private mutating func readGRE(
        _ detail: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        // A key counts only with GRE_KEY in the flags of its direction; 0 is a key then.
        let keyFlag: UInt16 = 0x2000
        var hasInKey = false
        var hasOutKey = false
        var attributes = NetlinkAttributes(in: detail.payload)
        while let attribute = try attributes.next(in: message) {
            let start = attribute.payload.lowerBound
            switch attribute.type {
            case 1:
                try readParent(attribute, "IFLA_GRE_LINK", of: message)
            case 2:
                try message.require(2, of: attribute, "IFLA_GRE_IFLAGS")
                hasInKey = message.bigEndianUInt16(at: start) & keyFlag != 0
            case 3:
                try message.require(2, of: attribute, "IFLA_GRE_OFLAGS")
                hasOutKey = message.bigEndianUInt16(at: start) & keyFlag != 0
            case 4:
                inKey = try message.bigEndianUInt32(of: attribute, "IFLA_GRE_IKEY")
            case 5:
                outKey = try message.bigEndianUInt32(of: attribute, "IFLA_GRE_OKEY")
            case 6:
                local = try message.address(of: attribute, "IFLA_GRE_LOCAL").specified
            case 7:
                remote = try message.address(of: attribute, "IFLA_GRE_REMOTE").specified
            default:
                break
            }
        }
        if !hasInKey { inKey = nil }
        if !hasOutKey { outKey = nil }
    }

    /// IFLA_XFRM_LINK 1, IFLA_XFRM_IF_ID 2 of linux/if_link.h.
    private mutating func readXFRM(
        _ detail: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        var attributes = NetlinkAttributes(in: detail.payload)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case 1: try readParent(attribute, "IFLA_XFRM_LINK", of: message)
            case 2: interfaceID = try message.hostUInt32(of: attribute, "IFLA_XFRM_IF_ID").nonZero
            default: break
            }
        }
    }

    private mutating func readParent(
        _ attribute: NetlinkAttribute, _ field: String, of message: RawSpan
    ) throws(KernelMessageError) {
        guard let index = try message.hostUInt32(of: attribute, field).nonZero else { return }
        parentIndex = Int(Int32(bitPattern: index))
    }
}

extension IPAddress {
    /// The address, nil for the unspecified one by which the kernel says "any".
    fileprivate var specified: IPAddress? { isUnspecified ? nil : self }
}
