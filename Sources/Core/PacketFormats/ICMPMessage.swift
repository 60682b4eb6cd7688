public import NetworkPrimitives

/// A received ICMP or ICMPv6 message, as far as echo probing reads it.
public enum ICMPMessage: Hashable, Sendable {
    /// An Echo Request or Echo Reply.
    case echo(EchoMessage)
    /// An error about an echo message.
    case error(ICMPError)

    /// Reads an ICMP message, without its IP header.
    ///
    /// - Parameters:
    ///   - bytes: the message; any bytes are safe.
    ///   - family: which ICMP it is.
    ///   - isTruncated: whether the message was longer than `bytes`; its checksum then proves
    ///     nothing and is not looked at.
    /// - Throws: `PacketError`: `.truncated` where octets are missing, `.malformed` for a wrong
    ///   ICMPv4 checksum or quoted header (the kernel checks ICMPv6's, which covers the
    ///   pseudo-header), `.unsupported` for other types and for errors about other packets.
    public init(
        parsing bytes: RawSpan, family: IPAddress.Family, isTruncated: Bool = false
    ) throws(PacketError) {
        guard bytes.byteCount >= EchoMessage.headerByteCount else {
            throw .truncated(needed: EchoMessage.headerByteCount, available: bytes.byteCount)
        }
        if family == .v4, !isTruncated, InternetChecksum.sum(bytes) != 0xffff {
            throw .malformed(.checksum)
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
            let quote = try QuotedEcho(
                parsing: bytes, at: EchoMessage.headerByteCount, family: family)
            self = .error(ICMPError(type: type, code: code, meaning: meaning, quote: quote))
        }
    }
}
