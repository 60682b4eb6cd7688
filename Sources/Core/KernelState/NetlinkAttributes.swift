import NetworkPrimitives

// The frame of every netlink payload: a fixed struct in host order, then attributes. All reading is
// by offset into the caller's span, so nothing is copied that is not kept: an attribute that holds
// a key is stepped over, its key octets are never loaded.

/// Why a netlink message cannot be read.
public enum KernelMessageError: Error, Equatable, Sendable {
    /// Octets are missing: `needed` from the start of the payload, `available` there.
    case truncated(needed: Int, available: Int)
    /// A length contradicts the field it is for.
    case badLength(field: String, length: Int)
    /// A value that the kernel never writes.
    case badValue(field: String, value: UInt64)
}

/// One attribute: its type without flags, and where its payload is in the message.
struct NetlinkAttribute: Equatable {
    let type: UInt16
    let payload: Range<Int>
}

/// Walks attributes of a part of a message.
///
/// `struct nlattr { __u16 nla_len; __u16 nla_type; }`, then the payload, padded to 4 octets;
/// `nla_len` counts the header and not the padding (linux/netlink.h).
struct NetlinkAttributes {
    private static let headerByteCount = 4
    /// NLA_TYPE_MASK: the upper two bits say "nested" and "network order".
    private static let typeMask: UInt16 = 0x3fff

    private var rest: Range<Int>

    /// Starts at the first octet of `range`, which lies inside the message.
    init(in range: Range<Int>) {
        rest = range
    }

    /// Starts after the fixed struct that opens the payload.
    init(of message: RawSpan, after fixedByteCount: Int) {
        rest = min(fixedByteCount, message.byteCount)..<message.byteCount
    }

    /// The next attribute, nil after the last.
    ///
    /// - Throws: `KernelMessageError` when an attribute does not fit; the walk cannot go on then.
    mutating func next(in message: RawSpan) throws(KernelMessageError) -> NetlinkAttribute? {
        guard !rest.isEmpty else { return nil }
        guard rest.count >= Self.headerByteCount else {
            throw .truncated(
                needed: rest.lowerBound + Self.headerByteCount, available: rest.upperBound)
        }
        let length = Int(message.hostUInt16(at: rest.lowerBound))
        guard length >= Self.headerByteCount else {
            throw .badLength(field: "nla_len", length: length)
        }
        guard length <= rest.count else {
            throw .truncated(needed: rest.lowerBound + length, available: rest.upperBound)
        }
        let type = message.hostUInt16(at: rest.lowerBound + 2) & Self.typeMask
        let start = rest.lowerBound
        // The last attribute of a message may come without its padding.
        rest = min(start + (length + 3) & ~3, rest.upperBound)..<rest.upperBound
        return NetlinkAttribute(
            type: type, payload: start + Self.headerByteCount..<start + length)
    }
}

/// Address families as netlink numbers them.
enum AddressFamilyNumber {
    static let inet: UInt16 = 2
    static let inet6: UInt16 = 10
}

extension RawSpan {
    // Host order is the big-endian reading turned round where the host is little-endian.
    func hostUInt16(at offset: Int) -> UInt16 { bigEndianUInt16(at: offset).bigEndian }
    func hostUInt32(at offset: Int) -> UInt32 { bigEndianUInt32(at: offset).bigEndian }
    func hostUInt64(at offset: Int) -> UInt64 { bigEndianUInt64(at: offset).bigEndian }

    /// Checks that a fixed struct is all there.
    func require(_ byteCount: Int) throws(KernelMessageError) {
        guard self.byteCount >= byteCount else {
            throw .truncated(needed: byteCount, available: self.byteCount)
        }
    }

    /// Checks that an attribute's payload holds at least `byteCount` octets.
    func require(
        _ byteCount: Int, of attribute: NetlinkAttribute, _ field: String
    ) throws(KernelMessageError) {
        guard attribute.payload.count >= byteCount else {
            throw .badLength(field: field, length: attribute.payload.count)
        }
    }

    /// An attribute that is one 32-bit number in host order.
    func hostUInt32(
        of attribute: NetlinkAttribute, _ field: String
    ) throws(KernelMessageError) -> UInt32 {
        try require(4, of: attribute, field)
        return hostUInt32(at: attribute.payload.lowerBound)
    }

    /// An attribute that is one 32-bit number in network order.
    func bigEndianUInt32(
        of attribute: NetlinkAttribute, _ field: String
    ) throws(KernelMessageError) -> UInt32 {
        try require(4, of: attribute, field)
        return bigEndianUInt32(at: attribute.payload.lowerBound)
    }

    /// An attribute that is an address of 4 or 16 octets.
    func address(
        of attribute: NetlinkAttribute, _ field: String
    ) throws(KernelMessageError) -> IPAddress {
        switch attribute.payload.count {
        case 4: return .v4(bigEndianUInt32(at: attribute.payload.lowerBound))
        case 16: return .v6(bigEndianUInt128(at: attribute.payload.lowerBound))
        default: throw .badLength(field: field, length: attribute.payload.count)
        }
    }

    /// The address at `offset` of the 16 octets that every `xfrm_address_t` has.
    func address(
        at offset: Int, family: UInt16, _ field: String
    ) throws(KernelMessageError) -> IPAddress {
        switch family {
        case AddressFamilyNumber.inet: return .v4(bigEndianUInt32(at: offset))
        case AddressFamilyNumber.inet6: return .v6(bigEndianUInt128(at: offset))
        default: throw .badValue(field: field, value: UInt64(family))
        }
    }

    /// The text up to the first NUL in `range`, which lies inside the span.
    func text(in range: Range<Int>) -> String {
        var octets: [UInt8] = []
        for offset in range {
            let octet = uint8(at: offset)
            guard octet != 0 else { break }
            octets.append(octet)
        }
        return String(decoding: octets, as: UTF8.self)
    }
}

extension IPPrefix {
    /// Makes a block from a length the kernel wrote; throws where it exceeds the family's.
    init(
        _ address: IPAddress, kernelLength: UInt8, _ field: String
    ) throws(KernelMessageError) {
        guard Int(kernelLength) <= address.family.bitWidth else {
            throw .badValue(field: field, value: UInt64(kernelLength))
        }
        self.init(address, length: Int(kernelLength))
    }
}
