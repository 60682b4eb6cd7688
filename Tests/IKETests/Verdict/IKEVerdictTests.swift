import NetworkPrimitives
import Testing

@testable import IKE

@Suite struct IKEVerdictTests {
    /// What says most stands first.
    private static let precedence: [IKEFailure] = [
        .identity, .noProposal, .authentication, .temporaryFailure, .childRefused, .noResponse,
    ]

    private func at(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func `of two failures the one that says more is told, whatever the order`() {
        for (index, stronger) in Self.precedence.enumerated() {
            for weaker in Self.precedence[index...] {
                let sightings = [
                    IKEVerdict.Sighting(weaker, by: .daemon),
                    IKEVerdict.Sighting(stronger, by: .daemon),
                ]
                for order in [sightings, sightings.reversed()] {
                    #expect(IKEVerdict(order, .init()).failure == stronger)
                }
            }
        }
    }

    @Test(arguments: IKEVerdict.Origin.allCases)
    func `an identity is proven only by who can read it`(origin: IKEVerdict.Origin) {
        let verdict = IKEVerdict([.init(.identity, by: origin)], .init())
        let canRead = origin == .daemon || origin == .providerLog
        #expect(verdict.failure == (canRead ? .identity : .authentication))
        #expect(verdict.origin == origin)
    }

    @Test(arguments: IKEFailure.allCases, [false, true])
    func `a failure is over once what it kept from happening has happened`(
        failure: IKEFailure, happenedLater: Bool
    ) {
        var circumstances = IKEVerdict.Circumstances()
        circumstances.isUp = true
        let time = at(happenedLater ? 20 : 5)
        circumstances.upAt = time
        circumstances.childUpAt = time
        let verdict = IKEVerdict(
            [.init(failure, by: .daemon, at: at(10))], circumstances)
        #expect(verdict.failure == (happenedLater ? nil : failure))
        #expect((verdict.reason == nil) == !happenedLater)
    }

    @Test(arguments: IKEFailure.allCases)
    func `an IKE SA that is up ends what has no time and would have kept it down`(
        failure: IKEFailure
    ) {
        var circumstances = IKEVerdict.Circumstances()
        circumstances.isUp = true
        let stays = failure == .temporaryFailure || failure == .childRefused
        let verdict = IKEVerdict([.init(failure, by: .wire)], circumstances)
        #expect(verdict.failure == (stays ? failure : nil))
    }

    @Test(arguments: IKEFailure.allCases, [IKEFailure.noProposal, .noResponse])
    func `what a probe met counts where nobody saw the daemon fail`(
        seen: IKEFailure, probed: IKEFailure
    ) {
        let probe = IKEVerdict.Sighting(probed, by: .probe)
        #expect(IKEVerdict([probe], .init()).failure == probed)
        let both = IKEVerdict([probe, .init(seen, by: .daemon)], .init())
        #expect(both.failure == seen)
        #expect(both.origin == .daemon)
    }

    @Test func `a reason is given where there is no failure`() {
        var up = IKEVerdict.Circumstances()
        up.isUp = true
        var installed = IKEVerdict.Circumstances()
        installed.hasAssociations = true
        var blind = IKEVerdict.Circumstances()
        blind.blindness = "no key daemon was asked"
        var manual = IKEVerdict.Circumstances()
        manual.isStatic = true
        #expect(IKEVerdict([], up).reason == "an IKE SA is up")
        #expect(
            IKEVerdict([], installed).reason == "SAs are installed, and no failure was seen")
        #expect(
            IKEVerdict([], blind).reason
                == "nobody watched when it failed: no key daemon was asked")
        #expect(IKEVerdict([], .init()).reason == "no failure was seen")
        let verdict = IKEVerdict([.init(.noResponse, by: .probe)], manual)
        #expect(verdict.failure == nil)
        #expect(verdict.reason?.contains("set by hand") == true)
    }

    @Test(
        arguments: [IKEProbeReport.PortState?.none] + IKEProbeReport.PortState.allCases,
        [Bool?.none, false, true])
    func `a port is judged by the probe and by the wire`(
        probed: IKEProbeReport.PortState?, answered: Bool?
    ) {
        var probe = IKEProbeReport.Port(number: 500)
        probe.state = probed ?? .unknown
        func judged(wireSeenAt: MonotonicInstant?) -> IKEProbeReport.PortState {
            PortVerdict(
                probe: probed == nil ? nil : probe, at: at(100), wireAnswered: answered,
                wireSeenAt: wireSeenAt, unprobed: "not probed yet"
            ).state
        }
        let expected: IKEProbeReport.PortState =
            switch (probed ?? .unknown, answered) {
            case (.open, _), (_, true?): .open
            case (.unknown, false?): .filtered
            case (let state, _): state
            }
        #expect(judged(wireSeenAt: at(90)) == expected)
        // An answer from before counts no more against what the probe met since.
        let old = probed == .filtered || probed == .unreachable ? probed : expected
        #expect(judged(wireSeenAt: at(10)) == old)
    }

    @Test func `ESP flows, goes one way, is absent, or is not known`() {
        func flow(_ inbound: Int64?, _ outbound: Int64?, packets: UInt64 = 9) -> ESPFlow {
            ESPFlow(
                inbound: .init(packets: packets, lastSeen: inbound.map(at)),
                outbound: .init(packets: packets, lastSeen: outbound.map(at)),
                watched: .seconds(500), at: at(1000))
        }
        #expect(flow(999, 995) == .flowing)
        #expect(flow(950, 945) == .flowing)
        #expect(flow(980, 999) == .oneWay(missing: .inbound))
        #expect(flow(999, nil) == .oneWay(missing: .outbound))
        #expect(flow(nil, 999) == .oneWay(missing: .inbound))
        #expect(flow(nil, nil) == .absent)
        #expect(flow(800, 801) == .absent)
        #expect(flow(nil, 999, packets: 2).name == "unknown")
        let early = ESPFlow(inbound: .init(), outbound: .init(), watched: .seconds(1), at: at(1000))
        #expect(early.name == "unknown")
    }
}
