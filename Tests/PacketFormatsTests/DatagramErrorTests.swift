import NetworkPrimitives
import PacketFormats
import Testing

/// Errors about UDP datagrams, and datagrams that a checksum numbers.
@Suite struct DatagramErrorTests {
    private static let families: [IPAddress.Family] = [.v4, .v6]

    private static func ends(_ family: IPAddress.Family) -> (IPAddress, IPAddress) {
        family == .v4
            ? (.v4(0xc000_0201), .v4(0xc633_6401))
            : (.v6(0x2001_0db8 << 96 | 1), .v6(0x2001_0db8 << 96 | 2))
    }

    @Test(arguments: families)
    func `reads the eight octets that are promised`(family: IPAddress.Family) throws {
        var quoted = quote(family, protocol: 17)
        // In the place of the ICMP header: ports 50000 and 33434, length 32, checksum 0x1234.
        quoted.replaceSubrange(
            (quoted.count - 8)..., with: [0xc3, 0x50, 0x82, 0x9a, 0, 32, 0x12, 0x34])
        let type: UInt8 = family == .v4 ? 11 : 3
        let bytes = error(type, 0, family: family, quoting: quoted)
        guard case .datagramError(let read) = try parse(bytes, family) else {
            Issue.record("no error about a datagram")
            return
        }
        #expect(read.meaning == .timeExceeded)
        #expect(read.quote.source == Self.ends(family).0)
        #expect(read.quote.destination == Self.ends(family).1)
        #expect(read.quote.sourcePort == 50000)
        #expect(read.quote.destinationPort == 33434)
        #expect(read.quote.checksum == 0x1234)
        for count in 8..<bytes.count {
            #expect(throws: PacketError.self) {
                try parse(Array(bytes[..<count]), family, isTruncated: true)
            }
        }
    }

    @Test(arguments: families)
    func `a later fragment's payload is no header`(family: IPAddress.Family) {
        guard family == .v4 else { return }
        let bytes = error(
            11, 0, family: .v4, quoting: quote(.v4, protocol: 17, fragment: 0x00b9))
        #expect(throws: PacketError.unsupported) { try parse(bytes, .v4) }
    }

    @Test(arguments: families)
    func `a numbered datagram has the checksum that it is to have`(family: IPAddress.Family) {
        let (source, destination) = Self.ends(family)
        for checksum: UInt16 in [1, 2, 0x00ff, 0x1234, 0x7fff, 0x8000, 0xfffe, 0xffff] {
            for byteCount in [2, 24, 100] {
                let payload = NumberedDatagram.payload(
                    byteCount: byteCount, checksum: checksum, from: source, port: 50000,
                    to: destination, port: 33434)
                #expect(payload.count == byteCount)
                var datagram: [UInt8] = []
                datagram.append(bigEndian: UInt16(50000))
                datagram.append(bigEndian: UInt16(33434))
                datagram.append(bigEndian: UInt16(8 + byteCount))
                datagram.append(bigEndian: UInt16(0))
                datagram += payload
                // RFC 768: pseudo-header, header and data, the checksum field being zero; a result
                // of zero is sent as all ones.
                var words = (source.octets + destination.octets).chunkedWords
                words += [17, UInt64(8 + byteCount)] + datagram.chunkedWords
                var sum = words.reduce(0, +)
                while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
                let computed = ~UInt16(sum)
                #expect((computed == 0 ? 0xffff : computed) == checksum)
            }
        }
    }

    @Test func `a captured ICMPv6 message is believed only with a right checksum`() throws {
        let (source, destination) = Self.ends(.v6)
        var bytes = error(3, 0, family: .v6, quoting: quote(.v6))
        (bytes[2], bytes[3]) = (0, 0)
        var words = (source.octets + destination.octets + bytes).chunkedWords
        words += [58, UInt64(bytes.count)]
        var sum = words.reduce(0, +)
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        let checksum = ~UInt16(sum)
        (bytes[2], bytes[3]) = (UInt8(checksum >> 8), UInt8(checksum & 255))
        func parse(_ bytes: [UInt8], isTruncated: Bool = false) throws(PacketError) -> ICMPMessage {
            try bytes.withRawSpan { span throws(PacketError) in
                try ICMPMessage(
                    parsing: span, family: .v6, isTruncated: isTruncated,
                    between: (source, destination))
            }
        }
        guard case .error = try parse(bytes) else {
            Issue.record("no error")
            return
        }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: PacketError.malformed(.checksum)) { try parse(damaged) }
        }
        // Of a message that was cut the checksum says nothing.
        #expect(throws: Never.self) { try parse(bytes.dropLast(0) + [], isTruncated: true) }
    }
}

extension [UInt8] {
    /// The words that a checksum adds up, RFC 1071.
    fileprivate var chunkedWords: [UInt64] {
        stride(from: 0, to: count, by: 2).map { index in
            UInt64(self[index]) << 8 + (index + 1 < count ? UInt64(self[index + 1]) : 0)
        }
    }
}
