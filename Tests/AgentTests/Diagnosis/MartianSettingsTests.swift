import Configuration
import Diagnosis
import KernelState
import NetworkPrimitives
import Testing

@testable import Agent

/// Which settings of this host a reply-style check fails for, by what the kernel was read to have.
@Suite struct MartianSettingsTests {
    private static func settings(
        _ device: [String: Int], all: [String: Int] = [:], targetIsLocal: Bool? = nil
    ) throws -> Fact<[String]> {
        var agent = SimulatedAgent(seed: 1)
        agent.configure([
            .made("t", outside: ip("192.0.2.1"), inside: ip("10.252.0.0"), device: "tun0")
        ])
        let monitor = try #require(agent["t"])
        var report = monitor.report(
            now: agent.now, wall: WallTime(nanoseconds: 0), stateOf: monitor)
        report.plan.tunnelInterface = "tun0"
        let usual = ["accept_local": 0, "rp_filter": 0, "forwarding": 1]
        func readings(_ values: [String: Int]) -> NamespaceReadings.DeviceSettings {
            .init(v4: usual.merging(values) { $1 }.mapValues { .known($0) })
        }
        report.kernel.readings.deviceSettings = ["all": readings(all), "tun0": readings(device)]
        if let targetIsLocal {
            var reach = TargetReach(
                of: ip("10.1.0.1"), report.plan, nil, in: KernelSnapshot())
            reach.isLocal = targetIsLocal
            report.kernel.target = reach
        }
        return FactSource(
            report: report, growth: CounterGrowth(), now: agent.now,
            wall: WallTime(nanoseconds: 0)
        ).facts.checks.martianSettings
    }

    @Test func `an own source needs accept_local`() throws {
        #expect(
            try #require(Self.settings([:]).value).map { $0.contains("accept_local") } == [true])
        #expect(try Self.settings(["accept_local": 1]).value == [])
        #expect(try Self.settings([:], all: ["accept_local": 1]).value == [])
        #expect(try Self.settings([:], targetIsLocal: true).value?.count == 1)
    }

    @Test func `a target that is only routed is no martian`() throws {
        #expect(try Self.settings([:], targetIsLocal: false).value == [])
    }

    @Test func `the larger rp_filter is in force, and 1 is strict`() throws {
        let own = ["accept_local": 1, "rp_filter": 1]
        #expect(try #require(Self.settings(own).value).map { $0.contains("strict") } == [true])
        #expect(try Self.settings(own, all: ["rp_filter": 2]).value == [])
        #expect(
            try Self.settings(["accept_local": 1], all: ["rp_filter": 1]).value?.count == 1)
    }

    @Test func `a host that forwards nothing sends nothing on`() throws {
        let lines = try #require(Self.settings(["accept_local": 1, "forwarding": 0]).value)
        #expect(lines.map { $0.contains("forwarding = 0") } == [true])
    }
}
