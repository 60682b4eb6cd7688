import ESPSimulation
import Testing

@Suite struct ESPStreamSimulationTests {
    @Test func `the same parameters make the same stream on every machine`() {
        let stream = ESPStreamSimulation(senders: 20, packetsPerSecond: 2000, duration: 5, seed: 7)
        {
            $0.loss = 0.02
            $0.reorder = 0.02
            $0.duplication = 0.01
            $0.start = .aged
            $0.identification = .linux
            $0.zipf = 1.3
        }.run()
        // Written down once: a change of the simulator makes the oracle's fixture stale too.
        #expect(stream.checksum == 17_108_848_824_427_323_112)
        #expect(stream.truth.sent == 10_035)
    }

    @Test func `packets arrive in order of arrival and counts add up`() {
        for forced in [false, true] {
            let stream = ESPStreamSimulation(
                senders: 40, packetsPerSecond: 4000, duration: 10, seed: 3
            ) {
                $0.loss = 0.05
                $0.reorder = 0.05
                $0.isForced = forced
                $0.duplication = 0.02
                $0.replays = 200
                $0.replayAge = 2
            }.run()
            let packets = stream.packets
            #expect(zip(packets, packets.dropFirst()).allSatisfy { $0.arrival <= $1.arrival })
            #expect(packets.count { !$0.isCopy } == stream.truth.sent - stream.truth.lost)
            #expect(packets.count { $0.isDuplicate } == stream.truth.duplicates)
            #expect(packets.count { $0.isReplay } == 200)
            #expect(Set(packets.map(\.identity)).count == stream.truth.received)
            #expect(abs(stream.truth.lossRatio - 0.05) < 0.005)
            let share = forced ? 0.04...0.055 : 0.005...0.05
            #expect(share.contains(stream.truth.reorderedRatio))
            #expect(abs(stream.truth.sent - 40_000) < 800)
        }
    }

    @Test func `losses come in bursts where Gilbert's model is asked for`() {
        let stream = ESPStreamSimulation(senders: 1, packetsPerSecond: 20_000, duration: 10) {
            $0.loss = 0.05
            $0.burst = 0.6
        }.run()
        #expect(abs(stream.truth.lossRatio - 0.05) < 0.01)
        let gaps = zip(stream.packets, stream.packets.dropFirst()).count {
            $1.index > $0.index + 1
        }
        // A burst has 1 / (1 − 0.6) = 2.5 packets on average.
        #expect((2.2...2.8).contains(Double(stream.truth.lost) / Double(gaps)))
    }

    @Test func `Zipf's law shares the packets out`() {
        let equal = ESPStreamSimulation(senders: 10, packetsPerSecond: 10_000, duration: 5) {
            $0.zipf = 0
        }.run().truth
        #expect(equal.senders.allSatisfy { abs($0.sent - 5000) < 300 })
        let zipf = ESPStreamSimulation(senders: 10, packetsPerSecond: 10_000, duration: 5)
            .run().truth.senders.map(\.sent).sorted(by: >)
        // 1/k over the tenth harmonic number 2.929.
        #expect(abs(zipf[0] - 17_071) < 500)
        #expect(abs(zipf[9] - 1707) < 200)
    }

    @Test(arguments: ESPStreamSimulation.Start.allCases)
    func `counters start where they should`(start: ESPStreamSimulation.Start) {
        let packets = ESPStreamSimulation(senders: 30, packetsPerSecond: 3000, duration: 3) {
            $0.start = start
            $0.age = 100
            $0.zipf = 0
        }.run().packets
        let first = (0..<30).map { sender in
            packets.first { $0.sender == sender && $0.index == 0 }?.sequence ?? 0
        }
        switch start {
        case .one, .lock: #expect(first.allSatisfy { $0 == 1 })
        case .aged: #expect(first.allSatisfy { abs(Int($0) - 10_000) < 600 })
        case .random: #expect(first.allSatisfy { $0 > 0 && $0 < 1 << 31 } && Set(first).count == 30)
        }
        if start == .lock {
            // A round of 30 senders lasts 10 ms; the jitter is 1 ms.
            let counters = packets.filter {
                $0.arrival > 1_000_000_000 && $0.arrival < 1_050_000_000
            }
            let sequences = counters.map(\.sequence)
            #expect((sequences.max() ?? 0) - (sequences.min() ?? 0) < 16)
        }
    }

