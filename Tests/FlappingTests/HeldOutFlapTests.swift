import NetworkSimulation
import Testing
@testable import Flapping

/// The rates that the specification asks for, on weeks that no threshold was chosen by: 200 each.
@Suite struct HeldOutFlapTests {
    static let week = 7 * 86_400.0

    struct Case: CustomTestStringConvertible {
        var period: Double
        var byChance: Int
        var caused = 0
        var testDescription: String {
            "rekeys every \(Int(period)) s, \(byChance) by chance, \(caused) caused"
        }
    }

    /// A week with everything else that happens, none of it a cause.
    private static func week(_ example: Case, seed: Int) -> FlapAnalysis {
        var simulation = FlapSimulation(seed: seed, length: week)
        let rekeys = simulation.periodic(example.period)
        simulation.rekey(at: rekeys)
        simulation.flap(at: simulation.random(example.byChance))
        let victims = simulation.sample(example.caused, of: rekeys)
        simulation.flap(at: victims.map { $0 + simulation.uniform(5...150) })
        for moment in simulation.random(30) {
            simulation.history.noteUnderlayLoss(at: FlapSimulation.at(moment))
        }
        for moment in simulation.random(10) {
            simulation.history.noteRouteChange(at: FlapSimulation.at(moment))
        }
        for moment in simulation.random(6) {
            simulation.history.noteSizeChange(
                between: FlapSimulation.at(moment), and: FlapSimulation.at(moment + 600))
        }
        return simulation.analysis()
    }

    @Test(arguments: [
        Case(period: 28_800, byChance: 20), Case(period: 3600, byChance: 20),
        Case(period: 1800, byChance: 40),
    ])
    func `blames nothing in 200 weeks of flaps by chance`(example: Case) {
        let blamed = (0..<200).compactMap { Self.week(example, seed: 1000 + $0).cause }
        #expect(blamed == [])
    }

    @Test(arguments: [
        Case(period: 28_800, byChance: 5, caused: 5), Case(period: 3600, byChance: 8, caused: 8),
        Case(period: 3600, byChance: 60, caused: 30),
        Case(period: 1800, byChance: 10, caused: 20),
    ])
    func `finds rekeys in 98 % of the weeks in which they are the cause`(example: Case) {
        let found = (0..<200).count { Self.week(example, seed: 2000 + $0).cause == .rekeys }
        #expect(found >= 196)
    }
}
