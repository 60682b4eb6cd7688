import CaptureFormats
import ESPSimulation
import Glibc
import NetworkPrimitives
import NetworkSimulation
import PacketCapture
import PacketFormats
import Testing

@Suite struct CaptureFileTests {
    /// More than a window, so that records lie across its end.
    private static let large: [UInt8] = {
        var file = SimulatedPcapFile()
        for number in 0..<20_000 {
            let frame = (0..<(40 + number % 100)).map {
                UInt8(truncatingIfNeeded: number &* 7 &+ $0)
            }
            file.append(frame, at: Int64(number) * 1_000_003 + 1_800_000_000_000_000_000)
        }
        return file.octets
    }()

    @Test func `reads a file larger than a window, plain and gzip'd and through a pipe`() throws {
        let large = Self.large
        #expect(large.count > 2 * CaptureFile.windowCapacity)
        let plain = try ReadFile(large)
        #expect(plain.packets == JudgedCapture(large).packets)
        #expect(plain.packets.count == 20_000)
        #expect(plain.damage == nil)
        #expect(!plain.isGzipped)
        #expect(plain.format == .pcapNanoseconds)

        let zipped = try ReadFile(gzip(large))
        #expect(zipped.packets == plain.packets)
        #expect(zipped.damage == nil)
        #expect(zipped.isGzipped)

        for (octets, piece) in [(large, 100_000), (large, 8191), (gzip(large), 4093)] {
            let pipe = FedPipe(octets, piece: piece)
            let piped = try withExtendedLifetime(pipe) { try ReadFile(path: pipe.path) }
            #expect(piped.packets == plain.packets)
            #expect(piped.damage == nil)
        }
        let slow = FedPipe(Array(gzip(Array(large.prefix(30_000))).prefix(5000)), piece: 1)
        let piped = try withExtendedLifetime(slow) { try ReadFile(path: slow.path) }
        #expect(piped.packets == Array(plain.packets.prefix(piped.packets.count)))
        #expect(piped.packets.count > 10)
        #expect(piped.damage?.isCutTail == true)
    }

    @Test func `reads standard input`() throws {
        let pipe = FedPipe(Self.large, piece: 65_536)
        let saved = dup(STDIN_FILENO)
        dup2(pipe.readEnd, STDIN_FILENO)
        defer {
            dup2(saved, STDIN_FILENO)
            close(saved)
        }
        let read = try withExtendedLifetime(pipe) { try ReadFile(path: "-") }
        #expect(read.packets.count == 20_000)
        #expect(read.progress.last?.octetsTotal == nil)
        // Still open.
        #expect(fcntl(STDIN_FILENO, F_GETFD) >= 0)
    }

    @Test func `shows how far it came, before decompression`() throws {
        for octets in [Self.large, gzip(Self.large)] {
            let progress = try ReadFile(octets).progress
            #expect(progress.allSatisfy { $0.octetsTotal == octets.count })
            #expect(progress.last?.octetsRead == octets.count)
            #expect(progress.map(\.octetsRead) == progress.map(\.octetsRead).sorted())
            #expect(progress.count > 3)
            #expect(try ReadFile(octets).octetsUnpacked == Self.large.count)
        }
        let pipe = FedPipe(Self.large, piece: 65_536)
        let piped = try withExtendedLifetime(pipe) { try ReadFile(path: pipe.path).progress }
        #expect(piped.allSatisfy { $0.octetsTotal == nil })
        #expect(piped.last?.octetsRead == Self.large.count)
    }

