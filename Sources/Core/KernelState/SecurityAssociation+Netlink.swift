import NetworkPrimitives

// Layout of linux/xfrm.h, offsets printed with offsetof on x86-64; aarch64 is the same. (32-bit x86
// aligns __u64 to 4 octets and is not supported by this layout.)
//
//     struct xfrm_usersa_info {                offset
//         struct xfrm_selector     sel;             0   56 octets
//         struct xfrm_id           id;             56   { daddr 0, spi 16 (network order), proto 20 }
//         xfrm_address_t           saddr;          80   16 octets for both families
//         struct xfrm_lifetime_cfg lft;            96   8 × __u64
//         struct xfrm_lifetime_cur curlft;        160   { bytes, packets, add_time, use_time }
//         struct xfrm_stats        stats;         192   3 × __u32
//         __u32                    seq;           204
//         __u32                    reqid;         208
//         __u16                    family;        212
//         __u8                     mode;          214
//         __u8                     replay_window; 215
//         __u8                     flags;         216
//     };                                          224 octets

extension SecurityAssociation {
    private enum Field {
        static let destination = 56
        static let spi = 72
        static let `protocol` = 76
        static let source = 80
        /// `lft`: soft and hard limit of octets, then of packets.
        static let softByteLimit = 96
        static let hardByteLimit = 104
        static let softPacketLimit = 112
        static let hardPacketLimit = 120
        /// `lft.soft_add_expires_seconds`, the fifth of eight.
        static let softAddExpiresSeconds = 128
        static let hardAddExpiresSeconds = 136
        static let bytes = 160
        static let packets = 168
        static let addTime = 176
        static let replayWindowStatistic = 192
        static let replayStatistic = 196
        static let integrityFailedStatistic = 200
        static let requestID = 208
        static let family = 212
        static let mode = 214
        static let replayWindow = 215
        static let flags = 216
        static let byteCount = 224
    }

    /// XFRM_STATE_ESN of `flags`.
    private static let esnFlag: UInt8 = 128

    /// `enum xfrm_attr_type_t`.
    private enum AttributeType {
        static let algorithmAuth: UInt16 = 1
        static let algorithmCrypt: UInt16 = 2
        static let encapsulation: UInt16 = 4
        static let replay: UInt16 = 10
        static let lastUsed: UInt16 = 15
        static let algorithmAEAD: UInt16 = 18
        static let algorithmAuthTruncated: UInt16 = 20
        static let mark: UInt16 = 21
        static let replayESN: UInt16 = 23
        static let offload: UInt16 = 28
        static let outputMark: UInt16 = 29
        static let interfaceID: UInt16 = 31
        static let direction: UInt16 = 33
    }

