import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct InternetChecksumTests {
    @Test func `sums the example of RFC 1071 section 3`() {
        let bytes: [UInt8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]
        #expect(bytes.withRawSpan { InternetChecksum.sum($0) } == 0xddf2)
    }

    @Test func `pads an odd last octet with zero`() {
        #expect([UInt8]([0x12]).withRawSpan { InternetChecksum.sum($0) } == 0x1200)
        #expect([UInt8]([1, 2, 3]).withRawSpan { InternetChecksum.sum($0) } == 0x0402)
        #expect([UInt8]().withRawSpan { InternetChecksum.sum($0) } == 0)
    }

    @Test func `starts where and with what it is told`() {
        let bytes: [UInt8] = [0xff, 0xff, 0x00, 0x05]
        #expect(bytes.withRawSpan { InternetChecksum.sum($0, from: 2, seed: 0x1_0001) } == 7)
    }

    @Test func `agrees with arithmetic modulo 65535`() {
        var generator = SeededGenerator(seed: 1071)
        for _ in 0..<500 {
            let words = (0..<Int(generator.below(80))).map { _ in UInt64(generator.next() >> 48) }
            var bytes: [UInt8] = []
            for word in words { bytes.append(bigEndian: UInt16(word)) }
            let total = words.reduce(0, +)
            // Of the two zeros of ones' complement, 0 stands for nothing at all.
            let expected = total == 0 ? 0 : total % 65_535 == 0 ? 65_535 : total % 65_535
            #expect(bytes.withRawSpan { UInt64(InternetChecksum.sum($0)) } == expected)
        }
        #expect(InternetChecksum.fold(.max) == 0xffff)
    }
}
