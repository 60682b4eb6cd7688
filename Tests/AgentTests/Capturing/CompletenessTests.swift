@testable import Agent
import Diagnosis
import ESPAnalysis
import KernelState
import NetworkPrimitives
import PacketFormats
import Testing

/// Captured packets against the kernel's counters (algorithms §1).
@Suite struct CompletenessTests {
    private static func stream(_ spi: UInt32) -> StreamID {
        StreamID(destination: ip("203.0.113.10"), spi: SPI(rawValue: spi), encapsulation: .esp)
    }

    private static func sample(
        _ seconds: Double, kernel: [UInt32: UInt64], captured: [UInt32: UInt64],
        drops: UInt64 = 0, opening: Int = 1
    ) -> CompletenessCheck.Sample {
        CompletenessCheck.Sample(
            kernel: Dictionary(uniqueKeysWithValues: kernel.map { (stream($0), $1) }),
            captured: Dictionary(uniqueKeysWithValues: captured.map { (stream($0), $1) }),
            drops: drops, opening: opening, at: at(seconds))
    }

    private static func judged(
        _ samples: [CompletenessCheck.Sample]
    ) -> CompletenessCheck.Verdict {
        var check = CompletenessCheck()
        for sample in samples { check.note(sample) }
        return check.verdict
    }

    private static func isComplete(kernel: UInt64, captured: UInt64) -> Bool? {
        switch judged([
            sample(0, kernel: [1: 7_000], captured: [1: 100]),
            sample(10, kernel: [1: 7_000 + kernel], captured: [1: 100 + captured]),
        ]) {
        case .unknown: nil
        case .complete: true
        case .incomplete: false
        }
    }

    @Test func `two percent of what was captured is the limit, either way`() {
        #expect(Self.isComplete(kernel: 10_000, captured: 10_000) == true)
        #expect(Self.isComplete(kernel: 10_200, captured: 10_000) == true)
        #expect(Self.isComplete(kernel: 10_201, captured: 10_000) == false)
        #expect(Self.isComplete(kernel: 9800, captured: 10_000) == true)
        #expect(Self.isComplete(kernel: 9799, captured: 10_000) == false)
    }

    @Test func `few packets are collected until they say something`() {
        #expect(Self.isComplete(kernel: 40, captured: 39) == nil)
        let samples = (0...4).map {
            Self.sample(
                Double($0) * 10, kernel: [1: UInt64($0) * 20], captured: [1: UInt64($0) * 20])
        }
        guard case .complete(let interval) = Self.judged(samples) else {
            Issue.record("not judged")
            return
        }
        #expect(interval.kernel == 60)
        #expect(interval.length == .seconds(30))
    }

    @Test func `a kernel that counts what the capture does not see is a blind spot at once`() {
        #expect(Self.isComplete(kernel: 9, captured: 0) == nil)
        #expect(Self.isComplete(kernel: 10, captured: 0) == false)
    }