    /// Reads the payload of XFRM_MSG_NEWSA: `struct xfrm_usersa_info` and attributes.
    ///
    /// Loads names and lengths of algorithms and never a key octet. Attributes of other types are
    /// stepped over: newer kernels have more.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public init(parsing message: RawSpan) throws(KernelMessageError) {
        try self.init(parsing: message, attributesAt: Field.byteCount)
    }

    /// Reads `struct xfrm_usersa_info` and attributes from where a message has them.
    ///
    /// - Parameters:
    ///   - message: The whole payload.
    ///   - start: Where the struct is.
    ///   - attributesAt: Where the attributes begin.
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    init(
        parsing message: RawSpan, infoAt start: Int = 0, attributesAt: Int
    ) throws(KernelMessageError) {
        try message.require(start + Field.byteCount)
        let family = message.hostUInt16(at: start + Field.family)
        self.init(
            spi: SPI(rawValue: message.bigEndianUInt32(at: start + Field.spi)),
            source: try message.address(at: start + Field.source, family: family, "family"),
            destination: try message.address(
                at: start + Field.destination, family: family, "family"))
        `protocol` = IPsecProtocol(number: message.uint8(at: start + Field.protocol))
        mode = IPsecMode(number: message.uint8(at: start + Field.mode))
        requestID = message.hostUInt32(at: start + Field.requestID)
        replayWindow = UInt32(message.uint8(at: start + Field.replayWindow))
        extendedSequenceNumbers = message.uint8(at: start + Field.flags) & Self.esnFlag != 0
        packets = message.hostUInt64(at: start + Field.packets)
        bytes = message.hostUInt64(at: start + Field.bytes)
        let addTime = message.hostUInt64(at: start + Field.addTime)
        addedAt = WallTime(kernelSeconds: addTime)
        softExpiresAt = WallTime(
            kernelSeconds: addTime,
            after: message.hostUInt64(at: start + Field.softAddExpiresSeconds))
        hardExpiresAt = WallTime(
            kernelSeconds: addTime,
            after: message.hostUInt64(at: start + Field.hardAddExpiresSeconds))
        volumeLimits.softBytes = message.volumeLimit(at: start + Field.softByteLimit)
        volumeLimits.hardBytes = message.volumeLimit(at: start + Field.hardByteLimit)
        volumeLimits.softPackets = message.volumeLimit(at: start + Field.softPacketLimit)
        volumeLimits.hardPackets = message.volumeLimit(at: start + Field.hardPacketLimit)
        statistics = Statistics(
            replayWindow: message.hostUInt32(at: start + Field.replayWindowStatistic),
            replay: message.hostUInt32(at: start + Field.replayStatistic),
            integrityFailed: message.hostUInt32(at: start + Field.integrityFailedStatistic))
        var attributes = NetlinkAttributes(of: message, after: attributesAt)
        while let attribute = try attributes.next(in: message) {
            try read(attribute, of: message)
        }
    }

    private mutating func read(
        _ attribute: NetlinkAttribute, of message: RawSpan
    ) throws(KernelMessageError) {
        let start = attribute.payload.lowerBound
        switch attribute.type {
        case AttributeType.algorithmAEAD:
            cipher = try Algorithm(parsing: message, attribute, .aead)
        case AttributeType.algorithmCrypt:
            cipher = try Algorithm(parsing: message, attribute, .plain)
        case AttributeType.algorithmAuthTruncated:
            integrity = try Algorithm(parsing: message, attribute, .truncated)
        case AttributeType.algorithmAuth where integrity == nil:
            // The kernel writes it beside XFRMA_ALG_AUTH_TRUNC, which says more, for old readers.
            integrity = try Algorithm(parsing: message, attribute, .plain)
        case AttributeType.encapsulation:
            // struct xfrm_encap_tmpl { __u16 encap_type; __be16 encap_sport, encap_dport; … }
            try message.require(6, of: attribute, "XFRMA_ENCAP")
            let type = message.hostUInt16(at: start)
            // UDP_ENCAP_ESPINUDP (linux/udp.h).
            encapsulation =
                type == 2
                ? .udp(
                    sourcePort: message.bigEndianUInt16(at: start + 2),
                    destinationPort: message.bigEndianUInt16(at: start + 4))
                : .other(type)
        case AttributeType.lastUsed:
            try message.require(8, of: attribute, "XFRMA_LASTUSED")
            lastUsed = WallTime(kernelSeconds: message.hostUInt64(at: start))
        case AttributeType.mark:
            try message.require(8, of: attribute, "XFRMA_MARK")
            mark = message.hostUInt32(at: start)
            markMask = message.hostUInt32(at: start + 4)
        case AttributeType.replayESN:
            // struct xfrm_replay_state_esn, six __u32, the last one replay_window. It is the
            // window in force where it is there at all; the old 8-bit field cannot hold it.
            try message.require(24, of: attribute, "XFRMA_REPLAY_ESN_VAL")
            replayWindow = message.hostUInt32(at: start + 20)
            // { bmp_len, oseq, seq, oseq_hi, seq_hi, replay_window, bmp[] }
            sentSequence = message.sequence(lowAt: start + 4, highAt: start + 12)
            receivedSequence = message.sequence(lowAt: start + 8, highAt: start + 16)
        case AttributeType.replay:
            // struct xfrm_replay_state { __u32 oseq, seq, bitmap; }
            try message.require(12, of: attribute, "XFRMA_REPLAY_VAL")
            sentSequence = UInt64(message.hostUInt32(at: start))
            receivedSequence = UInt64(message.hostUInt32(at: start + 4))
        case AttributeType.offload:
            // struct xfrm_user_offload { int ifindex; __u8 flags; }; XFRM_OFFLOAD_PACKET 4.
            try message.require(5, of: attribute, "XFRMA_OFFLOAD_DEV")
            offload = Offload(
                interfaceIndex: Int(Int32(bitPattern: message.hostUInt32(at: start))),
                isWhole: message.uint8(at: start + 4) & 4 != 0)
        case AttributeType.outputMark:
            outputMark = try message.hostUInt32(of: attribute, "XFRMA_SET_MARK")
        case AttributeType.interfaceID:
            interfaceID = try message.hostUInt32(of: attribute, "XFRMA_IF_ID").nonZero
        case AttributeType.direction:
            // XFRM_SA_DIR_IN 1, XFRM_SA_DIR_OUT 2.
            try message.require(1, of: attribute, "XFRMA_SA_DIR")
            switch message.uint8(at: start) {
            case 1: direction = .inbound
            case 2: direction = .outbound
            default: break
            }
        default:
            break
        }
    }
}

