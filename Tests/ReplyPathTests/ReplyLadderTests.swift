import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath
import Testing

@Suite struct ReplyLadderTests {
    // MARK: - Open

    @Test func `an open path is open as far as the last router`() {
        for family in [IPAddress.Family.v4, .v6] {
            var run = LadderSimulation(LadderPath.plain(6, family: family))
            let report = run.run()
            #expect(report.verdict == .open)
            #expect(report.reason == nil)
            #expect(report.lastHopRequest == 6)
            #expect(report.lastHopReply == 6)
            #expect(report.targetHop == 7)
            #expect(report.hops.last?.isTarget == true)
            #expect((report.confidence ?? 0) >= 0.99)
            #expect(run.ladder.isFinished)
            #expect(run.ladder.deadline == nil)
        }
    }

    // MARK: - Filters

    @Test(arguments: [IPAddress.Family.v4, .v6]) func `names the hop of a filter wherever it sits`(
        family: IPAddress.Family
    ) {
        for hop in 1...6 {
            for place in [SimulatedRouter.Filter.Place.beforeHopLimit, .afterHopLimit] {
                let block = place == .beforeHopLimit ? hop - 1 : hop
                var run = LadderSimulation(
                    LadderPath.filtered(6, at: hop, place, family: family), seed: UInt64(hop))
                let report = run.run()
                if block == 6 {
                    // No router behind it could tell; that is what "as far as visible" means.
                    #expect(report.verdict == .open)
                    #expect(report.lastHopReply == 6)
                    continue
                }
                #expect(report.verdict == .blocked, "\(hop) \(place)")
                #expect(report.blockedAfterHop == block, "\(hop) \(place)")
                #expect(report.likelyHops == [block])
                #expect(
                    report.blockedAfterAddress
                        == (block == 0 ? nil : run.network[run.route].routers[block - 1].address))
                #expect(report.checksums == 3)
                #expect((report.confidence ?? 0) >= 0.99)
                if family == .v4 {
                    #expect(
                        report.place
                            == (block <= 1 ? .firstHop : block == 5 ? .providerEdge : .transit))
                }
                #expect(report.lastHopReply == (block == 0 ? nil : block))
                #expect(report.lastHopRequest == 6)
            }
        }
    }

    @Test func `a filter between silent hops has all of them in its set`() {
        var path = LadderPath.filtered(8, at: 4, .beforeHopLimit)
        path.routers[3].isSilent = true
        path.routers[4].isSilent = true
        var run = LadderSimulation(path)
        let report = run.run()
        #expect(report.verdict == .blocked)
        // Alive at 3, dead at 6; what is between says nothing.
        #expect(report.likelyHops == [3, 4, 5])
        #expect(report.place == .transit)
    }

    @Test func `whose equipment it is stays open where the hops have different owners`() {
        var path = LadderPath.filtered(8, at: 3, .beforeHopLimit)
        path.routers[1].isSilent = true
        path.routers[2].isSilent = true
        var run = LadderSimulation(path)
        let report = run.run()
        #expect(report.verdict == .blocked)
        #expect(report.likelyHops == [1, 2, 3])
        #expect(report.place == nil)
    }

    @Test func `a public first hop of another network is not the customer's`() {
        var path = LadderPath.filtered(6, at: 1, .afterHopLimit)
        path.routers[0].address = .v4(0xc0a8_0001)
        var own = LadderSimulation(path)
        #expect(own.run().place == .firstHop)
        path.routers[0].address = .v4(0x0808_0808)
        var foreign = LadderSimulation(path)
        #expect(foreign.run().place == .transit)
    }

    @Test func `a block in the provider's own prefix is at its edge`() {
        var path = LadderPath.filtered(7, at: 4, .afterHopLimit)
        path.routers[4].address = .v4(0xc633_6440)
        var run = LadderSimulation(path)
        let report = run.run()
        #expect(report.blockedAfterHop == 4)
        #expect(report.place == .providerEdge)
        #expect(report.mayBeProviderEdge)
        path.routers[4].address = LadderPath.router(5)
        var plain = LadderSimulation(path)
        #expect(plain.run().place == .transit)
    }

    @Test func `inside the tunnel every hop is the provider's or beyond`() {
        for hop in [1, 6] {
            var run = LadderSimulation(LadderPath.filtered(6, at: hop, .beforeHopLimit)) {
                $0.isInside = true
            }
            let report = run.run()
            #expect(report.verdict == .blocked)
            #expect(report.place == .providerEdge)
        }
    }

    // MARK: - What is said outright

    @Test(arguments: [IPAddress.Family.v4, .v6]) func `a router that refuses is named at once`(
        family: IPAddress.Family
    ) {
        for (place, block) in [
            (SimulatedRouter.Filter.Place.beforeHopLimit, 2), (.afterHopLimit, 3),
        ] {
            for code in family == .v4 ? [UInt8(9), 10, 13] : [1, 5, 6] {
                var run = LadderSimulation(
                    LadderPath.filtered(
                        6, at: 3, place, verdict: .prohibit(code: code), family: family)
                ) { $0.isUrgent = true }
                let report = run.run()
                #expect(report.verdict == .blocked)
                #expect(report.blockedAfterHop == block, "\(place)")
                #expect(report.refusedBy == run.network[run.route].routers[2].address)
                #expect(report.place == .transit)
                #expect(report.dropsAllICMP == false)
                #expect(run.now < .zero + .seconds(4))
                #expect(report.hops.contains { $0.filteredBy == report.refusedBy })
            }
        }
    }

    @Test func `a refusing router that limits its errors is placed by its other answers`() {
        for seed in 0..<20 as Range<UInt64> {
            var path = LadderPath.filtered(9, at: 2, .afterHopLimit, verdict: .prohibit(code: 13))
            path.routers[1].errorLimit = .init(burst: 3, period: .seconds(1))
            for isUrgent in [false, true] {
                var run = LadderSimulation(path, seed: seed) { $0.isUrgent = isUrgent }
                let report = run.run()
                #expect(report.verdict == .blocked)
                #expect(report.blockedAfterHop == 2, "seed \(seed)")
                #expect(report.likelyHops?.contains(2) == true)
                #expect(report.refusedBy == LadderPath.router(2))
            }
        }
    }

    @Test func `a target that refuses is the provider's edge`() {
        var path = LadderPath.plain(3)
        path.targetBehavior = .silent
        path.routers.append(SimulatedRouter(LadderSimulation.target))
        path.routers[3].isSilent = false
        path.routers[3].filters = [
            .init(.reply, .beforeHopLimit, verdict: .prohibit(code: 13)),
            .init(.request, .beforeHopLimit),
        ]
        var run = LadderSimulation(path)
        let report = run.run()
        #expect(report.verdict == .blocked)
        #expect(report.blockedAfterHop == 3)
        #expect(report.refusedBy == LadderSimulation.target)
        #expect(report.place == .providerEdge)
    }

    @Test func `no router stands between neighbours`() {
        var run = LadderSimulation(LadderPath.plain(0))
        let report = run.run()
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "no router stands between this host and the target")
        #expect(report.targetHop == 1)
    }

    @Test func `a capture that misses a packet now and then accuses nobody`() {
        for seed in 0..<20 as Range<UInt64> {
            var run = LadderSimulation(
                LadderPath.filtered(6, at: 1, .beforeHopLimit), seed: seed
            ) { $0.seesLeaving = true }
            run.missedByCapture = 0.15
            let report = run.run()
            #expect(report.place != .thisHost)
        }
    }

    @Test func `one refusal alone proves nothing`() {
        var ladder = LadderSimulation(LadderPath.plain(3)).ladder
        var actions: [LadderProbe] = []
        var now = MonotonicInstant.zero
        while !actions.contains(where: { $0.kind == .reply }) {
            ladder.advance(to: now, pace: { _, _ in nil }, into: &actions)
            for probe in actions { ladder.sent(probe.number, at: now) }
            now = now + .milliseconds(200)
        }
        let test = actions.first { $0.kind == .reply }!
        for _ in 0..<5 {
            ladder.receive(
                .filtered(router: LadderPath.router(2), quotedSource: LadderSimulation.source),
                to: test.number, at: now)
        }
        #expect(!ladder.isFinished)
        ladder.conclude(at: now, reason: "time limit")
        #expect(ladder.report.verdict == .inconclusive)
        #expect(ladder.report.ignoredAnswers == 4)
    }

    @Test func `this host's own firewall is told from the path`() {
        var refusing = LadderSimulation(LadderPath.plain(6))
        refusing.refused = [.reply]
        let refused = refusing.run()
        #expect(refused.verdict == .blocked)
        #expect(refused.blockedAfterHop == 0)
        #expect(refused.place == .thisHost)
        #expect(refusing.now < .zero + .seconds(5))

        var dropping = LadderSimulation(LadderPath.plain(6)) { $0.seesLeaving = true }
        dropping.dropped = [.reply]
        let dropped = dropping.run()
        #expect(dropped.verdict == .blocked)
        #expect(dropped.place == .thisHost)

        // The same filter at the first hop, where the packets were seen to leave.
        var first = LadderSimulation(LadderPath.filtered(6, at: 1, .beforeHopLimit)) {
            $0.seesLeaving = true
        }
        #expect(first.run().place == .firstHop)
    }

    @Test func `a capture that sees nothing leave accuses nobody`() {
        var run = LadderSimulation(LadderPath.plain(6)) { $0.seesLeaving = true }
        run.sees = false
        #expect(run.run().verdict == .open)
        var blocked = LadderSimulation(LadderPath.filtered(6, at: 3, .afterHopLimit)) {
            $0.seesLeaving = true
        }
        blocked.sees = false
        #expect(blocked.run().blockedAfterHop == 3)
    }

    @Test func `a host that refuses everything is not judged`() {
        var run = LadderSimulation(LadderPath.plain(6))
        run.refused = [.reply, .request, .datagram]
        let report = run.run()
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "this host could not send Echo Requests")
    }
}
