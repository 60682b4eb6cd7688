@testable import Agent
import Configuration
import ESPAnalysis
import ESPSimulation
import NetworkPrimitives
import PacketFormats
import Testing

extension TunnelPlan {
    /// A tunnel whose ESP is seen on `wan`.
    static func captured(
        _ name: String, local: String? = "203.0.113.10", remote: String = "198.51.100.1",
        on device: String? = "wan0", role: TunnelRole = .endpoint, windows: [Int] = [32, 64]
    ) -> TunnelPlan {
        var probing = ProbingSettings()
        probing.replayWindows = windows
        var plan = made(name, outside: ip(remote), probing: probing)
        plan.local = local.map(ip)
        plan.wanInterface = device
        plan.configuration.role = role
        if role == .observer { plan.configuration.local = plan.local }
        return plan
    }
}

/// Frames in, streams and totals of tunnels out.
@Suite struct TrafficRecorderTests {
    private static func plan(_ tunnels: [TunnelPlan]) throws -> CapturePlan {
        let plans = CapturePlan.plans(for: tunnels)
        try #require(plans.count == 1)
        return plans[0]
    }

    /// The frame of a sender's packet; inbound unless told otherwise.
    private static func frame(
        _ sequence: UInt32, spi: UInt32 = 0xc0de_0001, from source: String = "198.51.100.1",
        to destination: String = "203.0.113.10"
    ) -> [UInt8] {
        let packet = SimulatedESPPacket(
            arrival: 0, sequence: sequence, hopLimit: 60, identification: 0,
            initializationVector: UInt64(sequence) ^ 0x1122_3344_5566_7788,
            identity: UInt64(spi) << 32 | UInt64(sequence), sender: 0, index: Int32(sequence))
        return ESPFrame {
            $0.source = ip(source)
            $0.destination = ip(destination)
            $0.spi = SPI(rawValue: spi)
        }.octets(of: packet)
    }

    private static func record(
        _ frames: [[UInt8]], in recorder: inout TrafficRecorder, at start: Double = 0,
        isForeignPossible: Bool = false
    ) {
        for (index, frame) in frames.enumerated() {
            frame.withRawSpan { octets in
                recorder.receive(
                    octets, linkType: .ethernet, wireLength: frame.count,
                    arrival: at(start + Double(index) * 1e-3),
                    isForeignPossible: isForeignPossible)
            }
        }
        recorder.flush()
    }

    private static func traffic(
        _ recorder: inout TrafficRecorder, _ tunnel: String = "cf-1", at seconds: Double
    ) -> TunnelTraffic {
        recorder.snapshot(at: at(seconds), wall: StatusReport.moment, senders: 0)
            .traffic(of: tunnel)
    }

