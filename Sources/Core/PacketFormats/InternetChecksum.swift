public import NetworkPrimitives

/// The ones' complement sum of RFC 1071 over 16-bit words.
public enum InternetChecksum {
    /// The folded sum of `bytes`, not yet complemented; an odd last octet is padded with zero.
    ///
    /// RFC 1071 §1. A message whose checksum field is right sums to `0xffff`.
    public static func sum(_ bytes: RawSpan, from start: Int = 0, seed: UInt64 = 0) -> UInt16 {
        var total = seed
        var offset = start
        while offset + 1 < bytes.byteCount {
            total &+= UInt64(bytes.bigEndianUInt16(at: offset))
            offset += 2
        }
        if offset < bytes.byteCount {
            total &+= UInt64(bytes.uint8(at: offset)) << 8
        }
        return fold(total)
    }

    /// The sum of the pseudo-header that UDP (RFC 768, RFC 8200 §8.1) and ICMPv6 checksums cover.
    ///
    /// - Precondition: both addresses are of one family.
    public static func pseudoHeader(
        _ source: IPAddress, _ destination: IPAddress, protocolNumber: UInt8, byteCount: Int
    ) -> UInt64 {
        precondition(source.family == destination.family, "one family")
        return words(of: source) + words(of: destination) + UInt64(protocolNumber)
            + UInt64(UInt32(truncatingIfNeeded: byteCount))
    }

    private static func words(of address: IPAddress) -> UInt64 {
        var rest: UInt128 =
            switch address {
            case .v4(let bits): UInt128(bits)
            case .v6(let bits): bits
            }
        var sum: UInt64 = 0
        while rest > 0 {
            sum += UInt64(rest & 0xffff)
            rest >>= 16
        }
        return sum
    }

    /// Folds a wide sum of 16-bit words to one word with end-around carry.
    public static func fold(_ sum: UInt64) -> UInt16 {
        var sum = sum
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return UInt16(sum)
    }
}
