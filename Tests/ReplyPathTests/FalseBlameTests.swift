import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath
import Testing

/// Networks that look like a filter against Echo Replies and have none, or hide the one they have.
@Suite struct FalseBlameTests {
    private static func verdict(
        _ path: SimulatedPath, seed: UInt64 = 1,
        _ change: (inout ReplyLadder.Settings) -> Void = { _ in }
    ) -> ReplyPathReport {
        var run = LadderSimulation(path, seed: seed, change)
        return run.run()
    }

    @Test func `routers that answer every second or third packet`() {
        for every in 2...4 {
            for seed in 0..<20 as Range<UInt64> {
                var path = LadderPath.plain(5)
                for index in path.routers.indices { path.routers[index].answersEvery = every }
                for isUrgent in [false, true] {
                    let report = Self.verdict(path, seed: seed) {
                        $0.isUrgent = isUrgent
                        if isUrgent { $0.timeLimit = .seconds(9) }
                    }
                    #expect(report.verdict != .blocked, "every \(every), seed \(seed)")
                    if every == 2 { #expect(report.verdict == .open) }
                }
            }
        }
    }

    @Test func `routers with a tighter limit than Linux'`() {
        for seed in 0..<10 as Range<UInt64> {
            var path = LadderPath.plain(6)
            for index in path.routers.indices {
                path.routers[index].errorLimit = .init(burst: 1, period: .milliseconds(2500))
            }
            #expect(Self.verdict(path, seed: seed).verdict != .blocked)
            path.routers[3].filters.append(.init(.reply, .beforeHopLimit))
            let report = Self.verdict(path, seed: seed)
            #expect(report.verdict != .open)
            if report.verdict == .blocked { #expect(report.blockedAfterHop == 3) }
        }
    }

    @Test func `silent hops, short of a third in a row`() {
        var path = LadderPath.plain(8)
        for hop in [2, 3, 5, 8] { path.routers[hop - 1].isSilent = true }
        let open = Self.verdict(path)
        #expect(open.verdict == .open)
        #expect(open.lastHopReply == 7)
        path.routers[5].filters.append(.init(.reply, .beforeHopLimit))
        let blocked = Self.verdict(path)
        #expect(blocked.verdict == .blocked)
        #expect(blocked.likelyHops?.contains(5) == true)
    }

    @Test func `no router at all says anything`() {
        var path = LadderPath.plain(4)
        for index in path.routers.indices { path.routers[index].isSilent = true }
        path.targetBehavior = .silent
        let report = Self.verdict(path)
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "no router answers Echo Requests")
    }

    @Test func `only the first hop says anything`() {
        var path = LadderPath.plain(6)
        for index in 1..<6 { path.routers[index].isSilent = true }
        let report = Self.verdict(path)
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "no router beyond the first hop answers")
    }

    @Test func `incoming ICMP errors are all dropped`() {
        var path = LadderPath.plain(6)
        path.dropsErrorsInward = true
        let report = Self.verdict(path)
        #expect(report.verdict == .inconclusive)
    }

    @Test func `incoming Echo Replies are dropped, which the target's answers are`() {
        for hop in [1, 3, 6] {
            var path = LadderPath.plain(6)
            path.routers[hop - 1].filters.append(
                .init(.reply, .beforeHopLimit, direction: .inward))
            let report = Self.verdict(path)
            #expect(report.verdict == .open)
            #expect(report.targetHop == 7 || report.targetHop == nil)
            #expect(report.lastHopReply == 6)
        }
    }

    @Test func `all ICMP is dropped and UDP gets through`() {
        var path = LadderPath.plain(8)
        path.targetBehavior = .silent
        path.routers[3].filters += [
            .init(.reply, .beforeHopLimit), .init(.request, .beforeHopLimit),
        ]
        let report = Self.verdict(path)
        #expect(report.verdict == .inconclusive)
        #expect(report.dropsAllICMP == true)
        #expect(report.lastHopRequest == 3)
        #expect(report.hops.contains { $0.distance == 5 && $0.datagramsAnswered > 0 })
    }

    // MARK: - NAT

    @Test func `behind a NAT the network is not blamed`() {
        for distance in [1, 2] {
            var path = LadderPath.plain(7)
            path.source = .v4(0x0a00_0005)
            path.routers[0].address = .v4(0x0a00_0001)
            path.translation = SimulatedTranslation(
                distance: distance, external: LadderSimulation.source)
            for isUrgent in [false, true] {
                let report = Self.verdict(path) { $0.isUrgent = isUrgent }
                #expect(report.verdict == .inconclusive)
                #expect(report.reason?.hasPrefix("behind a NAT (10.0.0.5 is a private") == true)
                #expect(report.place == nil)
                #expect(report.lastHopRequest == 7)
            }
        }
    }

    @Test func `a NAT that only IKE has seen, or only the quotes show, is not blamed either`() {
        var path = LadderPath.plain(7)
        path.translation = SimulatedTranslation(distance: 1, external: .v4(0xc612_0001))
        let told = Self.verdict(path) { $0.natReason = "IKE detected one" }
        #expect(told.verdict == .inconclusive)
        #expect(told.reason?.contains("IKE detected one") == true)
        path.translation?.restoresQuotes = false
        let seen = Self.verdict(path)
        #expect(seen.verdict == .inconclusive)
        #expect(seen.reason?.contains("quote another source") == true)
    }

