import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation
import Testing

private struct Arrival {
    var time: Int64
    var sequence: UInt32
}

private let second: Int64 = 1_000_000_000

/// The longest chain of conflicts by comparing every packet with every other.
private func longestChain(_ stream: [Arrival], delta: Int64, k: Int) -> Int {
    var heights = [Int](repeating: 1, count: stream.count)
    for (index, later) in stream.enumerated() {
        for (previous, earlier) in stream[..<index].enumerated()
        where earlier.sequence >= later.sequence {
            let overtaken = Int(earlier.sequence - later.sequence)
            guard later.time - earlier.time > delta || overtaken > k || overtaken == 0 else {
                continue
            }
            heights[index] = max(heights[index], heights[previous] + 1)
        }
    }
    return heights.max() ?? 0
}

private func bound(
    of stream: [Arrival], delta: Int64 = second / 2, k: Int? = nil
) -> SenderLowerBound {
    var bound = SenderLowerBound(
        delta: .nanoseconds(delta), maximumOvertaking: k, seed: 0x5eed)
    for packet in stream {
        bound.receive(packet.sequence, at: MonotonicInstant(nanoseconds: packet.time))
    }
    return bound
}

/// Senders at random rates from random numbers, with loss and with overtaking up to `lateness`.
private func senderStream(
    seed: UInt64, senders: Int, seconds: Double, perSecond: Double, lateness: Int64
) -> [Arrival] {
    var random = SeededGenerator(seed: seed)
    let spread: Int64 = [1, 100, 10_000][Int(random.below(3))]
    var counters = (0..<senders).map { _ in UInt32(1 + random.below(spread)) }
    var stream: [Arrival] = []
    var time: Int64 = 0
    while Double(time) < seconds * Double(second) {
        time += Int64(-Double(second) / perSecond * (1 - random.unit()).logarithm)
        let sender = Int(random.below(Int64(senders)))
        let late = random.chance(0.05) ? random.below(lateness) : 0
        if !random.chance(0.02) {
            stream.append(Arrival(time: time + late, sequence: counters[sender]))
        }
        counters[sender] += 1
    }
    return stream.sorted { $0.time < $1.time }
}

extension Double {
    /// The natural logarithm by its series; enough for exponential gaps.
    fileprivate var logarithm: Double {
        let exponent = self.exponent
        let ratio = (significand - 1) / (significand + 1)
        var term = ratio
        var sum = 0.0
        for odd in stride(from: 1.0, through: 21, by: 2) {
            sum += term / odd
            term *= ratio * ratio
        }
        return 2 * sum + Double(exponent) * 0.693147180559945
    }
}

@Suite struct `The lower bound of senders` {
    @Test func `gives the heights of reference vector V2`() {
        let vector: [(Int64, UInt32)] = [
            (0, 100), (10, 1), (20, 101), (30, 2), (40, 2), (900, 1), (950, 102), (1600, 50),
        ]
        var bound = SenderLowerBound(maximumOvertaking: 8, seed: 1)
        let heights = vector.map { milliseconds, sequence in
            bound.receive(
                sequence, at: MonotonicInstant(nanoseconds: milliseconds * 1_000_000))
        }
        #expect(heights == [1, 2, 1, 2, 3, 4, 1, 2])
        #expect(bound.bound == 4)
    }

