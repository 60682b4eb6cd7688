@testable import Agent
import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct CaptureClockTests {
    private static let start = CapturedStream.moment

    private static func instants(
        _ clock: inout CaptureClock, _ seconds: [Double?]
    ) -> [Double] {
        seconds.map { second in
            let stamp = second.map { start + .nanoseconds(Int64($0 * 1e9)) }
            return Double(clock.instant(of: stamp).nanoseconds) / 1e9
        }
    }

    @Test func `stamps in order are instants from zero on`() {
        var clock = CaptureClock()
        #expect(Self.instants(&clock, [0, 0.5, 0.5, 3]) == [0, 0.5, 0.5, 3])
        #expect(clock.backward == .init())
        #expect(clock.first == Self.start)
        #expect(clock.last == Self.start + .seconds(3))
        #expect(clock.wallTime(at(2)) == Self.start + .seconds(2))
    }

    @Test func `an earlier stamp is simultaneous and counted, and time does not drift`() {
        var clock = CaptureClock()
        #expect(Self.instants(&clock, [0, 2, 1.5, 2.5, 1, 3]) == [0, 2, 2, 2.5, 2.5, 3])
        #expect(clock.backward == .init(packets: 2, largest: .milliseconds(1500)))
        #expect(clock.last == Self.start + .seconds(3))
    }

    @Test func `the earliest stamp may come late`() {
        var clock = CaptureClock()
        _ = Self.instants(&clock, [0, -5, 1])
        #expect(clock.first == Self.start + .seconds(-5))
    }

    @Test func `two clocks in one file do not make time run`() {
        var clock = CaptureClock()
        let alternating = (0..<1000).map { Double($0) * 0.01 - ($0 % 2 == 0 ? 0 : 60) }
        let instants = Self.instants(&clock, alternating)
        #expect(instants.last == 9.98)
        #expect(clock.backward.packets == 500)
    }

    @Test func `a clock that was set back goes on from there`() {
        var clock = CaptureClock()
        let forward = (0..<100).map { Double($0) }
        _ = Self.instants(&clock, forward + forward)
        // 64 packets of patience, then a second each.
        #expect(clock.now == at(99 + 36))
        #expect(clock.backward.packets == 64)
        #expect(clock.wallTime(clock.now) == Self.start + .seconds(99))
        #expect(clock.wallTime(at(50)) == Self.start + .seconds(50))
        #expect(clock.last == Self.start + .seconds(99))
    }

    @Test func `packets without a stamp are simultaneous with their predecessors`() {
        var clock = CaptureClock()
        #expect(Self.instants(&clock, [nil, 0, nil, 1, nil]) == [0, 0, 0, 1, 1])
        #expect(clock.unstampedPackets == 3)
        #expect(clock.backward.packets == 0)
    }

    @Test func `stamps at the ends of time trap nowhere`() {
        var clock = CaptureClock()
        for nanoseconds in [Int64.min, .max, 0, .min, .max, -1, 1] {
            for _ in 0..<100 {
                _ = clock.instant(of: WallTime(nanoseconds: nanoseconds))
            }
        }
        _ = clock.wallTime(clock.now)
        #expect(clock.now.nanoseconds >= 0)
    }
}
