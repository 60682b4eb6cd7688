import NetworkPrimitives
import Rekeying
import Testing

@testable import Agent

@Suite struct RekeyReportingTests {
    private static func rekeys(_ change: (inout RekeyRecord) -> Void = { _ in }) -> TunnelRekeys {
        var record = RekeyRecord(
            formerSPI: SPI(rawValue: 1), spi: SPI(rawValue: 2), installedAt: at(100))
        record.arrivals = Succession.Arrivals(
            firstPacketAt: at(100.25), halfAt: at(101), convergedAt: at(102.5), tailPackets: 34,
            lastTailAt: at(102.25), packets: 900)
        record.formerRemovedAt = at(102)
        record.packetsForDeletedSPI = 3
        record.probes = .init(sent: 3, lost: 1)
        record.ending = .finished
        change(&record)
        return TunnelRekeys(records: [record], takenAt: at(200), wall: StatusReport.moment)
    }

    private static func text(_ rekeys: TunnelRekeys) -> String {
        String(decoding: rekeys.json.encoded(indented: false), as: UTF8.self)
    }

    @Test func `every figure of a rekey is in the document`() {
        #expect(
            Self.text(Self.rekeys()) == """
                [{"former_spi":"0x00000001","spi":"0x00000002","seen_by":"kernel",\
                "installed_at":"2026-11-22T11:58:20.123Z","first_packet_seconds":0.25,\
                "half_seconds":1.0,"convergence_seconds":2.5,"packets":900,"tail_packets":34,\
                "tail_seconds":2.0,"former_deleted_at":"2026-11-22T11:58:22.123Z",\
                "packets_for_deleted_spi":3,"probes_sent":3,"probes_lost":1,"overtaken_by":null,\
                "overtaken_by_reason":"no later SPI carried packets before this one had taken over",\
                "finished":true,"ending":"finished"}]
                """)
    }

    @Test func `what is not known is null with its reason`() {
        var rekeys = Self.rekeys {
            $0.arrivals = nil
            $0.formerRemovedAt = nil
            $0.packetsForDeletedSPI = nil
            $0.probes = nil
            $0.ending = .pending
        }
        rekeys.captureReason = "made up"
        let text = Self.text(rekeys)
        #expect(text.contains(#""convergence_seconds":null"#))
        #expect(text.contains(#""first_packet_seconds_reason":"ESP is not captured: made up""#))
        #expect(text.contains(#""packets_for_deleted_spi":null"#))
        #expect(text.contains(#""former_deleted_at_reason":"the kernel still has the former SA""#))
        #expect(text.contains(#""probes_lost":null"#))
        #expect(text.contains(#""finished":false"#))
    }

    @Test func `people get one line, and more with verbose`() {
        let rekeys = Self.rekeys()
        #expect(
            rekeys.lines(isVerbose: false).map(\.text) == [
                "2026-11-22T11:58:20Z 0x00000002: 99 % of the packets on it after 2.5 s, "
                    + "34 packets still on the old one, 3 after it was deleted, "
                    + "1 of 3 probes lost"
            ])
        #expect(
            rekeys.lines(isVerbose: true).map(\.text) == [
                "2026-11-22T11:58:20Z 0x00000001 -> 0x00000002, first packet after 250 ms, "
                    + "50 % after 1.0 s, 99 % after 2.5 s, 34 late, the last after 2.0 s, "
                    + "3 for the deleted SA, 1 of 3 probes lost"
            ])
        #expect(TunnelRekeys().lines(isVerbose: true).isEmpty)
    }

    @Test func `an observer's rekeys are counted by the wire, an endpoint's by the kernel`() {
        var report = StatusReport.fresh
        report.tunnels[0].rekeys.wireCount = 2
        #expect(report.tunnels[0].rekeyCount == 0)
        report.tunnels[0].plan.configuration.role = .observer
        #expect(report.tunnels[0].rekeyCount == 2)
    }

    @Test func `the histogram is there from the first scrape, and counts finished rekeys`() throws {
        var report = StatusReport.fresh
        let fresh = try #require(RekeyMetrics(report: report).families.first)
        #expect(fresh.name == "tunnelprobe_rekey_convergence_seconds")
        #expect(fresh.samples.count == report.tunnels.count)
        var histogram = ConvergenceHistogram()
        histogram.add(.milliseconds(2))
        histogram.add(.seconds(95))
        histogram.add(.seconds(1000))
        report.tunnels[0].rekeys.histogram = histogram
        let made = histogram.snapshot
        #expect(made.count == 3)
        #expect(made.sum == 1095.002)
        #expect(made.cumulativeCounts.first == 0)
        #expect(made.cumulativeCounts[1] == 1)
        #expect(made.cumulativeCounts.last == 2)
    }
}
