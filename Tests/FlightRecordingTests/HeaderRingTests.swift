import FlightRecording
import NetworkPrimitives
import Testing

@Suite struct HeaderRingTests {
    private static func frame(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) }
    }

    /// A ring as anybody would write it: a list whose front is dropped.
    private struct Model {
        var records: [HeaderRing.Record] = []
        var number: UInt64 = 0
        var unrecorded: UInt32 = 0
    }

    @Test(arguments: [1056, 1064, 1500, 4096, 20_000], [1, 2, 3] as [UInt64])
    func `the ring holds an unbroken end of what was recorded`(byteCount: Int, seed: UInt64) {
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var ring = HeaderRing(byteCount: byteCount)
        var model = Model()
        for step in 0..<3000 {
            if random(5) == 0 {
                ring.leaveOut()
                model.unrecorded += 1
            }
            // Mostly headers, now and then the longest there may be.
            let count = random(20) == 0 ? 500 + random(40) : random(120)
            let frame = Self.frame(step, count)
            let keeping = random(4) == 0 ? random(600) : count
            let way = HeaderRing.Way(rawValue: UInt64(random(3))) ?? .unknown
            let instant = MonotonicInstant(nanoseconds: Int64(step) * 1000 - 5)
            frame.withRawSpan {
                ring.record($0, keeping: keeping, wireLength: 1000 + step, at: instant, way)
            }
            model.records.append(
                .init(
                    number: model.number, arrival: instant, wireLength: 1000 + step, way: way,
                    unrecordedBefore: model.unrecorded,
                    octets: Array(frame.prefix(min(keeping, HeaderRing.maximumLength)))))
            model.number += 1
            model.unrecorded = 0
            if step % 50 == 0 || step > 2990 {
                var held: [HeaderRing.Record] = []
                ring.forEach { held.append($0) }
                #expect(held.count == ring.count)
                #expect(held.count >= 1)
                #expect(held == Array(model.records.suffix(held.count)))
                // What is held is nearly all that there is room for: the end of the memory may stay
                // empty, and where a long packet goes, more than it needs may have to give way.
                let used = held.reduce(0) { $0 + HeaderRing.cost(of: $1.octets.count) }
                #expect(used <= ring.byteCount)
                if model.records.count > held.count {
                    #expect(used > ring.byteCount - 3 * HeaderRing.cost(of: 512))
                }
            }
        }
        #expect(ring.recorded == 3000)
    }

    @Test func `a copy stays as it was`() {
        var ring = HeaderRing(byteCount: 4096)
        Self.frame(1, 60).withRawSpan {
            ring.record($0, keeping: 60, wireLength: 60, at: .zero, .inbound)
        }
        let copy = ring
        Self.frame(2, 60).withRawSpan {
            ring.record($0, keeping: 60, wireLength: 60, at: .zero, .outbound)
        }
        var held: [UInt64] = []
        copy.forEach { held.append($0.number) }
        #expect(held == [0])
        held = []
        ring.forEach(from: 1) { held.append($0.number) }
        #expect(held == [1])
    }

    @Test func `a ring that was emptied goes on counting`() {
        var ring = HeaderRing(byteCount: 2048)
        for number in 0..<100 {
            Self.frame(number, 60).withRawSpan {
                ring.record($0, keeping: 60, wireLength: 60, at: .zero, .unknown)
            }
        }
        ring.removeAll()
        var held: [HeaderRing.Record] = []
        ring.forEach { held.append($0) }
        #expect(held.isEmpty)
        Self.frame(7, 60).withRawSpan {
            ring.record($0, keeping: 60, wireLength: 60, at: .zero, .unknown)
        }
        ring.forEach { held.append($0) }
        #expect(held.map(\.number) == [100])
    }
}
