import NetworkPrimitives

/// Tells packets of a stream apart by what they carry: copies have equal identities, different
/// packets different ones except with chance 2⁻⁶⁴ (algorithms §1).
///
/// Of the payload 48 octets at most are read: enough for NULL encryption, where the first 16 may be
/// equal in different packets. With a secret seed nobody can make packets whose identities meet.
/// Folded 128-bit products, in the manner of wyhash.
public struct PacketIdentityHash: Sendable {
    /// Octets of payload that count; more make no difference.
    public static let payloadLimit = 48

    private let secrets: (UInt64, UInt64, UInt64, UInt64, UInt64)

    /// Makes a hash.
    ///
    /// - Parameter seed: A secret random number; identities of different seeds cannot be compared.
    public init(seed: UInt64) {
        var stream = SecretStream(seed: seed)
        secrets = (stream.next(), stream.next(), stream.next(), stream.next(), stream.next())
    }

    /// The identity of a packet.
    ///
    /// - Parameters:
    ///   - sequence: Its sequence number.
    ///   - payload: What the capture has after the ESP header, of any length.
    /// - Returns: 64 bits that all depend on everything.
    @inline(__always)
    public func identity(sequence: UInt32, payload: RawSpan) -> UInt64 {
        let length = min(payload.byteCount, Self.payloadLimit)
        var state = secrets.0 ^ (UInt64(sequence) << 32 | UInt64(length))
        if length > 16 {
            state = foldedProduct(
                payload.bigEndianUInt64(at: 0) ^ secrets.1, payload.bigEndianUInt64(at: 8) ^ state)
        }
        if length > 32 {
            state = foldedProduct(
                payload.bigEndianUInt64(at: 16) ^ secrets.2,
                payload.bigEndianUInt64(at: 24) ^ state)
        }
        let (left, right) = tail(of: payload, length: length)
        return foldedProduct(
            secrets.4 ^ UInt64(sequence), foldedProduct(left ^ secrets.3, right ^ state))
    }

    /// The last 16 octets of the first `length`, or what there is of them; together with the length
    /// they stand for exactly one text.
    @inline(__always)
    private func tail(of payload: RawSpan, length: Int) -> (UInt64, UInt64) {
        if length >= 16 {
            return (
                payload.bigEndianUInt64(at: length - 16), payload.bigEndianUInt64(at: length - 8)
            )
        }
        if length >= 8 {
            return (payload.bigEndianUInt64(at: 0), payload.bigEndianUInt64(at: length - 8))
        }
        if length >= 4 {
            return (
                UInt64(payload.bigEndianUInt32(at: 0)),
                UInt64(payload.bigEndianUInt32(at: length - 4))
            )
        }
        var octets: UInt64 = 0
        for offset in 0..<length { octets = octets << 8 | UInt64(payload.uint8(at: offset)) }
        return (octets, 0)
    }
}
