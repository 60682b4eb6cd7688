import ESPSimulation
import NetworkPrimitives
import Rekeying
import Testing

/// A tunnel in virtual time: packets, kernel events and looks once a second.
struct RekeyedTunnel {
    var watch = SuccessionWatch()
    var tracker = RekeyTracker()
    var probes = ProbeLog(capacity: 1000)
    private var look = 0.0

    init(isKernelReadable: Bool) { tracker.isKernelReadable = isKernelReadable }

    mutating func install(_ number: UInt32, lane: UInt64 = 1, at time: Double) {
        advance(to: time)
        watch.install(spi(number), at: instant(time))
        tracker.install(spi(number), lane: lane, at: instant(time))
    }

    mutating func remove(_ number: UInt32, at time: Double) {
        advance(to: time)
        watch.remove(spi(number), at: instant(time))
        tracker.remove(spi(number), at: instant(time))
    }

    mutating func receive(_ arrivals: [Arrival]) {
        for arrival in arrivals.sorted(by: { $0.at < $1.at }) {
            advance(to: arrival.at)
            watch.receive(spi(arrival.spi), at: instant(arrival.at))
        }
    }

    mutating func advance(to time: Double) {
        while look <= time {
            watch.advance(to: instant(look))
            tracker.take(watch.reports(at: instant(look)), deletions: watch.deletions)
            tracker.advance(to: instant(look), probes: probes)
            look += 1
        }
    }
}

@Suite struct RekeyTrackerTests {
    @Test func `a rekey that the kernel tells of is timed from the installation`() throws {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.receive(packets(on: 1, from: 0, to: 10, every: 0.1))
        for step in 0..<40 {
            tunnel.probes.note(sentAt: instant(5 + Double(step) * 0.5), isLost: step == 11)
        }
        tunnel.install(2, at: 10)
        tunnel.receive(
            packets(on: 1, from: 10, to: 11.55, every: 0.1)
                + packets(on: 2, from: 10.25, to: 12, every: 0.1))
        tunnel.remove(1, at: 12)
        tunnel.receive([Arrival(1, 12.52)] + packets(on: 2, from: 12, to: 60, every: 0.1))
        tunnel.advance(to: 61)
        #expect(tunnel.tracker.open.isEmpty)
        let record = try #require(tunnel.tracker.ended.first)
        #expect(tunnel.tracker.ended.count == 1)
        #expect(record.formerSPI == spi(1))
        #expect(record.spi == spi(2))
        #expect(record.origin == .kernel)
        #expect(record.ending == .finished)
        #expect(record.firstPacket == .seconds(0.25))
        let convergence = try #require(record.convergence)
        // One straggler among five is more than 1 %: it moves the point to the packet after it.
        #expect(convergence > .seconds(2.5) && convergence < .seconds(2.61))
        #expect(record.tail == instant(12.52) - instant(10.25))
        #expect(record.arrivals?.tailPackets == 14)
        #expect(record.formerRemovedAt == instant(12))
        #expect(record.packetsForDeletedSPI == 1)
        // Sent at 10, 10.5 … 12.5, of which that at 10.5 was lost.
        #expect(record.probes == .init(sent: 6, lost: 1))
        #expect(tunnel.tracker.histogram.count == 1)
        #expect(tunnel.tracker.histogram.sum == convergence)
        #expect(tunnel.tracker.wireCount == 0)
    }

    @Test func `an observer's rekeys are counted once the former SPI is silent`() throws {
        var tunnel = RekeyedTunnel(isKernelReadable: false)
        tunnel.receive(
            packets(on: 1, from: 0, to: 12, every: 0.1)
                + packets(on: 2, from: 10.05, to: 30, every: 0.1))
        #expect(tunnel.tracker.open.map(\.spi) == [spi(2)])
        #expect(tunnel.tracker.wireCount == 0)
        tunnel.receive(packets(on: 2, from: 30, to: 60, every: 0.1))
        let record = try #require(tunnel.tracker.ended.first)
        #expect(record.origin == .wire)
        #expect(record.formerSPI == spi(1))
        #expect(record.installedAt == instant(10.05))
        #expect(record.packetsForDeletedSPI == nil)
        #expect(tunnel.tracker.wireCount == 1)
        #expect(tunnel.tracker.histogram.count == 1)
    }