    @Test func `counts packets of each direction by the outer addresses`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        let inbound = (1...20).map { Self.frame($0) }
        let outbound = (1...10).map {
            Self.frame($0, spi: 2, from: "203.0.113.10", to: "198.51.100.1")
        }
        Self.record(inbound + outbound, in: &recorder)
        let traffic = Self.traffic(&recorder, at: 1)
        #expect(traffic.inbound.packets == 20)
        #expect(traffic.inbound.bytes == 20 * 140)
        #expect(traffic.outbound.packets == 10)
        #expect(Set(traffic.wouldDrop.keys).isSuperset(of: [32, 64]))
        #expect(traffic.wouldDrop[32] == 0)
        let streams = recorder.snapshot(at: at(1), wall: StatusReport.moment, senders: 0).streams
        #expect(Set(streams.map(\.direction)) == [.inbound, .outbound])
        // The latest packet of all came 971 ms before the snapshot.
        let last = try #require(streams.map(\.lastSeen).max())
        #expect(last == StatusReport.moment + .milliseconds(-971))
    }

    @Test func `totals survive rekeys, idle streams and other windows`() throws {
        var plan = try Self.plan([.captured("cf-1")])
        var recorder = TrafficRecorder(plan, seed: 1)
        var expected: UInt64 = 0
        for generation in 0..<5 {
            // 200 s apart: every SA but the last is idle for longer than 120 s.
            let start = Double(generation) * 200
            Self.record(
                (1...50).map { Self.frame($0, spi: 100 + UInt32(generation)) }, in: &recorder,
                at: start)
            expected += 50
            recorder.settle(at(start + 1), StatusReport.moment)
            #expect(Self.traffic(&recorder, at: start + 1).inbound.packets == expected)
        }
        let before = Self.traffic(&recorder, at: 801)
        #expect(before.inbound.packets == 250)
        #expect(recorder.closed["cf-1"]?.inbound.packets == 200)
        plan = try Self.plan([.captured("cf-1", windows: [512])])
        recorder.adopt(plan, at: at(801))
        let after = Self.traffic(&recorder, at: 802)
        #expect(after.inbound == before.inbound)
        #expect(after.wouldDrop[32] == before.wouldDrop[32])
        Self.record((1...50).map { Self.frame($0, spi: 999) }, in: &recorder, at: 803)
        let last = Self.traffic(&recorder, at: 804)
        #expect(last.inbound.packets == before.inbound.packets + 50)
        #expect(last.wouldDrop[512] == 0)
    }

    @Test func `what a window would drop is counted for inbound packets alone`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        let late = (1001...1100).map { Self.frame($0) } + (1...40).map { Self.frame($0) }
        let outbound =
            (1001...1100).map {
                Self.frame($0, spi: 2, from: "203.0.113.10", to: "198.51.100.1")
            } + (1...40).map { Self.frame($0, spi: 2, from: "203.0.113.10", to: "198.51.100.1") }
        Self.record(late + outbound, in: &recorder)
        let traffic = Self.traffic(&recorder, at: 1)
        #expect(traffic.wouldDrop[32] == 40)
        #expect(traffic.inbound.outOfOrder == 40)
        #expect(traffic.outbound.outOfOrder == 40)
    }

    @Test func `later fragments are counted, in the direction of their addresses`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        func fragment(_ octets: [UInt8], _ field: UInt16) -> [UInt8] {
            var octets = octets
            octets[20] = UInt8(field >> 8)
            octets[21] = UInt8(truncatingIfNeeded: field)
            return octets
        }
        let whole = (1...10).map { Self.frame($0) }
        let pieces = (11...15).flatMap {
            [fragment(Self.frame($0), 0x2000), fragment(Self.frame($0), 0x0010)]
        }
        Self.record(whole + pieces, in: &recorder)
        let traffic = Self.traffic(&recorder, at: 1)
        #expect(traffic.inbound.packets == 15)
        #expect(traffic.inbound.fragments == 10)
        #expect(traffic.outbound.fragments == 0)
        recorder.closeAll(at: at(2))
        #expect(recorder.closed["cf-1"]?.inbound.fragments == 10)
        #expect(Self.traffic(&recorder, at: 3).inbound.fragments == 10)
    }

    @Test func `packets of strangers are left out where the filter lets them through`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        let strangers = (1...30).map { Self.frame($0, from: "192.0.2.1", to: "192.0.2.2") }
        Self.record(
            strangers + (1...10).map { Self.frame($0) }, in: &recorder, isForeignPossible: true)
        #expect(recorder.foreignPackets == 30)
        #expect(Self.traffic(&recorder, at: 1).inbound.packets == 10)
    }

    @Test func `streams of the same endpoint that are no tunnel's are in no report`() throws {
        var recorder = TrafficRecorder(
            try Self.plan([
                .captured("cf-1"), .captured("cf-2", remote: "198.51.100.2"),
            ]), seed: 1)
        Self.record(
            (1...10).map { Self.frame($0) }
                + (1...12).map { Self.frame($0, spi: 2, from: "198.51.100.2") }
                + (1...14).map { Self.frame($0, spi: 3, from: "198.51.100.2", to: "192.0.2.9") },
            in: &recorder)
        let snapshot = recorder.snapshot(at: at(1), wall: StatusReport.moment, senders: 0)
        #expect(snapshot.streams.count == 2)
        #expect(snapshot.traffic(of: "cf-1").inbound.packets == 10)
        #expect(snapshot.traffic(of: "cf-2").inbound.packets == 12)
    }

    @Test func `an observer's tunnel has the appliance's addresses, or any`() throws {
        let known = try Self.plan([.captured("cf-1", role: .observer)])
        #expect(known.settings.isPromiscuous)
        #expect(known.filter.looksBehindTags)
        var recorder = TrafficRecorder(known, seed: 1)
        Self.record((1...10).map { Self.frame($0, to: "192.0.2.9") }, in: &recorder)
        #expect(Self.traffic(&recorder, at: 1).inbound.packets == 0)
        // The address this host itself would send from says nothing about the appliance.
        var plan = TunnelPlan.captured("cf-1", role: .observer)
        plan.configuration.local = nil
        recorder.adopt(try Self.plan([plan]), at: at(1))
        #expect(Self.traffic(&recorder, at: 2).inbound.packets == 10)
    }

    @Test func `a stamp before that of an earlier packet is taken as no earlier`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        Self.record((1...10).map { Self.frame($0) }, in: &recorder, at: 5)
        Self.record((11...20).map { Self.frame($0) }, in: &recorder, at: 1)
        #expect(recorder.backwardStamps == 10)
        let stream = try #require(
            recorder.snapshot(at: at(6), wall: StatusReport.moment, senders: 0).streams.first)
        #expect(stream.report.packets == 20)
        #expect(stream.report.lastArrival == at(5.009))
    }

    @Test func `counts up to an instant leave out what came later`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        let id = StreamID(
            destination: ip("203.0.113.10"), spi: SPI(rawValue: 0xc0de_0001), encapsulation: .esp)
        recorder.setMark(at(1.0195))
        Self.record((1...50).map { Self.frame($0) }, in: &recorder, at: 1)
        let counts = recorder.takeMarkedCounts(at: at(1.05), delay: .milliseconds(150))
        #expect(counts?[id] == 20)
        #expect(recorder.takeMarkedCounts(at: at(9), delay: .zero) == nil, "told once")
        // On a quiet link, once nothing older can be on its way any more.
        recorder.setMark(at(2))
        #expect(recorder.takeMarkedCounts(at: at(2.1), delay: .milliseconds(150)) == nil)
        #expect(recorder.takeMarkedCounts(at: at(2.2), delay: .milliseconds(150))?[id] == 50)
    }

    @Test func `unreadable frames are counted, and nothing else happens`() throws {
        var recorder = TrafficRecorder(try Self.plan([.captured("cf-1")]), seed: 1)
        Self.record([[], [1, 2, 3], Array(Self.frame(1).prefix(30))], in: &recorder)
        #expect(recorder.frames.unreadable == 3)
        #expect(Self.traffic(&recorder, at: 1) == TunnelTraffic())
    }
}
