import NetworkPrimitives
import PacketFormats
import Testing

/// ICMP messages that say an ESP packet of this host's did not fit.
@Suite struct PacketTooBigTests {
    private static let local4 = IPAddress.v4(0xcb00_710a)
    private static let remote4 = IPAddress.v4(0xc633_6401)
    private static let local6 = IPAddress.v6(0x2001_0db8_0000_0000_0000_0000_0000_000a)
    private static let remote6 = IPAddress.v6(0x2001_0db8_0000_0000_0000_0000_0000_0001)
    private static let esp: [UInt8] = [0xc0, 0xde, 0, 1, 0, 0, 0x30, 0x39]

    private static func quote(
        _ family: IPAddress.Family, _ number: UInt8, _ payload: [UInt8], length: UInt16 = 1500,
        fragmentOffset: UInt8 = 0
    ) -> [UInt8] {
        switch family {
        case .v4:
            [
                0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 1, 0x40, fragmentOffset, 64,
                number,
            ]
                + [0, 0] + local4.octets + remote4.octets + payload
        case .v6:
            [0x60, 0, 0, 0, UInt8((length - 40) >> 8), UInt8((length - 40) & 255), number, 64]
                + local6.octets + remote6.octets + payload
        }
    }

    private static func message(
        _ family: IPAddress.Family, mtu: UInt16, _ quote: [UInt8]
    ) -> [UInt8] {
        var octets: [UInt8] = family == .v4 ? [3, 4, 0, 0, 0, 0] : [2, 0, 0, 0, 0, 0]
        octets.append(bigEndian: mtu)
        octets += quote
        if family == .v4 {
            let sum = ~octets.withRawSpan { InternetChecksum.sum($0) }
            (octets[2], octets[3]) = (UInt8(sum >> 8), UInt8(sum & 255))
        }
        return octets
    }

    private static func read(
        _ octets: [UInt8], _ family: IPAddress.Family, isTruncated: Bool = false
    ) throws(PacketError) -> PacketTooBig {
        try octets.withRawSpan { span throws(PacketError) in
            try PacketTooBig(parsing: span, family: family, isTruncated: isTruncated)
        }
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `names the MTU and the packet that did not fit`(family: IPAddress.Family) throws {
        let ends = family == .v4 ? (Self.local4, Self.remote4) : (Self.local6, Self.remote6)
        let bare = try Self.read(
            Self.message(family, mtu: 1400, Self.quote(family, 50, Self.esp)), family)
        #expect(
            bare
                == PacketTooBig(
                    mtu: 1400,
                    quote: QuotedESP(
                        source: ends.0, destination: ends.1, length: 1500, encapsulation: .esp,
                        spi: SPI(rawValue: 0xc0de_0001))))
        let udp: [UInt8] = [0x11, 0x94, 0x11, 0x94, 5, 200, 0, 0]
        let short = try Self.read(
            Self.message(family, mtu: 1400, Self.quote(family, 17, udp)), family)
        #expect(short.quote.encapsulation == .udp && short.quote.spi == nil)
        let long = try Self.read(
            Self.message(family, mtu: 1400, Self.quote(family, 17, udp + Self.esp)), family)
        #expect(long.quote.spi?.rawValue == 0xc0de_0001)
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `what quotes something else is not read`(family: IPAddress.Family) {
        let other: [[UInt8]] = [
            // SPI 0 is nobody's.
            Self.quote(family, 50, [0, 0, 0, 0, 0, 0, 0, 1]),
            Self.quote(family, 1, Self.esp), Self.quote(family, 6, Self.esp),
            // DNS, and IKE behind the non-ESP marker.
            Self.quote(family, 17, [0, 53, 0, 53, 0, 20, 0, 0]),
            Self.quote(family, 17, [0x11, 0x94, 0x11, 0x94, 0, 40, 0, 0, 0, 0, 0, 0]),
        ]
        for quote in other {
            #expect(throws: PacketError.unsupported) {
                try Self.read(Self.message(family, mtu: 1400, quote), family)
            }
        }
        #expect(throws: PacketError.unsupported) {
            try Self.read([family == .v4 ? 11 : 3, 0, 0, 0, 0, 0, 0, 0], family, isTruncated: true)
        }
    }

    @Test func `a later fragment names no SPI`() {
        let octets = Self.message(.v4, mtu: 1400, Self.quote(.v4, 50, Self.esp, fragmentOffset: 8))
        #expect(throws: PacketError.unsupported) { try Self.read(octets, .v4) }
    }

    @Test func `a wrong checksum is malformed, of a whole message`() throws {
        var octets = Self.message(.v4, mtu: 1400, Self.quote(.v4, 50, Self.esp))
        octets[7] ^= 1
        #expect(throws: PacketError.malformed(.checksum)) { try Self.read(octets, .v4) }
        #expect(try Self.read(octets, .v4, isTruncated: true).mtu == 1401)
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `every cut is told`(family: IPAddress.Family) {
        let octets = Self.message(family, mtu: 1400, Self.quote(family, 50, Self.esp))
        // Behind the SPI nothing more is needed.
        for count in 0..<(octets.count - 4) {
            let error = #expect(throws: PacketError.self) {
                try Self.read(Array(octets.prefix(count)), family, isTruncated: true)
            }
            guard case .truncated = error else {
                Issue.record("\(count): \(String(describing: error))")
                continue
            }
        }
    }
}
