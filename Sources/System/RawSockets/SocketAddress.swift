import CLinux
import Glibc
import NetworkPrimitives

extension IPAddress {
    /// The address that a C structure holds in network order.
    init(_ address: in6_addr) {
        self = .v6(unsafe UInt128(bigEndian: unsafeBitCast(address, to: UInt128.self)))
    }

    /// The address for sendmsg(2), port 0.
    var socketAddress: sockaddr_in6 {
        // One structure for both families: sockaddr_in is shorter and has family, port and address
        // where sockaddr_in6 has family, port and flow label.
        var result = sockaddr_in6()
        switch self {
        case .v4(let bits):
            result.sin6_family = sa_family_t(AF_INET)
            result.sin6_flowinfo = bits.bigEndian
        case .v6:
            result.sin6_family = sa_family_t(AF_INET6)
            result.sin6_addr = in6Address
        }
        return result
    }

    /// The length of `socketAddress` that the kernel is to read.
    var socketAddressByteCount: Int {
        family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
    }

    /// The address in network order; for IPv4 the IPv4-mapped address, RFC 4291 §2.5.5.2.
    var in6Address: in6_addr {
        let bits: UInt128 =
            switch self {
            case .v4(let bits): 0xffff << 32 | UInt128(bits)
            case .v6(let bits): bits
            }
        return unsafe unsafeBitCast(bits.bigEndian, to: in6_addr.self)
    }
}