    @Test func `says why a file cannot be opened or read`() {
        func message(_ path: String) -> String? {
            do {
                _ = try ReadFile(path: path)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(
            message("/nonexistent/x.pcap")
                == "cannot open /nonexistent/x.pcap: ENOENT (No such file or directory)")
        #expect(message("/tmp") == "cannot read /tmp: EISDIR (Is a directory)")
        #expect(
            message("a\0b")?.hasSuffix("ENOENT (No such file or directory)") == true)
    }

    @Test(arguments: Fixture.allCases)
    func `reads what the tools recorded`(fixture: Fixture) throws {
        let read = try ReadFile(path: fixture.path)
        #expect(read.damage == nil)
        var counts = FrameCounts()
        let decoder = FrameDecoder()
        for packet in read.packets {
            packet.octets.withRawSpan {
                counts.count(
                    decoder.decode(
                        $0, linkType: LinkKind(linkType: packet.linkType),
                        wireLength: packet.wireLength))
            }
        }
        func expect(
            esp: UInt64, fragments: UInt64, later: UInt64, ike: UInt64, keepalives: UInt64,
            icmp: UInt64, other: UInt64
        ) {
            #expect(counts.esp == esp)
            #expect(counts.espFragments == fragments)
            #expect(counts.laterFragments == later)
            #expect(counts.ike == ike)
            #expect(counts.natKeepalives == keepalives)
            #expect(counts.icmp == icmp)
            #expect(counts.other == other)
            #expect(counts.unreadable == 0)
        }
        // As `tcpdump -r` counts them; `other` in the first are ARP and the PPPoE echo request.
        switch fixture {
        case .ethernet:
            expect(
                esp: 14, fragments: 2, later: 2, ike: 2, keepalives: 1, icmp: 16, other: 3)
        case .cooked2:
            expect(esp: 9, fragments: 2, later: 2, ike: 2, keepalives: 1, icmp: 0, other: 0)
        case .cooked:
            expect(esp: 6, fragments: 1, later: 1, ike: 2, keepalives: 1, icmp: 0, other: 0)
        case .raw:
            expect(esp: 6, fragments: 1, later: 1, ike: 1, keepalives: 1, icmp: 0, other: 0)
        case .twoInterfaces:
            expect(esp: 6, fragments: 1, later: 1, ike: 2, keepalives: 1, icmp: 0, other: 0)
            #expect(Set(read.packets.map(\.interface)) == [0, 1])
            #expect(read.reportedDrops == 0)
            #expect(Set(read.packets.map(\.linkType)) == [1, 101])
        }
    }
}

/// libpcap is the judge, as far as it accepts a file.
@Suite struct LibpcapComparisonTests {
    @Test(arguments: Fixture.allCases)
    func `recorded files read as libpcap reads them`(fixture: Fixture) throws {
        let judged = JudgedCapture(try fixture.octets)
        let read = try ReadFile(path: fixture.path)
        if fixture == .twoInterfaces {
            // The reason why pcapng is not left to it.
            #expect(judged.error?.contains("different from") == true, "\(judged.error ?? "")")
            return
        }
        #expect(judged.error == nil)
        #expect(read.packets.map(dlt) == judged.packets)
    }

    /// libpcap's link types are DLT_ numbers, and it does not name interfaces.
    private func dlt(_ packet: ReadPacket) -> ReadPacket {
        var packet = packet
        packet.interface = 0
        if packet.linkType == 101 { packet.linkType = 12 }
        return packet
    }

    private static let made: [[UInt8]] = {
        var files: [[UInt8]] = []
        for order in CaptureByteOrder.allCases {
            for nanoseconds in [true, false] {
                var file = SimulatedPcapFile(order: order, nanoseconds: nanoseconds)
                for number in 0..<20 {
                    file.append(
                        [UInt8](repeating: UInt8(number), count: number * 3),
                        at: 1_800_000_000_999_999_999 + Int64(number) * 77_777_777,
                        wireLength: 60 + number)
                }
                files.append(file.octets)
            }
            for exponent in [0, 3, 6, 9] {
                var file = SimulatedPcapngFile(order: order)
                file.addInterface(linkType: 1, name: "eth0", exponent: exponent)
                file.addInterface(linkType: 1, name: "eth1", exponent: exponent)
                for number in 0..<10 {
                    file.append(
                        [UInt8](repeating: UInt8(number), count: number * 3),
                        interface: number % 2,
                        at: 1_800_000_000_999_999_999 + Int64(number) * 77_777_777,
                        wireLength: 60 + number)
                    if number == 5 { file.appendBlock(type: 5, [1, 2, 3, 4]) }
                }
                files.append(file.octets)
            }
        }
        return files
    }()

    @Test func `made files read as libpcap reads them`() throws {
        for octets in Self.made {
            let judged = JudgedCapture(octets)
            #expect(judged.error == nil)
            #expect(judged.packets.count >= 10)
            #expect(try ReadFile(octets).packets.map(dlt) == judged.packets)
        }
    }

    @Test func `damaged files read as libpcap reads them, as far as both do`() throws {
        var generator = SeededGenerator(seed: 11)
        let originals = Self.made + (try Fixture.allCases.map { try $0.octets })
        var compared = 0
        var stopped = 0
        for round in 0..<6000 {
            var octets = originals[round % originals.count]
            for _ in 0..<(1 + generator.below(2)) {
                octets[Int(generator.below(Int64(octets.count)))] =
                    UInt8(truncatingIfNeeded: generator.next())
            }
            octets.removeLast(Int(generator.below(Int64(octets.count))) / 8)
            let judged = JudgedCapture(octets)
            let read = try ReadFile(octets)
            for (mine, judges) in zip(read.packets.map(dlt), judged.packets) {
                var mine = mine
                // It cuts at the snapshot length; we keep what the file has.
                mine.octets = Array(mine.octets.prefix(max(judges.octets.count, judged.snapLength)))
                // It takes both numbers of a classic stamp as signed: 2³² of either one's unit less,
                // beyond 2038. And a time that no `WallTime` holds wraps in it.
                let arrival = mine.arrival ?? judges.arrival ?? 0
                if (arrival &- (judges.arrival ?? 0)) % (1 << 32) == 0 {
                    mine.arrival = judges.arrival
                }
                // Its table of link types is longer.
                mine.linkType = judges.linkType
                #expect(mine == judges, "round \(round)")
                compared += 1
            }
            stopped += read.damage == nil ? 0 : 1
        }
        #expect(compared > 20_000)
        #expect(stopped > 1000)
    }
}
