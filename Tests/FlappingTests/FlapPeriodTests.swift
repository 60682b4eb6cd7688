import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct FlapPeriodTests {
    @Test func `finds a period that jitters and drifts`() throws {
        var simulation = FlapSimulation(seed: 2, length: 100_000)
        var beginnings = [100.0]
        for _ in 0..<20 {
            beginnings.append(
                beginnings[beginnings.count - 1] + 3600 + simulation.uniform(-150...150))
        }
        let period = try #require(FlapPeriod(of: beginnings))
        #expect(abs(period.seconds - 3600) < 60)
        #expect(period.strength > 0.9)
    }

    @Test func `an episode that is left out does not hide it`() throws {
        let beginnings = [0, 1, 2, 4, 5, 6, 8, 9].map { Double($0) * 900 }
        let period = try #require(FlapPeriod(of: beginnings))
        #expect(abs(period.seconds - 900) < 1)
    }

    @Test func `chance has no period in 99 % of the weeks`() {
        let found = (0..<400).count { seed in
            var simulation = FlapSimulation(seed: 900 + seed, length: 7 * 86_400)
            let count = 6 + Int(simulation.uniform(0...34))
            return FlapPeriod(of: simulation.random(count).sorted()) != nil
        }
        #expect(found <= 4)
    }

    @Test func `episodes at every second rekey repeat at twice the interval only`() throws {
        var simulation = FlapSimulation(seed: 6, length: 86_400)
        let rekeys = (0..<24).map { Double($0) * 3600 + 50 }
        simulation.rekey(at: rekeys)
        simulation.flap(
            at: rekeys.enumerated().filter { $0.offset % 2 == 0 }.map { $0.element + 10 })
        let rhythm = try #require(simulation.analysis().rekeyRhythm)
        #expect(rhythm.interval == 3600)
        #expect(try #require(rhythm.atInterval) < 0.1)
        #expect(try #require(simulation.analysis().period).seconds == 7200)
    }

    @Test func `episodes at every rekey repeat at its interval`() throws {
        var simulation = FlapSimulation(seed: 6, length: 86_400)
        let rekeys = (0..<24).map { Double($0) * 3600 + 50 }
        simulation.rekey(at: rekeys)
        simulation.flap(at: rekeys.map { $0 + 10 })
        let rhythm = try #require(simulation.analysis().rekeyRhythm)
        #expect(try #require(rhythm.atInterval) > 0.9)
        #expect(try #require(rhythm.atHalf) < 0.1)
    }
}
