import FlightRecording
import NetworkPrimitives
import PacketFormats
import Testing

@Suite struct DeviceRingsTests {
    private static let decoder = FrameDecoder()

    /// ESP in IPv4 on a device without a link header, 1400 octets on the wire.
    private static func esp(_ sequence: UInt32) -> [UInt8] {
        let length = 1400
        return [
            0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, 0, 64, 50, 0, 0,
            198, 51, 100, 1, 203, 0, 113, 10, 0xc0, 0, 0, 1,
        ] + (0..<4).map { UInt8(truncatingIfNeeded: sequence >> (24 - 8 * UInt32($0))) }
            + [UInt8](repeating: 0xee, count: 80)
    }

    private static let echo: [UInt8] =
        [
            0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0, 198, 51, 100, 1, 203, 0, 113, 10,
            8, 0, 0, 0, 1, 2, 3, 4,
        ] + [UInt8](repeating: 0xee, count: 56)

    /// Gives rings `rate` ESP packets a second for some seconds, and an echo every second.
    private static func run(_ rings: inout DeviceRings, rate: Int, from: Int, seconds: Int) {
        for second in from..<(from + seconds) {
            for number in 0..<rate {
                let instant = MonotonicInstant(
                    nanoseconds: Int64(second) * 1_000_000_000
                        + Int64(number) * 1_000_000_000 / Int64(rate))
                esp(UInt32(second * rate + number)).withRawSpan {
                    rings.receiveESP($0, payload: 28, wireLength: 1400, at: instant)
                }
            }
            echo.withRawSpan { frame in
                rings.receive(
                    decoder.decode(frame, linkType: .rawIP, wireLength: 84), frame, wireLength: 84,
                    at: MonotonicInstant(nanoseconds: Int64(second) * 1_000_000_000))
            }
        }
    }

    private static func held(_ ring: HeaderRing) -> [HeaderRing.Record] {
        var held: [HeaderRing.Record] = []
        ring.forEach { held.append($0) }
        return held
    }

    @Test func `thin traffic is recorded whole, for a minute at least`() {
        var rings = DeviceRings(espByteCount: 1 << 20, controlByteCount: 64 << 10)
        Self.run(&rings, rate: 150, from: 0, seconds: 100)
        #expect(rings.esp.unrecorded == 0)
        let held = Self.held(rings.esp)
        let first = held.first.map(\.arrival) ?? .zero
        #expect((held.last.map(\.arrival) ?? .zero) - first >= DeviceRings.span)
        #expect(held.allSatisfy { $0.octets.count == 36 && $0.wireLength == 1400 })
    }

    @Test(arguments: [5000, 20_000])
    func `of dense traffic a minute fits, and every packet is counted`(rate: Int) {
        var rings = DeviceRings(espByteCount: 256 << 10, controlByteCount: 64 << 10)
        Self.run(&rings, rate: rate, from: 0, seconds: 100)
        #expect(rings.esp.recorded + rings.esp.unrecorded == UInt64(rate * 100))
        let held = Self.held(rings.esp)
        let span = (held.last.map(\.arrival) ?? .zero) - (held.first.map(\.arrival) ?? .zero)
        #expect(span >= DeviceRings.span)
        // In every tenth of a second there are some, one behind the other.
        let slices = Set(held.map { $0.arrival.nanoseconds / 100_000_000 })
        #expect(slices.count >= 600)
        let inARow = held.filter { $0.unrecordedBefore == 0 }.count
        #expect(inARow > held.count / 2)
        // What the records say of the gaps agrees with their numbers.
        for (former, next) in zip(held, held.dropFirst()) {
            func sequence(_ record: HeaderRing.Record) -> Int {
                record.octets[24..<28].reduce(0) { $0 << 8 | Int($1) }
            }
            #expect(sequence(next) - sequence(former) == Int(next.unrecordedBefore) + 1)
        }
        // No echo was pushed out, and none was left out.
        #expect(rings.control.recorded == 100)
        #expect(rings.control.count == 100)
    }

    @Test func `a burst after a quiet time is recorded whole`() {
        var rings = DeviceRings(espByteCount: 1 << 20, controlByteCount: 64 << 10)
        Self.run(&rings, rate: 1, from: 0, seconds: 10)
        Self.run(&rings, rate: 800, from: 10, seconds: 1)
        #expect(rings.esp.unrecorded == 0)
    }

    @Test func `packets of another link type are forgotten`() {
        var rings = DeviceRings(espByteCount: 1 << 20, controlByteCount: 64 << 10)
        rings.adopt(linkType: 101)
        Self.run(&rings, rate: 1, from: 0, seconds: 3)
        rings.adopt(linkType: 101)
        #expect(rings.esp.count == 3)
        rings.adopt(linkType: 1)
        #expect(rings.esp.count == 0)
        #expect(rings.seen == 6)
    }
}