    @Test func `a rekey in between changes nothing`() {
        let verdict = Self.judged([
            Self.sample(0, kernel: [1: 5000], captured: [1: 5000]),
            // The old SA is gone, and with it what it counted since.
            Self.sample(10, kernel: [2: 600], captured: [1: 5400, 2: 600]),
        ])
        #expect(verdict.interval?.kernel == 600)
        #expect(verdict.interval?.captured == 600)
        guard case .complete = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    @Test func `two openings of a device are not compared, nor what cannot be`() {
        let reopened = Self.judged([
            Self.sample(0, kernel: [1: 0], captured: [1: 0]),
            Self.sample(10, kernel: [1: 1000], captured: [1: 10], opening: 2),
        ])
        #expect(reopened.interval == nil)
        var check = CompletenessCheck()
        check.note(Self.sample(0, kernel: [1: 0], captured: [:]))
        check.note(incomparableBecause: "no counters")
        #expect(check.verdict == .unknown("no counters"))
        check.note(Self.sample(20, kernel: [1: 1000], captured: [:]))
        #expect(check.verdict == .unknown("no counters"), "a new beginning")
    }

    @Test func `an SA counts what it refused too, and is its stream`() {
        var association = SecurityAssociation(
            spi: SPI(rawValue: 9), source: ip("198.51.100.1"), destination: ip("203.0.113.10"))
        association.packets = 100
        association.statistics = .init(replayWindow: 20, replay: 3, integrityFailed: 1)
        #expect(association.arrivedPackets == 124)
        #expect(association.stream == Self.stream(9))
        association.encapsulation = .udp(sourcePort: 4500, destinationPort: 4500)
        #expect(association.stream?.encapsulation == .udp)
        association.protocol = .ah
        #expect(association.stream == nil)
    }

    // MARK: - Findings

    private static func finding(
        kernel: UInt64, captured: UInt64, drops: UInt64 = 0, offload: Bool = false
    ) -> CaptureGap? {
        var capture = TunnelCapture()
        capture.reason = nil
        capture.completeness = judged([
            sample(0, kernel: [1: 0], captured: [1: 0]),
            sample(10, kernel: [1: kernel], captured: [1: captured], drops: drops),
        ])
        return CaptureGap(
            of: capture, on: "wan0", remote: ip("198.51.100.1"),
            offload: .init(module: "esp4_offload", isLoaded: offload))
    }

    @Test func `an incomplete capture says the numbers and what to do`() throws {
        #expect(Self.finding(kernel: 1000, captured: 1000) == nil)
        let dropped = try #require(Self.finding(kernel: 1000, captured: 900, drops: 100))
        #expect(dropped.evidence[0].contains("the capture saw 900 packets"))
        #expect(dropped.evidence[0].contains("counted 1000"))
        #expect(dropped.evidence[1].contains("lost 100"))
        #expect(dropped.remedy.contains { $0.contains("capture_buffer") })
        let more = try #require(Self.finding(kernel: 900, captured: 1000))
        #expect(more.remedy.contains { $0.contains("xfrm_stat") })
    }

    @Test func `the blind spot of offloaded ESP is told by the module`() throws {
        let blind = try #require(Self.finding(kernel: 1000, captured: 0, offload: true))
        #expect(blind.evidence.contains { $0.contains("module esp4_offload is loaded") })
        #expect(blind.remedy.first?.hasPrefix("rmmod esp4_offload") == true)
        #expect(blind.remedy.contains { $0.contains("ethtool -K wan0 gro off") })
        let elsewhere = try #require(Self.finding(kernel: 1000, captured: 0))
        #expect(elsewhere.evidence.contains { $0.contains("is not loaded") })
        #expect(elsewhere.remedy.first?.contains("tcpdump -ni any 'host 198.51.100.1") == true)
        #expect(!elsewhere.remedy.contains { $0.contains("rmmod") })
    }

    @Test func `drops make a capture incomplete without counters to compare with`() throws {
        var capture = TunnelCapture()
        capture.completeness = .unknown("an appliance ends this tunnel")
        capture.recentDrops = 5
        let finding = try #require(
            CaptureGap(
                of: capture, on: "wan0", remote: ip("198.51.100.1"),
                offload: .init(module: "esp4_offload", isLoaded: false)))
        #expect(finding.evidence.first?.contains("lost 5 packets") == true)
    }

    @Test func `findings about streams are of those that arrive`() {
        func found(_ streams: [CapturedStream]) -> [FindingID] {
            var report = StatusReport.fresh.tunnels[0]
            report.capture.reason = nil
            report.capture.streams = streams
            let source = FactSource(
                report: report, growth: CounterGrowth(), now: .zero + .seconds(100),
                wall: WallTime(nanoseconds: 0))
            let facts = source.facts
            return [PathReordering.judge(facts), ReplaySuspected.judge(facts)]
                .compactMap(\.finding).map(\.id)
        }
        var reordered = CapturedStream.reordered
        reordered.direction = .outbound
        #expect(found([reordered]).isEmpty)
        reordered.direction = .inbound
        var replayed = CapturedStream.replayed
        replayed.direction = .inbound
        #expect(found([replayed, reordered]) == [.pathReordering, .replaySuspected])
    }
}
