import NetworkPrimitives

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

    /// Folds a wide sum of 16-bit words to one word with end-around carry.
    public static func fold(_ sum: UInt64) -> UInt16 {
        var sum = sum
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return UInt16(sum)
    }
}