extension Algorithm {
    /// The three structs of linux/xfrm.h that name an algorithm.
    ///
    ///     struct xfrm_algo      { char alg_name[64]; u32 alg_key_len;                    char alg_key[]; }
    ///     struct xfrm_algo_auth { char alg_name[64]; u32 alg_key_len; u32 alg_trunc_len; char alg_key[]; }
    ///     struct xfrm_algo_aead { char alg_name[64]; u32 alg_key_len; u32 alg_icv_len;   char alg_key[]; }
    ///
    /// Lengths are in bits.
    fileprivate enum Layout {
        case plain, truncated, aead
    }

    private static let nameByteCount = 64

    /// Reads name and lengths; stops before `alg_key`.
    fileprivate init(
        parsing message: RawSpan, _ attribute: NetlinkAttribute, _ layout: Layout
    ) throws(KernelMessageError) {
        let keyOffset = Self.nameByteCount + (layout == .plain ? 4 : 8)
        try message.require(keyOffset, of: attribute, "algorithm")
        let start = attribute.payload.lowerBound
        let name = message.text(in: start..<start + Self.nameByteCount)
        let bits = Int(message.hostUInt32(at: start + Self.nameByteCount))
        guard attribute.payload.count - keyOffset >= (bits + 7) / 8 else {
            throw .badLength(field: "alg_key_len", length: bits)
        }
        self.init(
            name: name, keyBits: bits - min(bits, Self.saltBits(of: name)),
            integrityCheckBits: layout == .plain
                ? nil : Int(message.hostUInt32(at: start + Self.nameByteCount + 4)))
    }

    /// The bits at the end of a key that are a salt of the nonce and not the cipher's key.
    private static func saltBits(of name: String) -> Int {
        switch name {
        // RFC 4106 §8.1, RFC 4543 §5.4, RFC 7634 §2, RFC 3686 §5.1: four octets.
        case "rfc4106(gcm(aes))", "rfc4543(gcm(aes))", "rfc7539esp(chacha20,poly1305)",
            "rfc3686(ctr(aes))":
            32
        // RFC 4309 §7.1: three octets.
        case "rfc4309(ccm(aes))": 24
        default: 0
        }
    }
}

extension RawSpan {
    /// A limit of octets or packets; nil for XFRM_INF, by which the kernel says "none", and for 0,
    /// by which some key daemons do.
    fileprivate func volumeLimit(at offset: Int) -> UInt64? {
        let limit = hostUInt64(at: offset)
        return limit == .max || limit == 0 ? nil : limit
    }

    /// A sequence number in two halves.
    fileprivate func sequence(lowAt low: Int, highAt high: Int) -> UInt64 {
        UInt64(hostUInt32(at: high)) << 32 | UInt64(hostUInt32(at: low))
    }
}

extension UInt32 {
    /// The number, nil for the 0 by which the kernel says "none".
    var nonZero: UInt32? { self == 0 ? nil : self }
}

extension WallTime {
    /// A time the kernel wrote in seconds since 1970; nil for the 0 by which it says "never".
    init?(kernelSeconds seconds: UInt64) {
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard seconds != 0, !overflow, let signed = Int64(exactly: nanoseconds) else { return nil }
        self.init(nanoseconds: signed)
    }

    /// A time `limit` seconds after another; nil when either is the 0 by which it says "never".
    init?(kernelSeconds seconds: UInt64, after limit: UInt64) {
        let (sum, overflow) = seconds.addingReportingOverflow(limit)
        guard seconds != 0, limit != 0, !overflow else { return nil }
        self.init(kernelSeconds: sum)
    }
}
