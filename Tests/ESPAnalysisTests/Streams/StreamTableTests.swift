import ESPSimulation
import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ESPAnalysis

@Suite
struct StreamTableTests {
    private static func table(
        maximumStreams: Int = 8, isLive: Bool = false
    ) -> StreamTable {
        StreamTable(
            settings: StreamTable.Settings(
                windows: Observed.windows, identityCapacity: 1 << 14,
                maximumStreams: maximumStreams, isLive: isLive, seed: 99))
    }

    private static let end = MonotonicInstant(nanoseconds: 3_600_000_000_000)

    private static var fewSenders: [ESPObservation] {
        ESPStreamSimulation(senders: 4, packetsPerSecond: 1000, duration: 10) {
            $0.iv = .seqiv
            $0.loss = 0.01
            $0.reorder = 0.02
            $0.duplication = 0.01
        }.run().packets.map { $0.observation() }
    }

    @Test func `reports what an analyzer of the stream alone reports`() throws {
        let packets = Self.fewSenders
        var table = Self.table()
        for packet in packets { table.receive(packet) }
        let report = try #require(table.reports(at: packets[packets.count - 1].arrival).first)
        #expect(try report == Observed.report(of: packets))
        #expect(report.windows.allSatisfy { $0.packets == UInt64(packets.count) })
        #expect(report.packets == UInt64(packets.count))
    }

    @Test func `takes batches as it takes packets`() throws {
        let packets = Self.fewSenders
        var one = Self.table()
        for packet in packets { one.receive(packet) }
        var other = Self.table()
        for start in stride(from: 0, to: packets.count, by: 700) {
            let batch = Array(packets[start..<min(start + 700, packets.count)])
            other.receive(batch.span)
        }
        #expect(one.reports(at: Self.end) == other.reports(at: Self.end))
    }

