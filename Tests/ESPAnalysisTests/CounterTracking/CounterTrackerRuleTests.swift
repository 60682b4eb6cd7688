import ESPAnalysis
import NetworkPrimitives
import Testing

/// A tracker that is fed by hand, in milliseconds.
private struct Feed {
    var tracker: CounterTracker
    var milliseconds = 0.0

    init(capacity: Int = 8192) {
        tracker = CounterTracker(seed: 7, capacity: capacity)
    }

    var instant: MonotonicInstant { MonotonicInstant(nanoseconds: Int64(milliseconds * 1e6)) }

    @discardableResult
    mutating func receive(
        _ sequence: UInt32, after pause: Double = 10, hopLimit: UInt8 = 57,
        identification: UInt16 = 0
    ) -> CounterTracker.Decision {
        milliseconds += pause
        return tracker.receive(
            sequence, at: instant, hopLimit: hopLimit, identification: identification)
    }

    mutating func receive(_ sequences: ClosedRange<UInt32>, hopLimit: UInt8 = 57) {
        for sequence in sequences { receive(sequence, hopLimit: hopLimit) }
    }

    mutating func wait(_ pause: Double) {
        milliseconds += pause
        tracker.advance(to: instant)
    }

    var summary: CounterTracker.Summary { tracker.summary(at: instant) }
}

@Suite struct CounterTrackerRuleTests {
    @Test func `the first packet begins a counter`() {
        var feed = Feed()
        let decision = feed.receive(1000)
        #expect(decision.kind == .first)
        #expect(decision.track == 1)
        #expect(decision.gap == 0)
        #expect(decision.confidence > 0.99)
        #expect(feed.summary.few == 1)
        #expect(feed.summary.active == 0)
        #expect(feed.summary.singles == 1)
    }

    @Test func `the next number continues the counter`() {
        var feed = Feed()
        feed.receive(1000...1001)
        let decision = feed.receive(1002)
        #expect(decision.kind == .forward)
        #expect(decision.track == 1)
        #expect(decision.gap == 1)
        #expect(decision.confidence > 0.99)
        #expect(feed.summary.active == 1)
        #expect(feed.summary.few == 0)
        #expect(feed.summary.lost == 0)
    }

    @Test func `a far number is another counter`() {
        var feed = Feed()
        feed.receive(1000...1020)
        let decision = feed.receive(900_000)
        #expect(decision.kind == .first)
        #expect(decision.track == 2)
        #expect(feed.summary.estimate == 2)
    }

    @Test func `a jump opens holes and a late packet fills its own`() {
        var feed = Feed()
        feed.receive(1000...1050)
        let jump = feed.receive(1052)
        #expect(jump.kind == .forward)
        #expect(jump.gap == 2)
        let late = feed.receive(1051, after: 3)
        #expect(late.kind == .late)
        #expect(late.track == 1)
        #expect(late.gap == 1)
        feed.wait(600)
        #expect(feed.summary.fills == 1)
        #expect(feed.summary.lost == 0)
        #expect(feed.summary.maximumExtent == 1)
        #expect(feed.summary.maximumLateness == .milliseconds(3))
    }

    /// RFC 4737's own example, algorithms §12 V3: extents 4, 5, 6.
    @Test func `the extent counts from the packet that opened the hole`() {
        var feed = Feed()
        feed.receive(100...200)
        feed.receive(204)
        for sequence: UInt32 in [205, 206, 207] { feed.receive(sequence, after: 1) }
        for sequence: UInt32 in [201, 202, 203] {
            #expect(feed.receive(sequence, after: 1).kind == .late)
        }
        #expect(feed.receive(208).kind == .forward)
        #expect(feed.summary.maximumExtent == 6)
        #expect(feed.summary.maximumLateness == .milliseconds(6))
        #expect(feed.tracker.senders(limit: 1, at: feed.instant)[0].reordered == 3)
    }

    @Test func `a hole that nothing fills within half a second is a loss`() {
        var feed = Feed()
        feed.receive(1000...1050)
        feed.receive(1053)
        feed.wait(500)
        #expect(feed.summary.lost == 0)
        feed.wait(0.001)
        #expect(feed.summary.lost == 2)
        #expect(feed.tracker.senders(limit: 1, at: feed.instant)[0].lost == 2)
    }

