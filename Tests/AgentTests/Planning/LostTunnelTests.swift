@testable import Agent
import Configuration
import KernelState
import NetworkPrimitives
import NetworkSimulation
import Testing
import TunnelHealth

/// Discovered tunnels that the kernel loses, and what the watcher remembers of them.
@Suite struct LostTunnelTests {
    /// A host with a WAN device, the way to the provider's endpoint, and one GRE tunnel to it.
    private static func host(hasTunnel: Bool) -> MadeUpHost {
        var host = MadeUpHost()
        host.address(host.add("eth0"), "203.0.113.10/24")
        host.way(to: "198.51.100.1", over: "eth0", from: "203.0.113.10")
        guard hasTunnel else { return host }
        let tunnel = host.add("gre1", .gre) {
            $0.local = ip("203.0.113.10")
            $0.remote = ip("198.51.100.1")
        }
        host.address(tunnel, "10.252.0.1/31")
        host.route("10.253.0.0/24", over: tunnel)
        return host
    }

    private static func discovered(_ host: MadeUpHost) -> [TunnelPlan] {
        host.planner.discovered(probing: ProbingSettings())
    }

    /// What the watcher plans at `now` when it planned `plans` before.
    private static func round(
        _ host: MadeUpHost, after plans: [TunnelPlan], at now: MonotonicInstant,
        _ lost: inout [String: MonotonicInstant]
    ) -> [TunnelPlan] {
        let next = discovered(host)
        let missing = TunnelWatcher.missing(plans, in: next, at: now, &lost)
        return next + missing.map(host.planner.replan)
    }

    @Test func `a lost tunnel keeps its name and probes, and waits for its device`() throws {
        let before = try #require(Self.discovered(Self.host(hasTunnel: true)).first)
        let after = Self.host(hasTunnel: false).planner.replan(before)
        #expect(after.name == before.name)
        #expect(after.isDiscovered)
        #expect(after.kind == .gre)
        #expect(after.tunnelInterface == "gre1")
        #expect(after.remote == ip("198.51.100.1"))
        #expect(after.waitingFor == ["device gre1, which does not exist"])
        // The very same probers go on: nothing in their routes has changed.
        #expect(after.roles == before.roles)
        #expect(after.route(.inside, .request)?.destination == ip("10.252.0.0"))
        #expect(after.route(.inside, .request)?.device == "gre1")
    }

    @Test func `sends that fail on the lost device are counted and take the tunnel down`() throws {
        let before = try #require(Self.discovered(Self.host(hasTunnel: true)).first)
        var agent = SimulatedAgent(seed: 5)
        for (target, device) in [("10.252.0.0", "gre1"), ("10.253.0.1", "gre1")] {
            var path = SimulatedPath(from: ip("10.252.0.1"), to: ip(target))
            path.unsendable.add(at(10)..<at(1000))
            agent.transport.connect(path, device: device)
        }
        agent.transport.connect(SimulatedPath(from: ip("203.0.113.10"), to: ip("198.51.100.1")))
        agent.configure([before])
        agent.run(until: at(9.9))
        let id = try #require(agent["gre1"]?.id)
        #expect(agent["gre1"]?.state == .healthy)
        var lost: [String: MonotonicInstant] = [:]
        agent.configure(
            Self.round(Self.host(hasTunnel: false), after: [before], at: agent.now, &lost))
        agent.run(until: at(20))
        let monitor = try #require(agent["gre1"])
        #expect(monitor.id == id, "the same tunnel, with its totals")
        #expect(monitor.state == .down)
        #expect(try #require(monitor.requests[0].counts.failed[.send]) >= 9)
        #expect(monitor.requests[0].counts.received >= 9)
        #expect(agent.transport.strayMessages == 0)
    }

    @Test func `a lost tunnel is watched for a day`() {
        let gone = Self.host(hasTunnel: false)
        var lost: [String: MonotonicInstant] = [:]
        var plans = Self.discovered(Self.host(hasTunnel: true))
        for second in [100.0, 105, 50_000, 86_499] {
            plans = Self.round(gone, after: plans, at: at(second), &lost)
            #expect(plans.map(\.name) == ["gre1"], "after \(second) s")
            #expect(lost == ["gre1": at(100)])
        }
        plans = Self.round(gone, after: plans, at: at(86_500), &lost)
        #expect(plans.isEmpty)
        #expect(lost.isEmpty)
    }

    @Test func `a lost tunnel that comes back is as new, and its day begins at its next loss`() {
        let (there, gone) = (Self.host(hasTunnel: true), Self.host(hasTunnel: false))
        var lost: [String: MonotonicInstant] = [:]
        var plans = Self.round(gone, after: Self.discovered(there), at: at(100), &lost)
        plans = Self.round(there, after: plans, at: at(200), &lost)
        #expect(plans == Self.discovered(there), "once, and waiting for nothing")
        #expect(lost.isEmpty)
        plans = Self.round(gone, after: plans, at: at(86_600), &lost)
        #expect(plans.map(\.name) == ["gre1"])
        #expect(lost == ["gre1": at(86_600)])
    }

    @Test func `what is configured, or there under another name, is not lost`() {
        let plans = Self.discovered(Self.host(hasTunnel: true))
        let gone = Self.host(hasTunnel: false)
        var lost: [String: MonotonicInstant] = [:]
        func missing(_ plans: [TunnelPlan], in next: [TunnelPlan]) -> [String] {
            TunnelWatcher.missing(plans, in: next, at: at(1), &lost).map(\.name)
        }
        #expect(missing(plans, in: []) == ["gre1"])
        #expect(missing(plans, in: [gone.plan(.made("cf-2", remote: "198.51.100.2"))]) == ["gre1"])
        #expect(missing(plans, in: [gone.plan(.made("cf-1"))]).isEmpty, "it is configured now")
        let named = gone.plan(.made("cf-1", remote: "edge.example") { $0.tunnelInterface = "gre1" })
        #expect(missing(plans, in: [named]).isEmpty, "its device is configured now")
        var configured = plans
        configured[0].isDiscovered = false
        #expect(missing(configured, in: []).isEmpty, "the operator took it out")
    }
}
