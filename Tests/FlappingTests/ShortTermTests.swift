import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct ShortTermTests {
    /// Flapping of every kind in up to an hour, beside rekeys that have nothing to do with it.
    private static func unrelated(seed: Int) -> FlapAnalysis {
        var draw = FlapSimulation(seed: seed, length: 1)
        var simulation = FlapSimulation(seed: seed, length: draw.uniform(120...3600))
        simulation.rekey(
            at: simulation.periodic(draw.uniform(15...900), jitter: draw.uniform(0...0.5)))
        let moments: [Double]
        switch seed % 4 {
        case 0: moments = simulation.random(3 + Int(draw.uniform(0...37)))
        case 1:
            moments = simulation.periodic(draw.uniform(8...600), jitter: draw.uniform(0...0.3))
        case 2:
            moments = simulation.random(1 + Int(draw.uniform(0...5))).flatMap { start in
                (0..<4).map { start + Double($0) * draw.uniform(5...60) }
            }
        default:
            let start = draw.uniform(0...simulation.length)
            let period = draw.uniform(8...60)
            moments = (0..<10).map { start + Double($0) * period }
        }
        for moment in moments.sorted() where moment < simulation.length {
            simulation.history.noteChange(
                from: .degraded, to: .down, at: FlapSimulation.at(moment))
            simulation.history.noteInsideLoss(at: FlapSimulation.at(moment))
        }
        return simulation.analysis()
    }

    @Test func `blames nothing in 2000 hours of unrelated flapping`() {
        #expect((0..<2000).count { Self.unrelated(seed: $0).cause != nil } == 0)
    }

    /// Four rekeys a minute apart, each followed by three seconds of loss.
    private static func disrupted(
        rekeys: Int, every period: Double, lag: ClosedRange<Double> = 1...4
    ) -> FlapSimulation {
        var simulation = FlapSimulation(seed: 5, length: period * Double(rekeys) + 60)
        for number in 0..<rekeys {
            let rekey = 20 + period * Double(number)
            simulation.rekey(at: [rekey])
            let down = rekey + simulation.uniform(lag)
            simulation.history.noteChange(
                from: number == 0 ? .healthy : .degraded, to: .down, at: FlapSimulation.at(down))
            for loss in 0..<3 {
                simulation.history.noteInsideLoss(at: FlapSimulation.at(down + Double(loss)))
            }
        }
        return simulation
    }

    @Test(arguments: [(3, 60.0), (4, 45), (5, 30), (4, 300)])
    func `finds rekeys within minutes, and is less sure`(rekeys: Int, period: Double) throws {
        var simulation = Self.disrupted(rekeys: rekeys, every: period)
        let analysis = simulation.analysis()
        #expect(analysis.cause == .rekeys)
        #expect(try #require(analysis.found).verdict == .likely)
        #expect(try #require(analysis.confidence) <= 0.8)
        #expect(analysis.rekeyLosses?.isCorrelated == true)
        #expect(analysis.reason == nil)
    }

    @Test func `two rekeys are not enough`() {
        var simulation = Self.disrupted(rekeys: 2, every: 60)
        #expect(simulation.analysis().cause == nil)
    }

    @Test func `loss outside at the same moments is the cause, seen within minutes`() throws {
        var simulation = FlapSimulation(seed: 9, length: 600)
        for number in 0..<4 {
            let start = 60 + Double(number) * 120
            for second in 0..<5 {
                simulation.history.noteUnderlayLoss(at: FlapSimulation.at(start + Double(second)))
            }
            simulation.history.noteChange(
                from: .degraded, to: .down, at: FlapSimulation.at(start + 1))
        }
        let analysis = simulation.analysis()
        #expect(analysis.cause == .underlayLoss)
        #expect(try #require(analysis.found).explanation.contains("4 of 4"))
    }
}
