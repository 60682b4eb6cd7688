public import NetworkPrimitives

/// One of the two echo messages of RFC 792 and RFC 4443 §4, with the payload this project sends.
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      |     Code      |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Identifier          |        Sequence Number        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            Balance            |             Nonce …
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///                                … 8 octets       | 0x55 … to the end
/// ```
///
/// The *balance* absorbs whatever changes from probe to probe, so that the checksum stays the same
/// for a whole flow. Routers that spread flows hash the first words after the IP header, the
/// checksum among them; a changing one would send consecutive probes over different paths
/// (Augustin et al., Paris traceroute). The *nonce* tells our own reply from a forged one.
public struct EchoMessage: Hashable, Sendable {
    /// Request or reply.
    public enum Kind: Hashable, Sendable {
        /// Echo Request: type 8, or 128 for IPv6.
        case request
        /// Echo Reply: type 0, or 129 for IPv6.
        case reply

        /// The ICMP type octet in `family`.
        public func type(in family: IPAddress.Family) -> UInt8 {
            switch (self, family) {
            case (.request, .v4): 8
            case (.reply, .v4): 0
            case (.request, .v6): 128
            case (.reply, .v6): 129
            }
        }
    }

    /// The ICMP header of an echo message, in octets.
    public static let headerByteCount = 8
    /// The shortest payload that holds balance and nonce, in octets.
    public static let minimumPayloadByteCount = 10

    /// Request or reply.
    public var kind: Kind
    /// The identifier field.
    public var identifier: UInt16
    /// The sequence number field.
    public var sequence: UInt16
    /// The two payload octets that hold the checksum constant.
    public var balance: UInt16
    /// The eight payload octets that mark one probe.
    public var nonce: UInt64
    /// Octets after the ICMP header, balance and nonce included.
    public var payloadByteCount: Int
    /// Whether every octet after the nonce is the fill pattern; always true for a message of ours.
    public var isFillIntact: Bool

    /// Makes a message whose checksum, in IPv4, is `checksum`.
    ///
    /// In IPv6 the kernel adds the pseudo-header's sum, which is constant for a flow too.
    ///
    /// - Precondition: `payloadByteCount` is at least `minimumPayloadByteCount`.
    public init(
        kind: Kind, family: IPAddress.Family, identifier: UInt16, sequence: UInt16, nonce: UInt64,
        payloadByteCount: Int, checksum: UInt16
    ) {
        precondition(payloadByteCount >= Self.minimumPayloadByteCount, "payload too short")
        self.kind = kind
        self.identifier = identifier
        self.sequence = sequence
        self.nonce = nonce
        self.payloadByteCount = payloadByteCount
        isFillIntact = true
        let words = UInt64(kind.type(in: family)) << 8 + UInt64(checksum) + UInt64(identifier)
        let sum = InternetChecksum.fold(
            words + UInt64(sequence) + Self.sum(ofNonce: nonce)
                + Self.sum(ofFill: payloadByteCount - Self.minimumPayloadByteCount))
        balance = ~sum
    }

    /// Writes the message over `buffer`, keeping its capacity; the checksum field holds `checksum`.
    public func encode(
        family: IPAddress.Family, checksum: UInt16, into buffer: inout [UInt8]
    ) {
        buffer.removeAll(keepingCapacity: true)
        buffer.append(kind.type(in: family))
        buffer.append(0)
        buffer.append(bigEndian: checksum)
        buffer.append(bigEndian: identifier)
        buffer.append(bigEndian: sequence)
        buffer.append(bigEndian: balance)
        buffer.append(bigEndian: nonce)
        for _ in Self.minimumPayloadByteCount..<max(payloadByteCount, Self.minimumPayloadByteCount)
        {
            buffer.append(Self.fill)
        }
    }

    /// Reads the echo message that `bytes`, an ICMP message with a known type, holds.
    ///
    /// A payload too short for balance and nonce reads as zero there.
    init(kind: Kind, parsing bytes: RawSpan) {
        self.kind = kind
        identifier = bytes.bigEndianUInt16(at: 4)
        sequence = bytes.bigEndianUInt16(at: 6)
        payloadByteCount = bytes.byteCount - Self.headerByteCount
        guard payloadByteCount >= Self.minimumPayloadByteCount else {
            balance = 0
            nonce = 0
            isFillIntact = false
            return
        }
        balance = bytes.bigEndianUInt16(at: 8)
        nonce = bytes.bigEndianUInt64(at: 10)
        var intact = true
        for offset in (Self.headerByteCount + Self.minimumPayloadByteCount)..<bytes.byteCount {
            intact = intact && bytes.uint8(at: offset) == Self.fill
        }
        isFillIntact = intact
    }

    private static let fill: UInt8 = 0x55

    private static func sum(ofNonce nonce: UInt64) -> UInt64 {
        (nonce >> 48) + (nonce >> 32 & 0xffff) + (nonce >> 16 & 0xffff) + (nonce & 0xffff)
    }

    /// The sum of `count` fill octets; an odd one at the end is padded with zero (RFC 1071 §1).
    private static func sum(ofFill count: Int) -> UInt64 {
        UInt64(count / 2) * 0x5555 + (count % 2 == 0 ? 0 : 0x5500)
    }
}
