import Testing

@testable import Configuration

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("10ms", 10_000_000), ("1s", 1_000_000_000), ("1.5s", 1_500_000_000),
        ("5m", 300_000_000_000), ("2h", 7_200_000_000_000), ("30d", 2_592_000_000_000_000),
        ("1m30s", 90_000_000_000), ("1d2h3m4s5ms", 93_784_005_000_000), ("0s", 0),
        ("0.000000001s", 1), ("0.5d", 43_200_000_000_000), ("1.25ms", 1_250_000),
        ("106751d", 9_223_286_400_000_000_000),
    ])
    func `reads a duration`(text: String, nanoseconds: Int64) {
        #expect(DurationText.parse(text) == .nanoseconds(nanoseconds))
    }

    @Test(arguments: [
        "", "s", "1", "1 s", " 1s", "1s ", "-1s", "+1s", "1S", "1sec", "1w", "1us", "1s1m", "1s1s",
        "1.s", ".5s", "1.s5", "1.0000000001s", "1e3s", "0x1s", "1,5s", "٣s", "1ms1s",
        "9999999999999999999s", "106752d", "106751d23h59m59s999ms", "9223372036854775807ms",
    ])
    func `refuses what is no duration`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [
        (Duration.zero, "0s"), (.milliseconds(2400), "2s400ms"), (.seconds(90), "1m30s"),
        (.seconds(30 * 86_400), "30d"), (.nanoseconds(1), "0.000001ms"),
        (.nanoseconds(1_250_000), "1.25ms"), (.milliseconds(10), "10ms"),
    ])
    func `writes a duration the shortest way`(duration: Duration, text: String) {
        #expect(DurationText.format(duration) == text)
        #expect(DurationText.parse(text) == duration)
    }

    @Test func `reads back what it has written`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<10_000 {
            // All orders of magnitude, not only huge numbers.
            let bits = Int64.random(in: 0..<63, using: &random)
            let duration = Duration.nanoseconds(Int64.random(in: 0...(1 << bits), using: &random))
            let text = DurationText.format(duration)
            #expect(DurationText.parse(text) == duration, "\(text)")
        }
    }
}

/// Numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
