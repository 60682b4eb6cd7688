@testable import Agent
import Configuration
import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import Testing
import TunnelHealth

/// A day of probing at one probe a second, with loss, outages, clock steps and a reload.
@Suite struct SimulatedDayTests {
    static let here = ip("203.0.113.10")
    static let here6 = ip("2001:db8:77::10")
    static let day = 86_400.0
    static let reload = 43_200.0

    /// The tunnels of the day: their paths, and their plans before and after the reload at noon.
    struct Tunnels {
        var agent: SimulatedAgent
        var before: [TunnelPlan] = []
        var after: [TunnelPlan] = []
        var routes: [String: SimulatedNetwork.Route] = [:]
        var outages: [Range<Double>] = []

        init(seed: UInt64) {
            agent = SimulatedAgent(seed: seed)
            var probing = ProbingSettings()
            probing.payloadBytes = 16
            addSteady(probing)
            addLossy(probing)
            addFlaky(probing)
            addDead(probing)
        }

        /// Works all day, hop-limited pairs included.
        private mutating func addSteady(_ probing: ProbingSettings) {
            lay("steady inside", ip("10.252.0.0"), device: "steady0")
            lay(
                "steady beyond", ip("10.253.0.1"), routers: [SimulatedRouter(ip("10.252.0.0"))],
                device: "steady0")
            let plan = TunnelPlan.made(
                "steady", inside: ip("10.252.0.0"), beyond: ip("10.253.0.1"), device: "steady0",
                probing: probing)
            before.append(plan)
            after.append(plan)
        }

        /// Loses every tenth answer.
        private mutating func addLossy(_ probing: ProbingSettings) {
            lay("lossy inside", ip("10.252.0.2"), device: "lossy0") { $0.inward.loss = 0.1 }
            let plan = TunnelPlan.made(
                "lossy", inside: ip("10.252.0.2"), device: "lossy0", probing: probing)
            before.append(plan)
            after.append(plan)
        }

        /// Has outages of very different lengths; IPv6, no inside target; a new interval at noon.
        private mutating func addFlaky(_ probing: ProbingSettings) {
            var start = 1800.5
            while start < SimulatedDayTests.day - 3600 {
                let length = [2.0, 10, 60, 600][outages.count % 4] * (start < 43_200 ? 1 : 2)
                outages.append(start..<start + length)
                start += 3600
            }
            let spans = outages
            lay("flaky outside", ip("2001:db8:1::1")) {
                for span in spans {
                    $0.outages.add(at(span.lowerBound)..<at(span.upperBound))
                }
            }
            var plan = TunnelPlan.made("flaky", outside: ip("2001:db8:1::1"), probing: probing)
            plan.roles[ProbeRole(.outside, .reply).index] = .unavailable(reason: "not in this test")
            before.append(plan)
            plan.configuration.probing.interval = .seconds(2)
            after.append(plan)
        }

        /// `dead` never answers and is gone at noon; `half` works outside only and gets another
        /// endpoint at noon, where all is well; `new` comes at noon.
        private mutating func addDead(_ probing: ProbingSettings) {
            var slow = probing
            slow.interval = .seconds(5)
            lay("dead inside", ip("10.252.0.4"), device: "dead0") { $0.targetBehavior = .silent }
            before.append(.made("dead", inside: ip("10.252.0.4"), device: "dead0", probing: slow))
            lay("half inside", ip("10.252.0.6"), device: "half0") { $0.targetBehavior = .silent }
            let routers = [
                SimulatedRouter(ip("198.51.100.1")), SimulatedRouter(ip("198.51.100.2")),
            ]
            lay("half outside", ip("192.0.2.6"), routers: routers)
            lay("other outside", ip("192.0.2.7"), routers: routers)
            before.append(
                .made(
                    "half", outside: ip("192.0.2.6"), inside: ip("10.252.0.6"), device: "half0",
                    probing: slow))
            after.append(.made("half", outside: ip("192.0.2.7"), probing: slow))
            lay("new outside", ip("192.0.2.8"))
            after.append(.made("new", outside: ip("192.0.2.8"), probing: slow))
        }

