import NetworkPrimitives

extension IPAddress {
    /// Whether the address has no meaning in the Internet at large.
    ///
    /// RFC 1918, RFC 6598 (shared by carrier-grade NAT), RFC 3927 and loopback; RFC 4193 (fc00::/7),
    /// link-local and loopback for IPv6.
    var isPrivate: Bool {
        if isLoopback || isLinkLocal { return true }
        return switch self {
        case .v4(let bits):
            bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8
                || bits >> 22 == 0x6440_0000 >> 22
        case .v6(let bits): bits >> 121 == 0x7e
        }
    }

    /// Whether the source of a router's message can look like this.
    var isPlausibleRouter: Bool { !isUnspecified && !isMulticast && !isLoopback }

    /// The block of neighbours that usually belongs to one network: a /24 or a /48.
    var neighbourhood: IPPrefix { IPPrefix(self, length: family == .v4 ? 24 : 48) }
}
