import NetworkPrimitives
import NetworkSimulation
import Testing
@testable import Flapping

@Suite struct RekeyCostsTests {
    private static func at(_ seconds: Double) -> MonotonicInstant { FlapSimulation.at(seconds) }

    /// Rekeys eight seconds apart, each with probes lost for 2.5 s.
    private static func history(rekeys: Int, extraLosses: [Double] = []) -> FlapHistory {
        var history = FlapHistory()
        history.noteWatch(from: .zero, to: at(100))
        for number in 0..<rekeys {
            let rekey = 20 + 8 * Double(number)
            history.noteRekey(at: at(rekey))
            for lag in [0.3, 1.3, 2.3] { history.noteInsideLoss(at: at(rekey + lag)) }
        }
        for loss in extraLosses { history.noteInsideLoss(at: at(loss)) }
        return history
    }

    private static func measured(_ rekeys: Int) -> [RekeyCosts.Rekey] {
        (0..<rekeys).map {
            RekeyCosts.Rekey(at: at(20 + 8 * Double($0)), convergence: .seconds(3))
        }
    }

    @Test func `three rekeys that all lose probes are counted, though they are seconds apart`() {
        let costs = Self.history(rekeys: 3).rekeyCosts(
            measured: Self.measured(3), at: Self.at(44))
        #expect(costs.rekeys == 3)
        #expect(costs.disturbed == 3)
        #expect(costs.lostAfter == 9)
        #expect(costs.lostElsewhere == 0)
        #expect(costs.longest == .milliseconds(2300))
        #expect(costs.isDisruption)
    }

    @Test func `two are not enough`() {
        #expect(
            !Self.history(rekeys: 2).rekeyCosts(measured: Self.measured(2), at: Self.at(60))
                .isDisruption)
    }

    @Test func `loss at other times acquits them`() {
        let costs = Self.history(rekeys: 4, extraLosses: [26, 27, 34, 42]).rekeyCosts(
            measured: Self.measured(4), at: Self.at(60))
        #expect(costs.lostElsewhere == 4)
        #expect(!costs.isDisruption)
    }

    @Test func `loss of the underlay at the same times acquits them`() {
        var history = Self.history(rekeys: 4)
        for number in 0..<4 {
            for lag in [0.5, 1.5] {
                history.noteUnderlayLoss(at: Self.at(20 + 8 * Double(number) + lag))
            }
        }
        #expect(!history.rekeyCosts(measured: Self.measured(4), at: Self.at(60)).isDisruption)
    }

    @Test func `a dead tunnel that is rekeyed again and again is not disturbed by rekeys`() {
        var history = FlapHistory()
        for second in 0..<300 { history.noteInsideLoss(at: Self.at(Double(second))) }
        for number in 0..<20 { history.noteRekey(at: Self.at(5 + 15 * Double(number))) }
        #expect(!history.rekeyCosts(measured: [], at: Self.at(300)).isDisruption)
    }

    @Test func `chance loss beside frequent rekeys is no disruption in 2000 hours`() {
        let found = (0..<2000).count { seed in
            var simulation = FlapSimulation(seed: seed, length: 3600)
            let period = simulation.uniform(8...600)
            simulation.rekey(at: simulation.periodic(period))
            let share = simulation.uniform(0.001...0.3)
            var second = 0.0
            while second < 3600 {
                if simulation.generator.chance(share) {
                    simulation.history.noteInsideLoss(at: Self.at(second))
                }
                second += 1
            }
            return simulation.history.rekeyCosts(measured: [], at: Self.at(3600)).isDisruption
        }
        #expect(found == 0)
    }

    @Test func `without rekeys there are no costs`() {
        #expect(FlapHistory().rekeyCosts(measured: [], at: Self.at(10)) == RekeyCosts())
    }
}