    @Test func `a packet later than half a second is no longer that counter's`() {
        var feed = Feed()
        feed.receive(1000...1050)
        feed.receive(1052)
        feed.receive(1053...1120)
        #expect(feed.summary.lost == 1)
        #expect(feed.receive(1051).kind == .first)
        #expect(feed.summary.fills == 0)
    }

    @Test func `a decoy that would win is counted and not applied`() {
        var feed = Feed()
        feed.receive(1000...1050)
        feed.receive(1052)
        // 1050 was delivered, so it stands among the decoys: no honest packet has it again.
        let decision = feed.receive(1050, after: 1)
        #expect(decision.kind == .first)
        #expect(feed.summary.fills == 0)
        #expect(feed.summary.expectedFalseFills == 1)
        #expect(feed.summary.netReordering == 0)
    }

    @Test func `a counter is found again after an outage`() {
        var feed = Feed()
        feed.receive(1000...1400)
        // 1.2 s of silence at 100 packets/s: it stands about 120 further.
        let decision = feed.receive(1521, after: 1200)
        #expect(decision.kind == .forward)
        #expect(decision.track == 1)
        #expect(decision.gap == 121)
        #expect(feed.summary.estimate == 1)
    }

    @Test func `a jump of more than 256 is an outage beyond the loss`() {
        var feed = Feed()
        feed.receive(1000...1400)
        let decision = feed.receive(1801, after: 4000)
        #expect(decision.kind == .forward)
        #expect(decision.gap == 401)
        #expect(feed.summary.outage == 400 - 256)
        feed.wait(501)
        #expect(feed.summary.lost == 256)
    }

    @Test func `equal counters on different paths are kept apart`() {
        var feed = Feed()
        for sequence: UInt32 in 1...100 {
            for hopLimit: UInt8 in [57, 54, 51] {
                feed.receive(sequence, after: 1, hopLimit: hopLimit)
            }
        }
        #expect(feed.summary.active == 3)
        #expect(feed.summary.few == 0)
        let senders = feed.tracker.senders(limit: 10, at: feed.instant)
        #expect(senders.map(\.packets) == [100, 100, 100])
        #expect(senders.map(\.hopLimit) == [57, 54, 51])
        #expect(senders.map(\.name) == ["#1", "#2", "#3"])
    }

    @Test func `three hop limits of another class in a row move a counter to it`() {
        var feed = Feed()
        feed.receive(1000...1300)
        for sequence: UInt32 in 1301...1310 {
            let decision = feed.receive(sequence, hopLimit: 55)
            #expect(decision.kind == .forward)
            #expect(decision.track == 1)
        }
        // It is of the new class now: the old hop limit at the same number is somebody else's.
        #expect(feed.summary.estimate == 1)
        for sequence: UInt32 in 1311...1320 {
            feed.receive(sequence, hopLimit: 55)
            feed.receive(sequence, after: 0.1, hopLimit: 57)
        }
        #expect(feed.summary.active == 2)
    }

    @Test func `a counting identification breaks ties`() {
        var feed = Feed()
        // Two counters in step, each with its own identification.
        var wrong = 0
        for sequence: UInt32 in 1...3000 {
            let identification = UInt16(truncatingIfNeeded: sequence)
            let first = feed.receive(sequence, after: 1, identification: identification)
            let second = feed.receive(
                sequence, after: 1, identification: identification &+ 30_000)
            if sequence > 1000, first.track == second.track || first.confidence < 0.99 {
                wrong += 1
            }
        }
        #expect(wrong == 0)
        #expect(feed.summary.active == 2)
    }

    @Test func `a sender that begins again is a second instance`() {
        var feed = Feed()
        feed.receive(500_000...500_300)
        feed.receive(1...400)
        #expect(feed.summary.instances == 2)
        #expect(feed.summary.active == 1)
    }

    @Test func `extended numbers pass the wrap`() {
        var feed = Feed()
        feed.receive((.max - 100)...(.max))
        let zero = feed.receive(0)
        #expect(zero.kind == .forward)
        #expect(zero.gap == 1)
        feed.receive(1...50)
        let jump = feed.receive(53)
        #expect(jump.track == 1)
        #expect(feed.receive(52, after: 1).kind == .late)
        #expect(feed.summary.estimate == 1)
        #expect(feed.tracker.nonCollidingCounters() == 1)
    }