    @Test func `made-up SPIs and SAs beside others are no rekeys`() {
        var tunnel = RekeyedTunnel(isKernelReadable: false)
        tunnel.receive(
            packets(on: 1, from: 0, to: 500, every: 0.1)
                + packets(on: 2, from: 10, to: 500, every: 0.1)
                + (0..<50).map { Arrival(100 + UInt32($0), 20 + Double($0)) })
        #expect(tunnel.tracker.records.isEmpty)
        #expect(tunnel.tracker.wireCount == 0)
        #expect(tunnel.tracker.histogram.count == 0)
    }

    @Test func `an SA that is deleted before its first packet says so`() {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.receive(packets(on: 1, from: 0, to: 10, every: 0.1))
        tunnel.install(2, at: 10)
        tunnel.remove(2, at: 10.2)
        tunnel.receive(packets(on: 1, from: 10, to: 20, every: 0.1))
        #expect(
            tunnel.tracker.ended.map(\.ending) == [
                .unfinished("the new SA was deleted before a packet came on it")
            ])
        #expect(tunnel.tracker.histogram.count == 0)
    }

    @Test func `an SA that another overtakes before its first packet says so`() throws {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.receive(packets(on: 1, from: 0, to: 10, every: 0.1))
        tunnel.install(2, at: 10)
        tunnel.receive(packets(on: 1, from: 10, to: 11, every: 0.1))
        tunnel.install(3, at: 11)
        tunnel.receive(
            packets(on: 1, from: 11, to: 12, every: 0.1)
                + packets(on: 3, from: 11.05, to: 60, every: 0.1))
        let records = tunnel.tracker.ended.sorted { $0.installedAt < $1.installedAt }
        #expect(
            records.map(\.ending) == [
                .unfinished("another rekey came before a packet on this SPI"), .finished,
            ])
        // Its own former SA never carried: what came on the one before counts.
        #expect(records.last?.formerSPI == spi(2))
        #expect(records.last?.arrivals?.tailPackets == 9)
    }

    @Test func `a rekey while nothing flows is given up`() {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.install(2, at: 10)
        tunnel.advance(to: 309)
        #expect(tunnel.tracker.open.count == 1)
        tunnel.advance(to: 312)
        #expect(
            tunnel.tracker.ended.map(\.ending) == [
                .unfinished("no packet came on the new SPI in 300 s")
            ])
    }

    @Test func `an old SPI that carries on is no end`() {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.receive(packets(on: 1, from: 0, to: 10, every: 0.1))
        tunnel.install(2, at: 10)
        tunnel.receive(
            packets(on: 1, from: 10, to: 400, every: 0.1)
                + packets(on: 2, from: 10.05, to: 400, every: 0.1))
        #expect(
            tunnel.tracker.ended.map(\.ending) == [
                .unfinished("the old SPI still carried after 300 s")
            ])
        #expect(tunnel.tracker.histogram.count == 0)
    }

    @Test func `IKE that begins anew is timed from the removed SA`() {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, at: 0)
        tunnel.receive(packets(on: 1, from: 0, to: 10, every: 0.1))
        tunnel.remove(1, at: 10)
        tunnel.receive(packets(on: 1, from: 10.05, to: 12, every: 0.1))
        tunnel.install(2, at: 15)
        tunnel.receive(packets(on: 2, from: 16, to: 60, every: 0.1))
        let record = tunnel.tracker.ended.first
        #expect(record?.formerSPI == spi(1))
        #expect(record?.formerRemovedAt == instant(10))
        #expect(record?.firstPacket == .seconds(1))
        #expect(record?.convergence == .seconds(1))
        #expect(record?.packetsForDeletedSPI == 20)
        #expect(record?.ending == .finished)
    }

    @Test func `another lane's SA is replaced by nobody`() {
        var tunnel = RekeyedTunnel(isKernelReadable: true)
        tunnel.install(1, lane: 1, at: 0)
        tunnel.install(2, lane: 2, at: 0)
        tunnel.receive(
            packets(on: 1, from: 0, to: 10, every: 0.1)
                + packets(on: 2, from: 0.05, to: 10, every: 0.1))
        #expect(tunnel.tracker.records.isEmpty)
        tunnel.install(3, lane: 2, at: 10)
        tunnel.receive(
            packets(on: 1, from: 10, to: 100, every: 0.1)
                + packets(on: 2, from: 10.05, to: 10.9, every: 0.1)
                + packets(on: 3, from: 10.02, to: 100, every: 0.1))
        let record = tunnel.tracker.ended.first
        #expect(tunnel.tracker.ended.count == 1)
        #expect(record?.formerSPI == spi(2))
        #expect(record?.arrivals?.tailPackets == 9)
        #expect(record?.ending == .finished)
    }

    /// Every rekey of a simulated tunnel, told by the kernel or not, against the arrivals themselves.
    @Test(arguments: [(50, 1.2, 0.8), (6, 40, 5), (20, 2, 3)], [true, false])
    func `simulated rekeys are timed as they are`(
        _ run: (count: Int, interval: Double, propagation: Double), isKernelReadable: Bool
    ) throws {
        let simulation = ESPStreamSimulation(senders: 20, packetsPerSecond: 400, seed: 7)
        var rekeyed = RekeyedESPRun(
            simulation, count: run.count, interval: run.interval, propagation: run.propagation)
        var arrivals: [(generation: Int, spi: SPI, at: MonotonicInstant)] = []
        while let arrival = rekeyed.next() {
            arrivals.append(
                (
                    arrival.generation, arrival.spi,
                    MonotonicInstant(nanoseconds: arrival.packet.arrival)
                ))
        }
        // The last SA carries on for long enough to be sure of.
        let tail = try #require(arrivals.last?.at)
        for step in 1...400 {
            arrivals.append(
                (
                    run.count - 1, RekeyedESPRun.spi(generation: run.count - 1),
                    tail + .milliseconds(100 * step)
                ))
        }
        var tunnel = RekeyedTunnel(isKernelReadable: isKernelReadable)
        var all: [SPI: RekeyRecord] = [:]
        var installed = 0
        for arrival in arrivals {
            let seconds = arrival.at.nanoseconds
            while isKernelReadable, installed < run.count,
                Double(seconds) / 1e9 >= Double(installed) * run.interval
            {
                tunnel.install(
                    RekeyedESPRun.spi(generation: installed).rawValue,
                    at: Double(installed) * run.interval)
                installed += 1
            }
            tunnel.advance(to: Double(seconds) / 1e9)
            tunnel.watch.receive(arrival.spi, at: arrival.at)
            for record in tunnel.tracker.ended { all[record.spi] = record }
        }
        tunnel.advance(to: tail.nanoseconds.seconds + 45)
        for record in tunnel.tracker.ended { all[record.spi] = record }
        #expect(all.count == run.count - 1)
        #expect(tunnel.tracker.histogram.count == UInt64(run.count - 1))
        for generation in 1..<run.count {
            let spi = RekeyedESPRun.spi(generation: generation)
            let record = try #require(all[spi])
            let first = try #require(arrivals.first { $0.generation == generation }?.at)
            let before = arrivals.last { $0.at <= first && $0.generation < generation }
            let seen = arrivals.filter { $0.at >= first }
                .map { (isNew: $0.generation >= generation, at: $0.at) }
            #expect(record.ending == .finished)
            #expect(record.arrivals?.firstPacketAt == first)
            #expect(before != nil)
            #expect(record.arrivals?.tailPackets == UInt64(seen.count { !$0.isNew }))
            #expect(record.arrivals?.lastTailAt == seen.last { !$0.isNew }?.at)
            #expect(record.arrivals?.halfAt == pointByDefinition(seen, percent: 50))
            #expect(record.arrivals?.convergedAt == pointByDefinition(seen, percent: 99))
            #expect(record.formerSPI.map { $0 != spi } == true)
        }
    }
}

extension Int64 {
    fileprivate var seconds: Double { Double(self) / 1e9 }
}
