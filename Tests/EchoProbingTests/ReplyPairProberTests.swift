@testable import EchoProbing
import NetworkPrimitives
import NetworkSimulation
@testable import PacketFormats
import Testing

@Suite struct ReplyPairProberTests {
    private typealias Filter = SimulatedRouter.Filter

    // MARK: - When to send

    @Test func `keeps 1.2 s between two packets for one hop, over all tunnels of the underlay`() {
        var run = ReplySimulation(seed: 1)
        run.wakeUpLatency = .milliseconds(5)
        for tunnel in 0..<4 {
            let target = IPAddress.v4(0xc633_6401 + UInt32(tunnel))
            run.add(
                ReplySimulation.settings(hops: 2),
                path: ReplySimulation.path(ReplySimulation.routers(3), to: target),
                start: at(tunnel * 50))
        }
        run.run(until: at(seconds: 300))
        #expect(Self.shortestGap(run.departures) >= HopPacer.spacing)
        for prober in run.probers {
            #expect(prober.counts.sent >= 25)
            #expect(prober.counts.lost == 0)
        }
        #expect(run.routes.allSatisfy { run.network.tally(of: $0).suppressedErrors == 0 })
    }

    @Test func `lets the insides of two tunnels go at their own pace`() {
        var run = ReplySimulation(seed: 2)
        for tunnel in 0..<2 {
            run.add(
                ReplySimulation.settings(limit: 3, tunnel: tunnel),
                path: ReplySimulation.path([SimulatedRouter(.v4(0x0a00_0000 + UInt32(tunnel)))]))
        }
        run.run(until: at(seconds: 10))
        for prober in 0..<2 {
            let times = run.departures.filter { $0.prober == prober }.map(\.at)
            #expect(times == (0..<6).map { at($0 * 1200) })
        }
    }

    @Test func `keeps its pace after a stall`() {
        for stallEnd in [21_000, 21_300, 30_000, 65_000] {
            var run = ReplySimulation(seed: 3)
            for _ in 0..<3 {
                run.add(
                    ReplySimulation.settings(hops: 2),
                    path: ReplySimulation.path(ReplySimulation.routers(3)))
            }
            run.stalls = [at(20_600)..<at(stallEnd)]
            run.run(until: at(seconds: 119))
            #expect(Self.shortestGap(run.departures) >= HopPacer.spacing, "until \(stallEnd)")
            for prober in run.probers {
                // A pair whose first half was sent before the stall may have become inconclusive.
                #expect(prober.counts.lost == 0)
                #expect(prober.counts.inFlight <= 1)
                #expect(prober.counts.sent <= 12, "what was slept through is not made up for")
            }
        }
    }

