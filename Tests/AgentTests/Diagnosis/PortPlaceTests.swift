import IKE
import NetworkPrimitives
import ReplyPath
import Testing

@testable import Agent

/// Where requests to a silent port die, told from how far they and pings get.
@Suite struct PortPlaceTests {
    /// Hop h is 192.0.2.h; the endpoint is `target` hops away.
    private static func pings(_ hops: [Int], target: Int?) -> ReplyPathReport {
        var report = ReplyPathReport(inconclusive: "")
        report.hops = hops.map { hop in
            var rung = ReplyPathReport.Hop(distance: hop)
            (rung.requestsSent, rung.requestsAnswered) = (3, 3)
            rung.requestRouters = [ip("192.0.2.\(hop)")]
            return rung
        }
        report.targetHop = target
        return report
    }

    private static func place(
        _ reached: [Int], _ pings: ReplyPathReport, isComplete: Bool = true,
        state: IKEProbeReport.PortState = .filtered
    ) -> String? {
        var port = IKEProbeReport.Port(number: 500)
        port.state = state
        var ladder = PortLadderReport()
        ladder.rungs = reached.map { .init(hop: $0, router: ip("192.0.2.\($0)")) }
        ladder.isComplete = isComplete
        port.ladder = ladder
        return port.place(beside: pings)
    }

    @Test func `between the last hop that they reach and one that answers pings`() {
        #expect(
            Self.place([1, 2], Self.pings([1, 2, 3, 4], target: 5)) == """
                requests to UDP 500 with a hop limit get as far as hop 2 (192.0.2.2): hop 3 (192.0.2.3) \
                answers pings with one, and not these, so they die between the two
                """)
        #expect(
            Self.place([1], Self.pings([1, 3], target: 5))?.contains("hop 3 (192.0.2.3) answers")
                == true, "a router that answers nothing is passed over")
    }

    @Test func `before the first`() {
        #expect(
            Self.place([], Self.pings([1, 2], target: 3)) == """
                requests to UDP 500 with a hop limit get out of this host to no router: hop 1 (192.0.2.1) \
                answers pings with one, and not these, so they die between the two
                """)
    }

    @Test func `at the endpoint, or the answers`() {
        #expect(
            Self.place([1, 2], Self.pings([1, 2], target: 3))?.contains(
                "the last router before the endpoint") == true)
    }

    @Test func `what tells nothing is not told`() {
        #expect(Self.place([], Self.pings([], target: nil)) == nil)
        #expect(Self.place([], Self.pings([5], target: nil)) == nil, "too far to compare")
        #expect(Self.place([1], Self.pings([1, 2], target: 3), isComplete: false) == nil)
        #expect(Self.place([1], Self.pings([1, 2], target: 3), state: .open) == nil)
        #expect(
            Self.place([1], Self.pings([1], target: nil))?.hasSuffix(
                "what is behind it answers no pings with a hop limit either") == true)
    }
}
