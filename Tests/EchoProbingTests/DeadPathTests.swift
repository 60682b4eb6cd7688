import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import Testing
import TunnelHealth

/// What prober and state machine promise together.
@Suite struct DeadPathTests {
    /// Since when the tunnel is down at the end, the samples taken as the agent would, each when it
    /// came out; nil when it is not down.
    private static func downSince(_ run: RequestSimulation) -> MonotonicInstant? {
        var machine = HealthStateMachine()
        var since: MonotonicInstant?
        for (sample, time) in zip(run.samples, run.sampleTimes) {
            let change = machine.record(succeeded: sample.succeeded, sentAt: sample.sentAt)
            if let change { since = change.to == .down ? time : nil }
        }
        return since
    }

    @Test(arguments: [0.0, 0.02, 0.1])
    func `is down within 3 s of the first unanswered probe, at any phase and round-trip time`(
        loss: Double
    ) throws {
        var worst = Duration.zero
        for seed in UInt64(1)...400 {
            var generator = SeededGenerator(seed: seed &* 31)
            let links = SimulatedLinks(
                delay: .milliseconds(generator.below(240)), jitter: .milliseconds(5), loss: loss)
            let start = MonotonicInstant.zero + .microseconds(generator.below(1_000_000))
            let death =
                MonotonicInstant.zero + .microseconds(30_000_000 + generator.below(3_000_000))
            var path = RequestSimulation.path(links)
            path.outages.add(death..<MonotonicInstant.distantFuture)
            var run = RequestSimulation(
                RequestProberTests.defaults, path: path, seed: seed, start: start)
            run.wakeUpLatency = .milliseconds(5)
            run.run(until: death + .seconds(6))

            // A probe or retry that is answered ends every silence before it.
            let answered = run.outcomes.filter { $0.result == .received }.map(\.sentAt).max()
            let lastAnswered = try #require(answered)
            let unanswered = run.probeSendTimes.first { $0 > lastAnswered }
            let firstUnanswered = try #require(unanswered)
            guard let down = Self.downSince(run) else {
                Issue.record("never down, seed \(seed)")
                continue
            }
            worst = max(worst, down - firstUnanswered)
            #expect(down - firstUnanswered <= .seconds(3), "seed \(seed)")
        }
        // The silence of a long path is the timeout; a short one is decided earlier.
        #expect(worst > .seconds(1))
    }

    @Test func `is down within 3 s where nothing can be sent`() throws {
        for seed in UInt64(1)...50 {
            var generator = SeededGenerator(seed: seed)
            let death =
                MonotonicInstant.zero + .microseconds(20_000_000 + generator.below(2_000_000))
            var path = RequestSimulation.path()
            path.unsendable.add(death..<MonotonicInstant.distantFuture)
            var run = RequestSimulation(RequestProberTests.defaults, path: path, seed: seed)
            run.run(until: death + .seconds(6))
            let down = try #require(Self.downSince(run))
            // The first failed probe was due within a second of the end.
            #expect(down - death <= .seconds(4))
        }
    }

    @Test func `is firmly degraded on a path that loses one in ten`() {
        var downs = 0
        var probes: UInt64 = 0
        for seed in UInt64(1)...20 {
            let links = SimulatedLinks(loss: 0.0513)
            var run = RequestSimulation(
                RequestProberTests.defaults, path: RequestSimulation.path(links), seed: seed)
            run.run(until: at(seconds: 600))
            probes += run.prober.counts.sent
            var machine = HealthStateMachine()
            for sample in run.samples {
                let change = machine.record(succeeded: sample.succeeded, sentAt: sample.sentAt)
                if change?.to == .down { downs += 1 }
                if sample.sentAt > at(seconds: 90) {
                    #expect(machine.state == .degraded || machine.state == .down, "seed \(seed)")
                }
            }
        }
        // Down takes a probe and both its retries: one case in a thousand, 12 of these 12 000.
        #expect(probes > 12_000)
        #expect((3...30).contains(downs), "\(downs)")
    }

    @Test func `is not healthy on a path that loses three in ten, and recovers when it mends`() {
        var run = RequestSimulation(
            RequestProberTests.defaults,
            path: RequestSimulation.path(SimulatedLinks(loss: 0.163)), seed: 5)
        run.run(until: at(seconds: 900))
        run.network[run.route].outward.loss = 0
        run.network[run.route].inward.loss = 0
        run.run(until: at(seconds: 1_800))
        var machine = HealthStateMachine()
        for sample in run.samples {
            _ = machine.record(succeeded: sample.succeeded, sentAt: sample.sentAt)
            if (at(seconds: 60)..<at(seconds: 900)).contains(sample.sentAt) {
                #expect(machine.state != .healthy)
            }
        }
        #expect(machine.state == .healthy)
    }
}
