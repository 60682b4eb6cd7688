import Foundation
import NetworkPrimitives
import Testing

@Suite struct WallTimeTextTests {
    private static func read(_ text: String) -> Int64? {
        WallTime(rfc3339: Array(text.utf8)[...])?.nanoseconds
    }

    @Test func `reads the examples of RFC 3339`() {
        #expect(Self.read("1985-04-12T23:20:50.52Z") == 482_196_050_520_000_000)
        #expect(Self.read("1996-12-19T16:39:57-08:00") == 851_042_397_000_000_000)
        #expect(Self.read("1990-12-31T23:59:60Z") == 662_688_000_000_000_000)
        #expect(Self.read("1937-01-01T12:00:27.87+00:20") == -1_041_337_172_130_000_000)
        #expect(Self.read("1970-01-01t00:00:00z") == 0)
        #expect(Self.read("2026-11-22 12:00:00.1234567899Z") == 1_795_348_800_123_456_789)
    }

    @Test func `reads back what it writes, on every day of four centuries`() {
        // From 1700 to 2100: leap years of all rules.
        for day in stride(from: Int64(-98_615), to: 47_482, by: 1) {
            let time = WallTime(nanoseconds: (day * 86_400 + 3661) * 1_000_000_000)
            guard WallTime(rfc3339: Array(time.description.utf8)[...]) == time else {
                Issue.record("\(time)")
                return
            }
        }
    }

    @Test(arguments: [
        "", "2026", "2026-11-22", "2026-11-22T12:00:00", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T00:60:00Z",
        "2026-11-22T00:00:61Z", "2026-11-22T00:00:00.Z", "2026-11-22T00:00:00Zx",
        "2026-11-22T00:00:00+1:00", "2026-11-22T00:00:00+24:00", "+026-11-22T00:00:00Z",
        "9999-12-31T00:00:00Z", "0000-01-01T00:00:00Z", "2026/11/22T00:00:00Z",
    ])
    func `refuses what is none`(text: String) {
        #expect(Self.read(text) == nil)
    }
}