    @Test func `a jump across the wrap opens holes on both sides`() {
        var feed = Feed()
        feed.receive((.max - 100)...(.max - 2))
        #expect(feed.receive(1).gap == 4)
        #expect(feed.receive(.max, after: 1).kind == .late)
        #expect(feed.receive(0, after: 1).kind == .late)
        feed.wait(501)
        #expect(feed.summary.lost == 1)
    }

    @Test func `the longest idle make room`() {
        var feed = Feed(capacity: 64)
        for track: UInt32 in 0..<64 { feed.receive(track * 10_000_000 + 77, after: 100) }
        // All but the oldest go on.
        for track: UInt32 in 1..<64 { feed.receive(track * 10_000_000 + 78, after: 1) }
        feed.receive(4_000_000_000)
        let names = Set(feed.tracker.senders(limit: 100, at: feed.instant).map(\.name))
        #expect(names.count == 64)
        #expect(!names.contains("#1"))
        #expect(names.contains("#65"))
    }

    @Test func `a counter that made room is still an instance`() {
        var feed = Feed(capacity: 2)
        feed.receive(1000...1010)
        feed.receive(50_000_000...50_000_010)
        feed.receive(90_000_000...90_000_010)
        #expect(feed.summary.active == 2)
        #expect(feed.summary.instances == 3)
    }

    @Test func `new senders make the estimate grow and old ones do not`() {
        var feed = Feed()
        for sender: UInt32 in 0..<20 { feed.receive(sender * 100_000_000 + 9) }
        for step: UInt32 in 1...50 {
            for sender: UInt32 in 0..<20 { feed.receive(sender * 100_000_000 + 9 + step) }
        }
        #expect(!feed.summary.isGrowing)
        for sender: UInt32 in 20..<30 { feed.receive(sender * 100_000_000 + 9) }
        #expect(feed.summary.isGrowing)
        #expect(feed.summary.rangeHigh == 30 + 10 * 9 / 2)
    }

    @Test func `tracks that share a range without colliding are one counter`() {
        var feed = Feed()
        // Even numbers on one path, odd ones on another half a second behind, so that they become
        // two tracks of one counter.
        for half: UInt32 in 0..<2 {
            for step: UInt32 in 0..<300 { feed.receive(1000 + 2 * step + half, after: 20) }
            feed.wait(60_000)
        }
        #expect(feed.summary.instances >= 2)
        #expect(feed.tracker.nonCollidingCounters() == 1)
    }

    @Test func `tracks that share a range and fill it are two counters`() {
        var feed = Feed()
        for _ in 0..<2 {
            feed.receive(1000...1300)
            feed.wait(60_000)
        }
        #expect(feed.tracker.nonCollidingCounters() == 2)
    }

    @Test func `time that runs backwards is taken for the latest`() {
        var feed = Feed()
        feed.receive(1000...1050)
        feed.milliseconds = 0
        let decision = feed.receive(1051)
        #expect(decision.kind == .forward)
        #expect(feed.tracker.senders(limit: 1, at: feed.instant)[0].perSecond != nil)
    }

    @Test func `times from one end of the clock to the other do no harm`() {
        var tracker = CounterTracker(seed: 1)
        let times: [Int64] = [.min, .min, .min + 1_000, 0, 1_000_000_000, .max - 1, .max, .max, 0]
        for (step, time) in times.enumerated() {
            for counter: UInt32 in 0..<12 {
                let decision = tracker.receive(
                    counter * 7_000_000 + UInt32(step * step),
                    at: MonotonicInstant(nanoseconds: time), hopLimit: 57, identification: 0)
                #expect(decision.confidence > 0 && decision.confidence <= 1)
            }
        }
        let summary = tracker.summary(at: .distantFuture)
        #expect(summary.packets == 12 * 9)
        #expect(summary.confidence.map { $0 > 0 && $0 <= 1 } == true)
    }

    @Test func `nothing is made up before the first packet`() {
        let summary = Feed().summary
        #expect(summary.confidence == nil)
        #expect(summary.maximumExtent == nil)
        #expect(summary.estimate == 0)
        #expect(!summary.isGrowing)
    }
}