        private mutating func lay(
            _ name: String, _ target: IPAddress, routers: [SimulatedRouter] = [],
            device: String? = nil, _ change: (inout SimulatedPath) -> Void = { _ in }
        ) {
            var path = SimulatedPath(
                from: target.family == .v4 ? SimulatedDayTests.here : SimulatedDayTests.here6,
                to: target, routers: routers)
            change(&path)
            routes[name] = agent.transport.connect(path, device: device)
        }
    }

    @Test func `a day of loss, outages, clock steps and a reload`() throws {
        let seed: UInt64 = 20_261_122
        var tunnels = Tunnels(seed: seed)
        for name in ["flaky outside", "dead inside", "half inside"] {
            tunnels.agent.transport.watch(try #require(tunnels.routes[name]))
        }
        // The clock is set while probes are on their way: a step of hours, forwards and back.
        for (index, second) in stride(from: 600.0, to: Self.day, by: 4321.0).enumerated() {
            tunnels.agent.at(at(second)) { agent in
                guard let sentAt = agent["steady"]?.requests[0].lastSend else { return }
                agent.at(sentAt + .seconds(1) + .milliseconds(5)) {
                    $0.transport.clock.step(by: .seconds(index % 2 == 0 ? 7200 : -7200))
                }
            }
        }
        tunnels.agent.configure(tunnels.before)
        var largest = 0
        var footprintOfMorning = 0
        for checkpoint in stride(from: 60.0, through: Self.day, by: 60) {
            if checkpoint == Self.reload + 60 { try Self.reload(&tunnels) }
            tunnels.agent.run(until: at(checkpoint))
            for monitor in tunnels.agent.monitors.continuous { Self.expectLossLaw(monitor) }
            guard Int(checkpoint) % 7200 == 0 else { continue }
            Self.expectTruth(tunnels)
            largest = max(largest, footprint(of: tunnels.agent.monitors))
            if checkpoint == 7200 { footprintOfMorning = largest }
        }

        #expect(tunnels.agent.monitors.lateProbes == 0)
        #expect(tunnels.agent.transport.strayMessages == 0)
        #expect(tunnels.agent.monitors.malformedMessages == 0)
        #expect(tunnels.agent.clockSteps == 20)
        // Every state change of the last day is kept, to be counted; nothing else may grow.
        #expect(largest <= footprintOfMorning + 4 * tunnels.agent.changes.count + 200)
        try Self.expectSteady(tunnels.agent)
        try Self.expectLossy(tunnels.agent)
        try Self.expectOutages(tunnels)
        try Self.expectDead(tunnels)
    }

    // MARK: - The reload

    private static func reload(_ tunnels: inout Tunnels) throws {
        var earlier: [String: TunnelMonitor] = [:]
        for monitor in tunnels.agent.monitors.continuous { earlier[monitor.plan.name] = monitor }
        // The order of the file means nothing.
        tunnels.agent.configure(tunnels.after.reversed())
        #expect(
            Set(tunnels.agent.monitors.continuous.map(\.plan.name))
                == ["steady", "lossy", "flaky", "half", "new"])
        for name in ["steady", "lossy"] {
            let before = try #require(earlier[name])
            let after = try #require(tunnels.agent[name])
            #expect(before.id == after.id)
            for path in ProbePath.allCases.indices {
                #expect(after.requests[path].counts == before.requests[path].counts)
                #expect(after.requests[path].identifier == before.requests[path].identifier)
                #expect(after.requests[path].deadline == before.requests[path].deadline)
                #expect(after.replies[path].counts == before.replies[path].counts)
                #expect(after.replies[path].deadline == before.replies[path].deadline)
            }
            expectSameJudgement(after, before)
        }
        let before = try #require(earlier["flaky"])
        let after = try #require(tunnels.agent["flaky"])
        #expect(after.requests[1].settings.interval == .seconds(2))
        #expect(after.requests[1].counts.sent == before.requests[1].counts.sent)
        #expect(after.requests[1].counts.received == before.requests[1].counts.received)
        #expect(after.requests[1].counts.lost == before.requests[1].counts.lost)
        #expect(after.requests[1].counts.retries == before.requests[1].counts.retries)
        #expect(after.requests[1].roundTrips.count == before.requests[1].roundTrips.count)
        #expect(after.requests[1].counts.inFlight == 0)
        expectSameJudgement(after, before)
        for name in ["half", "new"] {
            let fresh = try #require(tunnels.agent[name])
            #expect(fresh.state == .unknown)
            #expect(fresh.requests[1].counts == ProbeCounts())
            #expect(fresh.stateChanges.isEmpty)
        }
    }

