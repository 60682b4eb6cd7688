import NetworkPrimitives
import Testing

@Suite struct ByteAccessTests {
    private static let octets: [UInt8] = Array(1...20)

    @Test func `reads numbers in network order at every offset that holds them`() {
        Self.octets.withRawSpan { span in
            for offset in 0..<20 { #expect(span.uint8(at: offset) == UInt8(offset + 1)) }
            for offset in 0...18 {
                #expect(span.bigEndianUInt16(at: offset) == Self.number(at: offset, 2))
            }
            for offset in 0...16 {
                #expect(span.bigEndianUInt32(at: offset) == Self.number(at: offset, 4))
            }
            for offset in 0...12 {
                #expect(span.bigEndianUInt64(at: offset) == Self.number(at: offset, 8))
            }
            for offset in 0...4 {
                #expect(span.bigEndianUInt128(at: offset) == Self.number(at: offset, 16))
            }
        }
    }

    @Test func `appends numbers in network order`() {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: 0x0102 as UInt16)
        bytes.append(bigEndian: 0x0304_0506_0708_090a as UInt64)
        #expect(bytes == Array(1...10))
    }

    @Test func `traps on an octet outside the span`() async {
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.uint8(at: 20) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.uint8(at: -1) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt16(at: 19) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt16(at: -1) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt32(at: 17) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt64(at: 13) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt128(at: 5) }
        }
        await #expect(processExitsWith: .failure) {
            [UInt8]().withRawSpan { _ = $0.bigEndianUInt16(at: 0) }
        }
        await #expect(processExitsWith: .failure) {
            Self.octets.withRawSpan { _ = $0.bigEndianUInt32(at: .max) }
        }
    }

    private static func number<Number: FixedWidthInteger>(at offset: Int, _ count: Int) -> Number {
        octets[offset..<(offset + count)].reduce(0) { $0 << 8 | Number($1) }
    }
}