    @Test func `decides a pair whose slots a stall swallowed`() {
        var run = ReplySimulation(seed: 4)
        run.add(
            ReplySimulation.settings(limit: 2),
            path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.stalls = [at(500)..<at(9_000)]
        run.run(until: at(seconds: 30))
        #expect(run.probers[0].isFinished)
        #expect(run.probers[0].counts.sent == 2)
        #expect(run.probers[0].counts.inFlight == 0)
        #expect(run.probers[0].counts.received == 2)
    }

    @Test func `sends fewer pairs where more tunnels share a hop than its rate allows`() {
        var run = ReplySimulation(seed: 5)
        for _ in 0..<40 {
            run.add(
                ReplySimulation.settings(), path: ReplySimulation.path(ReplySimulation.routers(2)))
        }
        run.run(until: at(seconds: 1200))
        #expect(Self.shortestGap(run.departures) >= HopPacer.spacing)
        // 1 000 slots of 1.2 s for 40 probers, two a pair.
        for prober in run.probers {
            #expect((8...16).contains(prober.counts.sent), "\(prober.counts.sent)")
            #expect(prober.counts.lost == 0)
            #expect(prober.pairs.filter { !$0.isJudged }.count <= 2)
        }
    }

    @Test func `sends test and control in either order`() {
        var run = ReplySimulation(seed: 6)
        run.add(
            ReplySimulation.settings(interval: .seconds(3)),
            path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.run(until: at(seconds: 600))
        let firsts = Dictionary(grouping: run.departures, by: \.sequence).values.map(\.[0].kind)
        // Of 200 tosses of a fair coin, 60 to 140 heads but for one case in 10⁸.
        #expect((60...140).contains(firsts.filter { $0 == .reply }.count))
        #expect((199...201).contains(firsts.count))
    }

    @Test func `makes test and control alike but for their type`() throws {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 7))
        var pacer = HopPacer()
        var prober = ReplyPairProber(
            settings: ReplySimulation.settings(), owner: 1, start: .zero, identifiers: &pool)
        var sent: [EchoTransmission] = []
        var actions: [ProbeAction] = []
        while sent.count < 2, let deadline = prober.deadline {
            prober.advance(to: deadline, identifiers: &pool, pacer: &pacer, into: &actions)
            for case .send(let transmission) in actions {
                prober.sent(transmission.number, at: deadline)
                sent.append(transmission)
            }
            actions = []
        }
        try #require(sent.count == 2)
        #expect(Set(sent.map(\.message.kind)) == [.request, .reply])
        #expect(sent[0].message.identifier == sent[1].message.identifier)
        #expect(sent[0].message.sequence == sent[1].message.sequence)
        #expect(sent[0].message.payloadByteCount == sent[1].message.payloadByteCount)
        #expect(sent[0].checksum == sent[1].checksum)
        #expect(sent[0].hopLimit == sent[1].hopLimit)
        #expect(sent[1].deadline - sent[0].deadline == HopPacer.spacing)
    }

    // MARK: - Verdicts

