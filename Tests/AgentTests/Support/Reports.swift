@testable import Agent
import Configuration
import Diagnosis
import HostFacts
import NetworkPrimitives
import NetworkSimulation
import TunnelHealth

extension Finding {
    static func made(_ severity: Severity) -> Finding {
        Finding(
            id: .agentDegraded, severity: severity, confidence: 1, summary: "Made up <for> a test.",
            evidence: ["one \"thing\""], remedy: ["do that"])
    }
}

extension StatusReport {
    static let moment = WallTime(nanoseconds: 1_795_348_800_123_000_000)

    /// The report of an agent: its tunnels now.
    static func made(_ agent: SimulatedAgent, findings: [Finding] = []) -> StatusReport {
        StatusReport(
            generatedAt: moment,
            agent: AgentIdentity(version: "0.0", hostname: "host", uptime: .seconds(12.5)),
            findings: findings,
            tunnels: agent.monitors.continuous.map {
                $0.report(now: agent.now, wall: moment, stateOf: $0)
            })
    }

    /// A tunnel that has never probed: nothing in it is possible, nothing known.
    static var fresh: StatusReport {
        var agent = SimulatedAgent(seed: 1)
        var plan = TunnelPlan.made("fresh")
        plan.waitingFor = ["device tun0, which does not exist"]
        plan.unknown["tunnel_interface"] = "made up"
        agent.configure([plan])
        return made(agent)
    }

    /// Tunnels that have probed for a while: a healthy one, a lossy one and a dead one.
    static var busy: StatusReport {
        var agent = SimulatedAgent(seed: 2)
        let routers = [SimulatedRouter(ip("198.51.100.1"))]
        agent.transport.connect(
            SimulatedPath(from: ip("203.0.113.10"), to: ip("192.0.2.1"), routers: routers))
        agent.transport.connect(
            SimulatedPath(from: ip("10.252.0.1"), to: ip("10.252.0.0")), device: "tun0")
        var lossy = SimulatedPath(from: ip("203.0.113.10"), to: ip("192.0.2.2"))
        lossy.inward.loss = 0.3
        agent.transport.connect(lossy)
        var dead = SimulatedPath(from: ip("203.0.113.10"), to: ip("192.0.2.3"), routers: routers)
        dead.targetBehavior = .unreachable(code: 13)
        agent.transport.connect(dead)
        agent.configure([
            .made("cf-1", outside: ip("192.0.2.1"), inside: ip("10.252.0.0"), device: "tun0"),
            .made("lossy-with-a-long-name", outside: ip("192.0.2.2")),
            .made("dead", outside: ip("192.0.2.3")),
        ])
        agent.run(until: at(100))
        return made(agent)
    }
}
