import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath
import Testing

@Suite struct ReplyLadderTests {
    // MARK: - Open

    @Test func `an open path is open as far as the last router`() {
        for family in [IPAddress.Family.v4, .v6] {
            var run = LadderSimulation(LadderPath.plain(6, family: family))
            let report = run.run()
            #expect(report.verdict == .open)
            #expect(report.reason == nil)
            #expect(report.lastHopRequest == 6)
            #expect(report.lastHopReply == 6)
            #expect(report.targetHop == 7)
            #expect(report.hops.last?.isTarget == true)
            #expect((report.confidence ?? 0) >= 0.99)
            #expect(run.ladder.isFinished)
            #expect(run.ladder.deadline == nil)
        }
    }

    // MARK: - Filters

    @Test(arguments: [IPAddress.Family.v4, .v6]) func `names the hop of a filter wherever it sits`(
        family: IPAddress.Family
    ) {
        for hop in 1...6 {
            for place in [SimulatedRouter.Filter.Place.beforeHopLimit, .afterHopLimit] {
                let block = place == .beforeHopLimit ? hop - 1 : hop
                var run = LadderSimulation(
                    LadderPath.filtered(6, at: hop, place, family: family), seed: UInt64(hop))
                let report = run.run()
                if block == 6 {
                    // No router behind it could tell; that is what "as far as visible" means.
                    #expect(report.verdict == .open)
                    #expect(report.lastHopReply == 6)
                    continue
                }
                #expect(report.verdict == .blocked, "\(hop) \(place)")
                #expect(report.blockedAfterHop == block, "\(hop) \(place)")
                #expect(report.likelyHops == [block])
                #expect(
                    report.blockedAfterAddress
                        == (block == 0 ? nil : run.network[run.route].routers[block - 1].address))
                #expect(report.checksums == 3)
                #expect((report.confidence ?? 0) >= 0.99)
                if family == .v4 {
                    #expect(
                        report.place
                            == (block <= 1 ? .firstHop : block == 5 ? .providerEdge : .transit))
                }
                #expect(report.lastHopReply == (block == 0 ? nil : block))
                #expect(report.lastHopRequest == 6)
            }
        }
    }
}