    @Test func `what dies before the NAT is said all the same`() {
        var path = LadderPath.filtered(7, at: 1, .beforeHopLimit)
        path.source = .v4(0x0a00_0005)
        path.routers[0].address = .v4(0x0a00_0001)
        path.translation = SimulatedTranslation(distance: 1, external: LadderSimulation.source)
        let report = Self.verdict(path)
        #expect(report.verdict == .blocked)
        #expect(report.blockedAfterHop == 0)
        #expect(report.place == .firstHop)

        path.routers[0].filters = []
        var refusing = LadderSimulation(path)
        refusing.refused = [.reply]
        #expect(refusing.run().place == .thisHost)
    }

    // MARK: - Paths that part or change

    @Test func `the branch that Echo Replies take is silent`() {
        for distance in 1...6 {
            for seed in 0..<5 as Range<UInt64> {
                var path = LadderPath.plain(6)
                var silent = SimulatedRouter(LadderPath.router(distance, way: 1))
                silent.isSilent = true
                path.branches = [SimulatedBranch(distance: distance, alternatives: [silent])]
                for isUrgent in [false, true] {
                    let report = Self.verdict(path, seed: seed) {
                        $0.isUrgent = isUrgent
                        if isUrgent { $0.timeLimit = .seconds(9) }
                    }
                    #expect(report.verdict != .blocked, "\(distance) \(seed) \(isUrgent)")
                }
            }
        }
    }

    @Test func `a filter on one of two branches is no verdict about the path`() {
        var reasons: Set<String?> = []
        for distance in 2...6 {
            var path = LadderPath.plain(7)
            var other = SimulatedRouter(LadderPath.router(distance, way: 1))
            other.filters.append(.init(.reply, .beforeHopLimit))
            path.branches = [SimulatedBranch(distance: distance, alternatives: [other])]
            let report = Self.verdict(path)
            // Which flows take the branch is the hash's affair; if all do, they are blocked.
            if (report.lastHopReply ?? 0) >= distance { #expect(report.verdict != .blocked) }
            reasons.insert(report.reason)
        }
        #expect(
            reasons.contains("Echo Replies of one flow get through and those of another do not"))
    }