    @Test func `restarts and wraps happen half-way`() {
        let stream = ESPStreamSimulation(senders: 30, packetsPerSecond: 3000, duration: 10) {
            $0.start = .random
            $0.restarts = 5
        }.run()
        #expect(stream.truth.senders.prefix(5).allSatisfy { $0.hasRestarted })
        #expect(stream.truth.instances == 35)
        let wraps = ESPStreamSimulation(senders: 3, packetsPerSecond: 3000, duration: 10) {
            $0.wraps = true
            $0.zipf = 0
        }.run().packets.filter { $0.sender == 0 }
        #expect(wraps.first?.epoch == 0 && wraps.last?.epoch == 1)
        #expect(wraps.contains { $0.sequence == 0 && $0.epoch == 1 })
        #expect(abs((wraps.firstIndex { $0.epoch == 1 } ?? 0) - wraps.count / 2) < 300)
    }

    @Test(arguments: ESPStreamSimulation.IVMode.allCases)
    func `initialization vectors are what their mode says`(mode: ESPStreamSimulation.IVMode) {
        let packets = ESPStreamSimulation(senders: 20, packetsPerSecond: 3000, duration: 2) {
            $0.iv = mode
        }.run().packets
        func keys(_ key: (SimulatedESPPacket) -> UInt64) -> Int { Set(packets.map(key)).count }
        let xor = keys { $0.initializationVector ^ UInt64($0.sequence) }
        let difference = keys { $0.initializationVector &- UInt64($0.sequence) }
        #expect(keys(\.initializationVector) > packets.count - 5)
        switch mode {
        case .seqiv: #expect(xor == 20)
        case .sid16: #expect(xor == 20 && difference == 20)
        case .base: #expect(xor > 25 && difference == 20)
        case .prefix32: #expect(xor > 2000 && keys { $0.initializationVector >> 32 } == 20)
        case .prefix24: #expect(xor > 2000 && keys { $0.initializationVector >> 40 } == 20)
        case .random, .block:
            #expect(xor == packets.count && keys { $0.initializationVector >> 32 } > 5900)
        }
    }

    @Test func `parameters survive as text`() throws {
        let simulation = ESPStreamSimulation(senders: 3, packetsPerSecond: 1234.5, seed: 99) {
            $0.start = .aged
            $0.reorderMilliseconds = 100...101
            $0.isForced = true
            $0.identification = .linux
            $0.iv = .prefix24
            $0.fleet = 5
        }
        #expect(ESPStreamSimulation(simulation.description) == simulation)
        #expect(ESPStreamSimulation("") == ESPStreamSimulation())
        #expect(ESPStreamSimulation("senders=x") == nil)
        #expect(ESPStreamSimulation("cats=3") == nil)
    }

    @Test func `five million packets take seconds`() {
        var run = ESPStreamRun(
            ESPStreamSimulation(senders: 200, packetsPerSecond: 100_000, duration: 50) {
                $0.loss = 0.01
                $0.reorder = 0.01
                $0.duplication = 0.005
            })
        let clock = ContinuousClock()
        var packets = 0
        let time = clock.measure { while run.next() != nil { packets += 1 } }
        print("simulated \(packets) packets in \(time)")
        #expect(packets > 4_900_000)
        #expect(time < .seconds(30))
    }

    @Test func `after a rekey the old SA's tail crosses the new one's start`() {
        var simulation = ESPStreamSimulation(senders: 50, packetsPerSecond: 2000, seed: 4)
        simulation.loss = 0.01
        var run = RekeyedESPRun(simulation, count: 4, interval: 10, propagation: 3)
        var latest = Int64.min
        var byGeneration: [[Int64]] = Array(repeating: [], count: 4)
        var counters: [[Int32: UInt32]] = Array(repeating: [:], count: 4)
        while let arrival = run.next() {
            #expect(arrival.packet.arrival >= latest)
            latest = arrival.packet.arrival
            byGeneration[arrival.generation].append(latest)
            counters[arrival.generation][arrival.packet.sender, default: 0] += 1
        }
        // Four intervals of 2000 packets per second, less the first senders' late start.
        #expect((74_000...79_000).contains(byGeneration.map(\.count).reduce(0, +)))
        #expect(run.truths.map(\.received) == byGeneration.map(\.count))
        for generation in 1..<4 {
            let first = byGeneration[generation].first ?? 0
            let last = byGeneration[generation - 1].last ?? 0
            #expect((0..<4_000_000_000).contains(last - Int64(generation) * 10_000_000_000))
            #expect(first < last)
        }
        // Senders keep their pace from SA to SA.
        #expect(run.truths[0].senders.map(\.rate) == run.truths[3].senders.map(\.rate))
    }
}
