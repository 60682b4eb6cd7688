import NetworkPrimitives
public import PacketFormats

/// How much of a packet is kept: its headers, and nothing that somebody sent through the tunnel.
public enum HeaderSnap {
    /// The octets of an initialization vector that are kept.
    ///
    /// All of an AEAD's (RFC 4106 §3.1), half of a block cipher's. What follows is ciphertext.
    public static let vectorLength = 8
    /// The most octets of an IKE message that are kept.
    public static let ikeLength = 320
    /// The most octets of a TCP header (RFC 9293 §3.1).
    private static let tcpLength = 60

    /// How many octets of a frame are kept, from its start.
    ///
    /// ESP: up to the first octets of the IV. IKE: what is in clear, which is proposals, public keys,
    /// nonces and notifications of IKE_SA_INIT, and the header alone of what is encrypted and of
    /// IKEv1, whose aggressive mode shows a hash that a weak secret can be guessed from. ICMP and TCP:
    /// the header; of an ICMP error the headers that it quotes. Later fragments: the IP header.
    ///
    /// - Parameters:
    ///   - decoded: what the frame carries.
    ///   - frame: its captured octets.
    /// - Returns: the octets to keep, at most those that were captured; nil for a packet that has no
    ///   place in a recording.
    public static func length(of decoded: DecodedFrame, in frame: RawSpan) -> Int? {
        switch decoded {
        case .esp(let datagram):
            return min(datagram.payload.lowerBound + vectorLength, datagram.payload.upperBound)
        case .ike(let datagram):
            let message = frame.extracting(datagram.payload)
            return datagram.payload.lowerBound
                + min(clearLength(ofIKE: message), ikeLength, message.byteCount)
        case .icmp(let header, let payload):
            let message = frame.extracting(payload)
            return payload.lowerBound
                + min(headerLength(ofICMP: message, header.source.family), message.byteCount)
        case .tcp(_, let payload, _):
            guard payload.count >= 13 else { return payload.upperBound }
            let length = Int(frame.uint8(at: payload.lowerBound + 12) >> 4) * 4
            return payload.lowerBound + min(max(length, 20), tcpLength, payload.count)
        case .laterFragment(_, let payload): return payload.lowerBound
        // Its one octet is what makes it one.
        case .natKeepalive(_, let payload): return payload.upperBound
        case .other, .unreadable: return nil
        }
    }

    /// An echo's header; of an error also the IP header that it quotes and eight octets after it
    /// (RFC 792, RFC 4443 §3).
    private static func headerLength(
        ofICMP message: RawSpan, _ family: IPAddress.Family
    ) -> Int {
        guard let type = message.byteCount > 0 ? message.uint8(at: 0) : nil else { return 0 }
        switch family {
        case .v4:
            guard [3, 4, 5, 11, 12].contains(type), message.byteCount > 8 else { return 8 }
            return 8 + max(20, Int(message.uint8(at: 8) & 15) * 4) + 8
        case .v6: return (1...4).contains(type) ? 8 + 40 + 8 : 8
        }
    }

    /// The octets of an IKE message before the first encrypted one; RFC 7296 §3.1, §3.2, §3.14.
    private static func clearLength(ofIKE message: RawSpan) -> Int {
        let header = 28
        guard message.byteCount >= header, message.uint8(at: 17) >> 4 == 2 else { return header }
        var next = message.uint8(at: 16)
        var offset = header
        while next != 0, offset + 4 <= message.byteCount, offset < ikeLength {
            // Encrypted payload, and encrypted fragment with its two numbers (RFC 7383 §2.5).
            if next == 46 { return offset + 4 }
            if next == 53 { return offset + 8 }
            let length = Int(message.bigEndianUInt16(at: offset + 2))
            guard length >= 4 else { return offset }
            // Who somebody is, how he proves it, and what he may send: in clear only in a message
            // that nobody should have sent (identifications, certificates, authentication,
            // configuration, EAP).
            if [35, 36, 37, 38, 39, 47, 48].contains(next) { return offset }
            next = message.uint8(at: offset)
            offset += length
        }
        return offset
    }
}
