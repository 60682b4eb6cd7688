import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct UnderlayCoincidenceTests {
    @Test func `an underlay that dies every six seconds takes the blame within half a minute`()
        throws
    {
        var simulation = FlapSimulation(seed: 1, length: 35)
        for turn in 0..<4 {
            let start = 8 + 6 * Double(turn)
            for second in 0..<3 {
                let moment = start + Double(second)
                simulation.history.noteUnderlayLoss(at: FlapSimulation.at(moment + 0.6))
                simulation.history.noteInsideLoss(at: FlapSimulation.at(moment + 0.1))
            }
            simulation.history.noteChange(
                from: .degraded, to: .down, at: FlapSimulation.at(start + 1.1))
        }
        let analysis = simulation.analysis()
        #expect(analysis.cause == .underlayLoss)
        #expect(try #require(analysis.confidence) <= 0.8)
        #expect(try #require(analysis.found).sentence.contains("4 of 4 changes"))
    }

    @Test func `losses of both paths that have nothing to do with each other blame nobody`() {
        let blamed = (0..<1000).count { seed in
            var simulation = FlapSimulation(seed: seed, length: 900)
            let (inside, outside) = (
                simulation.uniform(0.02...0.4), simulation.uniform(0.02...0.3)
            )
            for second in 0..<900 {
                if simulation.generator.chance(outside) {
                    simulation.history.noteUnderlayLoss(at: FlapSimulation.at(Double(second) + 0.6))
                }
                guard simulation.generator.chance(inside) else { continue }
                simulation.history.noteInsideLoss(at: FlapSimulation.at(Double(second)))
                if simulation.generator.chance(0.2) {
                    simulation.history.noteChange(
                        from: .degraded, to: .down, at: FlapSimulation.at(Double(second)))
                }
            }
            return simulation.analysis().cause != nil
        }
        #expect(blamed == 0)
    }

    @Test func `a tunnel that flaps beside one loss of the underlay is not its fault`() {
        var simulation = FlapSimulation(seed: 1, length: 60)
        for turn in 0..<5 {
            let start = 8 + 8 * Double(turn)
            for second in 0..<3 {
                simulation.history.noteInsideLoss(at: FlapSimulation.at(start + Double(second)))
            }
            simulation.history.noteChange(
                from: .degraded, to: .down, at: FlapSimulation.at(start + 1))
        }
        simulation.history.noteUnderlayLoss(at: FlapSimulation.at(17))
        #expect(simulation.analysis().cause == nil)
    }
}
