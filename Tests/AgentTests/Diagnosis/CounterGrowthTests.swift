import NetworkPrimitives
import Testing

@testable import Agent

private func sample(_ seconds: Int, _ count: UInt64) -> CounterSample {
    CounterSample(
        at: .zero + .seconds(seconds), capturedInbound: count, capturedOutbound: 0)
}

@Suite struct `How counters grew` {
    @Test func `the last seconds are finer than the minutes before, and all is bounded`() throws {
        var growth = CounterGrowth()
        for second in 0..<3600 { growth.note(sample(second, UInt64(second))) }
        #expect(growth.samples.count < 40)
        let recent = try #require(growth.ends(over: .seconds(10)))
        #expect(recent.to.capturedInbound - recent.from.capturedInbound == 10)
        let longer = try #require(growth.ends(over: .seconds(300)))
        #expect((300...320).contains(longer.to.capturedInbound - longer.from.capturedInbound))
    }

    @Test func `of a watch that has just begun, what there is counts`() throws {
        var growth = CounterGrowth()
        growth.note(sample(0, 5))
        #expect(growth.ends(over: .seconds(10)) == nil)
        growth.note(sample(1, 6))
        #expect(growth.ends(over: .seconds(10)) == nil)
        growth.note(sample(3, 9))
        let ends = try #require(growth.ends(over: .seconds(10)))
        #expect(ends.to.capturedInbound - ends.from.capturedInbound == 4)
    }

    @Test func `counters that fell begin anew`() {
        var growth = CounterGrowth()
        for second in 0..<20 { growth.note(sample(second, UInt64(second) * 100)) }
        growth.note(sample(20, 3))
        #expect(growth.samples.count == 1)
    }
}
