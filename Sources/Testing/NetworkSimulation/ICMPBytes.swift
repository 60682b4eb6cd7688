import NetworkPrimitives
import PacketFormats

/// Builds the messages that a kernel, a target or a router makes of an echo message's octets.
enum ICMPBytes {
    /// Writes the ICMPv6 checksum, as the sending kernel does whatever the field held.
    static func fillChecksumV6(
        _ bytes: inout [UInt8], from source: IPAddress, to destination: IPAddress
    ) {
        setWord(&bytes, at: 2, 0)
        let pseudo =
            words(of: source) + words(of: destination) + UInt64(bytes.count) + 58
        setWord(&bytes, at: 2, ~sum(bytes, seed: pseudo))
    }

    /// Turns an Echo Request into its Echo Reply: another type, and the checksum mended for it.
    static func turnIntoReply(_ bytes: inout [UInt8], family: IPAddress.Family) {
        let request = UInt16(EchoMessage.Kind.request.type(in: family)) << 8
        let reply = UInt16(EchoMessage.Kind.reply.type(in: family)) << 8
        bytes[0] = EchoMessage.Kind.reply.type(in: family)
        mendChecksum(&bytes, from: request, to: reply)
    }

    /// Puts `value` in place of the word at `offset` and mends the checksum.
    static func replaceWord(_ bytes: inout [UInt8], at offset: Int, with value: UInt16) {
        let old = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
        setWord(&bytes, at: offset, value)
        mendChecksum(&bytes, from: old, to: value)
    }

    /// An ICMP error from `router` to `source` about the packet `quoted`, which was sent by `sender`.
    static func error(
        type: UInt8, code: UInt8, from router: IPAddress, to source: IPAddress,
        quoting quoted: [UInt8], sentBy sender: IPAddress? = nil, to destination: IPAddress,
        hopLimit: UInt8, quotedByteCount: Int, isDatagram: Bool = false, mtu: UInt32 = 0
    ) -> [UInt8] {
        let sender = sender ?? source
        var bytes: [UInt8] = [type, code, 0, 0]
        bytes.append(bigEndian: UInt16(mtu >> 16))
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: mtu))
        switch source.family {
        case .v4:
            var header: [UInt8] = [0x45, 0]
            header.append(bigEndian: UInt16(20 + quoted.count))
            header += [0, 0, 0x40, 0, hopLimit, isDatagram ? 17 : 1, 0, 0]
            header += sender.octets + destination.octets
            setWord(&header, at: 10, ~sum(header))
            bytes += header
        case .v6:
            bytes += [0x60, 0, 0, 0]
            bytes.append(bigEndian: UInt16(quoted.count))
            bytes += [isDatagram ? 17 : 58, hopLimit]
            bytes += sender.octets + destination.octets
        }
        bytes += quoted.prefix(quotedByteCount)
        switch source.family {
        case .v4: setWord(&bytes, at: 2, ~sum(bytes))
        case .v6: fillChecksumV6(&bytes, from: router, to: source)
        }
        return bytes
    }

    /// RFC 1624 §3, equation 3.
    private static func mendChecksum(_ bytes: inout [UInt8], from old: UInt16, to new: UInt16) {
        let checksum = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        let sum = UInt64(~checksum) + UInt64(~old) + UInt64(new)
        setWord(&bytes, at: 2, ~InternetChecksum.fold(sum))
    }

    private static func setWord(_ bytes: inout [UInt8], at offset: Int, _ value: UInt16) {
        bytes[offset] = UInt8(value >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    private static func sum(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt16 {
        bytes.withRawSpan { InternetChecksum.sum($0, seed: seed) }
    }

    private static func words(of address: IPAddress) -> UInt64 {
        guard case .v6(let bits) = address else { return 0 }
        return (0..<8).reduce(0) { $0 + UInt64(UInt16(truncatingIfNeeded: bits >> (16 * $1))) }
    }
}
