import ESPAnalysis
import ESPSimulation
import Testing

/// Verdicts on streams that nothing was tuned on (algorithms §8, "held-out").
@Suite struct VerdictPropertyTests {
    private func judged(_ simulation: ESPStreamSimulation) throws -> (
        kinds: Set<StreamVerdict.Kind>, confidence: Double, truth: ESPStreamTruth
    ) {
        let stream = simulation.run()
        let report = try #require(stream.report())
        let confidence = try #require(report.senders.confidence)
        return (Set(report.verdicts.map(\.kind)), confidence, stream.truth)
    }

    @Test func `one sender is never called many, on 150 streams`() throws {
        for seed in UInt64(5000)..<5150 {
            let simulation = ESPStreamSimulation.inModel(seed: seed, senders: 1...1)
            let (kinds, confidence, truth) = try judged(simulation)
            #expect(!kinds.contains(.multiSender), "seed \(seed): \(simulation)")
            #expect(confidence > 0.95, "seed \(seed): \(simulation)")
            let isDuplicated = truth.duplicates >= 5
            #expect(kinds.contains(.networkDuplication) == isDuplicated, "seed \(seed)")
            #expect(kinds.contains(.replaySuspected) == (truth.replays >= 3), "seed \(seed)")
            #expect(!kinds.contains(.captureDuplication), "seed \(seed)")
            // Nothing is claimed about a ratio near the threshold of 0.1 %.
            if truth.reorderedRatio > 3e-3 {
                #expect(kinds.contains(.pathReordering), "seed \(seed): \(simulation)")
            } else if truth.reorderedRatio < 5e-4 {
                #expect(!kinds.contains(.pathReordering), "seed \(seed): \(simulation)")
            }
        }
    }

    @Test func `many senders are always found, on 150 streams`() throws {
        var reordered = 0
        var claims = 0
        var wrongClaims = 0
        for seed in UInt64(6000)..<6150 {
            let simulation = ESPStreamSimulation.inModel(seed: seed, senders: 2...400)
            let (kinds, confidence, truth) = try judged(simulation)
            #expect(kinds.contains(.multiSender), "seed \(seed): \(simulation)")
            #expect(!kinds.contains(.singleSender) && !kinds.contains(.clean), "seed \(seed)")
            #expect(kinds.contains(.replaySuspected) == (truth.replays >= 3), "seed \(seed)")
            if kinds.contains(.pathReordering) { claims += 1 }
            // Below .95 reordering may hide among senders that meet (§6.2).
            if truth.reorderedRatio > 3e-3, confidence >= 0.95 {
                #expect(kinds.contains(.pathReordering), "seed \(seed): \(simulation)")
                reordered += 1
            } else if truth.reorderedRatio < 5e-4, kinds.contains(.pathReordering) {
                wrongClaims += 1
            }
        }
        print("path reordering: \(claims) claims for \(reordered) cases, \(wrongClaims) wrong")
        // §8: 2 of 209.
        #expect(wrongClaims <= 2)
        #expect(reordered > 20)
    }

    @Test func `IVs that name senders make everything exact, on 66 streams with IVs`() throws {
        let modes: [ESPStreamSimulation.IVMode] = [.seqiv, .sid16, .base, .prefix32, .prefix24]
        // The last six are paths that reorder half of all packets, where the tracker counts too many.
        let seeds = Array(UInt64(7000)..<7060) + [37021, 37049, 37253, 37275, 37328, 37511]
        for seed in seeds {
            var simulation = ESPStreamSimulation.inModel(seed: seed, senders: 1...300)
            simulation.iv = modes[Int(seed % 5)]
            let stream = simulation.run()
            let report = try #require(stream.report())
            let truth = stream.truth
            let senders = report.senders
            #expect(senders.method == .iv, "seed \(seed): \(simulation)")
            #expect(senders.estimate == truth.activeSenders, "seed \(seed): \(simulation)")
            #expect(senders.atLeast <= truth.activeSenders)
            #expect(
                report.reordering.senderPackets == UInt64(truth.reordered),
                "seed \(seed): \(simulation)")
            let received = report.packets - report.duplicates.total
            #expect(Int(received) == truth.received)
            let named = report.topSenders.map(\.packets).reduce(0, +)
            #expect(named == received, "seed \(seed): \(simulation)")
            let lost = try #require(report.lostPackets) + (report.outagePackets ?? 0)
            // Losses at a sender's ends, and of the last half second, nobody can see.
            #expect(
                abs(Double(lost) - Double(truth.lost))
                    <= 3 * Double(truth.activeSenders) + 5 + 0.15 * Double(truth.lost),
                "seed \(seed): lost \(lost), true \(truth.lost)")
        }
    }
}
