import NetworkPrimitives
import PacketFormats
import PacketSizes
import Testing

/// What passing packets show of a tunnel's packet sizes.
@Suite struct PacketSizeWatchTests {
    private static let own = IPAddress.v4(0x0afd_0001)
    private static let client = IPAddress.v4(0x0a01_0005)
    private static let server = IPAddress.v4(0x5db8_d822)
    private static let local = IPAddress.v4(0xcb00_710a)
    private static let remote = IPAddress.v4(0xc633_6401)
    private static let router = IPAddress.v4(0xc000_0201)
    private static let spi = SPI(rawValue: 0xc0de_0001)

    private static func at(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    private static var watch: PacketSizeWatch {
        PacketSizeWatch(
            settings: .init(
                ownAddresses: [own], local: local, remote: remote, outboundSPIs: [spi]))
    }

    private static func segment(_ options: [UInt8], flags: UInt8 = 2) -> [UInt8] {
        [0xc3, 0x50, 1, 0xbb] + [UInt8](repeating: 0, count: 8)
            + [UInt8((5 + options.count / 4) << 4), flags, 0, 0, 0, 0, 0, 0] + options
    }

    private static func size(_ octets: UInt16) -> [UInt8] {
        [2, 4, UInt8(octets >> 8), UInt8(octets & 255)]
    }

    private static func header(_ source: IPAddress, _ destination: IPAddress) -> IPHeader {
        IPHeader(
            source: source, destination: destination, hopLimit: 64, length: 60, protocolNumber: 6)
    }

    private static func send(
        _ octets: [UInt8], _ direction: TrafficDirection = .outbound,
        from source: IPAddress = client,
        to destination: IPAddress = server, length: Int? = nil, at seconds: Int64 = 0,
        into watch: inout PacketSizeWatch
    ) {
        octets.withRawSpan {
            watch.receiveSegment(
                header(source, destination), $0, length: length ?? octets.count, direction,
                at: at(seconds))
        }
    }

    // MARK: - Segment sizes

    @Test func `counts what is over the limit, by direction`() {
        var watch = Self.watch
        for size: UInt16 in [1360, 1361, 1460, 536] {
            Self.send(Self.segment(Self.size(size)), into: &watch)
        }
        Self.send(
            Self.segment(Self.size(1460), flags: 0x12), .inbound, from: Self.server,
            to: Self.client,
            into: &watch)
        let report = watch.report
        #expect(report.outbound.seen == 4 && report.outbound.overLimit == 2)
        #expect(report.outbound.v4.forwardedOverLimit == 2)
        #expect(report.outbound.largest == 1460)
        #expect(report.inbound.seen == 1 && report.inbound.overLimit == 1)
        #expect(report.inbound.example?.segment.isAcknowledgment == true)
        #expect(report.outbound.v6.seen == 0 && report.outbound.v6.largest == nil)
    }

    @Test func `each family has its own limit`() {
        var watch = Self.watch
        let (source, destination) = (IPAddress.v6(1 << 64), IPAddress.v6(2 << 64))
        for size: UInt16 in [1340, 1341, 1360] {
            Self.send(Self.segment(Self.size(size)), from: source, to: destination, into: &watch)
        }
        #expect(watch.report.outbound.v6.overLimit == 2)
        #expect(watch.report.outbound.v4.seen == 0)
    }

    @Test func `a SYN that is forwarded is the better example`() {
        var watch = Self.watch
        Self.send(Self.segment(Self.size(1460)), from: Self.own, at: 1, into: &watch)
        #expect(watch.report.outbound.example?.isForwarded == false)
        Self.send(Self.segment(Self.size(1400)), at: 2, into: &watch)
        Self.send(Self.segment(Self.size(1460)), from: Self.own, at: 3, into: &watch)
        #expect(
            watch.report.outbound.example
                == SegmentSizeCounts.Example(
                    source: Self.client, destination: Self.server,
                    segment: TCPSynchronization(
                        sourcePort: 50_000, destinationPort: 443, isAcknowledgment: false,
                        maximumSegmentSize: 1400), isForwarded: true, at: Self.at(2)))
        #expect(watch.report.outbound.v4.forwardedOverLimit == 1)
        #expect(watch.report.outbound.overLimit == 3)
    }

    @Test func `an inbound SYN to this host is its own`() {
        var watch = Self.watch
        Self.send(
            Self.segment(Self.size(1460)), .inbound, from: Self.server, to: Self.own, into: &watch)
        #expect(watch.report.inbound.example?.isForwarded == false)
    }

    @Test func `another limit judges what was seen before as well, and no counter falls`() {
        var watch = Self.watch
        Self.send(Self.segment(Self.size(1400)), at: 1, into: &watch)
        Self.send(Self.segment(Self.size(1340)), at: 2, into: &watch)
        var settings = watch.settings
        settings.limits = SegmentSizeLimits(v4: 1406, v6: 1386)
        watch.adopt(settings)
        #expect(watch.report.outbound.v4.overPresentLimit == 0)
        #expect(watch.report.outbound.overLimit == 1)
        #expect(watch.report.outbound.example == nil)
        Self.send(Self.segment(Self.size(1406)), at: 3, into: &watch)
        Self.send(Self.segment(Self.size(1407)), at: 4, into: &watch)
        #expect(watch.report.outbound.v4.overPresentLimit == 1)
        #expect(watch.report.outbound.overLimit == 2)
        settings.limits = SegmentSizeLimits(v4: 1306, v6: 1286)
        watch.adopt(settings)
        #expect(watch.report.outbound.v4.overPresentLimit == 4)
        #expect(watch.report.outbound.overLimit == 2)
        #expect(watch.report.outbound.example?.at == Self.at(4))
        // Other settings that leave it alone change nothing.
        settings.ownAddresses = []
        watch.adopt(settings)
        #expect(watch.report.outbound.v4.overPresentLimit == 4)
    }

