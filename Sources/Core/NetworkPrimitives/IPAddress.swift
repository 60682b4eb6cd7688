/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address as a number in host order: 192.0.2.1 is `0xc0000201`.
    case v4(UInt32)
    /// An IPv6 address as a number in host order.
    case v6(UInt128)

    /// The address family.
    public enum Family: Hashable, Sendable {
        /// IPv4, RFC 791.
        case v4
        /// IPv6, RFC 8200.
        case v6

        /// The length of an address in bits: 32 or 128.
        public var bitWidth: Int { self == .v4 ? 32 : 128 }

        /// The length of the fixed IP header in octets: 20 or 40.
        public var headerByteCount: Int { self == .v4 ? 20 : 40 }
    }

    /// The address family.
    public var family: Family {
        switch self {
        case .v4: .v4
        case .v6: .v6
        }
    }

    /// The address in network order: 4 or 16 octets.
    public var octets: [UInt8] {
        switch self {
        case .v4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
        case .v6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
        }
    }

    /// Makes an address from octets in network order; nil unless there are 4 or 16.
    public init?(octets: some Collection<UInt8>) {
        switch octets.count {
        case 4: self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(octets.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// The address as a number, left-aligned to 128 bits so that prefixes of both families compare alike.
    var leftAligned: UInt128 {
        switch self {
        case .v4(let bits): UInt128(bits) << 96
        case .v6(let bits): bits
        }
    }

    /// Whether this is 0.0.0.0 or `::`.
    public var isUnspecified: Bool { leftAligned == 0 }

    /// Whether this is 127.0.0.0/8 or `::1`.
    public var isLoopback: Bool {
        switch self {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let bits): bits == 1
        }
    }

    /// Whether this is a multicast address (RFC 1112, RFC 4291) or the IPv4 limited broadcast.
    public var isMulticast: Bool {
        switch self {
        case .v4(let bits): bits >> 28 == 0xe || bits == .max
        case .v6(let bits): bits >> 120 == 0xff
        }
    }

    /// Whether this is link-local: 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 §2.5.6).
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let bits): bits >> 16 == 0xa9fe
        case .v6(let bits): bits >> 118 == 0x3fa
        }
    }
}
