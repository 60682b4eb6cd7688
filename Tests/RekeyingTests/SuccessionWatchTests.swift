import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import Rekeying

@Suite struct SuccessionWatchTests {
    /// A tunnel that carried on SPI 1 from the start.
    private func watch(_ arrivals: [Arrival], until end: Double) -> SuccessionWatch {
        var watch = SuccessionWatch()
        watch.receive(arrivals.sorted { $0.at < $1.at })
        watch.advance(to: instant(end))
        return watch
    }

    @Test func `the first stream of a tunnel replaces nothing`() {
        let watch = watch(packets(on: 1, from: 0, to: 60, every: 0.1), until: 61)
        #expect(watch.successions.isEmpty)
        #expect(!watch.isObserving)
    }

    @Test func `a clean change converges with the first packet`() throws {
        let watch = watch(
            packets(on: 1, from: 0, to: 10, every: 0.1)
                + packets(on: 2, from: 10, to: 60, every: 0.1), until: 60)
        let succession = try #require(watch.reports(at: instant(60)).first)
        #expect(succession.isClosed)
        #expect(succession.replaced?.spi == spi(1))
        #expect(succession.joint.firstPacketAt == instant(10))
        #expect(succession.joint.halfAt == instant(10))
        #expect(succession.joint.convergedAt == instant(10))
        #expect(succession.joint.tailPackets == 0)
        #expect(succession.joint.tail == .zero)
        #expect(!watch.isObserving)
    }

    /// One in three of the senders goes over at 10, 12 and 15 s.
    @Test func `half and all of the senders have their points`() throws {
        var arrivals: [Arrival] = []
        for (phase, change) in [(0.0, 10.0), (0.03, 12.0), (0.06, 15.0)] {
            arrivals += packets(on: 1, from: phase, to: change, every: 0.1)
            arrivals += packets(on: 2, from: change + phase, to: 100, every: 0.1)
        }
        let succession = try #require(watch(arrivals, until: 100).reports(at: instant(100)).first)
        #expect(succession.joint.firstPacketAt == instant(10))
        let half = try #require(succession.joint.halfAt)
        let converged = try #require(succession.joint.convergedAt)
        #expect(half >= instant(11.9) && half < instant(12.1))
        #expect(converged >= instant(14.9) && converged < instant(15.1))
        // 20 of the second and 50 of the third sender, and what the first sent at the same instant.
        #expect((68...71).contains(succession.joint.tailPackets))
        #expect(succession.joint.tail > .seconds(4.9) && succession.joint.tail < .seconds(5))
    }

    @Test func `a late packet among hundreds moves no point and stands in the tail`() throws {
        let succession = try #require(
            watch(
                packets(on: 1, from: 0, to: 10, every: 0.01)
                    + packets(on: 2, from: 10, to: 60, every: 0.01) + [Arrival(1, 13)], until: 60
            ).reports(at: instant(60)).first)
        #expect(succession.joint.convergedAt == instant(10))
        #expect(succession.joint.tailPackets == 1)
        #expect(succession.joint.tail == .seconds(3))
    }

    @Test func `slow traffic has its points too`() throws {
        // A packet in five seconds, and one that came on the old SPI in between.
        let succession = try #require(
            watch(
                packets(on: 1, from: 0, to: 60, every: 5) + [Arrival(1, 71)]
                    + packets(on: 2, from: 60, to: 200, every: 5), until: 200
            ).reports(at: instant(200)).first)
        #expect(succession.isClosed)
        #expect(succession.joint.halfAt == instant(60))
        #expect(succession.joint.convergedAt == instant(75))
    }

    @Test func `an SPI beside others replaces none of them`() throws {
        let watch = watch(
            packets(on: 1, from: 0, to: 350, every: 0.1)
                + packets(on: 2, from: 10, to: 350, every: 0.1), until: 350)
        let succession = try #require(watch.reports(at: instant(350)).first)
        #expect(succession.isClosed)
        #expect(succession.replaced == nil)
        #expect(!watch.isObserving)
    }

    @Test func `only the stream that its successor replaced counts`() throws {
        // Child SA 1 is replaced by 3 within a second; child SA 2 goes on.
        let succession = try #require(
            watch(
                packets(on: 1, from: 0, to: 11, every: 0.1)
                    + packets(on: 2, from: 0.05, to: 300, every: 0.1)
                    + packets(on: 3, from: 10.02, to: 300, every: 0.1), until: 300
            ).reports(at: instant(300)).first { $0.spi == spi(3) })
        #expect(succession.isClosed)
        #expect(succession.silentFormers.map(\.spi) == [spi(1)])
        let arrivals = succession.arrivals(from: succession.silentFormers)
        #expect(arrivals.tailPackets == 9)
        let converged = try #require(arrivals.convergedAt)
        #expect(converged > instant(10.8) && converged < instant(11.1))
    }

    @Test func `packets for a deleted SA are counted though it is told late`() {
        var watch = SuccessionWatch()
        watch.receive(
            packets(on: 1, from: 0, to: 10, every: 0.1)
                + packets(on: 2, from: 10, to: 10.3, every: 0.1))
        for arrival in packets(on: 1, from: 10.35, to: 10.85, every: 0.1) {
            watch.receive(spi(1), at: instant(arrival.at))
        }
        watch.remove(spi(1), at: instant(10.6))
        #expect(watch.deletions == [.init(spi: spi(1), at: instant(10.6), packets: 2)])
        watch.receive(spi(1), at: instant(11))
        #expect(watch.deletions.map(\.packets) == [3])
        #expect(watch.isObserving)
        watch.advance(to: instant(400))
        #expect(!watch.isObserving)
    }

    @Test func `a number that is used again is another SA`() {
        var watch = SuccessionWatch()
        watch.receive([Arrival(1, 0), Arrival(2, 1), Arrival(2, 2)])
        watch.remove(spi(1), at: instant(2))
        watch.install(spi(1), at: instant(3))
        #expect(!watch.knows(spi(1)))
        watch.receive(spi(1), at: instant(4))
        #expect(watch.successions.last?.spi == spi(1))
        #expect(watch.deletions.isEmpty)
    }

    @Test func `made-up SPIs neither grow it nor push a rekey out`() throws {
        var watch = SuccessionWatch()
        var random = SeededGenerator(seed: 3)
        for step in 0..<60_000 {
            let time = Double(step) * 0.001
            watch.receive(spi(time < 10 ? 1 : 2), at: instant(time))
            watch.receive(
                SPI(rawValue: 0x1000_0000 | UInt32(truncatingIfNeeded: random.next())),
                at: instant(time))
            if step % 1000 == 0 { watch.advance(to: instant(time)) }
            #expect(watch.carriers.count <= SuccessionWatch.carrierLimit)
            #expect(watch.successions.count <= SuccessionWatch.openLimit)
        }
        let succession = try #require(
            watch.reports(at: instant(60)).first { $0.spi == spi(2) })
        #expect(succession.formers.contains { $0.spi == spi(1) && $0.isSilent })
        // Until the observation ended at 40 s.
        #expect(succession.joint.packets == 30_001)
    }
}
