import NetworkPrimitives
import NetworkSimulation
import ReplyPath
import Testing

/// What a ladder says while somebody waits.
@Suite struct UrgentLadderTests {
    private static func urgent(
        _ path: SimulatedPath, seed: UInt64 = 1, limit: Duration = .seconds(9)
    ) -> LadderSimulation {
        LadderSimulation(path, seed: seed) {
            $0.isUrgent = true
            $0.timeLimit = limit
        }
    }

    @Test func `an open path of five hops is known in three seconds`() {
        for seed in 0..<20 as Range<UInt64> {
            var run = Self.urgent(LadderPath.plain(5), seed: seed)
            #expect(run.run().verdict == .open)
            #expect(run.now < .zero + .seconds(3))
        }
    }

    @Test func `a filter on a path of five hops is known in nine seconds where two hops tell`() {
        for block in 0...3 {
            for seed in 0..<10 as Range<UInt64> {
                var run = Self.urgent(
                    LadderPath.filtered(5, at: block + 1, .beforeHopLimit), seed: seed)
                let report = run.run()
                #expect(report.verdict == .blocked, "after \(block), seed \(seed)")
                #expect(report.blockedAfterHop == block)
                #expect(report.checksums == 1)
                #expect(run.now < .zero + .milliseconds(8800), "after \(block), seed \(seed)")
                // Three of each take 6 s at one hop, and the last of them 1 s to stay unanswered.
                #expect(run.now >= .zero + .seconds(7))
            }
        }
    }

    @Test func `one router alone is too little in nine seconds`() {
        var run = Self.urgent(LadderPath.filtered(5, at: 5, .beforeHopLimit))
        let report = run.run()
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "time limit")
        #expect(report.endedAt == .zero + .seconds(9))
        #expect(report.lastHopReply == 4)
        #expect((report.openProbability ?? 1) < 0.5)
    }

    @Test func `one router alone is enough with three flows, in 22 seconds`() {
        for seed in 0..<10 as Range<UInt64> {
            for (count, hop) in [(5, 5), (4, 4), (1, 1)] {
                var run = Self.urgent(
                    LadderPath.filtered(count, at: hop, .beforeHopLimit), seed: seed,
                    limit: .seconds(24))
                let report = run.run()
                #expect(report.verdict == .blocked)
                #expect(report.blockedAfterHop == hop - 1)
                #expect(report.checksums == 3)
                #expect(run.now < .zero + .seconds(22))
                #expect((report.confidence ?? 0) >= 0.99)
            }
        }
    }

    @Test func `what the continuous pairs found need not be asked again`() {
        let pairs = PairObservations(
            controlsSent: 20, controlsAnswered: 20, testsSent: 20, testsAnswered: 20, router: nil)
        var run = Self.urgent(LadderPath.plain(5))
        for hop in 1...3 as ClosedRange<UInt8> { run.ladder.note(pairsAt: hop, pairs, at: .zero) }
        let report = run.run()
        #expect(report.verdict == .open)
        #expect(run.departures.allSatisfy { $0.probe.hopLimit > 3 })
        #expect(report.hops[0].repliesSent == 20)

        var silent = pairs
        silent.testsAnswered = 0
        var blocked = Self.urgent(LadderPath.filtered(3, at: 2, .beforeHopLimit))
        blocked.ladder.note(pairsAt: 1, pairs, at: .zero)
        for hop in 2...3 as ClosedRange<UInt8> {
            blocked.ladder.note(pairsAt: hop, silent, at: .zero)
        }
        let verdict = blocked.run()
        #expect(verdict.verdict == .blocked)
        #expect(verdict.blockedAfterHop == 1)
        #expect(blocked.now < .zero + .seconds(2))
    }

    @Test func `pairs of one flow at one router are no verdict, however many`() {
        var run = Self.urgent(LadderPath.filtered(3, at: 3, .beforeHopLimit))
        for hop in 1...3 as ClosedRange<UInt8> {
            run.ladder.note(
                pairsAt: hop,
                PairObservations(
                    controlsSent: 50, controlsAnswered: 50, testsSent: 50,
                    testsAnswered: hop < 3 ? 50 : 0, router: nil), at: .zero)
        }
        let report = run.run()
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "time limit")
        #expect((report.openProbability ?? 1) < 0.01)
    }

    @Test func `pairs that cannot be true are not taken`() {
        var run = Self.urgent(LadderPath.plain(5))
        for (hop, sent, answered) in [(2, 1, 5), (3, 5, -1), (0, 5, 5), (31, 5, 5)] {
            run.ladder.note(
                pairsAt: UInt8(hop),
                PairObservations(
                    controlsSent: sent, controlsAnswered: answered, testsSent: 5, testsAnswered: 0,
                    router: nil), at: .zero)
        }
        #expect(run.run().verdict == .open)
    }

    @Test func `a ladder that is ended says what it has`() {
        var early = Self.urgent(LadderPath.plain(5))
        early.ladder.conclude(at: .zero + .seconds(1), reason: "time limit")
        #expect(early.ladder.report.verdict == .inconclusive)
        #expect(early.ladder.report.reason == "time limit")
        #expect(early.ladder.isFinished)
        #expect(early.ladder.deadline == nil)
        // Nothing changes it any more.
        early.ladder.conclude(at: .zero + .seconds(2), reason: "another")
        #expect(early.ladder.report.reason == "time limit")
        #expect(early.ladder.report.endedAt == .zero + .seconds(1))
    }

    @Test func `flows that meet no router at all end without a verdict`() {
        // The only router behind the block answers the first flow only; the rest never ends otherwise.
        for isUrgent in [false, true] {
            for distance in 1...3 {
                var path = LadderPath.filtered(distance, at: distance, .beforeHopLimit)
                path.targetBehavior = .silent
                var run = LadderSimulation(path) { $0.isUrgent = isUrgent }
                run.silenced = [1, 2]
                let report = run.run()
                #expect(run.ladder.isFinished)
                #expect(report.verdict == .inconclusive)
            }
        }
    }
}
