import ESPAnalysis
import ESPSimulation
import NetworkPrimitives
import Testing

/// The counter tracker is as near to the truth as algorithms §6.1 and §6.2 say, or as the prototype.
@Suite struct TrackerOracleTests {
    /// How far off a figure may be, by the mean confidence that the tracker itself has.
    private struct Tolerance {
        /// From this confidence on.
        var confidence: Double
        /// The count, as a share; one sender more or less is always allowed.
        var senders: Double
        /// The loss, in percentage points.
        var loss: Double
        /// The net reordering, in percentage points.
        var reordering: Double

        /// The 90th percentiles of §6.2's held-out table, where figures are published; below a
        /// confidence of .95 they are not, and the prototype is the measure.
        static let all = [
            Tolerance(confidence: 0.99, senders: 0.03, loss: 0.21, reordering: 0.03),
            Tolerance(confidence: 0.95, senders: 0.032, loss: 0.31, reordering: 0.17),
            Tolerance(confidence: 0, senders: 0, loss: 0, reordering: 0),
        ]
        /// How much worse than the prototype a figure may be: shares of the senders, points.
        static let worse = (senders: 0.01, loss: 0.1, reordering: 0.05)
    }

    @Test(arguments: OracleCase.all)
    func `counts, loss and reordering are as near to the truth as the prototype's`(
        oracle: OracleCase
    ) throws {
        let stream = oracle.simulation.run()
        let tracking = stream.tracked()
        let end = MonotonicInstant(nanoseconds: stream.packets.last?.arrival ?? 0)
        let summary = tracking.tracker.summary(at: end)
        let truth = stream.truth
        let confidence = try #require(summary.confidence)
        let theirConfidence = try oracle.number("confidence")
        #expect(confidence >= theirConfidence - 0.01)
        let tolerance = try #require(Tolerance.all.first { confidence >= $0.confidence })

        let senders = truth.activeSenders
        let atLeast = try max(oracle.integer("lb"), oracle.list("multiplicity").max() ?? 0)
        let prototype = try max(oracle.integer("active") + oracle.integer("few"), atLeast)
        let estimate = max(summary.estimate, atLeast)
        let error = Double(abs(estimate - senders))
        #expect(
            error <= max(1, tolerance.senders * Double(senders))
                || error <= Double(abs(prototype - senders)) + Tolerance.worse.senders
                    * Double(senders),
            "estimate \(estimate), prototype \(prototype), true \(senders)")
        // A wrap is an instance to the prototype only.
        let instances = try oracle.integer("instances")
        let wrapped = oracle.simulation.wraps ? (oracle.simulation.senders + 2) / 3 : 0
        #expect(abs(summary.instances - (instances - wrapped)) <= max(1, instances / 20))

        let received = Double(truth.received)
        func lossPercent(_ lost: Double) -> Double { 100 * lost / (lost + received) }
        let loss = lossPercent(Double(summary.lost))
        let theirLoss = try lossPercent(oracle.number("lost"))
        let trueLoss = 100 * truth.lossRatio
        #expect(
            abs(loss - trueLoss) <= tolerance.loss
                || abs(loss - trueLoss) <= abs(theirLoss - trueLoss) + Tolerance.worse.loss,
            "loss \(loss) %, prototype \(theirLoss) %, true \(trueLoss) %")

        let net = 100 * summary.netReordering / received
        let theirNet =
            try 100 * (oracle.number("fills") - oracle.number("false-fills")) / received
        let trueNet = 100 * truth.reorderedRatio
        #expect(
            abs(net - trueNet) <= tolerance.reordering
                || abs(net - trueNet) <= abs(theirNet - trueNet) + Tolerance.worse.reordering,
            "net reordering \(net) %, prototype \(theirNet) %, true \(trueNet) %")
        #expect(try abs(Int(summary.outage) - oracle.integer("outage")) <= truth.received / 1000)
        #expect(
            try abs(summary.colocation - oracle.number("colocation")) <= 0.02 + 0.05
                * summary.colocation)
    }

    @Test(arguments: OracleCase.all)
    func `confidence is what links deserve`(oracle: OracleCase) throws {
        let stream = oracle.simulation.run()
        let tracking = stream.tracked()
        let end = MonotonicInstant(nanoseconds: stream.packets.last?.arrival ?? 0)
        let confidence = try #require(tracking.tracker.summary(at: end).confidence)
        // The square of the mean confidence bounds the true links from below; the worst excess of 208
        // runs was .010 (§6.2), of these 75 it is .013.
        #expect(tracking.linkAccuracy >= confidence * confidence - 0.015)
        // A counter that a path splits in two is no case for tracks: see the non-collision test.
        guard confidence >= 0.95, stream.truth.reordered >= 100, oracle.simulation.reorder < 0.5
        else { return }
        let precision = Double(tracking.trulyLate) / Double(max(1, tracking.late))
        let recall = Double(tracking.trulyLate) / Double(stream.truth.reordered)
        #expect(precision >= 0.9, "of §6.1 the least P is .92")
        #expect(recall >= 0.95, "of §6.1 the least R is .96")
    }

    @Test(arguments: OracleCase.all)
    func `tracks that never collide become one counter`(oracle: OracleCase) throws {
        // It means something only where nothing proves a second counter.
        let collisions = try oracle.list("multiplicity").contains { $0 > 1 }
        guard try oracle.integer("lb") == 1, !collisions else { return }
        let tracker = oracle.simulation.run().tracked().tracker
        #expect(try tracker.nonCollidingCounters() == oracle.integer("merged"))
        #expect(tracker.nonCollidingCounters() == 1)
    }
}
