import CaptureFormats
import ESPSimulation
import Testing

@Suite struct ClassicPcapTests {
    /// A little-endian header.
    private func header(
        magic: [UInt8] = [0xd4, 0xc3, 0xb2, 0xa1], minor: UInt8 = 4, link: [UInt8] = [1, 0, 0, 0]
    ) -> [UInt8] {
        magic + [
            2, 0, minor, 0,  // version
            0, 0, 0, 0,  // time zone
            0, 0, 0, 0,  // accuracy
            0, 0, 4, 0,  // snapshot length
        ] + link
    }

    /// A little-endian record header: 1 s and 2 units.
    private func record(captured: UInt8, wire: UInt8) -> [UInt8] {
        [1, 0, 0, 0, 2, 0, 0, 0, captured, 0, 0, 0, wire, 0, 0, 0]
    }

    @Test func `reads the longer records of Kuznetsov's patched libpcap`() {
        let file =
            header(magic: [0x34, 0xcd, 0xb2, 0xa1]) + record(captured: 2, wire: 9)
            + [
                3, 0, 0, 0,  // interface index
                0, 8,  // protocol
                0, 0,  // packet type and padding
                0xaa, 0xbb,
            ]
        let read = ReadCapture(file)
        #expect(read.format == .pcapModified)
        #expect(
            read.packets == [
                .init(
                    interface: 0, linkType: 1, arrival: 1_000_002_000, wireLength: 9,
                    octets: [0xaa, 0xbb])
            ])
        #expect(read.damage == nil)
    }

    @Test func `old versions have the lengths the other way round`() {
        for (minor, captured, wire): (UInt8, UInt8, UInt8) in [
            (2, 9, 2), (3, 9, 2), (3, 2, 9), (4, 2, 9),
        ] {
            let read = ReadCapture(
                header(minor: minor) + record(captured: captured, wire: wire) + [0xaa, 0xbb])
            #expect(read.packets.map(\.wireLength) == [9], "2.\(minor)")
            #expect(read.packets.map(\.octets) == [[0xaa, 0xbb]])
        }
    }

    @Test func `the length of a frame check sequence is no part of the link type`() {
        let file =
            header(link: [113, 0, 0, 0x14]) + record(captured: 1, wire: 1) + [0]
        #expect(ReadCapture(file).packets.map(\.linkType) == [113])
    }

    @Test func `stamps may be as late as 2106, and fractions as large as they like`() {
        var file = header() + record(captured: 0, wire: 0)
        file.replaceSubrange(24..<32, with: [UInt8](repeating: 0xff, count: 8))
        #expect(
            ReadCapture(file).packets.map(\.arrival)
                == [4_294_967_295_000_000_000 + 4_294_967_295_000])
    }

    @Test func `says what is wrong and where`() {
        func check(
            _ file: [UInt8], _ offset: Int, _ kind: CaptureDamage.Kind, _ text: String,
            at location: SourceLocation = #_sourceLocation
        ) {
            let damage = ReadCapture(file, piece: { 100 }).damage
            #expect(
                damage == CaptureDamage(offset: offset, kind: kind), sourceLocation: location)
            #expect(damage?.description == text, sourceLocation: location)
        }
        check([], 0, .empty, "the file is empty")
        check(
            [0xd4], 0, .cutHeader(present: 1, needed: 24),
            "at offset 0: the file ends after 1 of the 24 octets of its header")
        check(
            Array("hello, world\n".utf8), 0,
            .notACapture(magic: 0x6865_6c6c, contents: .text),
            "this is text: expected a pcap or pcapng magic number at offset 0, found 0x68656c6c")
        check(
            [UInt8](repeating: 0, count: 5000), 0, .notACapture(magic: 0, contents: .zeros),
            "this is zeros: expected a pcap or pcapng magic number at offset 0, found 0x00000000")
        var tar = [UInt8](repeating: 0, count: 10_240)
        tar.replaceSubrange(0..<5, with: Array("a.txt".utf8))
        tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
        check(
            tar, 0, .notACapture(magic: 0x612e_7478, contents: .tar),
            "this is a tar archive: expected a pcap or pcapng magic number at offset 0, "
                + "found 0x612e7478")
        check(
            header(minor: 5) + [], 4, .unsupportedVersion(major: 2, minor: 5),
            "at offset 4: version 2.5 of the format; pcap has 2.0 to 2.4, pcapng has 1.x")
        var huge = header() + record(captured: 0, wire: 0)
        huge.replaceSubrange(32..<36, with: [0xff, 0xff, 0xff, 0xff])
        check(
            huge, 32, .packetTooLong(octets: .max),
            "at offset 32: a packet of 4294967295 octets; at most 262144 are believed")
        check(
            header() + record(captured: 3, wire: 3) + [1, 2], 24,
            .cutRecord(present: 18, needed: 19),
            "at offset 24: the file ends after 18 of a record's 19 octets")
    }

    @Test func `guesses what else a file is`() {
        let starts: [(CaptureDamage.LikelyContents, [UInt8])] = [
            (.gzip, [0x1f, 0x8b, 8, 0]), (.bzip2, Array("BZh91AY".utf8)),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            (.lz4, [4, 0x22, 0x4d, 0x18]), (.zip, [0x50, 0x4b, 3, 4]),
            (.elf, [0x7f, 0x45, 0x4c, 0x46]), (.snoop, Array("snoop".utf8) + [0, 0, 0]),
            (.netmon, Array("GMBU".utf8)), (.unknown, [1, 2, 3, 4, 5]),
            (.text, Array("größer".utf8)),
        ]
        for (contents, octets) in starts {
            guard case .notACapture(_, let found) = ReadCapture(octets).damage?.kind else {
                Issue.record("\(contents) is a capture")
                continue
            }
            #expect(found == contents)
        }
    }

    @Test func `damage inside gzip says so`() {
        let text = CaptureDamage(
            offset: 0, kind: .notACapture(magic: 0x612e_7478, contents: .tar), isGzipped: true)
        #expect(
            text.description
                == "this is gzip'd: inside is a tar archive: expected a pcap or pcapng magic "
                + "number at offset 0, found 0x612e7478")
        let deep = CaptureDamage(offset: 99, kind: .packetTooLong(octets: 300_000), isGzipped: true)
        #expect(
            deep.description
                == "at offset 99 of the uncompressed capture: a packet of 300000 octets; at most "
                + "262144 are believed")
    }
}
