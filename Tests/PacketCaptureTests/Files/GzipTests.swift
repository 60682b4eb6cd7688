import CaptureFormats
import ESPSimulation
import NetworkSimulation
import PacketCapture
import Testing

@Suite struct GzipTests {
    private static let capture: [UInt8] = {
        var file = SimulatedPcapFile()
        var generator = SeededGenerator(seed: 5)
        for number in 0..<40 {
            let frame = (0..<100).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            file.append(frame, at: Int64(number) * 1_000_003)
        }
        return file.octets
    }()

    @Test func `members that follow each other are one file, and zeros after them nothing`() throws
    {
        let capture = Self.capture
        let whole = try ReadFile(capture).packets
        for cut in [0, 1, 23, 24, 1000, capture.count - 1, capture.count] {
            let octets =
                gzip(Array(capture[..<cut])) + gzip([]) + gzip(Array(capture[cut...]))
                + [UInt8](repeating: 0, count: cut % 512)
            let read = try ReadFile(octets)
            #expect(read.packets == whole)
            #expect(read.damage == nil)
        }
        let stored = try ReadFile(gzip(capture, level: 0))
        #expect(stored.packets == whole)
    }

    @Test func `a file that is cut gives what is there, at every octet`() throws {
        let capture = Self.capture
        let whole = try ReadFile(capture).packets
        let zipped = gzip(capture)
        var most = 0
        for count in stride(from: 2, to: zipped.count, by: 7) {
            let read = try ReadFile(Array(zipped[..<count]))
            #expect(read.packets == Array(whole.prefix(read.packets.count)))
            #expect(
                read.damage == CaptureDamage(offset: count, kind: .gzipCut, isGzipped: true))
            #expect(read.damage?.isCutTail == true)
            most = max(most, read.packets.count)
        }
        #expect(most > 35)
        let last = try ReadFile(Array(zipped.dropLast()))
        #expect(last.packets == whole)
        #expect(
            last.damage?.description
                == "at offset \(zipped.count - 1) of the gzip file: it ends in the middle")
    }

    @Test func `a wrong checksum or length is told, and all packets are read`() throws {
        let whole = try ReadFile(Self.capture).packets
        for distance in 1...8 {
            var zipped = gzip(Self.capture)
            zipped[zipped.count - distance] ^= 0x10
            let read = try ReadFile(zipped)
            #expect(read.packets == whole)
            #expect(read.damage?.kind == .gzipChecksum)
            #expect(read.damage?.isCutTail == false)
            #expect((read.damage?.offset ?? 0) > zipped.count - 9)
        }
    }

    @Test func `damage in the middle is told, and what stands before it is read`() throws {
        let whole = try ReadFile(Self.capture).packets
        let zipped = gzip(Self.capture)
        var generator = SeededGenerator(seed: 9)
        var damaged = 0
        for _ in 0..<300 {
            var octets = zipped
            let place = 10 + Int(generator.below(Int64(octets.count - 10)))
            octets[place] ^= 1 << UInt8(generator.below(8))
            let read = try ReadFile(octets)
            // Random contents are stored as they are: a wrong octet of a packet is found at the end.
            #expect(read.packets.count <= whole.count)
            // The last octet before the trailer has bits that mean nothing.
            #expect(read.damage != nil || place == zipped.count - 9, "octet \(place)")
            damaged += read.damage?.kind == .gzipCorrupt ? 1 : 0
        }
        #expect(damaged > 0)
    }

    @Test func `octets after the last member are told`() throws {
        let zipped = gzip(Self.capture)
        for garbage: [UInt8] in [[1], [0x1f], [0, 0, 7], Array("garbage".utf8)] {
            let read = try ReadFile(zipped + garbage)
            #expect(read.packets.count == 40)
            #expect(read.damage?.kind == .gzipTrailingOctets)
            let zeros = garbage.prefix { $0 == 0 }.count
            #expect(read.damage?.offset == zipped.count + zeros)
        }
        // A member whose header is wrong.
        let broken = try ReadFile(zipped + [0x1f, 0x8b, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(broken.packets.count == 40)
        #expect(broken.damage?.kind == .gzipCorrupt)
    }

    @Test func `says what is in the gzip file when it is no capture`() throws {
        var tar = [UInt8](repeating: 0, count: 10_240)
        tar.replaceSubrange(0..<5, with: Array("a.txt".utf8))
        tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
        #expect(
            try ReadFile(gzip(tar)).damage?.description
                == "this is gzip'd: inside is a tar archive: expected a pcap or pcapng magic number "
                + "at offset 0, found 0x612e7478")
        #expect(
            try ReadFile(gzip(gzip(Self.capture))).damage?.description.contains(
                "inside is gzip: expected") == true)
        #expect(try ReadFile(gzip([])).damage?.description == "gzip of an empty file")
    }

    @Test func `damage of the capture inside is told before that of the compression`() throws {
        let corrupt = Self.capture + [UInt8](repeating: 0xff, count: 4000)
        let read = try ReadFile(Array(gzip(corrupt).dropLast(3)))
        #expect(read.packets.count == 40)
        #expect(
            read.damage
                == CaptureDamage(
                    offset: Self.capture.count + 8, kind: .packetTooLong(octets: .max),
                    isGzipped: true))
        let cut = try ReadFile(gzip(Array(Self.capture.dropLast())))
        #expect(cut.damage?.isCutTail == true)
        #expect(
            cut.damage?.description
                == "at offset \(Self.capture.count - 116) of the uncompressed capture: the file "
                + "ends after 115 of a record's 116 octets")
    }

    @Test func `a small file that unpacks to much takes no memory`() throws {
        // 64 MiB of zeros after a capture: one window at a time is looked at, and the first tells.
        let bomb = gzip(Self.capture + [UInt8](repeating: 0xff, count: 64 << 20))
        let read = try ReadFile(bomb)
        #expect(read.packets.count == 40)
        #expect(read.progress.count <= 2)
    }
}
