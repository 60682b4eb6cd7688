import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct CounterTrackerStreamTests {
    private func end(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test(arguments: [1, 2, 5, 20, 100, 500])
    func `senders amid an SA are counted exactly`(senders: Int) throws {
        let stream = InterleavedCounters(
            senders: senders, perSecond: 4000, seconds: 10, seed: UInt64(senders), loss: 0.01,
            lateness: 0.01
        ) { _, random in UInt32(truncatingIfNeeded: random.next() >> 33) }
        var tracker = CounterTracker(seed: 1)
        let decisions = stream.run(&tracker)
        let summary = tracker.summary(at: end(10))
        #expect(abs(summary.estimate - senders) <= senders / 100)
        #expect(try #require(summary.confidence) > 0.99)
        #expect(stream.linkAccuracy(decisions) > 0.999)
        let lossError = Double(summary.lost) - Double(stream.lost)
        #expect(abs(lossError) < 0.001 * Double(stream.packets.count) + 3)
    }

    @Test func `senders that all start at 1 are counted, and the confidence admits the doubt`()
        throws
    {
        let stream = InterleavedCounters(
            senders: 200, perSecond: 4000, seconds: 10, seed: 3, loss: 0.01
        ) { _, _ in 1 }
        var tracker = CounterTracker(seed: 1)
        let decisions = stream.run(&tracker)
        let summary = tracker.summary(at: end(10))
        #expect(abs(summary.estimate - 200) <= 4)
        let confidence = try #require(summary.confidence)
        #expect(confidence < 0.999)
        // The square of the mean bounds the accuracy from below (§6.2).
        let mean = decisions.reduce(0) { $0 + $1.confidence * $1.confidence }
        #expect(stream.linkAccuracy(decisions) > mean / Double(decisions.count) - 0.02)
    }

    @Test func `counting identifications tell senders apart that start at 1`() {
        var accuracy: [Double] = []
        for counts in [false, true] {
            let stream = InterleavedCounters(
                senders: 300, perSecond: 4000, seconds: 10, seed: 4, loss: 0.01, hopLimits: 1,
                countsIdentification: counts
            ) { _, _ in 1 }
            var tracker = CounterTracker(seed: 1)
            accuracy.append(stream.linkAccuracy(stream.run(&tracker)))
        }
        #expect(accuracy[1] > 0.95)
        #expect(accuracy[1] > accuracy[0] + 0.1)
    }

    @Test func `the seed changes no decision`() {
        let stream = InterleavedCounters(
            senders: 100, perSecond: 4000, seconds: 3, seed: 5, loss: 0.02, lateness: 0.02
        ) { _, _ in 1 }
        var one = CounterTracker(seed: 1)
        var other = CounterTracker(seed: 0xdead_beef)
        #expect(stream.run(&one) == stream.run(&other))
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random input stays within every bound`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var tracker = CounterTracker(seed: seed, capacity: 512)
        var time: Int64 = 0
        var base: UInt32 = 0
        for packet in 0..<60_000 {
            time += random.below(2_000_000)
            let sequence: UInt32
            switch random.below(4) {
            // Anything; small numbers, which collide; runs with gaps; runs across the wrap.
            case 0: sequence = UInt32(truncatingIfNeeded: random.next())
            case 1: sequence = UInt32(random.below(300))
            case 2:
                base &+= UInt32(random.below(400))
                sequence = base
            default: sequence = UInt32(truncatingIfNeeded: random.below(200) - 100)
            }
            let decision = tracker.receive(
                sequence, at: MonotonicInstant(nanoseconds: time),
                hopLimit: UInt8(truncatingIfNeeded: random.next()),
                identification: UInt16(truncatingIfNeeded: random.next()))
            #expect(decision.confidence > 0 && decision.confidence <= 1)
            if packet % 20_000 == 0 { time += 3_600_000_000_000 }
        }
        let at = MonotonicInstant(nanoseconds: time)
        #expect(tracker.senders(limit: 10_000, at: at).count <= 512)
        #expect(tracker.stateBytes < 6 << 20)
        let summary = tracker.summary(at: at)
        #expect(summary.packets == 60_000)
        let packets = tracker.senders(limit: 10_000, at: at).reduce(0) { $0 + $1.packets }
        #expect(packets <= 60_000)
    }

    @Test func `every packet of a stream without eviction belongs to a track`() {
        let stream = InterleavedCounters(
            senders: 50, perSecond: 2000, seconds: 5, seed: 8, loss: 0.05, lateness: 0.05
        ) { _, _ in 1 }
        var tracker = CounterTracker(seed: 1)
        _ = stream.run(&tracker)
        let senders = tracker.senders(limit: .max, at: end(5))
        #expect(senders.reduce(0) { $0 + $1.packets } == UInt64(stream.packets.count))
        tracker.advance(to: end(60))
        let late = tracker.senders(limit: .max, at: end(60))
        #expect(late.reduce(0) { $0 + ($1.lost ?? 0) } == tracker.summary(at: end(60)).lost)
    }
}
