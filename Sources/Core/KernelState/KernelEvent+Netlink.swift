import NetworkPrimitives

// linux/xfrm.h, offsets printed with offsetof on x86-64; aarch64 is the same:
//
//     struct xfrm_usersa_id {      offset     struct xfrm_user_acquire {        offset
//         xfrm_address_t daddr;         0         struct xfrm_id id;  daddr 0, spi 16, proto 20
//         __be32         spi;          16         xfrm_address_t saddr;             24
//         __u16          family;       20         struct xfrm_selector sel;         40
//         __u8           proto;        22         struct xfrm_userpolicy_info policy; 96
//     };                               24         __u32 aalgos, ealgos, calgos, seq;  264
//                                             };                                   280 octets
//     struct xfrm_user_expire {
//         struct xfrm_usersa_info state; 0    struct xfrm_user_mapping {
//         __u8 hard;                   224        struct xfrm_usersa_id id;          0
//     };                               232        __u32 reqid;                      24
//                                                 xfrm_address_t old_saddr;         28
//     struct xfrm_usersa_flush {                  xfrm_address_t new_saddr;         44
//         __u8 proto;                    0        __be16 old_sport, new_sport;      60
//     };                                1     };                                   64 octets

extension KernelEvent {
    /// `XFRM_MSG_…` of linux/xfrm.h.
    private enum XFRMMessage {
        static let newAssociation = 0x10
        static let deleteAssociation = 0x11
        static let newPolicy = 0x13
        static let deletePolicy = 0x14
        static let acquire = 0x17
        static let expire = 0x18
        static let updatePolicy = 0x19
        static let updateAssociation = 0x1a
        static let policyExpire = 0x1b
        static let flushAssociations = 0x1c
        static let flushPolicies = 0x1d
        static let migrate = 0x21
        static let mapping = 0x26
    }

    /// `RTM_…` of linux/rtnetlink.h.
    private enum RouteMessage {
        static let newLink = 16
        static let deleteLink = 17
        /// Addresses, routes, neighbours and rules: 20 and 21, 24 and 25, 28 and 29, 32 and 33.
        static let routing: Set<Int> = [20, 21, 24, 25, 28, 29, 32, 33]
    }

    private enum AttributeType {
        static let template: UInt16 = 5
        static let association: UInt16 = 6
        static let mark: UInt16 = 21
    }

    private static let associationByteCount = 224
    private static let expireByteCount = 232
    private static let identityByteCount = 24
    private static let acquireByteCount = 280
    private static let mappingByteCount = 64
    private static let templateByteCount = 64

    /// Reads the payload of a message that NETLINK_XFRM sent by itself.
    ///
    /// - Parameters:
    ///   - message: the payload after `struct nlmsghdr`.
    ///   - type: `nlmsg_type`.
    /// - Returns: the event; nil for a message that tells nothing about tunnels.
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public static func xfrm(
        _ message: RawSpan, type: Int
    ) throws(KernelMessageError) -> KernelEvent? {
        switch type {
        case XFRMMessage.newAssociation:
            return .associationAdded(try SecurityAssociation(parsing: message))
        case XFRMMessage.updateAssociation:
            return .associationUpdated(try SecurityAssociation(parsing: message))
        case XFRMMessage.expire:
            try message.require(expireByteCount)
            return .associationExpired(
                try SecurityAssociation(parsing: message, attributesAt: expireByteCount),
                isHard: message.uint8(at: associationByteCount) != 0)
        case XFRMMessage.deleteAssociation: return try deletion(message)
        case XFRMMessage.flushAssociations:
            try message.require(1)
            // IPSEC_PROTO_ANY of linux/ipsec.h is 255.
            let number = message.uint8(at: 0)
            return .associationsFlushed(
                number == 0 || number == 255 ? nil : IPsecProtocol(number: number))
        case XFRMMessage.acquire: return try acquire(message)
        case XFRMMessage.mapping: return try mapping(message)
        case XFRMMessage.migrate: return .migrated
        case XFRMMessage.newPolicy, XFRMMessage.updatePolicy:
            return .policyChanged(try SecurityPolicy(parsing: message))
        case XFRMMessage.deletePolicy, XFRMMessage.policyExpire, XFRMMessage.flushPolicies:
            return .policiesRemoved
        default: return nil
        }
    }

