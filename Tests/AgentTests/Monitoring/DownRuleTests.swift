@testable import Agent
import Configuration
import NetworkPrimitives
import NetworkSimulation
import Testing
import TunnelHealth

/// When a tunnel is down, and when its silence proves nothing.
@Suite struct DownRuleTests {
    private static let here = ip("203.0.113.10")
    private static let endpoint = ip("192.0.2.1")
    private static let farEnd = ip("10.252.0.0")

    /// A dead path: how it was probed before it died, and how soon that must be noticed.
    struct Death: Sendable, CustomTestStringConvertible {
        var interval: Duration
        var roundTrip: Duration
        var limit: Duration

        var testDescription: String { "every \(interval), round trip \(roundTrip)" }
    }

    @Test(
        arguments: [
            // Four round trips are longer than the timeout, so the retries follow after a second.
            Death(interval: .seconds(3), roundTrip: .milliseconds(281), limit: .seconds(5)),
            Death(interval: .seconds(10), roundTrip: .milliseconds(281), limit: .seconds(5)),
            Death(interval: .seconds(3), roundTrip: .milliseconds(240), limit: .seconds(5)),
            Death(interval: .seconds(1), roundTrip: .milliseconds(10), limit: .seconds(3)),
            Death(interval: .seconds(1), roundTrip: .milliseconds(281), limit: .seconds(3)),
        ])
    func `a path that dies is down soon, whatever its round trip and its interval`(
        death: Death
    ) throws {
        var agent = SimulatedAgent(seed: 11)
        var path = SimulatedPath(
            from: Self.here, to: Self.farEnd,
            links: SimulatedLinks(delay: death.roundTrip / 2))
        path.outages.add(at(100)..<at(1000))
        let route = agent.transport.connect(path, device: "tun0")
        agent.transport.watch(route)
        var probing = ProbingSettings()
        probing.interval = death.interval
        probing.timeout = .seconds(1)
        agent.configure([.made("t", inside: Self.farEnd, device: "tun0", probing: probing)])
        agent.run(until: at(100))
        #expect(agent["t"]?.state == .healthy)
        agent.run(until: at(150))
        let first = try #require(
            agent.transport.departures[route]?.first { $0 >= at(100) - death.roundTrip })
        let down = try #require(agent.changes.first { $0.to == .down })
        #expect(down.noticedAt > at(100))
        #expect(down.noticedAt - first <= death.limit)
        #expect(agent["t"]?.state == .down)
    }

    /// A tunnel that was healthy by its endpoint, and whose new inside target never answers.
    private static func retargeted(hasInboundTraffic: Bool?) -> SimulatedAgent {
        var agent = SimulatedAgent(seed: 12)
        agent.transport.connect(
            SimulatedPath(
                from: here, to: endpoint, routers: [SimulatedRouter(ip("198.51.100.1"))]))
        var silent = SimulatedPath(from: ip("10.252.0.1"), to: farEnd)
        silent.targetBehavior = .silent
        agent.transport.connect(silent, device: "tun0")
        agent.configure([.made("t", outside: endpoint)])
        agent.run(until: at(20))
        #expect(agent["t"]?.state == .healthy)
        #expect(agent["t"]?.plan.stateRole == ProbeRole(.outside, .request))
        agent.configure([.made("t", outside: endpoint, inside: farEnd, device: "tun0")])
        agent.monitors.noteInboundTraffic(hasInboundTraffic, tunnel: "t")
        #expect(agent["t"]?.plan.stateRole == ProbeRole(.inside, .request))
        #expect(agent["t"]?.state == .healthy, "until samples of the new target say otherwise")
        agent.run(until: at(40))
        return agent
    }

    @Test func `a new target that never answers while traffic flows is unknown, not down`() {
        let agent = Self.retargeted(hasInboundTraffic: true)
        #expect(agent["t"]?.state == .unknown)
        #expect(agent.changes.map(\.to) == [.healthy, .degraded, .unknown], "never down")
        #expect(agent["t"]?.stateReason?.contains("never answered, yet traffic arrives") == true)
    }

    @Test(arguments: [false, nil])
    func `a new target that never answers is down where no traffic is seen`(traffic: Bool?) {
        let agent = Self.retargeted(hasInboundTraffic: traffic)
        #expect(agent["t"]?.state == .down)
        #expect(agent.changes.map(\.to) == [.healthy, .degraded, .down])
    }

    @Test func `a tunnel that can no longer be probed is unknown until it can be`() throws {
        var agent = SimulatedAgent(seed: 13)
        agent.transport.connect(SimulatedPath(from: Self.here, to: Self.endpoint))
        let plan = TunnelPlan.made("t", outside: Self.endpoint)
        agent.configure([plan])
        agent.run(until: at(20))
        var refused = plan
        refused.roles = ProbeRole.all.map { _ in .unavailable(reason: "its namespace is gone") }
        agent.configure([refused])
        agent.run(until: at(40))
        #expect(agent["t"]?.state == .unknown)
        #expect(agent["t"]?.stateReason == "its namespace is gone")
        #expect(agent["t"]?.stateSince == at(20))
        agent.configure([plan])
        agent.run(until: at(60))
        #expect(agent["t"]?.state == .healthy)
        #expect(agent.changes.map(\.to) == [.healthy, .unknown, .healthy])
        #expect(try #require(agent["t"]).requests[1].counts.lost == 0)
    }
}
