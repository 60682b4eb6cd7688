@testable import Agent
import Diagnosis
import Flapping
import NetworkPrimitives
import NetworkSimulation
import Rekeying
import Testing
@testable import TunnelHealth

/// From lost probes and rekeys to the finding, without a network.
@Suite struct FlapServiceTests {
    private static let wall = WallTime(nanoseconds: 1_795_348_800_000_000_000)

    /// A tunnel whose inside is dead for `outage` after each of these seconds.
    private static func agent(deadAt seconds: [Double], for outage: Duration) -> SimulatedAgent {
        var agent = SimulatedAgent(seed: 3)
        var path = SimulatedPath(from: ip("203.0.113.10"), to: ip("10.252.0.0"))
        for second in seconds {
            path.outages.add(at(second)..<(at(second) + outage))
        }
        agent.transport.connect(path, device: "tun0")
        agent.transport.connect(
            SimulatedPath(from: ip("203.0.113.10"), to: ip("192.0.2.1")))
        agent.configure([
            .made("t", outside: ip("192.0.2.1"), inside: ip("10.252.0.0"), device: "tun0")
        ])
        return agent
    }

    /// What the service says after the agent has run.
    private static func report(
        _ agent: inout SimulatedAgent, rekeys: [Double], until end: Double
    ) throws -> TunnelReport {
        let service = FlapService()
        service.watch([try #require(agent["t"]?.plan)], at: .zero)
        agent.run(until: at(end))
        for change in agent.changes {
            let transition = HealthStateMachine.Transition(
                from: change.from, to: change.to, at: change.sampledAt)
            service.take(
                LoopEvents.StateChange(
                    tunnel: change.tunnel, transition: transition, reason: nil))
        }
        for case .probeLost(let tunnel, let path, let instant) in agent.otherEvents {
            service.takeLoss(of: tunnel, on: path, at: instant)
        }
        let monitor = try #require(agent["t"])
        var report = monitor.report(now: agent.now, wall: wall, stateOf: monitor)
        report.rekeys.records = rekeys.enumerated().map { index, second in
            var record = RekeyRecord(
                formerSPI: SPI(rawValue: UInt32(0x100 + index)),
                spi: SPI(rawValue: UInt32(0x101 + index)), installedAt: at(second))
            record.ending = .finished
            return record
        }
        report.flapping = service.report(on: report, at: agent.now, wall: wall)
        return report
    }

    private static func facts(_ report: TunnelReport, at now: MonotonicInstant) -> TunnelFacts {
        FactSource(report: report, growth: CounterGrowth(), now: now, wall: wall).facts
    }

    @Test func `probes lost after each rekey become rekey-disruption, with flapping under it`()
        throws
    {
        let rekeys = [60.0, 120, 180, 240]
        var agent = Self.agent(deadAt: rekeys, for: .seconds(3))
        let report = try Self.report(&agent, rekeys: rekeys, until: 300)
        let costs = report.flapping.costs
        #expect(costs.rekeys == 4)
        #expect(costs.disturbed == 4)
        #expect(costs.lostElsewhere == 0)
        #expect(report.flapping.analysis?.cause == .rekeys)
        #expect(report.isFlapping)
        let facts = Self.facts(report, at: agent.now)
        let diagnosis = Diagnosis(of: facts, by: [TunnelFlaps.self, RekeyDisruption.self])
        #expect(diagnosis.findings.map(\.id) == [.rekeyDisruption])
        #expect(diagnosis.findings.first?.explained.map(\.id) == [.tunnelFlapping])
    }

    @Test func `the same outages at other moments are not the rekeys' fault`() throws {
        var agent = Self.agent(deadAt: [40, 95, 151, 222], for: .seconds(3))
        let report = try Self.report(&agent, rekeys: [60, 120, 180, 240], until: 300)
        #expect(report.flapping.costs.disturbed == 0)
        #expect(report.flapping.analysis?.cause == nil)
        let facts = Self.facts(report, at: agent.now)
        #expect(RekeyDisruption.judge(facts).name == "excluded")
        let flaps = try #require(TunnelFlaps.judge(facts).finding)
        #expect(flaps.summary.contains("no cause was found"))
    }

    @Test func `a report of the same rekeys again notes none twice`() throws {
        let service = FlapService()
        var agent = Self.agent(deadAt: [], for: .seconds(1))
        let rekeys = [10.0, 20, 30]
        let report = try Self.report(&agent, rekeys: rekeys, until: 60)
        service.watch([report.plan], at: .zero)
        for second in 60..<70 {
            let flapping = service.report(on: report, at: at(Double(second)), wall: Self.wall)
            #expect(flapping.costs.rekeys == 3)
        }
    }

    @Test func `a tunnel that nobody watches has no past, and says so`() throws {
        var agent = Self.agent(deadAt: [], for: .seconds(1))
        agent.run(until: at(10))
        let monitor = try #require(agent["t"])
        var report = monitor.report(now: agent.now, wall: Self.wall, stateOf: monitor)
        report.flapping = FlapService().report(on: report, at: agent.now, wall: Self.wall)
        #expect(report.flapping.json == nil)
        #expect(RekeyDisruption.judge(Self.facts(report, at: agent.now)).name == "unknown")
    }

    @Test func `what cannot be seen from here is called so`() throws {
        var agent = Self.agent(deadAt: [], for: .seconds(1))
        let report = try Self.report(&agent, rekeys: [], until: 20)
        let reasons = report.flapping.unobservable
        #expect(reasons[.underlayLoss] == nil)
        #expect(reasons[.pathMTU] == TunnelPath.notYet)
        #expect(reasons[.routeChanges] != nil)
    }
}
