import History
import NetworkPrimitives
import Testing

@Suite struct `Minutes` {
    @Test func `what was watched is never more than the minute`() {
        var minute = HistoryMinute(at: WallTime(nanoseconds: 0), tunnel: "cf-1")
        #expect(minute.watched == 0)
        minute.healthy = 40_000
        minute.down = 15_000
        #expect(minute.watched == 55_000)
        minute.unknown = 20_000
        #expect(minute.watched == 60_000)
    }
}
