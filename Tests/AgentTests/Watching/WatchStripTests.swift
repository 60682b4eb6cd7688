import Testing

@testable import Agent

@Suite struct `The strip of a path` {
    private func totals(_ received: UInt64, _ lost: UInt64, _ mean: Double?) -> WatchStrip.Totals {
        WatchStrip.Totals(received: received, lost: lost, meanSeconds: mean)
    }

    @Test func `each look shows what came since the one before`() throws {
        var strip = WatchStrip()
        strip.take(totals(100, 5, 0.02))
        #expect(strip.cells.isEmpty)
        #expect(strip.lossRatio == nil)
        strip.take(totals(101, 5, 0.02))
        strip.take(totals(101, 6, 0.02))
        strip.take(totals(102, 7, 0.02))
        strip.take(totals(102, 7, 0.02))
        #expect(strip.cells.count == 4)
        guard case .answered(let seconds?) = strip.cells[0] else {
            Issue.record("\(strip.cells[0])")
            return
        }
        #expect(abs(seconds - 0.02) < 1e-9)
        #expect(strip.cells[1] == .lost)
        #expect(strip.cells[2] == .some(lost: 1, of: 2))
        #expect(strip.cells[3] == .nothing)
        #expect(strip.lossRatio == 0.5)
    }

    @Test func `the time of one look is told from the mean of all`() throws {
        var strip = WatchStrip()
        strip.take(totals(10, 0, 0.010))
        // Two more of 50 ms each: the mean of twelve is 200 ms / 12.
        strip.take(totals(12, 0, 0.2 / 12))
        #expect(abs(try #require(strip.lastSeconds) - 0.05) < 1e-9)
    }

    @Test func `an agent that was started anew is no negative count`() {
        var strip = WatchStrip()
        strip.take(totals(1000, 5, 0.02))
        strip.take(totals(3, 0, 0.02))
        strip.take(totals(4, 0, 0.02))
        #expect(strip.cells.count == 1)
        #expect(strip.lossRatio == 0)
    }

    @Test func `it is as wide as it may be, newest on the right, and bounded`() {
        var strip = WatchStrip()
        for count in 0..<2000 { strip.take(totals(UInt64(count), 0, 0.01)) }
        strip.take(totals(1999, 1, 0.01))
        #expect(strip.cells.count == WatchStrip.capacity)
        let text = strip.parts(width: 10, hasBlocks: false).map(\.text).joined()
        #expect(text == ".........x")
    }
}
