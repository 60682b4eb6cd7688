import CaptureFormats
import ESPSimulation
import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct CaptureReaderTests {
    @Test(arguments: CaptureByteOrder.allCases, [true, false])
    func `reads classic pcap in both byte orders and resolutions`(
        order: CaptureByteOrder, nanoseconds: Bool
    ) {
        let read = ReadCapture(SampleFile.pcap(order: order, nanoseconds: nanoseconds))
        #expect(read.format == (nanoseconds ? .pcapNanoseconds : .pcap))
        #expect(read.damage == nil)
        let unit: Int64 = nanoseconds ? 1 : 1000
        #expect(
            read.packets
                == (0..<5).map {
                    ReadCapture.Packet(
                        interface: 0, linkType: 1,
                        arrival: (SampleFile.start + Int64($0) * 1_000_001) / unit * unit,
                        wireLength: 100 + $0, octets: SampleFile.frame($0, count: 60 + $0))
                })
    }

    @Test func `reads a pcapng file of two sections, byte orders, link types and resolutions`() {
        let read = ReadCapture(SampleFile.pcapng())
        #expect(read.format == .pcapng)
        #expect(read.damage == nil)
        let start = SampleFile.start
        #expect(read.packets.count == 10)
        for section in 0..<2 {
            let packets = Array(read.packets.dropFirst(section * 5).prefix(5))
            #expect(
                packets == [
                    .init(
                        interface: section * 3, linkType: 1, arrival: start, wireLength: 60,
                        octets: SampleFile.frame(0)),
                    .init(
                        interface: section * 3 + 1, linkType: 101, arrival: start / 1000 * 1000,
                        wireLength: 1400, octets: SampleFile.frame(1, count: 61)),
                    .init(
                        interface: section * 3, linkType: 1, arrival: nil, wireLength: 62,
                        octets: SampleFile.frame(2, count: 62)),
                    .init(
                        interface: section * 3 + 2, linkType: 276,
                        arrival: start / 1_000_000 * 1_000_000, wireLength: 63,
                        octets: SampleFile.frame(3, count: 63)),
                    .init(
                        interface: section * 3, linkType: 1, arrival: start + 3, wireLength: 0,
                        octets: []),
                ])
        }
    }

    @Test(arguments: [SampleFile.pcap(), SampleFile.pcap(order: .big), SampleFile.pcapng()])
    func `pieces of any size give the same`(file: [UInt8]) {
        let whole = ReadCapture(file)
        var generator = SeededGenerator(seed: 1)
        for size in [1, 2, 3, 5, 16, 61, 200] {
            var read = ReadCapture(file, piece: { size })
            read.largestDemand = whole.largestDemand
            #expect(read == whole, "pieces of \(size)")
        }
        for _ in 0..<200 {
            var read = ReadCapture(file, piece: { Int(generator.below(90)) })
            read.largestDemand = whole.largestDemand
            #expect(read == whole)
        }
    }

    @Test(arguments: [SampleFile.pcap(), SampleFile.pcapng()])
    func `a file that ends early gives all whole packets and is cut, not corrupt`(file: [UInt8]) {
        let whole = ReadCapture(file)
        let header = whole.format == .pcapng ? 28 : 24
        var boundaries = 0
        for count in 0..<file.count {
            let read = ReadCapture(Array(file[..<count]), piece: { 37 })
            #expect(Array(whole.packets.prefix(read.packets.count)) == read.packets)
            guard let damage = read.damage else {
                boundaries += 1
                continue
            }
            switch (count, damage.kind) {
            case (0, .empty): #expect(damage.offset == 0)
            case (..<header, .cutHeader(let present, let needed)):
                // The format is not known before the first four octets.
                #expect(damage.offset == 0 && present == count)
                #expect(needed == (count < 4 ? 24 : header))
            case (header..., .cutRecord(let present, let needed)):
                #expect(damage.isCutTail)
                #expect(damage.offset + present == count, "\(damage)")
                #expect(needed > present)
            default: Issue.record("\(count): \(damage)")
            }
            #expect(damage.isCutTail == (count >= header))
        }
        // After the header and after each record but the last: a file may end there.
        #expect(boundaries == (whole.format == .pcapng ? 2 * 10 - 1 : 5))
    }

    @Test func `what follows damage is not read, and the damage is said again`() {
        let file = SampleFile.pcap() + [UInt8](repeating: 0xff, count: 100)
        var reader = CaptureReader()
        var packets = 0
        var damages: [CaptureDamage] = []
        file.withRawSpan { window in
            for _ in 0..<10 {
                switch reader.next(window, isFinal: true) {
                case .packet: packets += 1
                case .damaged(let damage): damages.append(damage)
                default: Issue.record("neither")
                }
            }
        }
        #expect(packets == 5)
        let expected = CaptureDamage(
            offset: SampleFile.pcap().count + 8, kind: .packetTooLong(octets: .max))
        #expect(damages == Array(repeating: expected, count: 5))
    }

    @Test func `any octets are safe, and the demand for a window is bounded`() {
        var generator = SeededGenerator(seed: 7)
        let samples = [SampleFile.pcap(), SampleFile.pcap(order: .big), SampleFile.pcapng()]
        var damages = 0
        for round in 0..<60_000 {
            var file = samples[round % samples.count]
            for _ in 0..<(1 + generator.below(4)) {
                let place = Int(generator.below(Int64(file.count)))
                file[place] =
                    generator.chance(0.5)
                    ? file[Int(generator.below(Int64(file.count)))]
                    : UInt8(truncatingIfNeeded: generator.next())
            }
            let read = ReadCapture(file, piece: { Int(generator.below(400)) })
            #expect(read.largestDemand <= CaptureReader.maximumRecordLength)
            damages += read.damage == nil ? 0 : 1
        }
        #expect(damages > 1000)
        for _ in 0..<20_000 {
            let noise = (0..<generator.below(80)).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
            #expect(ReadCapture(noise).packets.isEmpty)
        }
    }
}
