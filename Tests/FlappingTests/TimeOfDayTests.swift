import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct TimeOfDayTests {
    private static let week = 7 * 86_400.0

    @Test func `finds the hour of a nightly backup`() throws {
        var simulation = FlapSimulation(seed: 3, length: Self.week)
        simulation.flap(
            at: (0..<7).map { Double($0) * 86_400 + 40_000 + simulation.uniform(0...1800) })
        let analysis = simulation.analysis()
        #expect(analysis.cause == .timeOfDay)
        let found = try #require(analysis.found)
        #expect(found.hits == 7)
        #expect(found.explanation.contains("UTC"))
    }

    @Test func `one bad night is no habit`() {
        var simulation = FlapSimulation(seed: 3, length: Self.week)
        simulation.flap(at: (0..<12).map { 200_000 + Double($0) * 600 })
        let analysis = simulation.analysis()
        #expect(analysis.cause == nil)
        #expect(analysis.candidates.first { $0.cause == .timeOfDay }?.verdict == .insufficient)
    }

    @Test func `no habit in 200 weeks of bursts by chance`() {
        let found = (0..<200).count { seed in
            var simulation = FlapSimulation(seed: 500 + seed, length: Self.week)
            let bursts = simulation.random(6)
            simulation.flap(
                at: bursts.flatMap { start in (0..<5).map { start + Double($0) * 700 } })
            return simulation.analysis().cause != nil
        }
        #expect(found == 0)
    }

    @Test func `an agent that is off at night tells no time of day`() {
        var simulation = FlapSimulation(seed: 4, length: 1)
        var history = FlapHistory()
        for day in 0..<7 {
            let start = Double(day) * 86_400
            history.noteWatch(
                from: FlapSimulation.at(start), to: FlapSimulation.at(start + 8 * 3600))
            history.noteChange(
                from: .healthy, to: .down,
                at: FlapSimulation.at(start + simulation.uniform(0...28_000)))
        }
        let analysis = history.analysis(
            at: FlapSimulation.at(6 * 86_400 + 8 * 3600), wall: FlapSimulation.wall,
            using: &simulation.generator)
        #expect(analysis.cause == nil)
        #expect(
            analysis.candidates.first { $0.cause == .timeOfDay }?.explanation.contains("clock")
                == true)
    }
}
