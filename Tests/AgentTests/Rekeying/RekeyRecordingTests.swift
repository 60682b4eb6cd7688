import ESPAnalysis
import ESPSimulation
import KernelState
import NetworkPrimitives
import PacketFormats
import Rekeying
import Testing

@testable import Agent

/// Frames and kernel events in, timed rekeys out.
@Suite struct RekeyRecordingTests {
    private static let old = SPI(rawValue: 0xc0de_0001)
    private static let new = SPI(rawValue: 0xc0de_0002)

    private static func recorder() throws -> TrafficRecorder {
        let plans = CapturePlan.plans(for: [.captured("cf-1")])
        return TrafficRecorder(try #require(plans.first), seed: 1)
    }

    private static func receive(
        _ spi: SPI, _ sequence: UInt32, at seconds: Double, from source: String = "198.51.100.1",
        in recorder: inout TrafficRecorder
    ) {
        let packet = SimulatedESPPacket(
            arrival: 0, sequence: sequence, hopLimit: 60, identification: 0,
            initializationVector: UInt64(sequence) ^ 0x1122_3344_5566_7788,
            identity: UInt64(spi.rawValue) << 32 | UInt64(sequence), sender: 0,
            index: Int32(sequence))
        let octets = ESPFrame {
            $0.source = ip(source)
            $0.destination = ip("203.0.113.10")
            $0.spi = spi
        }.octets(of: packet)
        octets.withRawSpan { frame in
            recorder.receive(
                frame, linkType: .ethernet, wireLength: octets.count, arrival: at(seconds),
                isForeignPossible: false)
        }
    }

    private static func settle(
        _ recorder: inout TrafficRecorder, at seconds: Double
    ) -> RekeyArrivals? {
        recorder.flush()
        recorder.settle(at(seconds), StatusReport.moment)
        return recorder.takeRekeyNews(at: at(seconds))["cf-1"]
    }

    @Test func `outside rekeys no packet is looked at twice`() throws {
        var recorder = try Self.recorder()
        for step in 0..<2000 {
            Self.receive(Self.old, UInt32(step + 1), at: Double(step) * 0.01, in: &recorder)
        }
        _ = Self.settle(&recorder, at: 21)
        #expect(!recorder.rekeys.isObserving)
        #expect(Self.settle(&recorder, at: 22)?.successions == nil)
    }

    @Test func `a rekey is timed from its very first packet`() throws {
        var recorder = try Self.recorder()
        var late: UInt64 = 0
        for step in 0..<6000 {
            let time = Double(step) * 0.01
            // In the midst of a batch; then every third packet on the old SPI for two seconds.
            let isLate = time >= 20.05 && time < 22 && step % 3 == 0
            if isLate { late += 1 }
            let spi = time < 20.05 || isLate ? Self.old : Self.new
            Self.receive(spi, UInt32(step + 1), at: time, in: &recorder)
            if step % 100 == 99 { _ = Self.settle(&recorder, at: time + 0.005) }
        }
        #expect(recorder.rekeys.isObserving == false)
        let arrivals = try #require(recorder.rekeys.arrivals(at: at(60))["cf-1"])
        let succession = try #require(arrivals.successions.first)
        #expect(arrivals.successions.count == 1)
        #expect(succession.spi == Self.new)
        #expect(succession.replaced?.spi == Self.old)
        // 20.05 s itself is the first of the late ones or of the new ones.
        #expect(succession.firstPacketAt == at(20.05) || succession.firstPacketAt == at(20.06))
        #expect(succession.joint.tailPackets >= late - 1 && succession.joint.tailPackets <= late)
        let converged = try #require(succession.joint.convergedAt)
        #expect(converged > at(21.9) && converged < at(22.05))
        #expect(succession.isClosed)
    }

    @Test func `another tunnel's packets and strangers' begin no rekey`() throws {
        var recorder = try Self.recorder()
        for step in 0..<500 {
            Self.receive(Self.old, UInt32(step + 1), at: Double(step) * 0.01, in: &recorder)
            Self.receive(
                Self.new, UInt32(step + 1), at: Double(step) * 0.01, from: "192.0.2.77",
                in: &recorder)
        }
        #expect(Self.settle(&recorder, at: 6)?.successions == nil)
        #expect(!recorder.rekeys.isObserving)
    }

    @Test func `streams that begin again in a new table are no rekeys`() throws {
        var recorder = try Self.recorder()
        for step in 0..<200 {
            Self.receive(Self.old, UInt32(step + 1), at: Double(step) * 0.01, in: &recorder)
        }
        let plans = CapturePlan.plans(for: [.captured("cf-1", windows: [64])])
        recorder.adopt(try #require(plans.first), at: at(2))
        for step in 200..<400 {
            Self.receive(Self.old, UInt32(step + 1), at: Double(step) * 0.01, in: &recorder)
        }
        #expect(Self.settle(&recorder, at: 5)?.successions == nil)
    }

    private static func association(_ spi: SPI, requestID: UInt32 = 1) -> SecurityAssociation {
        var association = SecurityAssociation(
            spi: spi, source: ip("198.51.100.1"), destination: ip("203.0.113.10"))
        association.requestID = requestID
        return association
    }

    @Test func `kernel, packets and probes come together`() throws {
        let service = RekeyService()
        service.watch([.captured("cf-1")])
        service.take([Self.association(Self.old)], namespace: nil)
        var recorder = try Self.recorder()
        var changes: [RekeyService.Change] = []
        var probes = ProbeLog(capacity: 100)
        for step in 0..<5000 {
            let time = Double(step) * 0.01
            if step == 1000 {
                changes += service.take(
                    TimedKernelEvent(.associationAdded(Self.association(Self.new)), at: at(time)),
                    namespace: nil)
                recorder.install(Self.new, of: "cf-1", at: at(time))
            }
            if step == 1150 {
                let key = Self.association(Self.old).key
                changes += service.take(
                    TimedKernelEvent(.associationDeleted(key, last: nil), at: at(time)),
                    namespace: nil)
                recorder.remove(Self.old, of: "cf-1", at: at(time))
            }
            Self.receive(
                time < 10.5 || (step % 5 == 0 && time < 12) ? Self.old : Self.new,
                UInt32(step + 1), at: time, in: &recorder)
            if step % 100 == 99 {
                probes.note(sentAt: at(time - 0.5), isLost: step == 1199)
                if let news = Self.settle(&recorder, at: time + 0.005) {
                    service.take(["cf-1": news], at: at(time + 0.005))
                }
            }
        }
        #expect(
            changes == [
                .init(tunnel: "cf-1", spi: Self.new, isInstalled: true),
                .init(tunnel: "cf-1", spi: Self.old, isInstalled: false),
            ])
        let report = service.report(
            probes: ["cf-1": probes], at: at(50), wall: StatusReport.moment)
        let rekeys = try #require(report["cf-1"])
        let record = try #require(rekeys.latest)
        #expect(rekeys.records.count == 1)
        #expect(record.ending == .finished)
        #expect(record.formerSPI == Self.old)
        #expect(record.firstPacket == at(10.51) - at(10))
        #expect(record.convergence == at(11.96) - at(10))
        #expect(record.arrivals?.tailPackets == 29)
        // At 11.55 s and every 50 ms from there to 11.95 s.
        #expect(record.packetsForDeletedSPI == 9)
        #expect(record.probes == .init(sent: 2, lost: 1))
        #expect(rekeys.histogram.count == 1)
        #expect(rekeys.wireCount == nil)
    }

    @Test func `a flush is the end of every SA, and another reqid is another lane`() {
        let service = RekeyService()
        service.watch([.captured("cf-1")])
        func take(_ event: KernelEvent, at seconds: Double) -> [RekeyService.Change] {
            service.take(TimedKernelEvent(event, at: at(seconds)), namespace: nil)
        }
        #expect(take(.associationAdded(Self.association(Self.old)), at: 1).count == 1)
        #expect(
            take(.associationAdded(Self.association(Self.new, requestID: 2)), at: 2).count == 1)
        #expect(take(.associationsFlushed(nil), at: 3).count == 2)
        let report = service.report(probes: [:], at: at(4), wall: StatusReport.moment)
        #expect(report["cf-1"]?.records.isEmpty == true)
    }
}
