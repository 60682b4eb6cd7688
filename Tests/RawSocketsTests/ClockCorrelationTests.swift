import NetworkPrimitives
import RawSockets
import Testing

@Suite struct ClockCorrelationTests {
    /// Monotonic times in these tests count microseconds from 1000 s.
    private func mono(_ microseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000_000 + microseconds * 1000)
    }

    /// The wall clock when the monotonic clock shows `mono(microseconds)` and the two differ by
    /// 1.7e18 ns and `offset` more microseconds.
    private func wall(_ microseconds: Int64, offset: Int64 = 0) -> WallTime {
        WallTime(
            nanoseconds: 1_700_000_000_000_000_000 + mono(microseconds + offset).nanoseconds)
    }

    /// A reading at `microseconds` that took `width`.
    private func reading(_ microseconds: Int64, offset: Int64 = 0, width: Int64 = 2) -> ClockReading
    {
        ClockReading(
            before: mono(microseconds - width / 2), wall: wall(microseconds, offset: offset),
            after: mono(microseconds + width / 2))
    }

    @Test func `converts a stamp between its bounds`() {
        let correlation = ClockCorrelation(reading(0))
        let converted = correlation.convert(wall(-500), notBefore: mono(-900), notAfter: mono(0))
        #expect(converted == mono(-500))
    }

    @Test(
        arguments: [
            (-902, nil), (-901, -901), (-900, -900), (-100, -100), (900, 900), (901, nil),
        ] as [(Int64, Int64?)])
    func `disbelieves a stamp more than a millisecond outside its bounds`(
        stamp: Int64, expected: Int64?
    ) {
        let correlation = ClockCorrelation(reading(0))
        let converted = correlation.convert(wall(stamp), notBefore: mono(99), notAfter: mono(-100))
        #expect(converted == expected.map(mono))
    }

    @Test func `a step forbids conversion of what may be older than it, and of nothing later`() {
        var correlation = ClockCorrelation(reading(0))
        correlation.sample(reading(100_000, offset: 60_000_000))
        #expect(correlation.steps == 1)
        let straddling = correlation.convert(
            wall(99_000, offset: 60_000_000), notBefore: mono(98_000), notAfter: mono(100_000))
        #expect(straddling == nil)
        correlation.sample(reading(200_000, offset: 60_000_000))
        #expect(correlation.steps == 1)
        let later = correlation.convert(
            wall(150_000, offset: 60_000_000), notBefore: mono(149_000), notAfter: mono(200_000))
        #expect(later == mono(150_000))
    }

    @Test(arguments: [(1000, 0), (1060, 1), (-1000, 0), (-1060, 1), (-3_600_000_000, 1)])
    func `a step is a jump of more than a millisecond, either way`(jump: Int64, steps: UInt64) {
        var correlation = ClockCorrelation(reading(0))
        // 100 ms of slewing may add 50 µs.
        correlation.sample(reading(100_000, offset: jump))
        #expect(correlation.steps == steps)
        let converted = correlation.convert(
            wall(100_000, offset: jump), notBefore: mono(99_999), notAfter: mono(100_001))
        #expect(converted == (steps == 0 ? mono(100_000) : nil))
    }

    @Test(arguments: [500, -500] as [Int64])
    func `slewing by 500 ppm for an hour is no step, and is followed`(partsPerMillion: Int64) {
        var correlation = ClockCorrelation(reading(0))
        for second in Int64(1)...3600 {
            let now = second * 1_000_000
            let offset = second * partsPerMillion
            correlation.sample(reading(now, offset: offset))
            let stamp = wall(now - 1000, offset: offset)
            let converted = correlation.convert(
                stamp, notBefore: mono(now - 2000), notAfter: mono(now))
            let error = converted.map { abs($0.nanoseconds - mono(now - 1000).nanoseconds) }
            #expect(error.map { $0 <= 1000 } == true)
        }
        #expect(correlation.steps == 0)
    }

    @Test func `slewing over a long pause is no step`() {
        var correlation = ClockCorrelation(reading(0))
        correlation.sample(reading(600_000_000, offset: 300_000))
        #expect(correlation.steps == 0)
    }

    @Test func `a preempted reading costs no precision`() {
        var correlation = ClockCorrelation(reading(0, width: 2))
        correlation.sample(
            ClockReading(before: mono(100), wall: wall(101), after: mono(9000)))
        #expect(correlation.steps == 0)
        #expect(
            correlation.convert(wall(50), notBefore: mono(0), notAfter: mono(9000)) == mono(50))
    }

    @Test func `conversion does not jitter with the readings`() {
        var correlation = ClockCorrelation(reading(0, width: 2))
        var converted: Set<MonotonicInstant?> = []
        for time in stride(from: Int64(1000), to: 100_000, by: 1000) {
            // Readings that are all true, with the wall clock read early or late between the others.
            let early = ClockReading(
                before: mono(time), wall: wall(time), after: mono(time + 3))
            let late = ClockReading(
                before: mono(time + 5), wall: wall(time + 8), after: mono(time + 8))
            correlation.sample(time % 2000 == 0 ? early : late)
            converted.insert(
                correlation.convert(wall(500), notBefore: mono(0), notAfter: mono(time)))
        }
        // Two: before and after the bounds met at the true offset.
        #expect(converted.count <= 2)
        #expect(
            correlation.convert(wall(500), notBefore: mono(0), notAfter: mono(1000)) == mono(500))
    }

    @Test func `an absurd stamp is disbelieved, not trapped on`() {
        let correlation = ClockCorrelation(reading(0))
        for nanoseconds in [Int64.min, .max, 0] {
            let stamp = WallTime(nanoseconds: nanoseconds)
            #expect(correlation.convert(stamp, notBefore: mono(0), notAfter: mono(0)) == nil)
        }
    }

    @Test func `the live clocks agree with themselves`() throws {
        var correlation = ClockCorrelation()
        for _ in 0..<100 {
            let before = MonotonicClock.now()
            let stamp = WallClock.now()
            let after = MonotonicClock.now()
            correlation.sample()
            let converted = try #require(
                correlation.convert(stamp, notBefore: before, notAfter: after))
            #expect(converted >= before - .microseconds(20))
            #expect(converted <= after + .microseconds(20))
        }
        #expect(correlation.steps == 0)
    }
}
