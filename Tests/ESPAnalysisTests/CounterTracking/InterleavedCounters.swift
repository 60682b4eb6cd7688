import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation

/// Counters of many senders, interleaved: Poisson arrivals of given rates, with loss and lateness.
///
/// Small and local to these tests; the grid of scenarios is the simulator's.
struct InterleavedCounters {
    struct Packet {
        var arrival: Int64
        var sequence: UInt32
        var hopLimit: UInt8
        var identification: UInt16
        var sender: Int
    }

    var packets: [Packet] = []
    var lost = 0
    var late = 0

    /// Senders with rates falling like 1/rank from `perSecond` in total, starting at `first`.
    init(
        senders: Int, perSecond: Double, seconds: Double, seed: UInt64, loss: Double = 0,
        lateness: Double = 0, hopLimits: Int = 12, countsIdentification: Bool = false,
        first: (Int, inout SeededGenerator) -> UInt32
    ) {
        var random = SeededGenerator(seed: seed)
        let weight = (1...senders).reduce(0.0) { $0 + 1 / Double($1) }
        for sender in 0..<senders {
            let rate = perSecond / weight / Double(sender + 1)
            var number = first(sender, &random)
            let hopLimit = UInt8(60 - random.below(Int64(hopLimits)) * 3)
            var identification = UInt16(truncatingIfNeeded: random.next())
            var time = 0.0
            while true {
                // The sum of twelve uniform numbers is a gap with little tail, and no logarithm.
                time += (0..<12).reduce(0.0) { sum, _ in sum + random.unit() } / 6 / rate
                if time > seconds { break }
                if countsIdentification { identification &+= 1 }
                var arrival = time
                if random.chance(lateness) {
                    arrival += 0.0005 + random.unit() * 0.0195
                    late += 1
                }
                if random.chance(loss) {
                    lost += 1
                } else {
                    packets.append(
                        Packet(
                            arrival: Int64(arrival * 1e9), sequence: number, hopLimit: hopLimit,
                            identification: countsIdentification ? identification : 0,
                            sender: sender))
                }
                number &+= 1
            }
        }
        packets.sort { $0.arrival < $1.arrival }
    }

    /// Runs a tracker over all of them; the decisions come back in order.
    func run(_ tracker: inout CounterTracker) -> [CounterTracker.Decision] {
        packets.map { packet in
            tracker.receive(
                packet.sequence, at: MonotonicInstant(nanoseconds: packet.arrival),
                hopLimit: packet.hopLimit, identification: packet.identification)
        }
    }

    /// The share of decisions whose track had its latest packet from the same sender.
    func linkAccuracy(_ decisions: [CounterTracker.Decision]) -> Double {
        var latest: [Int32: Int] = [:]
        var links = 0
        var right = 0
        for (packet, decision) in zip(packets, decisions) {
            if let sender = latest.updateValue(packet.sender, forKey: decision.track) {
                links += 1
                if sender == packet.sender { right += 1 }
            }
        }
        return links == 0 ? 1 : Double(right) / Double(links)
    }
}