    @Test func `receives every test on an open path`() throws {
        var run = ReplySimulation(seed: 8)
        run.add(
            ReplySimulation.settings(hops: 3, limit: 3),
            path: ReplySimulation.path(ReplySimulation.routers(4)))
        run.run(until: at(seconds: 15))
        let prober = run.probers[0]
        #expect(prober.isFinished)
        #expect(prober.counts.sent == 9)
        #expect(prober.counts.received == 9)
        #expect(prober.counts.inFlight == 0)
        #expect(prober.roundTrips.count == 9)
        for (index, hop) in prober.hops.enumerated() {
            #expect(hop.responder == .v4(0x0a00_0001 + UInt32(index)))
            #expect(hop.testsAnswered == 3)
            #expect(hop.controlsAnswered == 3)
        }
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `finds a filter on Echo Replies once the third test in a row is unanswered`(
        family: IPAddress.Family
    ) {
        var run = ReplySimulation(seed: 9)
        let routers = (1...3).map {
            SimulatedRouter(family == .v4 ? .v4(0x0a00_0000 + UInt32($0)) : .v6(UInt128($0)))
        }
        var path = SimulatedPath(
            from: family == .v4 ? RequestSimulation.here4 : RequestSimulation.here6,
            to: family == .v4 ? RequestSimulation.there4 : RequestSimulation.there6,
            routers: routers)
        // It drops what it would pass on, so it still answers itself: nothing arrives at hop 3.
        path.routers[1].filters = [Filter(.reply, .afterHopLimit)]
        var settings = ReplySimulation.settings(hops: 3, limit: 5)
        settings.family = family
        run.add(settings, path: path)
        var sawTwoUndecided = false
        run.run(until: at(seconds: 20)) { run in
            let counts = run.probers[0].counts
            #expect(counts.lost != 1)
            #expect(counts.lost != 2)
            if run.probers[0].hops[2].undecided == 2 {
                sawTwoUndecided = true
                #expect(counts.inFlight >= 2)
            }
        }
        #expect(sawTwoUndecided)
        #expect(run.probers[0].counts.received == 10)
        #expect(run.probers[0].counts.lost == 5)
        #expect(run.probers[0].counts.inconclusive == 0)
        #expect(run.probers[0].hops.map(\.testsAnswered) == [5, 5, 0])
        #expect(run.probers[0].hops.map(\.controlsAnswered) == [5, 5, 5])
    }

    @Test func `finds a filter within three pairs, however the coins fall`() {
        for seed in UInt64(0)..<100 {
            var run = ReplySimulation(seed: seed)
            run.add(
                ReplySimulation.settings(limit: 3),
                path: ReplySimulation.path(ReplySimulation.routers(2)))
            run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
            run.run(until: at(seconds: 15))
            #expect(run.probers[0].counts.lost == 3, "seed \(seed)")
        }
    }

    @Test func `ends a run of losses with the first answered test`() {
        var run = ReplySimulation(seed: 10)
        run.add(
            ReplySimulation.settings(), path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
        run.run(until: at(seconds: 45))
        #expect(run.probers[0].counts.lost == 5)
        run.network[run.routes[0]].routers[0].filters = []
        run.run(until: at(seconds: 65))
        #expect(run.probers[0].counts.lost == 5)
        #expect(run.probers[0].counts.received == 2)
        run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
        run.run(until: at(seconds: 85))
        #expect(run.probers[0].counts.lost == 5, "two in a row prove nothing")
        #expect(run.probers[0].counts.inFlight == 2)
        run.run(until: at(seconds: 95))
        #expect(run.probers[0].counts.lost == 8)
    }

    @Test func `calls a test inconclusive when the next one is answered`() {
        var run = ReplySimulation(seed: 11)
        run.add(
            ReplySimulation.settings(), path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
        run.run(until: at(seconds: 5))
        #expect(run.probers[0].counts.inFlight == 1)
        #expect(run.probers[0].counts.inconclusive == 0)
        run.network[run.routes[0]].routers[0].filters = []
        run.run(until: at(seconds: 15))
        #expect(run.probers[0].counts.inconclusive == 1)
        #expect(run.probers[0].counts.received == 1)
        #expect(run.probers[0].counts.lost == 0)
    }

    @Test func `calls what a finished run leaves undecided inconclusive`() {
        var run = ReplySimulation(seed: 12)
        run.add(
            ReplySimulation.settings(limit: 2),
            path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
        run.run(until: at(seconds: 10))
        #expect(run.probers[0].isFinished)
        #expect(run.probers[0].deadline == nil)
        #expect(run.probers[0].counts.inFlight == 2)
        run.probers[0].concludeUndecided()
        #expect(run.probers[0].counts.inFlight == 0)
        #expect(run.probers[0].counts.inconclusive == 2)
    }

    @Test func `takes no silent router for a filter`() {
        var run = ReplySimulation(seed: 13)
        var routers = ReplySimulation.routers(3)
        routers[0].isSilent = true
        run.add(ReplySimulation.settings(limit: 5), path: ReplySimulation.path(routers))
        run.run(until: at(seconds: 20))
        #expect(run.probers[0].counts.inconclusive == 5)
        #expect(run.probers[0].counts.lost == 0)
        #expect(run.probers[0].hops[0].responder == nil)
    }

    @Test func `takes no rate limit for a filter`() {
        var run = ReplySimulation(seed: 14)
        for tunnel in 0..<3 {
            run.add(
                ReplySimulation.settings(hops: 2),
                path: ReplySimulation.path(ReplySimulation.routers(3)),
                start: at(tunnel * 3_000))
        }
        // Half as fast as Linux: every second packet goes unanswered once the burst is used up.
        for route in run.routes {
            for router in 0..<3 {
                run.network[route].routers[router].errorLimit = .init(
                    burst: 2, period: .seconds(4))
            }
        }
        run.run(until: at(seconds: 3_600))
        let suppressed = run.routes.map { run.network.tally(of: $0).suppressedErrors }
        #expect(suppressed.reduce(0, +) > 200, "the limit must bite")
        #expect(run.probers.allSatisfy { $0.counts.lost == 0 })
        #expect(run.probers.map(\.counts.received).reduce(0, +) > 200)
        // At Linux' own rate none goes unanswered.
        var linux = ReplySimulation(seed: 14)
        for tunnel in 0..<3 {
            linux.add(
                ReplySimulation.settings(hops: 2, interval: .seconds(3)),
                path: ReplySimulation.path(ReplySimulation.routers(3)),
                start: at(tunnel * 500))
        }
        linux.run(until: at(seconds: 3_600))
        for (prober, route) in zip(linux.probers, linux.routes) {
            #expect(linux.network.tally(of: route).suppressedErrors == 0)
            #expect(prober.counts.lost == 0)
            #expect(prober.counts.inconclusive == 0)
            #expect(prober.counts.received > 400)
        }
    }

    @Test func `takes a test that a router refuses for lost at once, with its reason`() {
        for isSilent in [false, true] {
            var run = ReplySimulation(seed: 15)
            var routers = ReplySimulation.routers(3)
            routers[0].filters = [
                Filter(.reply, .afterHopLimit, verdict: .prohibit(code: 13))
            ]
            // With a silent second hop, no control is answered either.
            routers[1].isSilent = isSilent
            run.add(
                ReplySimulation.settings(hops: 2, limit: 2), path: ReplySimulation.path(routers))
            run.run(until: at(seconds: 15))
            let counts = run.probers[0].counts
            #expect(counts.sent == 4)
            #expect(counts.received == 2)
            #expect(counts.lost == 2)
            #expect(counts.failed[.filtered] == 2, "part of lost")
            #expect(counts.icmpErrors.map { "\($0.key) \($0.value)" }.contains("3/13 2"))
            let refused = run.outcomes[0].filter { $0.result == .refused }
            #expect(refused.map(\.hopLimit) == [2, 2])
        }
    }

    @Test func `takes a refused control for no answer`() {
        var run = ReplySimulation(seed: 16)
        var routers = ReplySimulation.routers(2)
        routers[0].filters = [Filter(.request, .beforeHopLimit, verdict: .prohibit(code: 13))]
        run.add(ReplySimulation.settings(limit: 3), path: ReplySimulation.path(routers))
        run.run(until: at(seconds: 15))
        #expect(run.probers[0].counts.inconclusive == 3)
        #expect(run.probers[0].counts.failed[.filtered] == 0, "of tests only")
    }

    @Test func `lets a diagnosis on demand pass a queue of tunnels`() {
        var run = ReplySimulation(seed: 18)
        for _ in 0..<40 {
            run.add(
                ReplySimulation.settings(),
                path: ReplySimulation.path(ReplySimulation.routers(2)))
        }
        run.run(until: at(seconds: 60))
        run.add(
            ReplySimulation.settings(limit: 3),
            path: ReplySimulation.path(ReplySimulation.routers(2)),
            start: at(seconds: 60))
        run.run(until: at(seconds: 72))
        #expect(run.probers[40].isFinished)
        #expect(run.probers[40].counts.received == 3)
        #expect(Self.shortestGap(run.departures) >= HopPacer.spacing)
    }

    @Test func `looks again whether the path has grown beyond the old target`() {
        var run = ReplySimulation(seed: 19)
        run.add(
            ReplySimulation.settings(hops: 3),
            path: ReplySimulation.path(ReplySimulation.routers(1)))
        run.run(until: at(seconds: 100))
        #expect(run.probers[0].hops.map(\.isTarget) == [false, true, true])
        run.network[run.routes[0]] = ReplySimulation.path(ReplySimulation.routers(3))
        run.run(until: at(seconds: 800))
        #expect(run.probers[0].hops.map(\.isTarget) == [false, false, false])
        #expect(run.probers[0].hops[2].testsAnswered > 0)
    }

    @Test func `stops at the hop where the control reaches the target`() {
        var run = ReplySimulation(seed: 17)
        run.add(
            ReplySimulation.settings(hops: 5, limit: 3),
            path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.run(until: at(seconds: 30))
        let prober = run.probers[0]
        #expect(prober.isFinished)
        #expect(prober.hops.map(\.isTarget) == [false, false, true, true, true])
        #expect(prober.hops[0].testsSent == 3)
        #expect(prober.hops[1].testsSent == 3)
        #expect(prober.hops[2].testsSent == 0, "the first control goes first and tells")
        #expect(prober.counts.sent == 6)
        #expect(prober.counts.received == 6)
        #expect(prober.counts.lost == 0)
        #expect(prober.counts.inFlight == 0)
        #expect(run.departures.allSatisfy { $0.distance <= 5 })
    }

    @Test func `believes no forged answer of the target`() throws {
        let start = MonotonicInstant.zero
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 18))
        var pacer = HopPacer()
        var actions: [ProbeAction] = []
        var prober = ReplyPairProber(
            settings: ReplySimulation.settings(hops: 3), owner: 1, start: start, identifiers: &pool)
        var control: EchoMessage?
        while control == nil, let deadline = prober.deadline {
            prober.advance(to: deadline, identifiers: &pool, pacer: &pacer, into: &actions)
            for case .send(let transmission) in actions {
                prober.sent(transmission.number, at: deadline)
                if transmission.message.kind == .request { control = transmission.message }
            }
            actions = []
        }
        var genuine = try #require(control)
        genuine.kind = .reply
        func forged(_ change: (inout EchoMessage) -> Void) -> EchoMessage {
            var message = genuine
            change(&message)
            return message
        }
        prober.receive(forged { $0.nonce ^= 1 }, isFromTarget: true)
        prober.receive(forged { $0.balance ^= 1 }, isFromTarget: true)
        prober.receive(forged { $0.isFillIntact = false }, isFromTarget: true)
        prober.receive(forged { $0.payloadByteCount += 1 }, isFromTarget: true)
        prober.receive(forged { $0.kind = .request }, isFromTarget: true)
        #expect(prober.counts.rejected[.payloadChanged] == 5)
        prober.receive(forged { $0.sequence &+= 100 }, isFromTarget: true)
        prober.receive(forged { $0.identifier ^= 1 }, isFromTarget: true)
        #expect(prober.counts.rejected[.unknownSequence] == 2)
        prober.receive(genuine, isFromTarget: false)
        #expect(prober.counts.rejected[.wrongSource] == 1)
        #expect(prober.hops.allSatisfy { !$0.isTarget })
        prober.receive(genuine, isFromTarget: true)
        #expect(prober.hops.allSatisfy { $0.isTarget })
    }

    @Test func `rejects errors that quote another packet`() {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 19))
        var prober = ReplyPairProber(
            settings: ReplySimulation.settings(), owner: 1, start: .zero, identifiers: &pool)
        var pacer = HopPacer()
        var actions: [ProbeAction] = []
        prober.advance(to: .zero, identifiers: &pool, pacer: &pacer, into: &actions)
        prober.advance(to: .zero, identifiers: &pool, pacer: &pacer, into: &actions)
        guard case .send(let sent)? = actions.first else {
            Issue.record("nothing was sent")
            return
        }
        prober.sent(sent.number, at: .zero)
        let other: EchoMessage.Kind = sent.message.kind == .reply ? .request : .reply
        let quote = { (kind: EchoMessage.Kind, identifier: UInt16, sequence: UInt16) in
            ICMPError(
                type: 11, code: 0, meaning: .timeExceeded,
                quote: QuotedEcho(
                    source: RequestSimulation.here4, destination: RequestSimulation.there4,
                    kind: kind, identifier: identifier, sequence: sequence))
        }
        let (kind, identifier, sequence) = (
            sent.message.kind, sent.message.identifier, sent.message.sequence
        )
        func receive(_ error: ICMPError, isAboutTarget: Bool = true) {
            prober.receive(
                error, from: .v4(1), isAboutTarget: isAboutTarget, at: at(5), isStamped: true)
        }
        receive(quote(kind, identifier, sequence), isAboutTarget: false)
        receive(quote(kind, identifier, sequence &+ 1))
        receive(quote(kind, identifier ^ 1, sequence))
        receive(quote(other, identifier, sequence))
        #expect(prober.counts.rejected[.wrongQuote] == 4)
        #expect(prober.hops[0].responder == nil)
        receive(quote(kind, identifier, sequence))
        #expect(prober.hops[0].responder == .v4(1))
    }

    @Test func `counts late answers as late once, and further ones as duplicates`() {
        var run = ReplySimulation(seed: 20)
        let links = SimulatedLinks(delay: .milliseconds(700), duplication: 1)
        run.add(
            ReplySimulation.settings(limit: 4),
            path: ReplySimulation.path(
                [SimulatedRouter(.v4(0x0a00_0001), errorLimit: nil)], links: links))
        run.network[run.routes[0]].outward.duplication = 0
        // Half of each delay lies before the first hop: 700 ms there and back.
        run.run(until: at(seconds: 11))
        #expect(run.probers[0].counts.received == 4)
        #expect(run.probers[0].counts.duplicates == 4)
        run.add(
            ReplySimulation.settings(limit: 4, tunnel: 1),
            path: ReplySimulation.path(
                [SimulatedRouter(.v4(0x0a00_0002), errorLimit: nil)],
                links: SimulatedLinks(delay: .milliseconds(1_100), duplication: 1)),
            start: run.now)
        run.network[run.routes[1]].outward.duplication = 0
        run.run(until: run.now + .seconds(20))
        let counts = run.probers[1].counts
        #expect(counts.received == 0)
        #expect(counts.inconclusive == 4, "the controls were late too")
        #expect(counts.lateReplies == 4)
        #expect(counts.duplicates == 4)
    }

    @Test func `sends neither half twice and counts no failed send`() {
        var run = ReplySimulation(seed: 21)
        run.add(
            ReplySimulation.settings(limit: 30),
            path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.network[run.routes[0]].sendFailure = 0.3
        run.run(until: at(seconds: 90))
        let prober = run.probers[0]
        #expect(prober.isFinished)
        let tests = run.ledger[0].values.filter { $0.test != nil }.count
        #expect(prober.counts.sent == UInt64(tests))
        #expect((prober.counts.failed[.send] ?? 0) == UInt64(30 - tests))
        #expect((2...20).contains(30 - tests))
        #expect(prober.counts.lost == 0)
        #expect(prober.counts.inFlight == 0)
    }

    // MARK: - The whole

    @Test func `keeps the loss law and the ledger's counts in 500 random networks`() {
        var seen = ProbeCounts()
        for seed in UInt64(1)...500 {
            var run = Self.randomRun(seed: seed)
            run.run(until: at(seconds: 400)) { run in
                for prober in run.probers {
                    let counts = prober.counts
                    #expect(counts.sent >= counts.received + counts.lost + counts.inconclusive)
                }
            }
            for index in run.probers.indices {
                #expect(run.probers[index].isFinished, "seed \(seed)")
                let counts = run.probers[index].counts
                let expected = run.expected(prober: index)
                #expect(counts.sent == expected.sent, "seed \(seed)")
                #expect(counts.received == expected.received, "seed \(seed)")
                #expect(counts.lost == expected.lost, "seed \(seed)")
                #expect(counts.inconclusive == expected.inconclusive, "seed \(seed)")
                #expect(counts.lateReplies == expected.lateReplies, "seed \(seed)")
                #expect(counts.duplicates == expected.duplicates, "seed \(seed)")
                let failed = (counts.failed[.filtered] ?? 0) + (counts.failed[.unreachable] ?? 0)
                #expect(failed <= counts.lost, "seed \(seed)")
                seen.received += counts.received
                seen.lost += counts.lost
                seen.inconclusive += counts.inconclusive
                seen.lateReplies += counts.lateReplies
                seen.duplicates += counts.duplicates
                seen.failed[.filtered, default: 0] += counts.failed[.filtered] ?? 0
            }
            #expect(Self.shortestGap(run.departures) >= HopPacer.spacing, "seed \(seed)")
        }
        for count in [
            seen.received, seen.lost, seen.inconclusive, seen.lateReplies, seen.duplicates,
            seen.failed[.filtered] ?? 0,
        ] { #expect(count > 50, "\(seen)") }
    }

    private static func randomRun(seed: UInt64) -> ReplySimulation {
        var generator = SeededGenerator(seed: seed &* 99)
        var run = ReplySimulation(seed: seed)
        run.wakeUpLatency = .microseconds(generator.below(3_000))
        for _ in 0...generator.below(2) {
            var routers = ReplySimulation.routers(1 + Int(generator.below(4)))
            for index in routers.indices {
                routers[index].isSilent = generator.chance(0.15)
                if generator.chance(0.2) {
                    routers[index].errorLimit = .init(burst: 2, period: .seconds(3))
                }
                guard generator.chance(0.2) else { continue }
                routers[index].filters = [
                    Filter(
                        generator.chance(0.7) ? .reply : .request,
                        generator.chance(0.5) ? .beforeHopLimit : .afterHopLimit,
                        verdict: generator.chance(0.4) ? .prohibit(code: 13) : .drop)
                ]
            }
            var path = ReplySimulation.path(
                routers,
                links: SimulatedLinks(
                    delay: .milliseconds(generator.below(300)),
                    jitter: .milliseconds(generator.below(50)), loss: generator.unit() * 0.3,
                    duplication: generator.unit() * 0.2, holding: generator.unit() * 0.2,
                    holdingTime: .milliseconds(generator.below(2_000))))
            path.sendFailure = generator.chance(0.2) ? 0.1 : 0
            path.forgeries.wrongSource = generator.unit() * 0.3
            path.forgeries.changedPayload = generator.unit() * 0.3
            path.forgeries.wrongQuote = generator.unit() * 0.3
            run.add(
                ReplySimulation.settings(
                    hops: UInt8(1 + generator.below(5)), limit: 3 + Int(generator.below(6))),
                path: path, start: at(generator.below(2_000)))
        }
        return run
    }

    @Test func `keeps the loss law over a reload`() {
        var run = ReplySimulation(seed: 22)
        run.add(
            ReplySimulation.settings(), path: ReplySimulation.path(ReplySimulation.routers(2)))
        run.run(until: at(seconds: 35))
        run.network[run.routes[0]].routers[0].filters = [Filter(.reply, .beforeHopLimit)]
        run.run(until: at(seconds: 55))
        let before = run.probers[0].counts
        #expect(before.received == 4)
        #expect(before.inFlight == 2)
        var heir = ReplyPairProber(
            settings: ReplySimulation.settings(), owner: 9, start: run.now,
            identifiers: &run.identifiers)
        heir.inherit(from: run.probers[0])
        #expect(heir.counts.sent == 6)
        #expect(heir.counts.inconclusive == 2)
        #expect(heir.counts.inFlight == 0)
        #expect(heir.roundTrips.count == 4)
    }

    @Test func `runs a week of pairs in bounded memory`() {
        var run = ReplySimulation(seed: 23)
        run.add(
            ReplySimulation.settings(hops: 2),
            path: ReplySimulation.path(
                ReplySimulation.routers(3), links: SimulatedLinks(loss: 0.02)))
        run.run(until: at(seconds: 7 * 86_400))
        #expect((60_400...60_500).contains(run.probers[0].counts.sent))
        #expect(run.peakPairCount <= 66)
        // Two in a hundred lost each way: three in a row are one case in 17 000.
        #expect(run.probers[0].counts.lost <= 60)
    }

    // MARK: -

    private static func shortestGap(_ departures: [ReplySimulation.Departure]) -> Duration {
        var shortest = Duration.seconds(1_000_000)
        for hop in Dictionary(grouping: departures, by: \.distance).values {
            for (older, newer) in zip(hop, hop.dropFirst()) {
                shortest = min(shortest, newer.at - older.at)
            }
        }
        return shortest
    }
}
