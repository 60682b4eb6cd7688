import KernelState
import NetworkPrimitives
import Testing

/// Writes netlink payloads field by field, in the order of the kernel's structs, so that the
/// parsers' offsets are checked against the structs and not against themselves.
struct MessageBuilder {
    private(set) var octets: [UInt8] = []

    func uint8(_ value: UInt8) -> MessageBuilder { adding([value]) }

    func uint16(_ value: UInt16) -> MessageBuilder {
        adding(withUnsafeBytes(of: value) { Array($0) })
    }

    func uint32(_ value: UInt32) -> MessageBuilder {
        adding(withUnsafeBytes(of: value) { Array($0) })
    }

    func uint64(_ value: UInt64) -> MessageBuilder {
        adding(withUnsafeBytes(of: value) { Array($0) })
    }

    func bigEndian16(_ value: UInt16) -> MessageBuilder { uint16(value.bigEndian) }

    func bigEndian32(_ value: UInt32) -> MessageBuilder { uint32(value.bigEndian) }

    func zeros(_ count: Int) -> MessageBuilder { adding(Array(repeating: 0, count: count)) }

    /// An address alone.
    func address(_ text: String) -> MessageBuilder { adding(literal(text).octets) }

    /// `xfrm_address_t`: sixteen octets for both families.
    func xfrmAddress(_ text: String) -> MessageBuilder {
        let address = literal(text).octets
        return adding(address).zeros(16 - address.count)
    }

    /// `char alg_name[64]`.
    func algorithmName(_ name: String) -> MessageBuilder {
        adding(Array(name.utf8)).zeros(64 - name.utf8.count)
    }

    func text(_ text: String) -> MessageBuilder { adding(Array(text.utf8) + [0]) }

    func attribute(
        _ type: UInt16, _ payload: (MessageBuilder) -> MessageBuilder
    ) -> MessageBuilder {
        let payload = payload(MessageBuilder()).octets
        return uint16(UInt16(payload.count + 4)).uint16(type).adding(payload)
            .zeros((4 - payload.count % 4) % 4)
    }

    func adding(_ more: [UInt8]) -> MessageBuilder {
        var copy = self
        copy.octets += more
        return copy
    }

    /// `struct xfrm_selector`, 56 octets.
    func selector(_ source: String, _ destination: String) -> MessageBuilder {
        let source = block(source)
        let destination = block(destination)
        return xfrmAddress("\(destination.network)").xfrmAddress("\(source.network)")
            .bigEndian16(0).bigEndian16(0)  // dport, dport_mask
            .bigEndian16(0).bigEndian16(0)  // sport, sport_mask
            .uint16(source.network.family == .v4 ? 2 : 10)
            .uint8(UInt8(destination.length)).uint8(UInt8(source.length))
            .uint8(0).zeros(3)  // proto, padding
            .uint32(0).uint32(0)  // ifindex, user
    }

    /// `struct xfrm_usersa_info`, 224 octets, with a value of its own in every field that is read.
    static func association(
        source: String = "192.0.2.1", destination: String = "192.0.2.2", spi: UInt32 = 0x100,
        family: UInt16 = 2, mode: UInt8 = 1, protocol: UInt8 = 50, replayWindow: UInt8 = 0,
        flags: UInt8 = 0
    ) -> MessageBuilder {
        MessageBuilder()
            .selector("0.0.0.0/0", "0.0.0.0/0")
            .xfrmAddress(destination).bigEndian32(spi).uint8(`protocol`).zeros(3)  // id
            .xfrmAddress(source)
            .uint64(11).uint64(12)  // lft: soft, hard byte limit
            .uint64(13).uint64(14)  // soft, hard packet limit
            .uint64(3000).uint64(3600)  // soft, hard seconds after add
            .uint64(17).uint64(18)  // soft, hard seconds after first use
            .uint64(4200).uint64(42)  // curlft: bytes, packets
            .uint64(1_700_000_000).uint64(1_700_000_001)  // add, first use
            .uint32(21).uint32(22).uint32(23)  // stats
            .uint32(24).uint32(25)  // seq, reqid
            .uint16(family).uint8(mode).uint8(replayWindow).uint8(flags).zeros(7)
    }

    /// `struct xfrm_userpolicy_info`, 168 octets.
    static func policy(
        source: String = "10.1.0.0/16", destination: String = "10.2.0.0/16", direction: UInt8 = 1,
        action: UInt8 = 0
    ) -> MessageBuilder {
        MessageBuilder()
            .selector(source, destination)
            .zeros(64).zeros(32)  // lft, curlft
            .uint32(1234).uint32(9)  // priority, index
            .uint8(direction).uint8(action).uint8(0).uint8(0)  // dir, action, flags, share
            .zeros(4)
    }

    /// `struct xfrm_user_tmpl`, 64 octets.
    func template(
        _ source: String, _ destination: String, mode: UInt8 = 1, family: UInt16? = nil
    ) -> MessageBuilder {
        xfrmAddress(destination).uint32(0).uint8(50).zeros(3)  // id
            .uint16(family ?? (literal(source).family == .v4 ? 2 : 10)).zeros(2)
            .xfrmAddress(source)
            .uint32(77)  // reqid
            .uint8(mode).uint8(0).uint8(0).zeros(1)  // mode, share, optional
            .uint32(.max).uint32(.max).uint32(.max)  // aalgos, ealgos, calgos
    }
}

/// What a parser made of some octets.
func parse<Value>(
    _ octets: [UInt8], _ parser: (RawSpan) throws(KernelMessageError) -> Value
) -> Result<Value, KernelMessageError> {
    Result { () throws(KernelMessageError) -> Value in try octets.withRawSpan(parser) }
}

/// SplitMix64: random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// The address that a test spells out.
func literal(_ text: some StringProtocol) -> IPAddress {
    guard let address = IPAddress(String(text)) else {
        preconditionFailure("not an address: \(text)")
    }
    return address
}

/// The block that a test spells out.
func block(_ text: String) -> IPPrefix {
    guard let prefix = IPPrefix(text) else { preconditionFailure("not a block: \(text)") }
    return prefix
}
