import ESPAnalysis
import ESPSimulation
import Testing

/// An hour of a tunnel with 300 senders and a rekey every four minutes, in seconds.
@Suite struct SoakTests {
    @Test(arguments: [ESPStreamSimulation.IVMode.random, .seqiv])
    func `an hour of rekeys is analysed exactly and forgotten in time`(
        iv: ESPStreamSimulation.IVMode
    ) throws {
        let simulation = ESPStreamSimulation(senders: 300, packetsPerSecond: 1000, seed: 11) {
            $0.iv = iv
            $0.loss = 0.005
            $0.reorder = 0.01
            $0.duplication = 0.001
            $0.zipf = 0.8
        }
        let clock = ContinuousClock()
        let start = clock.now
        let soak = ESPSoak(RekeyedESPRun(simulation, count: 15, interval: 240, propagation: 60))
        print("an hour, \(soak.packets) packets, IV \(iv) in \(clock.now - start)")

        #expect(soak.packets > 3_500_000)
        // One SA, its predecessor's tail, and those that are silent for less than two minutes.
        #expect(soak.mostStreams <= 2)
        #expect(soak.table.packets == soak.packets)
        #expect(soak.table.unanalysedPackets == 0)
        #expect(soak.table.lostReports == 0)
        #expect(soak.table.refusedStreams == 0)
        #expect(soak.associations.count == 15)
        var total: UInt64 = 0
        for association in soak.associations {
            let report = try #require(association.report)
            let truth = association.truth
            total += report.packets
            #expect(Int(report.packets) == truth.received + truth.duplicates)
            #expect(Int(report.duplicates.total) == truth.duplicates)
            #expect(Int(report.duplicates.network) == truth.duplicates)
            for (forecast, drops) in zip(report.windows, association.drops) {
                #expect(
                    [forecast.tooOld, forecast.alreadySeen, forecast.wouldDrop]
                        == [drops.replayWindow, drops.replay, drops.total])
            }
            #expect(report.startsAtBirth)
            #expect(report.senders.atLeast <= truth.activeSenders)
            let estimate = try #require(report.senders.estimate)
            #expect(report.verdicts.contains { $0.kind == .multiSender && $0.grade == .proven })
            #expect(!report.verdicts.contains { $0.kind == .replaySuspected })
            if iv == .seqiv {
                #expect(report.senders.method == .iv)
                #expect(estimate == truth.activeSenders)
                #expect(report.reordering.senderPackets == UInt64(truth.reordered))
                let lost = Double(try #require(report.lostPackets))
                #expect(abs(lost - Double(truth.lost)) <= 5 + 0.03 * Double(truth.lost))
            } else {
                #expect(report.senders.method == .counters)
                #expect(abs(estimate - truth.activeSenders) <= 6)
            }
        }
        #expect(total == soak.packets)
    }
}
