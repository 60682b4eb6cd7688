public import ESPAnalysis
import NetworkPrimitives

// Runs of engines over whole streams, here because this target is optimised in debug builds too.
extension SimulatedESPStream {
    /// The predictor after all packets.
    public func predictor(windows: [Int], reach: Int = 1 << 20) -> ReplayWindowPredictor {
        var predictor = ReplayWindowPredictor(windows: windows, reach: reach)
        for packet in packets { _ = predictor.receive(packet.sequence) }
        return predictor
    }

    /// The counters of a receiver that has seen nothing before, after all packets.
    ///
    /// Numbers authenticate under the sender's epoch if `isExtended`, else under 0.
    public func drops(
        _ receiver: some AntiReplayReceiver, isExtended: Bool = false
    ) -> ReplayDropCounters {
        var receiver = receiver
        for packet in packets {
            let epoch = isExtended ? UInt64(packet.epoch) << 32 : 0
            _ = receiver.accepts(epoch | UInt64(packet.sequence))
        }
        return receiver.drops
    }

    /// The provable bounds of a stream.
    public struct Bounds: Sendable {
        /// For the life of the SA.
        public var life = 0
        /// For each tumbling window.
        public var windows: [Int] = []
        /// The sum of the lengths of the longest chains that the packets end.
        public var heights = 0
        /// The largest number of packets with one number, and M(q) for each low number.
        public var multiplicity = SequenceMultiplicity(seed: 1)

        /// The provable minimum: the larger of the two bounds.
        public var atLeast: Int { max(life, multiplicity.bound) }
    }

    /// The bounds after all packets, copies left out.
    public func bounds() -> Bounds {
        var bounds = Bounds()
        var lower = SenderLowerBound(seed: 2)
        var windowEnd: Int64 = 0
        for packet in packets where !packet.isCopy {
            let bound = lower.windowBound
            bounds.heights += lower.receive(
                packet.sequence, at: MonotonicInstant(nanoseconds: packet.arrival))
            bounds.multiplicity.receive(sequence: packet.sequence, identity: packet.identity)
            if packet.arrival >= windowEnd, packet.sequence != 0 {
                if windowEnd != 0 {
                    precondition(lower.previousWindowBound == bound, "the window ended elsewhere")
                    bounds.windows.append(bound)
                }
                windowEnd = packet.arrival + 60_000_000_000
            }
        }
        bounds.windows.append(lower.windowBound)
        bounds.life = lower.bound
        return bounds
    }

    /// The counter tracker after a stream, and how right it was.
    public struct Tracking: Sendable {
        /// The tracker.
        public var tracker: CounterTracker
        /// Pairs of packets that follow each other on one track.
        public var links = 0
        /// Those pairs that one sender sent.
        public var trueLinks = 0
        /// Packets that filled a hole.
        public var late = 0
        /// Those that were reordered within their sender.
        public var trulyLate = 0

        /// The true share of the links; 1 of none.
        public var linkAccuracy: Double { links == 0 ? 1 : Double(trueLinks) / Double(links) }
    }

    /// The counter tracker after all packets, copies left out.
    public func tracked(seed: UInt64 = 3) -> Tracking {
        var tracking = Tracking(tracker: CounterTracker(seed: seed))
        var latest: [Int32: Int32] = [:]
        var expected = ContiguousArray(repeating: Int32(0), count: truth.senders.count)
        for packet in packets where !packet.isCopy {
            let decision = tracking.tracker.receive(
                packet.sequence, at: MonotonicInstant(nanoseconds: packet.arrival),
                hopLimit: packet.hopLimit, identification: packet.identification)
            if let before = latest.updateValue(packet.sender, forKey: decision.track) {
                tracking.links += 1
                if before == packet.sender { tracking.trueLinks += 1 }
            }
            let isReordered = packet.index < expected[Int(packet.sender)]
            if !isReordered { expected[Int(packet.sender)] = packet.index + 1 }
            if decision.kind == .late {
                tracking.late += 1
                if isReordered { tracking.trulyLate += 1 }
            }
        }
        return tracking
    }

    /// The report on the stream, analysed as from a file, at its last packet.
    public func report(
        windows: [Int] = [32, 64, 128, 256, 512, 1024, 2048, 4096], seed: UInt64 = 4
    ) -> StreamReport? {
        var table = StreamTable(settings: .file(windows: windows, seed: seed))
        for packet in packets { table.receive(packet.observation()) }
        let end = MonotonicInstant(nanoseconds: packets.last?.arrival ?? 0)
        return table.reports(at: end).first
    }
}
