@testable import Agent
import Configuration
import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import Testing
import TunnelHealth

/// The wall clock is not an input of the engines: only stamps and reports ever see it.
@Suite struct ClockStepTests {
    /// A quarter of an hour of a tunnel with losses, an outage and jitter.
    private static func quarter(
        seed: UInt64, prepare: (inout SimulatedAgent) -> Void = { _ in }
    ) -> SimulatedAgent {
        var agent = SimulatedAgent(seed: seed, wakesForStamps: true)
        var path = SimulatedPath(
            from: ip("203.0.113.10"), to: ip("192.0.2.1"),
            routers: [SimulatedRouter(ip("10.0.0.1"))],
            links: SimulatedLinks(delay: .milliseconds(20), jitter: .milliseconds(5), loss: 0.02))
        path.outages.add(at(300)..<at(330))
        agent.transport.connect(path)
        agent.configure([.made("cf-1", outside: ip("192.0.2.1"))])
        prepare(&agent)
        agent.run(until: at(900))
        return agent
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `steps of the wall clock change no state, no count and no round trip`(seed: UInt64) throws
    {
        let calm = Self.quarter(seed: seed)
        let stepped = Self.quarter(seed: seed) { agent in
            for (index, second) in stride(from: 5.0, to: 900, by: 3.1).enumerated() {
                let sizes: [Duration] = [
                    .milliseconds(2), .milliseconds(-700), .seconds(3600), .seconds(-86_400),
                    .seconds(31_536_000), .seconds(-31_536_000),
                ]
                agent.at(at(second)) { $0.transport.clock.step(by: sizes[index % sizes.count]) }
            }
        }
        #expect(stepped.clockSteps > 200, "the steps were seen")
        #expect(stepped.changes.map(\.to) == calm.changes.map(\.to))
        for (left, right) in zip(stepped.changes, calm.changes) {
            #expect(left.sampledAt == right.sampledAt)
        }
        let (left, right) = (
            try #require(stepped["cf-1"]?.requests[1]), try #require(calm["cf-1"]?.requests[1])
        )
        var counts = left.counts
        #expect(counts.unstampedRoundTrips > 0)
        #expect(right.counts.unstampedRoundTrips == 0)
        counts.unstampedRoundTrips = 0
        #expect(counts == right.counts)
        // An unstamped round trip has the wake-up and the local delay in it, and no more.
        let difference = left.roundTrips.sum - right.roundTrips.sum
        #expect(difference >= .zero)
        #expect(
            difference <= (stepped.wakeUpLatency + SimulatedTransport.localDelay)
                * Int(left.counts.unstampedRoundTrips))
    }

    @Test func `a step between transmit stamp and answer leaves the answer unstamped`() throws {
        var agent = SimulatedAgent(seed: 9, wakesForStamps: true)
        agent.transport.connect(SimulatedPath(from: ip("203.0.113.10"), to: ip("192.0.2.1")))
        agent.configure([.made("cf-1", outside: ip("192.0.2.1"))])
        let first = try #require(agent["cf-1"]?.requests[1].deadline)
        agent.at(first + .milliseconds(5)) { $0.transport.clock.step(by: .seconds(-3600)) }
        agent.run(until: first + .milliseconds(900))
        let prober = try #require(agent["cf-1"]?.requests[1])
        #expect(prober.counts.received == 1)
        #expect(prober.counts.unstampedRoundTrips == 1)
        #expect(prober.localDelays.summary?.median == SimulatedTransport.localDelay)
        #expect(
            prober.roundTrips.summary?.median
                == .milliseconds(10) - SimulatedTransport.localDelay + agent.wakeUpLatency)
    }

    @Test func `reports under a stepped wall clock differ in nothing but shown times`() throws {
        let agent = Self.quarter(seed: 4)
        let monitor = try #require(agent["cf-1"])
        let today = WallTime(nanoseconds: 1_795_348_800_000_000_000)
        let nextYear = today + .seconds(31_536_000)
        let left = monitor.report(now: agent.now, wall: today, stateOf: monitor)
        let right = monitor.report(now: agent.now, wall: nextYear, stateOf: monitor)
        #expect(left.state == right.state)
        #expect(left.verdict == right.verdict)
        #expect(left.isFlapping == right.isFlapping)
        #expect(left.flapPenalty == right.flapPenalty)
        #expect(left.changesLastDay == right.changesLastDay)
        #expect(left.rows.map(\.counts) == right.rows.map(\.counts))
        #expect(right.stateSince == left.stateSince + .seconds(31_536_000))
    }
}
