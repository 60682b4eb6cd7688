public import NetworkPrimitives

/// A UDP datagram whose checksum is chosen, and so can number it: an ICMP error quotes the checksum,
/// and routers that spread flows do not look at it (Augustin et al., Paris traceroute).
public enum NumberedDatagram {
    /// The payload that gives a datagram `checksum`: zeros, and two octets that balance it.
    ///
    /// - Precondition: `byteCount` is even and at least 2, `checksum` is not 0 (RFC 768: none), and
    ///   both addresses are of one family.
    public static func payload(
        byteCount: Int, checksum: UInt16, from source: IPAddress, port sourcePort: UInt16,
        to destination: IPAddress, port destinationPort: UInt16
    ) -> [UInt8] {
        precondition(byteCount >= 2 && byteCount.isMultiple(of: 2), "no room for the balance")
        precondition(checksum != 0, "0 stands for no checksum")
        let length = 8 + byteCount
        // Everything that the checksum covers, the checksum itself included, sums to all ones.
        let sum = InternetChecksum.fold(
            InternetChecksum.pseudoHeader(
                source, destination, protocolNumber: 17, byteCount: length)
                + UInt64(sourcePort) + UInt64(destinationPort) + UInt64(length) + UInt64(checksum))
        var payload = [UInt8](repeating: 0, count: byteCount)
        payload[0] = UInt8(truncatingIfNeeded: ~sum >> 8)
        payload[1] = UInt8(truncatingIfNeeded: ~sum)
        return payload
    }
}
