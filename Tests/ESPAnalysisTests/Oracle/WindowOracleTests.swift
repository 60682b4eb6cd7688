import ESPAnalysis
import ESPSimulation
import Testing

/// Windows and bounds equal the prototypes' exactly (algorithms §2, §5).
@Suite struct WindowOracleTests {
    @Test(arguments: OracleCase.all)
    func `every window drops what the prototype's receivers drop`(oracle: OracleCase) throws {
        let stream = oracle.simulation.run()
        let expected = try oracle.table("windows")
        try #require(expected.count == 10)
        let predictor = stream.predictor(windows: expected.map { $0[0] })
        for (forecast, row) in zip(predictor.forecasts, expected) {
            #expect(
                [forecast.window, Int(forecast.tooOld), Int(forecast.alreadySeen)]
                    + [Int(forecast.zero)] == row)
            #expect(try forecast.packets == oracle.truth("packets"))
        }
        let floor = try oracle.text("floor")
        #expect(
            floor == "repeated:\(predictor.repeats) beyond:\(predictor.beyondReach)"
                + " zero:\(predictor.forecasts[0].zero)")
    }

    @Test(arguments: OracleCase.all)
    func `our receivers are the prototype's`(oracle: OracleCase) throws {
        let stream = oracle.simulation.run()
        for row in try oracle.table("windows") where [1, 32, 64, 1024].contains(row[0]) {
            var all = [stream.drops(SetWindow(window: row[0]))]
            all.append(stream.drops(LinuxBitmapWindow(window: row[0])))
            if row[0] <= 32 { all.append(stream.drops(LinuxLegacyWindow(window: row[0]))) }
            for drops in all {
                #expect([Int(drops.replayWindow), Int(drops.replay)] == [row[1], row[2]])
                #expect(drops.stateProtocolErrors == 0)
                #expect(Int(drops.stateSequenceErrors) == row[1] + row[2] + row[3])
            }
        }
        for row in try oracle.table("esn") {
            let drops = stream.drops(LinuxESNWindow(window: row[0]), isExtended: true)
            #expect([drops.replayWindow, drops.replay].map { Int($0) } == [row[1], row[2]])
            #expect(Int(drops.stateSequenceErrors) == row[1] + row[2] + row[3])
            #expect(Int(drops.integrityFailed) == row[4])
        }
    }

    @Test(arguments: OracleCase.all)
    func `the provable bounds are the prototype's, packet for packet`(oracle: OracleCase) throws {
        let stream = oracle.simulation.run()
        let bounds = stream.bounds()
        #expect(try bounds.life == oracle.integer("lb"))
        #expect(try bounds.heights == oracle.integer("heights"))
        #expect(try bounds.windows == oracle.list("windowed"))
        // Packets are told apart by 32 bits: of 20 000 the chance is 0.05 that two are taken for one.
        let counts = try oracle.list("multiplicity")
        let seen = (1...64).map { bounds.multiplicity.packets(with: $0) }
        let expected = counts + Array(repeating: 0, count: 64 - counts.count)
        #expect(zip(seen, expected).allSatisfy { $0 <= $1 })
        let total = expected.reduce(0, +)
        #expect(total - seen.reduce(0, +) <= (total > 10_000 ? 2 : 0))
        #expect(bounds.multiplicity.bound == expected.max())
        // A wrap is out of the model, and counts as a sender for each.
        if !oracle.simulation.wraps {
            #expect(try bounds.atLeast <= oracle.truth("instances"))
        }
    }
}
