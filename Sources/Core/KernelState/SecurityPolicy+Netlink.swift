import NetworkPrimitives

// Layout of linux/xfrm.h, offsets printed with offsetof on x86-64; aarch64 is the same.
//
//     struct xfrm_selector {              offset     struct xfrm_userpolicy_info {        offset
//         xfrm_address_t daddr;                0         struct xfrm_selector     sel;         0
//         xfrm_address_t saddr;               16         struct xfrm_lifetime_cfg lft;        56
//         __be16 dport, dport_mask;           32         struct xfrm_lifetime_cur curlft;    120
//         __be16 sport, sport_mask;           36         __u32 priority;                     152
//         __u16  family;                      40         __u32 index;                        156
//         __u8   prefixlen_d, prefixlen_s;    42         __u8  dir, action, flags, share;    160
//         __u8   proto;                       44     };                                      168 octets
//         int    ifindex;                     48
//         __kernel_uid32_t user;              52     struct xfrm_user_tmpl {
//     };                                      56         struct xfrm_id id;   { daddr 0, spi 16, proto 20 }
//                                                        __u16 family;                        24
//                                                        xfrm_address_t saddr;                28
//                                                        __u32 reqid;                         44
//                                                        __u8  mode, share, optional;         48
//                                                        __u32 aalgos, ealgos, calgos;        52
//                                                    };                                       64 octets

extension SecurityPolicy {
    private enum Field {
        static let destination = 0
        static let source = 16
        static let destinationPort = 32
        static let sourcePort = 36
        static let family = 40
        static let destinationLength = 42
        static let sourceLength = 43
        static let `protocol` = 44
        static let interfaceIndex = 48
        static let priority = 152
        static let index = 156
        static let direction = 160
        static let action = 161
        static let byteCount = 168
    }

    /// `enum xfrm_attr_type_t`.
    private enum AttributeType {
        static let template: UInt16 = 5
        static let mark: UInt16 = 21
        static let interfaceID: UInt16 = 31
    }

    /// Reads the payload of XFRM_MSG_NEWPOLICY: `struct xfrm_userpolicy_info` and attributes.
    ///
    /// Attributes of other types are stepped over: newer kernels have more.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public init(parsing message: RawSpan) throws(KernelMessageError) {
        try message.require(Field.byteCount)
        let family = message.hostUInt16(at: Field.family)
        self.init(
            direction: try Direction(number: message.uint8(at: Field.direction)),
            source: try IPPrefix(
                try message.address(at: Field.source, family: family, "sel.family"),
                kernelLength: message.uint8(at: Field.sourceLength), "sel.prefixlen_s"),
            destination: try IPPrefix(
                try message.address(at: Field.destination, family: family, "sel.family"),
                kernelLength: message.uint8(at: Field.destinationLength), "sel.prefixlen_d"),
            templates: [])
        `protocol` = message.uint8(at: Field.protocol)
        sourcePort = PortMatch(
            port: message.bigEndianUInt16(at: Field.sourcePort),
            mask: message.bigEndianUInt16(at: Field.sourcePort + 2))
        destinationPort = PortMatch(
            port: message.bigEndianUInt16(at: Field.destinationPort),
            mask: message.bigEndianUInt16(at: Field.destinationPort + 2))
        interfaceIndex = message.hostUInt32(at: Field.interfaceIndex).nonZero
            .map { Int(Int32(bitPattern: $0)) }
        priority = message.hostUInt32(at: Field.priority)
        index = message.hostUInt32(at: Field.index)
        // XFRM_POLICY_ALLOW 0, XFRM_POLICY_BLOCK 1.
        allows = message.uint8(at: Field.action) == 0
        var attributes = NetlinkAttributes(of: message, after: Field.byteCount)
        while let attribute = try attributes.next(in: message) {
            let start = attribute.payload.lowerBound
            switch attribute.type {
            case AttributeType.template:
                templates = try Self.templates(parsing: message, attribute)
            case AttributeType.mark:
                try message.require(8, of: attribute, "XFRMA_MARK")
                mark = message.hostUInt32(at: start)
                markMask = message.hostUInt32(at: start + 4)
            case AttributeType.interfaceID:
                interfaceID = try message.hostUInt32(of: attribute, "XFRMA_IF_ID").nonZero
            default:
                break
            }
        }
    }

    /// Reads XFRMA_TMPL: as many `struct xfrm_user_tmpl` as fit.
    private static func templates(
        parsing message: RawSpan, _ attribute: NetlinkAttribute
    ) throws(KernelMessageError) -> [Template] {
        let byteCount = 64
        guard attribute.payload.count.isMultiple(of: byteCount) else {
            throw .badLength(field: "XFRMA_TMPL", length: attribute.payload.count)
        }
        var templates: [Template] = []
        for start in stride(
            from: attribute.payload.lowerBound, to: attribute.payload.upperBound, by: byteCount)
        {
            let family = message.hostUInt16(at: start + 24)
            var template = Template(
                source: try message.address(at: start + 28, family: family, "tmpl.family"),
                destination: try message.address(at: start, family: family, "tmpl.family"),
                protocol: IPsecProtocol(number: message.uint8(at: start + 20)),
                mode: IPsecMode(number: message.uint8(at: start + 48)),
                requestID: message.hostUInt32(at: start + 44))
            template.isOptional = message.uint8(at: start + 50) != 0
            templates.append(template)
        }
        return templates
    }
}

extension SecurityPolicy.Direction {
    /// Makes a direction from XFRM_POLICY_IN 0, OUT 1, FWD 2, and those plus 3 for one socket's.
    fileprivate init(number: UInt8) throws(KernelMessageError) {
        switch number {
        case 0: self = .in
        case 1: self = .out
        case 2: self = .forward
        case 3...5: self = .socket
        default: throw .badValue(field: "dir", value: UInt64(number))
        }
    }
}