    /// Reads the payload of a message that NETLINK_ROUTE sent by itself.
    ///
    /// - Parameters:
    ///   - message: the payload after `struct nlmsghdr`.
    ///   - type: `nlmsg_type`.
    /// - Returns: the event; nil for a message that tells nothing about tunnels.
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public static func route(
        _ message: RawSpan, type: Int
    ) throws(KernelMessageError) -> KernelEvent? {
        switch type {
        case RouteMessage.newLink: return .linkChanged(try LinkState(parsing: message))
        case RouteMessage.deleteLink:
            let link = try LinkState(parsing: message)
            return .linkRemoved(index: link.index, name: link.name)
        default: return RouteMessage.routing.contains(type) ? .routingChanged : nil
        }
    }

    /// XFRM_MSG_DELSA: what the SA had come to stands in XFRMA_SA, its algorithms beside it.
    ///
    /// > attr = nla_reserve(skb, XFRMA_SA, len); […] err = copy_to_user_state_extra(x, p, skb);
    /// > (net/xfrm/xfrm_user.c, xfrm_notify_sa)
    private static func deletion(_ message: RawSpan) throws(KernelMessageError) -> KernelEvent {
        var key = try AssociationKey(parsing: message)
        var attributes = NetlinkAttributes(of: message, after: identityByteCount)
        var last: SecurityAssociation?
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case AttributeType.association:
                try message.require(associationByteCount, of: attribute, "XFRMA_SA")
                last = try SecurityAssociation(
                    parsing: message, infoAt: attribute.payload.lowerBound,
                    attributesAt: identityByteCount)
            case AttributeType.mark:
                try message.require(8, of: attribute, "XFRMA_MARK")
                key.mark = message.hostUInt32(at: attribute.payload.lowerBound)
            default: break
            }
        }
        return .associationDeleted(key, last: last)
    }

    /// XFRM_MSG_ACQUIRE; the outer family is that of the policy's template.
    private static func acquire(_ message: RawSpan) throws(KernelMessageError) -> KernelEvent {
        try message.require(acquireByteCount)
        // The selector's family, of the packet inside, where there is no template.
        var family = message.hostUInt16(at: 40 + 40)
        var attributes = NetlinkAttributes(of: message, after: acquireByteCount)
        while let attribute = try attributes.next(in: message) {
            guard attribute.type == AttributeType.template else { continue }
            try message.require(templateByteCount, of: attribute, "XFRMA_TMPL")
            family = message.hostUInt16(at: attribute.payload.lowerBound + 24)
        }
        return .associationWanted(
            source: try message.address(at: 24, family: family, "family"),
            destination: try message.address(at: 0, family: family, "family"))
    }

    private static func mapping(_ message: RawSpan) throws(KernelMessageError) -> KernelEvent {
        try message.require(mappingByteCount)
        let family = message.hostUInt16(at: 20)
        return .mappingChanged(
            try AssociationKey(parsing: message),
            from: NATMapping(
                address: try message.address(at: 28, family: family, "family"),
                port: message.bigEndianUInt16(at: 60)),
            to: NATMapping(
                address: try message.address(at: 44, family: family, "family"),
                port: message.bigEndianUInt16(at: 62)))
    }
}

extension AssociationKey {
    /// Reads `struct xfrm_usersa_id` at the start of a message; the mark stands in an attribute.
    fileprivate init(parsing message: RawSpan) throws(KernelMessageError) {
        try message.require(24)
        self.init(
            spi: SPI(rawValue: message.bigEndianUInt32(at: 16)),
            destination: try message.address(
                at: 0, family: message.hostUInt16(at: 20), "family"),
            protocol: IPsecProtocol(number: message.uint8(at: 22)))
    }
}