    @Test func `equals the longest chain in 600 random cases`() {
        for seed in UInt64(0)..<600 {
            var random = SeededGenerator(seed: seed)
            let highest: Int64 = [5, 30, 5000, Int64(UInt32.max)][Int(random.below(4))]
            let perSecond: Int64 = [20, 2000][Int(random.below(2))]
            var time: Int64 = 0
            let stream = (0..<1 + random.below(120)).map { _ in
                time += random.below(2 * second / perSecond)
                return Arrival(time: time, sequence: UInt32(1 + random.below(highest)))
            }
            let delta = [second / 100, second / 10, second / 2][Int(random.below(3))]
            let k = [0, 3, 64, 1000][Int(random.below(4))]
            #expect(
                bound(of: stream, delta: delta, k: k).bound
                    == longestChain(stream, delta: delta, k: k), "seed \(seed)")
        }
    }

    @Test func `is exact among many senders, where the table is crowded`() {
        for seed in UInt64(0)..<4 {
            let stream = senderStream(
                seed: seed, senders: 300, seconds: 1, perSecond: 2000, lateness: second / 10)
            #expect(
                bound(of: stream, delta: second / 4, k: 500).bound
                    == longestChain(stream, delta: second / 4, k: 500))
        }
    }

    @Test(arguments: UInt64(0)..<30)
    func `finds every number again however many packets have it`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bound = SenderLowerBound(seed: seed)
        var counts: [UInt32: Int] = [:]
        // Within δ and without k only equal numbers conflict.
        for _ in 0..<4000 {
            let sequence = UInt32(1 + random.below(random.chance(0.9) ? 3 : 90))
            counts[sequence, default: 0] += 1
            #expect(bound.receive(sequence, at: .zero) == counts[sequence])
        }
    }

    @Test func `takes no notice of copies that were left out`() {
        // Copies carry no number of their own, so with them left out there is nothing to see of
        // them.
        let stream = senderStream(
            seed: 5, senders: 9, seconds: 12, perSecond: 500, lateness: second / 10)
        var table = PacketIdentityTable(capacity: 1 << 14, seed: 1)
        var random = SeededGenerator(seed: 5)
        var copied = SenderLowerBound(seed: 1)
        for (index, packet) in stream.enumerated() {
            for _ in 0..<(random.chance(0.3) ? 2 : 1) {
                let arrival = MonotonicInstant(nanoseconds: packet.time)
                guard
                    table.sight(UInt64(index), stream: 0, at: arrival, hopLimit: 60) == .first
                else { continue }
                copied.receive(packet.sequence, at: arrival)
            }
        }
        #expect(copied.bound == bound(of: stream).bound)
        #expect(copied.bound > 1)
    }

    @Test(arguments: [1, 2, 7, 50])
    func `never exceeds the truth within the model`(senders: Int) {
        var least = Int.max
        for seed in UInt64(0)..<12 {
            let stream = senderStream(
                seed: seed, senders: senders, seconds: 15, perSecond: 1000,
                lateness: second / 2)
            let bound = bound(of: stream)
            #expect(bound.bound <= senders, "seed \(seed)")
            #expect(bound.bound >= 1)
            #expect(bound.windowBound <= bound.bound)
            least = min(least, bound.bound)
        }
        // Nearly all are found where they start from equal numbers; some in every case.
        #expect(least >= (senders + 1) / 2 || senders > 2 && least > 1)
    }

    @Test func `finds a jump back beyond k only after 10 s`() {
        // 100 packets/s: k = 2 · 51 + 64 at most.
        func heights(after seconds: Int64) -> Int {
            var bound = SenderLowerBound(seed: 1)
            for index in 0..<100 * seconds {
                let time = MonotonicInstant(nanoseconds: index * second / 100)
                bound.receive(UInt32(5000 + index), at: time)
            }
            return bound.receive(
                4000, at: MonotonicInstant(nanoseconds: seconds * second))
        }
        // Within the first 10 s the packets of the last δ might have overtaken it by any number.
        #expect(heights(after: 11) == 2)
        var early = SenderLowerBound(seed: 1)
        for index in Int64(0)..<40 {
            early.receive(
                UInt32(5000 + index), at: MonotonicInstant(nanoseconds: index * second / 100))
        }
        #expect(early.receive(4000, at: MonotonicInstant(nanoseconds: second / 2)) == 1)
    }

    @Test func `counts from anew in every window of 60 s`() {
        var bound = SenderLowerBound(seed: 1)
        func receive(_ sequence: UInt32, _ seconds: Int64) {
            bound.receive(sequence, at: MonotonicInstant(nanoseconds: seconds * second))
        }
        // Three counters in the first minute, the highest alone in the next, two in the third.
        for step in Int64(0)..<20 {
            receive(UInt32(1000 + step), step * 3)
            receive(UInt32(500 + step), step * 3)
            receive(UInt32(10 + step), step * 3)
        }
        #expect(bound.windowBound == 3)
        for step in Int64(20)..<40 { receive(UInt32(1000 + step), step * 3) }
        #expect(bound.windowBound == 1)
        #expect(bound.previousWindowBound == 3)
        #expect(bound.bound == 3)
        for step in Int64(40)..<59 {
            receive(UInt32(1000 + step), step * 3)
            receive(UInt32(500 + step), step * 3)
        }
        #expect(bound.windowBound == 2)
        #expect(bound.previousWindowBound == 1)
        #expect(bound.bound == 3)
    }

    @Test func `takes nothing over a window's edge`() {
        // The same number just before and just after the edge, within δ of each other.
        var bound = SenderLowerBound(window: .seconds(1), seed: 1)
        bound.receive(5, at: MonotonicInstant(nanoseconds: 0))
        bound.receive(9, at: MonotonicInstant(nanoseconds: second - 1))
        #expect(bound.receive(9, at: MonotonicInstant(nanoseconds: second)) == 2)
        #expect(bound.windowBound == 1)
        // Nor when the packet before the edge matures in the next window.
        bound.receive(8, at: MonotonicInstant(nanoseconds: second * 17 / 10))
        #expect(bound.windowBound == 2)
    }

    @Test func `leaves number 0 and times that run backwards without effect`() {
        var bound = SenderLowerBound(seed: 1)
        #expect(bound.receive(0, at: .zero) == 0)
        #expect(bound.bound == 0)
        bound.receive(5, at: MonotonicInstant(nanoseconds: 5 * second))
        bound.receive(6, at: MonotonicInstant(nanoseconds: -5 * second))
        bound.receive(4, at: MonotonicInstant(nanoseconds: second))
        #expect(bound.bound == 1)
    }

    @Test func `stays below the truth when more packets come than it keeps`() {
        // All stamps equal, as in a file with a coarse clock: nothing can be said but equal
        // numbers.
        var bound = SenderLowerBound(seed: 1)
        for index in UInt32(0)..<400_000 {
            bound.receive(index / 2 % 2 == 0 ? 1_000_000 + index / 2 : 1 + index / 2, at: .zero)
        }
        #expect(bound.bound == 2)
        // Three senders far apart at 600 000 packets/s: more than fit, and still all three are
        // found.
        var dense = SenderLowerBound(seed: 1)
        for index in Int64(0)..<1_500_000 {
            let sender = index % 3
            dense.receive(
                UInt32(1 + sender * 100_000_000 + index / 3),
                at: MonotonicInstant(nanoseconds: index * second / 600_000))
        }
        #expect(dense.bound == 3)
        #expect(dense.windowBound == 3)
    }

    @Test func `goes no higher than 65 535 whatever comes`() {
        var bound = SenderLowerBound(seed: 1)
        for _ in 0..<70_000 { bound.receive(7, at: .zero) }
        #expect(bound.bound == 65_535)
        bound.receive(6, at: MonotonicInstant(nanoseconds: second))
        #expect(bound.bound == 65_535)
    }

    @Test func `does not slow down with numbers chosen to be hard`() {
        let count = 200_000
        func time(_ sequence: (Int) -> UInt32) -> Duration {
            var bound = SenderLowerBound(seed: 0xfeed)
            return ContinuousClock().measure {
                for index in 0..<count {
                    bound.receive(
                        sequence(index),
                        at: MonotonicInstant(nanoseconds: Int64(index) * 10_000))
                }
            }
        }
        var random = SeededGenerator(seed: 2)
        let benign = time { UInt32(1 + $0) }
        let falling = time { UInt32.max - UInt32($0) * 3 }
        let strided = time { UInt32(truncatingIfNeeded: $0 << 16 | 1) }
        let wild = time { _ in UInt32(truncatingIfNeeded: random.next()) }
        for hostile in [falling, strided, wild] {
            #expect(hostile < benign * 30 + .milliseconds(50))
        }
    }
}
