import CaptureFormats
import ESPSimulation
import NetworkPrimitives
import Testing

@Suite struct PcapngTests {
    /// A little-endian section header without options.
    private static let section: [UInt8] = [
        0x0a, 0x0d, 0x0d, 0x0a,  // type
        28, 0, 0, 0,  // length
        0x4d, 0x3c, 0x2b, 0x1a,  // byte-order magic
        1, 0, 0, 0,  // version 1.0
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // section length: not known
        28, 0, 0, 0,  // length
    ]

    /// A little-endian block.
    private static func block(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        let length = UInt8(body.count + 12)
        return [type, 0, 0, 0, length, 0, 0, 0] + body + [length, 0, 0, 0]
    }

    /// An interface description with options.
    private static func interface(_ options: [UInt8] = [], snap: UInt8 = 0) -> [UInt8] {
        block(1, [1, 0, 0, 0, snap, 0, 0, 0] + options)
    }

    /// An enhanced packet with a stamp of 8 octets, high word first.
    private static func packet(
        stamp: UInt64 = 0, interface: UInt8 = 0, captured: UInt8 = 2,
        octets: [UInt8] = [7, 7, 0, 0]
    ) -> [UInt8] {
        func word(_ value: UInt64) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 0xff) } }
        return block(
            6,
            [interface, 0, 0, 0] + word(stamp >> 32) + word(stamp & 0xffff_ffff)
                + [captured, 0, 0, 0, 9, 0, 0, 0] + octets)
    }

    @Test func `reads an obsolete packet block`() {
        let file =
            Self.section + Self.interface()
            + Self.block(
                2,
                [
                    0, 0, 0xff, 0xff,  // interface, drop count
                    0, 0, 0, 0, 5, 0, 0, 0,  // stamp
                    3, 0, 0, 0, 9, 0, 0, 0,  // captured, on the wire
                    1, 2, 3, 0,
                ])
        #expect(
            ReadCapture(file).packets == [
                .init(interface: 0, linkType: 1, arrival: 5000, wireLength: 9, octets: [1, 2, 3])
            ])
    }

    @Test func `a simple packet is cut by interface 0's snapshot length`() {
        let simple = Self.block(3, [9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0])
        let cut = Self.block(3, [9, 0, 0, 0, 1, 2, 3, 4])
        let whole = ReadCapture(Self.section + Self.interface() + simple)
        #expect(whole.packets.map(\.octets) == [[1, 2, 3, 4, 5, 6, 7, 8, 9]])
        let short = ReadCapture(Self.section + Self.interface(snap: 4) + cut)
        #expect(short.packets.map(\.octets) == [[1, 2, 3, 4]])
        #expect(short.packets.map(\.wireLength) == [9])
    }

    @Test func `ignores options and comments of packets`() {
        let commented = Self.packet(octets: [7, 7, 0, 0, 1, 0, 2, 0, 0x68, 0x69, 0, 0, 0, 0, 0, 0])
        // A comment that says it is longer than its block.
        let broken = Self.packet(octets: [7, 7, 0, 0, 1, 0, 0xff, 0xff])
        let read = ReadCapture(Self.section + Self.interface() + commented + broken)
        #expect(read.packets.map(\.octets) == [[7, 7], [7, 7]])
        #expect(read.damage == nil)
    }

    @Test func `counts time in the units and from the start that the interface says`() {
        let end: [UInt8] = [0, 0, 0, 0]
        func resolution(_ octet: UInt8) -> [UInt8] { [9, 0, 1, 0, octet, 0, 0, 0] }
        func offset(_ octets: [UInt8]) -> [UInt8] { [14, 0, 8, 0] + octets }
        let hour = offset([0x10, 0x0e, 0, 0, 0, 0, 0, 0])
        let cases: [([UInt8], UInt64, Int64?)] = [
            ([], 1_234_567, 1_234_567_000),
            (resolution(0) + end, 3, 3_000_000_000),
            (resolution(3) + end, 3, 3_000_000),
            (resolution(9) + end, 3, 3),
            (resolution(12) + end, 3999, 3),
            (resolution(19) + end, 35_000_000_000, 3),
            (resolution(0x80), 3, 3_000_000_000),
            (resolution(0x8a) + end, 1024 + 512, 1_500_000_000),
            (resolution(0xa0) + end, 3 << 32 | 1 << 31, 3_500_000_000),
            (resolution(0xbf) + end, 1 << 63 | 1 << 62, 1_500_000_000),
            (hour + end, 1, 3_600_000_001_000),
            (hour + resolution(9) + end, 1, 3_600_000_000_001),
            (offset([UInt8](repeating: 0xff, count: 8)), 1, -999_999_000),
            // No time between 1677 and 2262.
            ([], .max, nil),
            (resolution(0x80) + end, .max, nil),
            (offset([0, 0, 0, 0, 0, 0, 0, 0x7f]), 1, nil),
            (offset([0, 0, 0, 0, 0, 0, 0, 0x80]), 1, nil),
        ]
        for (options, stamp, expected) in cases {
            let read = ReadCapture(
                Self.section + Self.interface(options) + Self.packet(stamp: stamp))
            #expect(read.packets.count == 1)
            #expect(read.packets.first?.arrival == expected, "\(options), \(stamp)")
        }
    }

    @Test func `skips a block that is larger than any window`() {
        var file = SimulatedPcapngFile()
        file.addInterface(linkType: 1)
        file.append([1], at: 5)
        file.appendBlock(type: 0x0bad, [UInt8](repeating: 6, count: 3_000_000))
        file.append([2], at: 6)
        let read = ReadCapture(file.octets, piece: { 4096 })
        #expect(read.packets.map(\.octets) == [[1], [2]])
        #expect(read.damage == nil)
        #expect(read.largestDemand <= 65_536)
        let cut = ReadCapture(Array(file.octets.dropLast(2_000_000)), piece: { 4096 })
        #expect(cut.packets.map(\.octets) == [[1]])
        #expect(cut.damage?.isCutTail == true)
        // 28 octets of section, 32 of interface, 36 of packet.
        #expect(cut.damage?.offset == 28 + 32 + 36)
    }

    @Test func `says what is wrong and where`() {
        func check(
            _ rest: [UInt8], _ offset: Int, _ kind: CaptureDamage.Kind, _ text: String,
            at location: SourceLocation = #_sourceLocation
        ) {
            let damage = ReadCapture(Self.section + rest, piece: { 100 }).damage
            #expect(
                damage == CaptureDamage(offset: offset, kind: kind), sourceLocation: location)
            #expect(damage?.description == text, sourceLocation: location)
            #expect(damage?.isCutTail == false, sourceLocation: location)
        }
        check(
            [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 32,
            .blockTooShort(type: 9, octets: 0, minimum: 12),
            "at offset 32: a block of type 0x00000009 of 0 octets; it has at least 12")
        check(
            [6, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0], 32,
            .blockTooShort(type: 6, octets: 28, minimum: 32),
            "at offset 32: an enhanced packet block of 28 octets; it has at least 32")
        check(
            [9, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0], 32, .blockNotAligned(type: 9, octets: 14),
            "at offset 32: a block of type 0x00000009 of 14 octets; lengths are multiples of 4")
        check(
            [6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0], 32,
            .blockTooLong(type: 6, octets: 0xffff_fffc, maximum: 393_216),
            "at offset 32: an enhanced packet block of 4294967292 octets; at most 393216 are "
                + "believed")
        check(
            [9, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0], 32,
            .blockTooLong(type: 9, octets: 0xffff_fffc, maximum: 16_777_216),
            "at offset 32: a block of type 0x00000009 of 4294967292 octets; at most 16777216 are "
                + "believed")
        var mismatch = Self.interface()
        mismatch[16] = 24
        check(
            mismatch, 44, .blockLengthMismatch(type: 1, before: 20, after: 24),
            "at offset 44: an interface description of 20 octets ends with length 24; both are "
                + "equal")
        check(
            [9, 0, 0, 0, 16, 0, 0, 0, 1, 2, 3, 4, 12, 0, 0, 0], 40,
            .blockLengthMismatch(type: 9, before: 16, after: 12),
            "at offset 40: a block of type 0x00000009 of 16 octets ends with length 12; both are "
                + "equal")
        check(
            [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4], 36, .byteOrderMagic(0x0102_0304),
            "at offset 36: byte-order magic 0x01020304; it is 0x1a2b3c4d in either order")
        var version = Self.section
        version[12] = 2
        check(
            version, 40, .unsupportedVersion(major: 2, minor: 0),
            "at offset 40: version 2.0 of the format; pcap has 2.0 to 2.4, pcapng has 1.x")
        check(
            Self.packet(), 36, .unknownInterface(0, described: 0),
            "at offset 36: a packet of interface 0; the section describes 0")
        check(
            Self.interface() + Self.packet(captured: 5), 68,
            .packetBeyondBlock(octets: 5, room: 4),
            "at offset 68: a packet of 5 captured octets in a block with room for 4")
        check(
            Self.interface() + Self.block(3, [9, 0, 0, 0, 1, 2, 3, 4]), 56,
            .packetBeyondBlock(octets: 9, room: 4),
            "at offset 56: a packet of 9 captured octets in a block with room for 4")
        check(
            Self.interface([9, 0, 2, 0, 6, 6, 0, 0]), 44, .interfaceOption(code: 9, octets: 2),
            "at offset 44: option 9 of an interface with 2 octets, which do not fit")
        check(
            Self.interface([2, 0, 0xff, 0]), 44, .interfaceOption(code: 2, octets: 255),
            "at offset 44: option 2 of an interface with 255 octets, which do not fit")
        check(
            Self.interface([9, 0, 1, 0, 20, 0, 0, 0]), 48, .stampResolution(20),
            "at offset 48: stamps in units of 10^-20 s; at most 10^-19 or 2^-63 are read")
    }

    @Test func `sums what the interfaces say was lost, the latest word of each`() {
        func statistics(_ interface: UInt8, _ options: [UInt8]) -> [UInt8] {
            Self.block(5, [interface, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + options)
        }
        func count(_ code: UInt8, _ drops: UInt8) -> [UInt8] {
            [code, 0, 8, 0, drops, 0, 0, 0, 0, 0, 0, 0]
        }
        func drops(_ rest: [UInt8]) -> UInt64? {
            let read = ReadCapture(Self.section + Self.interface() + Self.interface() + rest)
            #expect(read.damage == nil)
            return read.reportedDrops
        }
        #expect(drops([]) == nil)
        #expect(drops(statistics(0, [])) == nil)
        #expect(drops(statistics(0, count(4, 9) + count(5, 0))) == 0)
        #expect(drops(statistics(0, count(5, 3) + count(7, 2) + [0, 0, 0, 0])) == 5)
        let twice = statistics(0, count(5, 3)) + statistics(1, count(5, 10))
        #expect(drops(twice + statistics(0, count(5, 4))) == 14)
        #expect(
            drops(twice + Self.section + Self.interface() + statistics(0, count(5, 100))) == 113)
        // Too short; of an interface that is not there; an option of another length, or beyond the block.
        #expect(drops(Self.block(5, [1, 2, 3, 4])) == nil)
        #expect(drops(statistics(7, count(5, 3))) == nil)
        #expect(drops(statistics(0, [5, 0, 4, 0, 1, 0, 0, 0])) == nil)
        #expect(drops(statistics(0, count(7, 1) + [5, 0, 0xff, 0])) == 1)
    }

    @Test func `a second section starts its interfaces anew`() {
        let read = ReadCapture(
            Self.section + Self.interface() + Self.packet() + Self.section + Self.packet())
        #expect(read.packets.count == 1)
        #expect(read.damage?.kind == .unknownInterface(0, described: 0))
    }

    @Test func `interfaces are bounded`() {
        let many = Array(
            repeatElement(Self.interface(), count: CaptureReader.maximumInterfaces).joined())
        #expect(ReadCapture(Self.section + many).damage == nil)
        let read = ReadCapture(Self.section + many + Self.interface())
        #expect(read.damage?.kind == .tooManyInterfaces)
        #expect(read.damage?.offset == 28 + many.count)
    }
}