    @Test func `sizes beyond those that are kept are counted all the same`() {
        var watch = Self.watch
        for size in 1...2000 { Self.send(Self.segment(Self.size(UInt16(size))), into: &watch) }
        #expect(watch.report.outbound.seen == 2000 && watch.report.outbound.overLimit == 640)
        #expect(watch.report.outbound.largest == 2000)
    }

    @Test func `an example of hours ago is none any more`() {
        var watch = Self.watch
        Self.send(Self.segment(Self.size(1460)), at: 10, into: &watch)
        #expect(watch.report.outbound.recentExample(at: Self.at(3609)) != nil)
        #expect(watch.report.outbound.recentExample(at: Self.at(3610)) == nil)
    }

    @Test func `no option, malformed and cut ones are told apart`() {
        var watch = Self.watch
        Self.send(Self.segment([]), into: &watch)
        Self.send(Self.segment([2, 9, 0, 0]), into: &watch)
        Self.send(Array(Self.segment(Self.size(1460)).prefix(22)), length: 24, into: &watch)
        Self.send(Self.segment(Self.size(1460), flags: 0x10), into: &watch)
        let counts = watch.report.outbound
        #expect(counts.seen == 1 && counts.v4.withoutOption == 1)
        #expect(counts.malformed == 1 && counts.truncated == 1)
        #expect(counts.largest == nil && counts.overLimit == 0)
    }

    // MARK: - Packet Too Big

    private static func tooBig(
        _ mtu: Int, from source: IPAddress = local, to destination: IPAddress = remote,
        length: Int = 1500, encapsulation: ESPEncapsulation = .esp, spi: SPI? = spi
    ) -> PacketTooBig {
        PacketTooBig(
            mtu: mtu,
            quote: QuotedESP(
                source: source, destination: destination, length: length,
                encapsulation: encapsulation, spi: spi))
    }

    private static func changed(_ watch: inout PacketSizeWatch) -> Bool { watch.takePathChange() }

    @Test func `a valid Packet Too Big is kept, and new ones are told once`() {
        var watch = Self.watch
        #expect(!Self.changed(&watch))
        watch.receive(Self.tooBig(1400), from: Self.router, at: Self.at(1))
        #expect(Self.changed(&watch))
        #expect(!Self.changed(&watch))
        watch.receive(Self.tooBig(1400, length: 1452), from: Self.router, at: Self.at(2))
        #expect(!Self.changed(&watch))
        watch.receive(Self.tooBig(1420), from: Self.router, at: Self.at(3))
        #expect(Self.changed(&watch))
        let record = watch.report.tooBig
        #expect(record.seen == 3 && record.suspicious == 0)
        #expect(record.latest?.mtu == 1420 && record.latest?.router == Self.router)
        #expect(record.leastMTU == 1400 && record.latest?.at == Self.at(3))
    }

    @Test func `an old router names no MTU`() {
        var watch = Self.watch
        watch.receive(Self.tooBig(0), from: Self.router, at: Self.at(1))
        #expect(watch.report.tooBig.seen == 1 && Self.changed(&watch))
        #expect(watch.report.tooBig.latest?.mtu == nil && watch.report.tooBig.leastMTU == nil)
    }

    @Test func `forged and absurd ones are not believed`() {
        var watch = Self.watch
        let absurd = [
            Self.tooBig(551), Self.tooBig(68), Self.tooBig(1500), Self.tooBig(9000),
            Self.tooBig(400, length: 500), Self.tooBig(0, spi: SPI(rawValue: 7)),
            Self.tooBig(1400, spi: SPI(rawValue: 7)), Self.tooBig(1400, spi: nil),
        ]
        for message in absurd { watch.receive(message, from: Self.router, at: Self.at(1)) }
        #expect(watch.report.tooBig.suspicious == 8 && watch.report.tooBig.seen == 0)
        #expect(watch.report.tooBig.leastMTU == nil && !Self.changed(&watch))
        // The ports alone are all that some routers quote.
        watch.receive(
            Self.tooBig(1400, encapsulation: .udp, spi: nil), from: Self.router, at: Self.at(1))
        #expect(watch.report.tooBig.seen == 1)
        watch.receive(Self.tooBig(552), from: Self.router, at: Self.at(1))
        #expect(watch.report.tooBig.leastMTU == 552)
    }

    @Test func `IPv6 has no link below 1280`() {
        let (local, remote) = (IPAddress.v6(1 << 64), IPAddress.v6(2 << 64))
        var watch = PacketSizeWatch(
            settings: .init(local: local, remote: remote, outboundSPIs: [Self.spi]))
        watch.receive(
            Self.tooBig(1279, from: local, to: remote), from: Self.router, at: Self.at(1))
        watch.receive(
            Self.tooBig(1280, from: local, to: remote), from: Self.router, at: Self.at(1))
        #expect(watch.report.tooBig.seen == 1 && watch.report.tooBig.suspicious == 1)
    }

    @Test func `what is about another flow is passed over`() {
        var watch = Self.watch
        for message in [
            Self.tooBig(1400, from: Self.own), Self.tooBig(1400, to: Self.server),
            Self.tooBig(1400, from: Self.remote, to: Self.local),
        ] {
            watch.receive(message, from: Self.router, at: Self.at(1))
        }
        #expect(watch.report.tooBig == PacketSizesReport().tooBig)
    }
}
