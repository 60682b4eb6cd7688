import NetworkPrimitives
import Testing

@Suite struct WallTimeTests {
    /// Milliseconds since 1970, from Python's datetime.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (-58_015_503_211, "1968-02-29T12:34:56.789Z"),
            (-2_203_891_201_000, "1900-02-28T23:59:59.000Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
            (946_684_799_999, "1999-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_251_199_500, "2024-02-29T23:59:59.500Z"),
            (1_795_348_800_000, "2026-11-22T12:00:00.000Z"),
            (2_147_483_648_000, "2038-01-19T03:14:08.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func `writes RFC 3339 in UTC`(milliseconds: Int64, text: String) {
        #expect(WallTime(nanoseconds: milliseconds * 1_000_000).description == text)
    }

    @Test func `rounds towards the past at both ends of time`() {
        #expect(WallTime(nanoseconds: -1).description == "1969-12-31T23:59:59.999Z")
        #expect(WallTime(nanoseconds: 999_999).description == "1970-01-01T00:00:00.000Z")
        #expect(WallTime(nanoseconds: .max).description == "2262-04-11T23:47:16.854Z")
        #expect(WallTime(nanoseconds: .min).description == "1677-09-21T00:12:43.145Z")
    }

    @Test func `names every day of four centuries in order`() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        // 1800-01-01 to 2199-12-31.
        var day: Int64 = -62_091
        for year in 1800..<2200 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for month in 1...12 {
                for date in 1...(lengths[month - 1] + (isLeap && month == 2 ? 1 : 0)) {
                    let text = WallTime(nanoseconds: day * 86_400_000_000_000).description
                    let pad = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
                    let expected = "\(year)-\(pad(month))-\(pad(date))T00:00:00.000Z"
                    if text != expected { Issue.record("day \(day): \(text), not \(expected)") }
                    day += 1
                }
            }
        }
        #expect(day == 84_006)
    }

    @Test func `adds durations and never wraps`() {
        #expect((WallTime(nanoseconds: 5) + .seconds(-1)).nanoseconds == -999_999_995)
        #expect((WallTime(nanoseconds: .max) + .seconds(1)).nanoseconds == .max)
        #expect((WallTime(nanoseconds: .min) + .seconds(-1)).nanoseconds == .min)
    }

    @Test func `orders by time and gives seconds with a fraction`() {
        #expect(WallTime(nanoseconds: -1) < WallTime(nanoseconds: 0))
        #expect(WallTime(nanoseconds: 1_500_000_000).unixSeconds == 1.5)
    }
}
