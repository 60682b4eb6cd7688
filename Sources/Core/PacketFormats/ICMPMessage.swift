public import NetworkPrimitives

/// A received ICMP or ICMPv6 message, as far as echo probing reads it.
public enum ICMPMessage: Hashable, Sendable {
    /// An Echo Request or Echo Reply.
    case echo(EchoMessage)
    /// An error about an echo message.
    case error(ICMPError)
    /// An error about a UDP datagram.
    case datagramError(DatagramError)

    /// Reads an ICMP message, without its IP header.
    ///
    /// - Parameters:
    ///   - bytes: the message; any bytes are safe.
    ///   - family: which ICMP it is.
    ///   - isTruncated: whether the message was longer than `bytes`; its checksum then proves
    ///     nothing and is not looked at.
    ///   - addresses: the IPv6 source and destination of a captured message, whose checksum covers
    ///     them (RFC 4443 §2.3); nil where the kernel has looked at it.
    /// - Throws: `PacketError`: `.truncated` where octets are missing, `.malformed` for a wrong
    ///   checksum or quoted header, `.unsupported` for other types and for errors about other
    ///   packets.
    public init(
        parsing bytes: RawSpan, family: IPAddress.Family, isTruncated: Bool = false,
        between addresses: (source: IPAddress, destination: IPAddress)? = nil
    ) throws(PacketError) {
        guard bytes.byteCount >= EchoMessage.headerByteCount else {
            throw .truncated(needed: EchoMessage.headerByteCount, available: bytes.byteCount)
        }
        if !isTruncated {
            switch (family, addresses) {
            case (.v4, _):
                guard InternetChecksum.sum(bytes) == 0xffff else { throw .malformed(.checksum) }
            case (.v6, let addresses?):
                let seed = InternetChecksum.pseudoHeader(
                    addresses.source, addresses.destination, protocolNumber: 58,
                    byteCount: bytes.byteCount)
                guard InternetChecksum.sum(bytes, seed: seed) == 0xffff else {
                    throw .malformed(.checksum)
                }
            case (.v6, nil): break
            }
        }
        let type = bytes.uint8(at: 0)
        switch type {
        case EchoMessage.Kind.request.type(in: family):
            self = .echo(EchoMessage(kind: .request, parsing: bytes))
        case EchoMessage.Kind.reply.type(in: family):
            self = .echo(EchoMessage(kind: .reply, parsing: bytes))
        default:
            let code = bytes.uint8(at: 1)
            let mtu = bytes.bigEndianUInt32(at: 4)
            guard
                let meaning = ICMPError.Meaning(type: type, code: code, mtu: mtu, family: family)
            else { throw .unsupported }
            switch try Quote(parsing: bytes, at: EchoMessage.headerByteCount, family: family) {
            case .echo(let quote):
                self = .error(ICMPError(type: type, code: code, meaning: meaning, quote: quote))
            case .datagram(let quote):
                self = .datagramError(
                    DatagramError(type: type, code: code, meaning: meaning, quote: quote))
            }
        }
    }
}