    private static func expectSameJudgement(_ after: TunnelMonitor, _ before: TunnelMonitor) {
        #expect(after.state == before.state)
        #expect(after.stateSince == before.stateSince)
        #expect(after.stateChanges == before.stateChanges)
        #expect(after.flaps.ratio == before.flaps.ratio)
        #expect(
            after.flaps.changes(within: .seconds(86_400), of: at(reload))
                == before.flaps.changes(within: .seconds(86_400), of: at(reload)))
    }

    // MARK: - Counts

    /// Interface page §2: `sent = received + lost + inconclusive + in_flight`, at every moment.
    private static func expectLossLaw(_ monitor: TunnelMonitor) {
        for role in ProbeRole.all {
            let counts =
                role.style == .request
                ? monitor.requests[role.path.index].counts : monitor.replies[role.path.index].counts
            let decided = counts.received + counts.lost + counts.inconclusive
            guard decided <= counts.sent else {
                Issue.record("\(monitor.plan.name) \(role): \(counts)")
                continue
            }
            // What is sent in a timeout, or waits for the third of its kind at one of three hops.
            #expect(counts.inFlight <= (role.style == .request ? 2 : 12), "\(role) \(counts)")
            if monitor.plan.roles[role.index].route == nil { #expect(counts.sent == 0) }
        }
    }

    /// What was counted is what the network saw.
    private static func expectTruth(_ tunnels: Tunnels) {
        let agent = tunnels.agent
        func compare(_ name: String, _ route: String, _ path: ProbePath) {
            guard let monitor = agent[name], let route = tunnels.routes[route] else { return }
            let counts = monitor.requests[path.index].counts
            let tally = agent.transport.network.tally(of: route)
            #expect(counts.sent + counts.retries == UInt64(tally.sent), "\(name)")
            let answered = counts.received + counts.lateReplies + counts.duplicates
            #expect(answered <= UInt64(tally.replies), "\(name)")
            #expect(answered + counts.retries + counts.inFlight >= UInt64(tally.replies), "\(name)")
            #expect(counts.lost <= counts.sent + counts.retries - UInt64(tally.replies), "\(name)")
        }
        compare("steady", "steady inside", .inside)
        compare("lossy", "lossy inside", .inside)
        compare("flaky", "flaky outside", .outside)
        compare("dead", "dead inside", .inside)
    }

    // MARK: - States

    private static func expectSteady(_ agent: SimulatedAgent) throws {
        let steady = try #require(agent["steady"])
        let changes = agent.changes.filter { $0.tunnel == "steady" }
        #expect(changes.map(\.to) == [.healthy], "no clock step and no reload changes a state")
        #expect(changes[0].noticedAt < at(5))
        let request = steady.requests[0]
        #expect(request.counts.lost == 0)
        #expect(request.counts.retries == 0)
        // Both stamps of a probe that a clock step overtook are dropped, which is counted, and the
        // round trip is still right to the wake-up of this process.
        #expect(request.counts.unstampedRoundTrips >= 20)
        #expect(request.counts.unstampedRoundTrips <= 40)
        let mean = request.roundTrips.sum / Int(request.roundTrips.count)
        #expect(mean >= .milliseconds(10) - SimulatedTransport.localDelay)
        #expect(mean <= .milliseconds(10) + .microseconds(1))
        // All of them are between 6.4 and 12.8 ms, the bucket of index 8.
        #expect(request.roundTrips.bucketCounts[8] == request.roundTrips.count)
        let reply = steady.replies[0]
        #expect(reply.counts.lost == 0)
        #expect(reply.counts.sent > 8000)
        #expect(reply.counts.received + 2 >= reply.counts.sent)
    }

    private static func expectLossy(_ agent: SimulatedAgent) throws {
        let lossy = try #require(agent["lossy"])
        let ratio = try #require(lossy.requests[0].counts.lossRatio)
        // 86 400 probes: the standard deviation of the ratio is 0.001.
        #expect(abs(ratio - 0.1) < 0.005)
        let changes = agent.changes.filter { $0.tunnel == "lossy" }
        let degraded = try #require(changes.first { $0.to == .degraded })
        #expect(degraded.noticedAt < at(300))
        #expect(
            !changes.contains { $0.to == .healthy && $0.noticedAt > degraded.noticedAt },
            "10 % loss is firmly degraded")
        // A probe and both its retries are lost once in a thousand: then it is down for seconds.
        var seconds = 0.0
        for (change, next) in zip(changes, changes.dropFirst()) where change.to == .down {
            #expect(next.to == .degraded)
            seconds += (next.noticedAt - change.noticedAt).seconds
        }
        #expect(seconds < 0.02 * day)
    }

    private static func expectOutages(_ tunnels: Tunnels) throws {
        let changes = tunnels.agent.changes.filter { $0.tunnel == "flaky" }
        let sends = tunnels.agent.transport.departures[
            try #require(tunnels.routes["flaky outside"])]
        #expect(changes.first?.to == .healthy)
        // The second failure degrades, the third, 10 ms later, takes it down.
        let course = [TunnelState.degraded, .down, .degraded, .healthy]
        let isAsExpected = changes.dropFirst().map(\.to) == tunnels.outages.flatMap { _ in course }
        #expect(isAsExpected)
        guard isAsExpected else { return }
        for (index, outage) in tunnels.outages.enumerated() {
            let (down, degraded, healthy) = (
                changes[2 + 4 * index], changes[3 + 4 * index], changes[4 + 4 * index]
            )
            let unanswered = try #require(
                sends?.first { $0 >= at(outage.lowerBound) }, "a probe in every outage")
            #expect(down.noticedAt - unanswered <= .seconds(3), "outage \(outage)")
            #expect(down.noticedAt >= unanswered + .milliseconds(200))
            let interval = outage.lowerBound < reload ? 1.0 : 2.0
            #expect(degraded.noticedAt >= at(outage.upperBound))
            #expect(degraded.noticedAt <= at(outage.upperBound + 3 * interval + 0.1))
            #expect(healthy.noticedAt - degraded.noticedAt >= .seconds(300))
            #expect(healthy.noticedAt - degraded.noticedAt <= .seconds(330))
        }
    }

    private static func expectDead(_ tunnels: Tunnels) throws {
        let agent = tunnels.agent
        for name in ["dead", "half"] {
            let sends = agent.transport.departures[try #require(tunnels.routes["\(name) inside"])]
            let first = try #require(sends?.first)
            let changes = agent.changes.filter { $0.tunnel == name }
            #expect(changes.first?.to == .down)
            #expect(try #require(changes.first).noticedAt - first <= .seconds(3), "\(name)")
        }
        #expect(agent.changes.filter { $0.tunnel == "dead" }.count == 1, "down until it is removed")
        let half = agent.changes.filter { $0.tunnel == "half" }
        #expect(half.map(\.to) == [.down, .healthy], "another endpoint starts afresh, as unknown")
        #expect(half.last?.from == .unknown)
        #expect(
            agent["half"]?.requests[1].counts.lost == 0, "outside works, whatever the inside does")
        #expect(half.last.map { $0.noticedAt >= at(reload) } ?? false)
        #expect(agent["half"]?.requests[0].counts.sent == 0)
        #expect(agent["new"]?.state == .healthy)
    }
}

extension RequestProber {
    /// When the latest probe or retry left.
    var lastSend: MonotonicInstant? { deadline.map { $0 - settings.interval } }
}
