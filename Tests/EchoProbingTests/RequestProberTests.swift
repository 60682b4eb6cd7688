@testable import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct RequestProberTests {
    static let defaults = RequestProber.Settings(
        family: .v4, interval: .seconds(1), timeout: .seconds(1), payloadByteCount: 56)

    // MARK: - When to send

    @Test func `sends on an absolute grid, however late the driver wakes up`() {
        var run = RequestSimulation(
            Self.defaults, path: RequestSimulation.path(), seed: 1,
            start: MonotonicInstant(nanoseconds: 123_456_789))
        run.wakeUpLatency = .milliseconds(9)
        run.run(until: at(seconds: 600))
        #expect(run.prober.counts.lost == 0)
        #expect(run.prober.counts.sent == 600)
        for (index, transmission) in run.transmissions.enumerated() {
            let slot = MonotonicInstant(nanoseconds: 123_456_789) + .seconds(index)
            #expect(transmission.deadline == slot)
            #expect(run.sendTimes[index] - slot < .milliseconds(9))
        }
    }

    @Test func `skips the slots of a stall and sends one probe, not a burst`() {
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(), seed: 2)
        run.stalls = [at(9_500)..<at(15_400)]
        run.run(until: at(20_500))
        let times = run.sendTimes.map { $0 - at(0) }
        let onGrid = { (range: ClosedRange<Int>) in range.map { Duration.seconds($0) } }
        #expect(times == onGrid(0...9) + [.milliseconds(15_400)] + onGrid(16...20))
        // The late one stands for the latest slot that had passed.
        #expect(run.transmissions[10].deadline == at(seconds: 15))
        #expect(run.prober.counts.lost == 0)
    }

    @Test func `answers nothing more once a limited run is decided`() {
        for loss in [0.0, 0.3, 1.0] {
            var settings = Self.defaults
            settings.interval = .milliseconds(300)
            settings.limit = 10
            var run = RequestSimulation(
                settings, path: RequestSimulation.path(SimulatedLinks(loss: loss)), seed: 3)
            #expect(!run.prober.isFinished)
            run.run(until: at(seconds: 3))
            #expect(run.prober.isFinished == (loss == 0))
            run.run(until: at(seconds: 6))
            #expect(run.prober.isFinished)
            #expect(run.prober.deadline == nil)
            #expect(run.prober.counts.sent == 10)
            #expect(run.prober.counts.inFlight == 0)
        }
    }

    // MARK: - Retries and identifiers

    @Test func `retries twice, 10 ms apart and with a fresh identifier, after silence`() {
        var run = RequestSimulation(
            Self.defaults, path: RequestSimulation.path(SimulatedLinks(loss: 1)), seed: 4)
        let first = run.prober.identifier
        run.run(until: at(900))
        #expect(
            run.sendTimes == [at(0), at(200), at(210)])
        let identifiers = run.transmissions.map(\.message.identifier)
        #expect(identifiers[0] == first)
        #expect(identifiers[1] != first)
        #expect(identifiers[2] == identifiers[1])
        #expect(run.prober.counts.sent == 1)
        #expect(run.prober.counts.retries == 2)
        #expect(run.identifiers.owner(of: first) == 1, "an answer may still come")
    }

    @Test
    func `waits four round-trip times before a retry on a long path, and the timeout at most`() {
        for (delay, silence) in [(20, 200), (50, 400), (90, 720), (140, 1000), (200, 1000)] {
            let links = SimulatedLinks(delay: .milliseconds(delay))
            var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 5)
            run.localDelay = nil
            run.run(until: at(20_900))
            #expect(run.prober.silence == .milliseconds(silence))
            run.network[run.route].outward.loss = 1
            let before = run.sendTimes.count
            run.run(until: at(22_900))
            // 21 s and silence after, and 22 s where that comes first.
            let times = run.sendTimes[before...].map { $0 - at(seconds: 21) }
            #expect(times.contains(.milliseconds(silence)))
            #expect(times.contains(.milliseconds(silence + 10)))
            #expect(times.filter { $0 < .milliseconds(silence) } == [.zero])
        }
    }

    @Test func `retries once for a gap that swallows many probes`() {
        var settings = Self.defaults
        settings.interval = .milliseconds(10)
        var run = RequestSimulation(settings, path: RequestSimulation.path(), seed: 6)
        run.network[run.route].outages.add(
            at(1_006)..<at(1_105))
        run.run(until: at(seconds: 3))
        #expect(run.prober.counts.lost == 10)
        #expect(run.prober.counts.retries == 2)
        // While nothing is answered at all, one burst in half a silence.
        run.network[run.route].outward.loss = 1
        run.run(until: at(seconds: 13))
        let bursts = (run.prober.counts.retries - 2) / 2
        #expect((90...100).contains(bursts), "\(bursts) in 10 s of 100 ms")
    }

    @Test func `retries for every probe that fails where silence lasts as long as the interval`() {
        // At 150 ms of delay each way, silence is the timeout and the interval, 1 s.
        let links = SimulatedLinks(delay: .milliseconds(150))
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 7)
        run.wakeUpLatency = .milliseconds(2)
        run.run(until: at(10_500))
        run.network[run.route].outward.loss = 1
        let before = run.prober.counts
        run.run(until: at(20_500))
        #expect(run.prober.counts.sent - before.sent == 10)
        // The probe of 20 s is still young.
        #expect(run.prober.counts.retries - before.retries == 18)
    }

    @Test func `takes a fresh identifier at most every 10 s and gives the old ones back`() {
        var run = RequestSimulation(
            Self.defaults, path: RequestSimulation.path(SimulatedLinks(loss: 1)), seed: 8)
        run.run(until: at(seconds: 100))
        var firstUse: [(identifier: UInt16, at: MonotonicInstant)] = []
        for (transmission, time) in zip(run.transmissions, run.sendTimes)
        where firstUse.last?.identifier != transmission.message.identifier {
            firstUse.append((transmission.message.identifier, time))
        }
        #expect(firstUse.count == 11)
        for (older, newer) in zip(firstUse, firstUse.dropFirst()).dropFirst() {
            #expect(newer.at - older.at >= RequestProber.rotationSpacing)
        }
        #expect(run.prober.counts.identifierRotations == 10)
        let held = firstUse.filter { run.identifiers.owner(of: $0.identifier) != nil }
        #expect(held.map(\.identifier) == firstUse.suffix(held.count).map(\.identifier))
        #expect(held.count <= 2)
        #expect(run.identifiers.owner(of: run.prober.identifier) == 1)
    }

    @Test func `shows a stale session by the recovery under a fresh identifier`() {
        // The path fails for 5 s; the first retry makes a session that points to the failed path.
        var path = RequestSimulation.path()
        path.outages.add(at(seconds: 10)..<at(seconds: 15))
        path.sessionBreaks = [at(seconds: 15)]
        var run = RequestSimulation(Self.defaults, path: path, seed: 9)
        run.run(until: at(20_150))
        #expect(run.prober.counts.received == 10, "the outage is over, the session is not")
        run.run(until: at(seconds: 30))
        #expect(run.prober.counts.freshIdentifierRecoveries == 1)
        #expect(run.prober.counts.identifierRotations == 2)
        #expect(run.prober.counts.lost == 11)
    }

    @Test func `sees no stale session in an outage that ends by itself`() {
        for seconds in [3, 8] {
            var path = RequestSimulation.path()
            path.outages.add(at(seconds: 10)..<at(seconds: 10 + seconds))
            var run = RequestSimulation(Self.defaults, path: path, seed: 10)
            run.run(until: at(seconds: 40))
            #expect(run.prober.counts.lost == UInt64(seconds))
            #expect(run.prober.counts.freshIdentifierRecoveries == 0)
        }
    }

    // MARK: - What is counted

    @Test func `counts an answer after the timeout as lost and late`() {
        let links = SimulatedLinks(delay: .milliseconds(600))
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 11)
        run.run(until: at(9_500))
        #expect(run.prober.counts.sent == 10)
        #expect(run.prober.counts.received == 0)
        #expect(run.prober.counts.lost == 9)
        #expect(run.prober.counts.lateReplies == 9)
        #expect(!run.prober.hasEverAnswered)
        #expect(run.prober.roundTrips.count == 0)
        #expect(run.samples.allSatisfy { !$0.succeeded })
    }

    @Test func `counts an answer as late by its own stamp, before the timer has run`() {
        let links = SimulatedLinks(delay: .milliseconds(600))
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 12)
        // The driver sleeps through timeout and answer, and then sees the answer first.
        run.stalls = [at(100)..<at(2_700)]
        run.run(until: at(2_900))
        #expect(run.prober.counts.received == 0)
        #expect(run.prober.counts.lost == 1)
        #expect(run.prober.counts.lateReplies == 1)
        #expect(run.samples == [ProbeSample(sentAt: .zero, succeeded: false)])
    }

    @Test func `never counts a duplicate as received, and no answer to a retry at all`() {
        let links = SimulatedLinks(duplication: 1)
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 13)
        run.network[run.route].outages.add(at(seconds: 4)..<at(4_100))
        run.run(until: at(9_500))
        #expect(run.prober.counts.retries == 2)
        #expect(run.prober.counts.received == 9)
        #expect(run.prober.counts.lost == 1)
        // Each request arrives twice there and each of the two answers twice here.
        #expect(run.prober.counts.duplicates == 9 * 3)
        #expect(run.prober.counts.lateReplies == 0)
        #expect(run.prober.roundTrips.count == 9)
    }

    @Test func `counts an answer to an older probe as reordered`() {
        var settings = Self.defaults
        settings.interval = .milliseconds(100)
        let links = SimulatedLinks(holding: 0.1, holdingTime: .milliseconds(150))
        var run = RequestSimulation(settings, path: RequestSimulation.path(links), seed: 14)
        run.run(until: at(seconds: 60))
        #expect(run.prober.counts.reordered == run.expected.reordered)
        #expect((60...150).contains(run.prober.counts.reordered))
        #expect(run.prober.counts.lost == 0)
    }

    @Test(arguments: [
        (SimulatedRouter.Filter.Verdict.prohibit(code: 13), ProbeCounts.FailureReason.filtered),
        (.prohibit(code: 9), .filtered), (.prohibit(code: 10), .filtered),
        (.prohibit(code: 1), .unreachable), (.prohibit(code: 3), .unreachable),
    ])
    func `counts an ICMP error as lost and failed with its reason, at once`(
        verdict: SimulatedRouter.Filter.Verdict, reason: ProbeCounts.FailureReason
    ) {
        var path = RequestSimulation.path()
        let filter = SimulatedRouter.Filter(.request, .afterHopLimit, verdict: verdict)
        path.routers = [
            SimulatedRouter(
                .v4(0xc000_02fe), errorLimit: nil, quotedByteCount: 8, filters: [filter])
        ]
        var run = RequestSimulation(Self.defaults, path: path, seed: 15)
        run.run(until: at(100))
        #expect(run.prober.counts.lost == 1)
        #expect(run.prober.counts.retries == 2, "there is no silence to wait for")
        run.run(until: at(9_900))
        #expect(run.prober.counts.sent == 10)
        #expect(run.prober.counts.lost == 10)
        #expect(run.prober.counts.failed[reason] == 10)
        #expect(run.prober.counts.failed.values.reduce(0, +) == 10)
        guard case .prohibit(let code) = verdict else { return }
        let seen = run.prober.counts.icmpErrors
        #expect(seen.map { $0.key.description } == ["3/\(code)"])
        #expect(run.outcomes.allSatisfy { $0.result == .refused })
    }

    @Test func `counts what could not be sent as a failed sample, not as sent`() {
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(), seed: 16)
        run.network[run.route].unsendable.add(at(seconds: 5)..<at(seconds: 8))
        run.run(until: at(9_900))
        #expect(run.prober.counts.sent == 7)
        #expect(run.prober.counts.received == 7)
        #expect(run.prober.counts.lost == 0)
        #expect(run.prober.counts.retries == 0, "no retry was sent either")
        #expect(run.prober.counts.failed[.send] == 3, "one for each probe, none for a retry")
        #expect(run.samples.filter { !$0.succeeded }.count == 9)
        #expect(run.outcomes.filter { $0.result == .unsent }.count == 9)
    }

    @Test func `times the sample of a failed send by the attempt`() {
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(), seed: 17)
        run.network[run.route].unsendable.add(at(seconds: 3)..<at(seconds: 9))
        run.stalls = [at(3_001)..<at(7_300)]
        run.run(until: at(seconds: 12))
        #expect(run.samples.contains { $0.sentAt == at(7_300) })
        for (older, newer) in zip(run.samples, run.samples.dropFirst()) {
            #expect(older.sentAt <= newer.sentAt)
        }
    }

    @Test func `rejects forged answers by reason and believes none`() throws {
        var path = RequestSimulation.path()
        path.forgeries.wrongSource = 1
        path.forgeries.changedPayload = 1
        path.forgeries.unknownSequence = 1
        path.forgeries.wrongQuote = 1
        path.forgeries.corruption = 1
        var run = RequestSimulation(Self.defaults, path: path, seed: 18)
        run.run(until: at(9_900))
        for reason in ProbeCounts.RejectionReason.allCases {
            #expect(run.prober.counts.rejected[reason] == 10, "\(reason)")
        }
        #expect(run.malformed == 10)
        #expect(run.prober.counts.received == 10)
        #expect(run.prober.counts.duplicates == 0)
        #expect(run.prober.counts.lost == 0)
        #expect(run.prober.counts.failed.values.allSatisfy { $0 == 0 })
        #expect(run.prober.counts.icmpErrors.isEmpty)
        #expect(run.network.tally(of: run.route).forged == 50)

        // And where only the forger answers, everything is lost.
        path.inward.loss = 1
        var dead = RequestSimulation(Self.defaults, path: path, seed: 18)
        dead.run(until: at(9_900))
        #expect(dead.prober.counts.received == 0)
        #expect(dead.prober.counts.lost == 9)
        #expect(!dead.prober.hasEverAnswered)
    }

    @Test func `measures from the kernel's transmit stamp and says when it had none`() throws {
        let links = SimulatedLinks(delay: .milliseconds(10))
        var run = RequestSimulation(Self.defaults, path: RequestSimulation.path(links), seed: 19)
        run.localDelay = .milliseconds(3)
        run.run(until: at(4_900))
        #expect(try #require(run.prober.roundTrips.summary).maximum == .milliseconds(17))
        #expect(try #require(run.prober.localDelays.summary).median == .milliseconds(3))
        #expect(run.prober.counts.unstampedRoundTrips == 0)
        run.localDelay = nil
        run.run(until: at(9_900))
        #expect(try #require(run.prober.roundTrips.summary).maximum == .milliseconds(20))
        #expect(run.prober.counts.unstampedRoundTrips == 5)
    }

    // MARK: - The whole

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `keeps the loss law and the ledger's counts in 500 random networks`(
        family: IPAddress.Family
    ) {
        var seen = ProbeCounts()
        for seed in UInt64(1)...500 {
            var generator = SeededGenerator(seed: seed &* 77)
            var run = Self.randomRun(family: family, seed: seed, generator: &generator)
            run.run(until: at(seconds: 20)) { run in
                let counts = run.prober.counts
                // inFlight itself would trap below zero.
                #expect(counts.sent >= counts.received + counts.lost + counts.inconclusive)
                #expect(counts.inFlight == run.expected.inFlight, "seed \(seed) at \(run.now)")
                #expect(counts.received == run.expected.received, "seed \(seed) at \(run.now)")
                #expect(counts.lost == run.expected.lost, "seed \(seed) at \(run.now)")
            }
            let (counts, expected) = (run.prober.counts, run.expected)
            #expect(counts.sent == expected.sent, "seed \(seed)")
            #expect(counts.retries == expected.retries, "seed \(seed)")
            #expect(counts.lateReplies == expected.lateReplies, "seed \(seed)")
            #expect(counts.duplicates == expected.duplicates, "seed \(seed)")
            #expect(counts.reordered == expected.reordered, "seed \(seed)")
            #expect(counts.inconclusive == 0)
            #expect(counts.failed[.filtered] == expected.failed[.filtered], "seed \(seed)")
            #expect(counts.failed[.unreachable] == expected.failed[.unreachable], "seed \(seed)")
            #expect(counts.lateReplies <= counts.lost)
            #expect(run.prober.roundTrips.count == counts.received)
            let rejected = counts.rejected.values.reduce(0, +)
            let tally = run.network.tally(of: run.route)
            #expect(rejected + UInt64(run.malformed) <= UInt64(tally.forged), "seed \(seed)")
            for (older, newer) in zip(run.samples, run.samples.dropFirst()) {
                #expect(older.sentAt <= newer.sentAt, "seed \(seed)")
            }
            seen.received += counts.received
            seen.lost += counts.lost
            seen.lateReplies += counts.lateReplies
            seen.duplicates += counts.duplicates
            seen.reordered += counts.reordered
            for (reason, count) in counts.failed { seen.failed[reason, default: 0] += count }
            for (reason, count) in counts.rejected { seen.rejected[reason, default: 0] += count }
        }
        // The networks were bad enough to show everything.
        for count in [seen.received, seen.lost, seen.lateReplies, seen.duplicates, seen.reordered] {
            #expect(count > 100)
        }
        for (reason, count) in seen.failed where reason != .resolve {
            #expect(count > 20, "\(reason)")
        }
        for (reason, count) in seen.rejected { #expect(count > 100, "\(reason)") }
    }

    private static func randomRun(
        family: IPAddress.Family, seed: UInt64, generator: inout SeededGenerator
    ) -> RequestSimulation {
        let isV4 = family == .v4
        var links = SimulatedLinks(
            delay: .microseconds(generator.below(250_000)),
            jitter: .microseconds(generator.below(40_000)), loss: generator.unit() * 0.3,
            duplication: generator.unit() * 0.2, holding: generator.unit() * 0.2,
            holdingTime: .milliseconds(generator.below(1_500)))
        if generator.chance(0.2) { links.loss = 0 }
        let router: IPAddress = isV4 ? .v4(0xc000_02fe) : .v6(0xfe)
        var path = SimulatedPath(
            from: isV4 ? RequestSimulation.here4 : RequestSimulation.here6,
            to: isV4 ? RequestSimulation.there4 : RequestSimulation.there6,
            routers: [SimulatedRouter(router, quotedByteCount: 8 + Int(generator.below(60)))],
            links: links)
        if generator.chance(0.15) {
            let codes: [UInt8] = isV4 ? [1, 3, 9, 10, 13] : [0, 1, 3, 5, 6]
            let code = codes[Int(generator.below(5))]
            path.routers[0].filters = [
                .init(.request, .afterHopLimit, verdict: .prohibit(code: code))
            ]
        } else if generator.chance(0.1) {
            path.targetBehavior = .unreachable(code: isV4 ? 3 : 4)
        }
        let start = at(generator.below(15_000))
        path.outages.add(start..<(start + .milliseconds(generator.below(5_000))))
        path.sendFailure = generator.chance(0.3) ? generator.unit() * 0.2 : 0
        path.forgeries.wrongSource = generator.unit() * 0.2
        path.forgeries.changedPayload = generator.unit() * 0.2
        path.forgeries.unknownSequence = generator.unit() * 0.2
        path.forgeries.wrongQuote = generator.unit() * 0.2
        path.forgeries.corruption = generator.unit() * 0.2
        let interval = [50, 200, 500, 1000, 1500][Int(generator.below(5))]
        let timeout = [150, 500, 1000, 2000][Int(generator.below(4))]
        return RequestSimulation(
            RequestProber.Settings(
                family: family, interval: .milliseconds(interval), timeout: .milliseconds(timeout),
                payloadByteCount: 10 + Int(generator.below(60))),
            path: path, seed: seed)
    }

    @Test func `keeps the loss law over a reload`() {
        var run = RequestSimulation(
            Self.defaults, path: RequestSimulation.path(SimulatedLinks(loss: 0.3)), seed: 20)
        run.run(until: at(100_100))
        run.network[run.route].outward.loss = 1
        run.run(until: at(101_100))
        let before = run.prober.counts
        #expect(before.inFlight > 0)
        var settings = Self.defaults
        settings.payloadByteCount = 100
        var heir = RequestProber(
            settings: settings, owner: 2, start: run.now, identifiers: &run.identifiers)
        heir.inherit(from: run.prober)
        #expect(heir.counts.sent == before.sent)
        #expect(heir.counts.received == before.received)
        #expect(heir.counts.lost == before.lost)
        #expect(heir.counts.inconclusive == before.inFlight)
        #expect(heir.counts.inFlight == 0)
        #expect(heir.roundTrips.count == before.received)
        run.prober = heir
        run.network[run.route].outward.loss = 0
        run.run(until: at(200_100))
        let after = run.prober.counts
        #expect(after.sent > before.sent)
        #expect(
            after.sent == after.received + after.lost + after.inconclusive + after.inFlight)
        #expect(after.inconclusive == before.inFlight)
    }

    @Test func `runs a day of probing in bounded memory`() {
        let links = SimulatedLinks(
            delay: .milliseconds(20), jitter: .milliseconds(5), loss: 0.01, duplication: 0.001,
            holding: 0.001, holdingTime: .milliseconds(1_500))
        var path = RequestSimulation.path(links)
        for hour in 0..<24 {
            let start = at(seconds: hour * 3600 + 1800)
            path.outages.add(start..<(start + .seconds(60)))
        }
        var run = RequestSimulation(Self.defaults, path: path, seed: 21)
        run.isKeepingLedger = false
        run.run(until: at(seconds: 86_400))
        let counts = run.prober.counts
        #expect(counts.sent == 86_401)
        // 1.99 % of loss, 0.2 % held back past the timeout, and 24 minutes of outage.
        #expect((3_000...3_700).contains(counts.lost))
        #expect(counts.sent == counts.received + counts.lost + counts.inFlight)
        #expect(counts.inFlight <= 1)
        #expect(run.peakLogCount <= 100)
        #expect(run.prober.roundTrips.count == counts.received)
    }
}
