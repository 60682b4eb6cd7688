import NetworkPrimitives
import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct FlapHistoryTests {
    private static func at(_ seconds: Double) -> MonotonicInstant { FlapSimulation.at(seconds) }

    @Test func `the order in which it is filled does not matter`() {
        var simulation = FlapSimulation(seed: 1, length: 7 * 86_400)
        let rekeys = simulation.periodic(3600)
        let flaps = simulation.sample(12, of: rekeys).map { $0 + 20 }
        var forwards = FlapHistory()
        var backwards = FlapHistory()
        for (index, rekey) in rekeys.enumerated() {
            forwards.noteRekey(at: Self.at(rekey))
            backwards.noteRekey(at: Self.at(rekeys[rekeys.count - 1 - index]))
        }
        for (index, flap) in flaps.enumerated() {
            forwards.noteChange(from: .healthy, to: .down, at: Self.at(flap))
            backwards.noteChange(
                from: .healthy, to: .down, at: Self.at(flaps[flaps.count - 1 - index]))
        }
        forwards.noteWatch(from: .zero, to: Self.at(7 * 86_400))
        backwards.noteWatch(from: Self.at(4 * 86_400), to: Self.at(7 * 86_400))
        backwards.noteWatch(from: .zero, to: Self.at(4 * 86_400))
        func analysis(_ history: FlapHistory) -> FlapAnalysis {
            var generator = SeededGenerator(seed: 1)
            return history.analysis(
                at: Self.at(7 * 86_400), wall: FlapSimulation.wall, using: &generator)
        }
        #expect(analysis(forwards) == analysis(backwards))
        #expect(analysis(forwards).cause == .rekeys)
    }

    @Test func `time in which nobody watched is no time without rekeys`() {
        // Watched for an hour a day, with rekeys every ten minutes and flaps by chance.
        let found = (0..<100).count { seed in
            var simulation = FlapSimulation(seed: 700 + seed, length: 1)
            var history = FlapHistory()
            for day in 0..<7 {
                let start = Double(day) * 86_400
                history.noteWatch(from: Self.at(start), to: Self.at(start + 3600))
                for number in 0..<6 {
                    history.noteRekey(at: Self.at(start + 300 + Double(number) * 600))
                }
                for _ in 0..<3 {
                    history.noteChange(
                        from: .healthy, to: .down,
                        at: Self.at(start + simulation.uniform(0...3600)))
                }
            }
            return history.analysis(
                at: Self.at(6 * 86_400 + 3600), wall: FlapSimulation.wall,
                using: &simulation.generator
            ).cause != nil
        }
        #expect(found == 0)
    }

    @Test func `memory is bounded, and what is forgotten shortens the time`() {
        var history = FlapHistory()
        history.noteWatch(from: .zero, to: Self.at(600_000))
        for number in 0..<20_000 {
            let moment = Self.at(Double(number) * 30)
            history.noteRekey(at: moment)
            history.noteChange(from: .healthy, to: .degraded, at: moment + .seconds(1))
            history.noteRouteChange(at: moment)
            history.noteUnderlayLoss(at: moment)
            history.noteInsideLoss(at: moment)
            history.noteSizeChange(between: moment, and: moment)
            history.noteWatch(from: moment + .days(30), to: moment + .days(30) + .seconds(1))
        }
        #expect(history.rekeys.entries.count <= 4096)
        #expect(history.worsenings.entries.count <= 4096)
        #expect(history.routeChanges.entries.count <= 1024)
        #expect(history.underlayLosses.entries.count <= 4096)
        #expect(history.insideLosses.entries.count <= 4096)
        #expect(history.sizeChanges.entries.count <= 512)
        #expect(history.watched.spans.count <= ObservedTime.limit)
        #expect(history.rekeys.knownSince > Self.at(0))
    }

    @Test func `what is over seven days old is forgotten`() {
        var history = FlapHistory()
        history.noteWatch(from: .zero, to: Self.at(10))
        history.noteRekey(at: Self.at(5))
        history.noteChange(from: .healthy, to: .down, at: Self.at(6))
        history.advance(to: Self.at(8 * 86_400))
        #expect(history.rekeys.entries.isEmpty)
        #expect(history.worsenings.entries.isEmpty)
    }

    @Test func `only changes for the worse of a judged state count`() {
        var history = FlapHistory()
        history.noteChange(from: .unknown, to: .down, at: Self.at(1))
        history.noteChange(from: .down, to: .degraded, at: Self.at(2))
        history.noteChange(from: .degraded, to: .healthy, at: Self.at(3))
        history.noteChange(from: .healthy, to: .unknown, at: Self.at(4))
        #expect(history.worsenings.entries.isEmpty)
        history.noteChange(from: .degraded, to: .down, at: Self.at(5))
        #expect(history.worsenings.entries.count == 1)
    }

    @Test func `without a cause every candidate says why it is excluded`() throws {
        var simulation = FlapSimulation(seed: 11, length: 86_400)
        simulation.flap(at: [1000, 20_000, 50_000, 80_000])
        simulation.rekey(at: [40_000])
        let analysis = simulation.analysis(
            unobservable: [.underlayLoss: "the endpoint answers no pings"])
        #expect(analysis.cause == nil)
        #expect(analysis.episodes.count == 4)
        #expect(analysis.candidates.map(\.cause) == FlapCause.allCases)
        #expect(
            analysis.candidates.map(\.verdict) == [
                .insufficient, .absent, .unobservable, .absent, .insufficient,
            ])
        let reason = try #require(analysis.reason)
        #expect(reason.contains("rekeys (too few to compare: 4 episodes and 1 rekey)"))
        #expect(reason.contains("route changes (none was seen in 24 h)"))
        #expect(reason.contains("the endpoint answers no pings"))
    }

    @Test func `a DPD restart makes the flaps the cause of the rekeys`() throws {
        var simulation = FlapSimulation(seed: 12, length: 7 * 86_400)
        let flaps = simulation.periodic(12_000, jitter: 0.6)
        simulation.flap(at: flaps)
        simulation.rekey(at: flaps.map { $0 + simulation.uniform(30...100) })
        let analysis = simulation.analysis()
        #expect(analysis.cause == nil)
        let rekeys = try #require(analysis.candidates.first)
        #expect(rekeys.verdict == .reversed)
        #expect(rekeys.explanation.contains("they come first"))
    }
}

extension Duration {
    fileprivate static func days(_ days: Int) -> Duration { .seconds(days * 86_400) }
}
