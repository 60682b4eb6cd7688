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
}
