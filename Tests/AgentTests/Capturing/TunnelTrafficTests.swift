@testable import Agent
import ESPAnalysis
import NetworkPrimitives
import Testing

/// Counters that outlive SAs, and what the streams of now say.
@Suite struct TunnelTrafficTests {
    @Test func `no counter falls below an earlier one`() {
        var earlier = TunnelTraffic()
        earlier.add(CapturedStream.many.report, .inbound)
        earlier.add(CapturedStream.replayed.report, .outbound)
        var traffic = TunnelTraffic()
        traffic.add(CapturedStream.bare(packets: 200_000).report, .inbound)
        traffic.raise(to: earlier)
        #expect(traffic.inbound.packets == 200_000)
        #expect(traffic.inbound.duplicates.network == 12)
        #expect(traffic.outbound.duplicates.replay == 30)
        #expect(traffic.wouldDrop[64] == 49_720)
        let same = traffic
        traffic.raise(to: TunnelTraffic())
        #expect(traffic == same)
    }

    @Test func `sums everything of both directions`() {
        var traffic = TunnelTraffic()
        var other = TunnelTraffic()
        other.add(CapturedStream.many.report, .inbound)
        other.add(CapturedStream.many.report, .outbound)
        traffic.add(other)
        traffic.add(other)
        #expect(traffic.inbound.packets == 200_000)
        #expect(traffic.inbound.bytes == 28_000_000)
        #expect(traffic.inbound.outOfOrder == 99_800)
        #expect(traffic.outbound == traffic.inbound)
        #expect(traffic.wouldDrop[32] == 99_700, "of inbound packets alone")
    }

    @Test func `senders are the most of any inbound stream of the last minute`() {
        func senders(_ streams: [CapturedStream], at seconds: Double) -> TunnelSenders {
            TunnelSenders(of: streams, at: at(seconds))
        }
        var other = CapturedStream.many
        other.report.senders.activeLastMinute = 7
        other.report.senders.atLeast = 5
        #expect(senders([.many, other], at: 30).active == 7)
        #expect(senders([.many, other], at: 30).atLeast == 5)
        other.direction = .outbound
        #expect(senders([.many, other], at: 30).active == 2)
        #expect(senders([.many, other], at: 30).isLossKnown == [.inbound: true, .outbound: true])
        // Nothing for more than a minute: nobody sends.
        #expect(senders([.many], at: 86).active == 0)
        #expect(senders([.many], at: 86).isLossKnown.isEmpty)
        other.direction = .inbound
        other.report.lostPackets = nil
        other.report.senders.activeLastMinute = nil
        other.report.senders.estimate = nil
        #expect(senders([other], at: 30).active == nil)
        #expect(senders([other], at: 30).isLossKnown == [.inbound: false])
        #expect(TunnelSenders().active == nil)
    }
}