    @Test func `a path that changes once is climbed again`() {
        for second in [1, 3, 6, 10] {
            var run = LadderSimulation(LadderPath.plain(6))
            run.changes = [
                (
                    .zero + .seconds(second),
                    { path in
                        for index in 2..<6 {
                            path.routers[index].address = LadderPath.router(index + 1, way: 2)
                        }
                    }
                )
            ]
            #expect(run.run().verdict == .open)

            var blocked = LadderSimulation(LadderPath.filtered(6, at: 4, .afterHopLimit))
            blocked.changes = [
                (
                    .zero + .seconds(second),
                    { path in
                        path.routers = LadderPath.filtered(6, at: 2, .afterHopLimit).routers
                        for index in 1..<6 {
                            path.routers[index].address = LadderPath.router(index + 1, way: 2)
                        }
                    }
                )
            ]
            let report = blocked.run()
            if report.verdict == .blocked { #expect(report.blockedAfterHop == 2, "\(second)") }
            #expect(report.verdict != .open)
        }
    }

    @Test func `a path that keeps changing gives no blame`() {
        var run = LadderSimulation(LadderPath.filtered(6, at: 4, .afterHopLimit))
        run.changes = (1..<60).map { second in
            (
                .zero + .seconds(second),
                { path in path.routers[1].address = LadderPath.router(2, way: second % 3) }
            )
        }
        let report = run.run()
        #expect(report.verdict == .inconclusive)
        #expect(report.reason == "the path changed during the ladder")
    }

    @Test func `a path that gets longer or shorter in the middle`() {
        for (before, after) in [(4, 8), (8, 4)] {
            for second in [1, 2, 4, 7] {
                var run = LadderSimulation(LadderPath.plain(before), seed: UInt64(second))
                run.changes = [
                    (.zero + .seconds(second), { $0.routers = LadderPath.plain(after).routers })
                ]
                #expect(run.run().verdict != .blocked, "\(before) → \(after) after \(second) s")
            }
        }
    }

    @Test func `an outage in the middle`() {
        for second in 0..<12 {
            var path = LadderPath.plain(6)
            path.outages.add(.zero + .seconds(second)..<(.zero + .seconds(second + 4)))
            for isUrgent in [false, true] {
                let report = Self.verdict(path, seed: UInt64(second)) {
                    $0.isUrgent = isUrgent
                    if isUrgent { $0.timeLimit = .seconds(9) }
                }
                #expect(report.verdict != .blocked)
            }
        }
    }

    // MARK: - Bad answers

    @Test func `answers that come many times count once`() {
        for path in [LadderPath.plain(5), LadderPath.filtered(5, at: 2, .afterHopLimit)] {
            var once = LadderSimulation(path)
            var often = LadderSimulation(path)
            often.copies = 9
            let plain = once.run()
            let flooded = often.run()
            #expect(flooded.verdict == plain.verdict)
            #expect(flooded.hops == plain.hops)
            #expect(flooded.ignoredAnswers > plain.ignoredAnswers)
        }
    }

    @Test func `routers that quote eight octets`() {
        var path = LadderPath.filtered(6, at: 3, .afterHopLimit)
        for index in path.routers.indices { path.routers[index].quotedByteCount = 8 }
        #expect(Self.verdict(path).blockedAfterHop == 3)
    }

    @Test func `answers to nothing, from nowhere or before their time are ignored`() {
        var ladder = LadderSimulation(LadderPath.plain(3)).ladder
        var actions: [LadderProbe] = []
        ladder.advance(to: .zero, pace: { _, _ in nil }, into: &actions)
        let probe = actions[0]
        let source = LadderSimulation.source
        let router = LadderPath.router(1)
        // Not yet said to be sent.
        ladder.receive(.timeExceeded(router: router, quotedSource: source), to: 0, at: .zero)
        ladder.sent(probe.number, at: .zero + .milliseconds(5))
        for (answer, number, millisecond) in [
            (LadderAnswer.timeExceeded(router: router, quotedSource: source), UInt64(0), 4),
            (.timeExceeded(router: router, quotedSource: source), 17, 10),
            (.timeExceeded(router: router, quotedSource: source), .max, 10),
            (.timeExceeded(router: .v4(0), quotedSource: source), 0, 10),
            (.timeExceeded(router: .v4(0xe000_0001), quotedSource: source), 0, 10),
            (.timeExceeded(router: .v6(1 << 100), quotedSource: source), 0, 10),
            (.timeExceeded(router: source, quotedSource: source), 0, 10),
        ] {
            ladder.receive(answer, to: number, at: .zero + .milliseconds(millisecond))
        }
        #expect(ladder.report.ignoredAnswers == 8)
        #expect(ladder.report.hops.isEmpty)
    }

    @Test func `whatever comes in, a ladder ends, and its figures fit together`() {
        for seed in 0..<60 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var settings = ReplyLadder.Settings(
                source: LadderSimulation.source, target: LadderSimulation.target,
                isInside: generator.chance(0.3), farthestHop: 1 + UInt8(generator.below(30)),
                isUrgent: generator.chance(0.5), seesLeaving: generator.chance(0.5))
            if settings.isUrgent { settings.timeLimit = .seconds(generator.below(30)) }
            var ladder = ReplyLadder(settings: settings, start: .zero, generator: generator)
            var actions: [LadderProbe] = []
            var now = MonotonicInstant.zero
            while let deadline = ladder.deadline, now < .zero + .seconds(1200) {
                now = max(now, deadline)
                let count = actions.count
                ladder.advance(to: now, pace: { _, _ in nil }, into: &actions)
                for probe in actions[count...] {
                    switch generator.below(12) {
                    case 0: ladder.failedToSend(probe.number, isRefusedHere: true, at: now)
                    case 1: ladder.failedToSend(probe.number, isRefusedHere: false, at: now)
                    case 2: break
                    default: ladder.sent(probe.number, at: now)
                    }
                }
                let router = LadderPath.router(
                    1 + Int(generator.below(12)), way: Int(generator.below(2)))
                let number = UInt64(generator.below(Int64(actions.count) + 2))
                let at = now + .milliseconds(generator.below(400) - 100)
                let source = generator.chance(0.1) ? router : LadderSimulation.source
                switch generator.below(9) {
                case 0...3:
                    ladder.receive(
                        .timeExceeded(router: router, quotedSource: source), to: number, at: at)
                case 4 where generator.chance(0.1):
                    ladder.receive(
                        .filtered(router: router, quotedSource: source), to: number, at: at)
                case 5:
                    ladder.receive(
                        .unreachable(router: router, quotedSource: source), to: number, at: at)
                case 6 where generator.chance(0.1): ladder.receive(.echo, to: number, at: at)
                case 7: ladder.seenLeaving(number, at: at)
                case 8:
                    ladder.note(
                        pairsAt: UInt8(generator.below(4)),
                        PairObservations(
                            controlsSent: 4, controlsAnswered: Int(generator.below(6)),
                            testsSent: 4, testsAnswered: Int(generator.below(5)), router: router),
                        at: at)
                default: break
                }
                _ = ladder.report
            }
            let report = ladder.report
            #expect(ladder.isFinished, "seed \(seed)")
            #expect((report.verdict == .inconclusive) == (report.reason != nil))
            #expect((report.verdict == .blocked) == (report.blockedAfterHop != nil))
            if let block = report.blockedAfterHop {
                #expect(report.likelyHops?.contains(block) == true)
            }
            for hop in report.hops {
                #expect(hop.requestsAnswered <= hop.requestsSent)
                #expect(hop.repliesAnswered <= hop.repliesSent)
                #expect(hop.datagramsAnswered <= hop.datagramsSent)
            }
        }
    }
}