    @Test(arguments: 1...20)
    func `analyses a stream from its first packet, however few it has`(count: Int) throws {
        var table = Self.table()
        // Backwards, so that every packet but the first is late.
        for place in 0..<count {
            table.receive(Observed.packet(UInt32(100 - 3 * place), at: Double(place)))
        }
        let report = try #require(table.reports(at: Self.end).first)
        #expect(report.packets == UInt64(count))
        #expect(report.reordering.outOfOrder == UInt64(count - 1))
        #expect(
            report.windows.map(\.wouldDrop) == [
                UInt64(max(0, count - 11)), 0, 0,
            ])
        #expect(table.unanalysedPackets == 0)
    }

    @Test func `keeps apart what differs in destination, SPI or encapsulation`() {
        var table = Self.table()
        for sequence: UInt32 in 1...20 {
            var packet = Observed.packet(sequence, at: Double(sequence))
            table.receive(packet)
            packet.encapsulation = .udp
            table.receive(packet)
            packet.destination = .v6(1 << 100 | 5)
            table.receive(packet)
            packet.spi = SPI(rawValue: 77)
            table.receive(packet)
        }
        let reports = table.reports(at: Self.end)
        #expect(reports.count == 4)
        #expect(Set(reports.map(\.id)).count == 4)
        #expect(reports.allSatisfy { $0.packets == 20 && $0.duplicates.total == 0 })
    }

    @Test func `begins afresh with a new SPI`() throws {
        var run = RekeyedESPRun(
            ESPStreamSimulation(senders: 6, packetsPerSecond: 600) { $0.iv = .seqiv }, count: 3,
            interval: 20, propagation: 3)
        var table = Self.table()
        while let arrival = run.next() {
            table.receive(arrival.packet.observation(spi: arrival.spi))
        }
        let reports = table.reports(at: Self.end)
        #expect(reports.map(\.id.spi) == (0..<3).map { RekeyedESPRun.spi(generation: $0) })
        for (report, truth) in zip(reports, run.truths) {
            #expect(report.startsAtBirth)
            #expect(report.senders.estimate == truth.activeSenders)
            #expect(report.packets == UInt64(truth.received))
        }
    }

    @Test func `a flood of random SPIs takes no memory and spoils no figures`() throws {
        let packets = Self.fewSenders
        var alone = Self.table(isLive: true)
        for packet in packets { alone.receive(packet) }
        var flooded = Self.table(isLive: true)
        var random = SeededGenerator(seed: 4)
        var sent: UInt64 = 0
        for packet in packets {
            flooded.receive(packet)
            for _ in 0..<100 {
                let spi = UInt32(truncatingIfNeeded: random.next()) | 1
                var stray = Observed.packet(
                    UInt32(truncatingIfNeeded: random.next()), at: 0, spi: spi)
                stray.arrival = packet.arrival
                flooded.receive(stray)
                sent += 1
            }
        }
        #expect(sent > 950_000)
        #expect(flooded.analysedStreams == 1)
        // All but those that wait for their second packet.
        #expect(flooded.unanalysedPackets >= sent - UInt64(StreamProbation.limit) - 100)
        let end = packets[packets.count - 1].arrival
        let name = packets[0].spi
        #expect(flooded.reports(at: end).first { $0.id.spi == name } == alone.reports(at: end)[0])
        let waiting = flooded.takeClosedReports()
        #expect(waiting.count < 100)
        #expect(footprint(of: flooded) <= footprint(of: alone))
    }

    @Test func `refuses a newcomer while no stream has been idle for two minutes`() {
        var table = Self.table(maximumStreams: 2)
        func send(_ spi: UInt32, _ count: Int, at seconds: Double) {
            for place in 0..<count {
                table.receive(
                    Observed.packet(UInt32(place + 1), at: seconds * 1000 + Double(place), spi: spi)
                )
            }
        }
        send(1001, 10, at: 0)
        send(1002, 10, at: 1)
        send(1003, 10, at: 2)
        #expect(table.refusedStreams == 1)
        #expect(table.unanalysedPackets == 10)
        send(1002, 10, at: 100)
        send(1003, 10, at: 119)
        #expect(table.refusedStreams == 1)
        #expect(table.unanalysedPackets == 20)
        send(1003, 10, at: 121)
        #expect(table.unanalysedPackets == 20)
        let closed = table.takeClosedReports()
        #expect(closed.map(\.id.spi.rawValue) == [1001])
        #expect(closed[0].packets == 10)
        #expect(table.takeClosedReports().isEmpty)
        let reports = table.reports(at: Self.end)
        #expect(reports.map(\.id.spi.rawValue) == [1002, 1003])
        #expect(reports.map(\.packets) == [20, 10])
        #expect(
            reports.map(\.packets).reduce(0, +) + closed[0].packets + table.unanalysedPackets
                == table.packets)
    }

    @Test func `closes idle streams when live, and only then`() {
        for isLive in [true, false] {
            var table = Self.table(isLive: isLive)
            for sequence: UInt32 in 1...50 {
                table.receive(Observed.packet(sequence, at: Double(sequence), spi: 5000))
            }
            for sequence: UInt32 in 1...3 {
                table.receive(Observed.packet(sequence, at: 60, spi: 5001))
            }
            table.receive(Observed.packet(1, at: 61, spi: 5002))
            for second in 1...200 {
                table.receive(
                    Observed.packet(UInt32(second), at: Double(second) * 1000, spi: 6000))
            }
            let now = MonotonicInstant(nanoseconds: 200_000_000_000)
            let open = table.reports(at: now)
            let closed = table.takeClosedReports()
            if isLive {
                #expect(open.map(\.id.spi.rawValue) == [6000])
                #expect(Set(closed.map(\.id.spi.rawValue)) == [5000, 5001])
                #expect(table.unanalysedPackets == 1)
            } else {
                #expect(open.map(\.id.spi.rawValue) == [5000, 5001, 5002, 6000])
                #expect(closed.isEmpty)
            }
            #expect(
                (open + closed).reduce(0) { $0 + $1.packets } + table.unanalysedPackets
                    == table.packets)
        }
    }

    @Test func `counts later fragments by address pair`() {
        var table = Self.table()
        for place in 0..<5000 {
            table.noteLaterFragment(source: .v4(UInt32(place % 1500)), destination: .v4(9))
        }
        #expect(table.laterFragments.total == 5000)
        #expect(table.laterFragments.count(source: .v4(3), destination: .v4(9)) == 4)
        #expect(table.laterFragments.count(source: .v4(1400), destination: .v4(9)) == 0)
        #expect(table.laterFragments.count(source: .v4(3), destination: .v4(8)) == 0)
    }

    @Test func `the index finds what is in it through any changes`() {
        var index = StreamIndex(limit: 500, seed: 3)
        var model: [UInt32: Int32] = [:]
        var random = SeededGenerator(seed: 8)
        func id(_ spi: UInt32) -> StreamID {
            StreamID(destination: .v4(1), spi: SPI(rawValue: spi), encapsulation: .esp)
        }
        for _ in 0..<50_000 {
            let spi = UInt32(random.below(700))
            if random.chance(0.5), model.count < 500 {
                let value = Int32(truncatingIfNeeded: random.below(1000) - 500)
                index.set(value, for: id(spi))
                model[spi] = value
            } else {
                index.remove(id(spi))
                model[spi] = nil
            }
            let probe = UInt32(random.below(700))
            #expect(index[id(probe)] == model[probe] ?? StreamIndex.nothing)
        }
    }
}
