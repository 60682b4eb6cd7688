import NetworkPrimitives
import Testing

@Suite struct MonotonicInstantTests {
    @Test func `adds and subtracts durations`() {
        let instant = MonotonicInstant(nanoseconds: 1_000)
        #expect((instant + .microseconds(1)).nanoseconds == 2_000)
        #expect((instant - .microseconds(2)).nanoseconds == -1_000)
        #expect(instant - MonotonicInstant(nanoseconds: 3_000) == .microseconds(-2))
        #expect(MonotonicInstant.zero.duration(to: instant) == .microseconds(1))
        #expect(.zero < instant)
    }

    @Test func `saturates at both ends instead of wrapping or trapping`() {
        let first = MonotonicInstant(nanoseconds: .min)
        #expect(MonotonicInstant.distantFuture + .seconds(1) == .distantFuture)
        #expect(MonotonicInstant.zero + .seconds(Int64.max) == .distantFuture)
        #expect(first - .seconds(1) == first)
        #expect(first + .seconds(Int64.min) == first)
        #expect(MonotonicInstant(nanoseconds: -2) - .seconds(Int64.max) == first)
        #expect(MonotonicInstant.zero - .seconds(Int64.min) == .distantFuture)
        #expect((MonotonicInstant.distantFuture - first).nanoseconds == .max)
        #expect((first - MonotonicInstant.distantFuture).nanoseconds == .min)
    }

    @Test(
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), -1),
            (Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999), 1),
            (Duration(secondsComponent: 0, attosecondsComponent: -1_999_999_999), -1),
            (.seconds(9_223_372_036), 9_223_372_036_000_000_000),
            (.seconds(9_223_372_037), .max), (.seconds(-9_223_372_037), .min),
            (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
        ] as [(Duration, Int64)])
    func `gives a duration in whole nanoseconds`(duration: Duration, nanoseconds: Int64) {
        #expect(duration.nanoseconds == nanoseconds)
    }

    @Test func `gives a duration in seconds`() {
        #expect(Duration.milliseconds(1500).seconds == 1.5)
        #expect(Duration.milliseconds(-250).seconds == -0.25)
    }
}
