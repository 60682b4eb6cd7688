import NetworkPrimitives
import NetworkSimulation
@testable import PathMTU
import Testing

/// Whatever a path and its enemies do, a search ends, and with no wrong number.
@Suite struct AdverseSearchTests {
    private static func settings(
        isUrgent: Bool = false, maySweep: Bool = false, timeLimit: Duration? = nil
    ) -> PathMTUSearch.Settings {
        PathMTUSearch.Settings(
            family: .v4, ceiling: 1500, isUrgent: isUrgent, maySweep: maySweep,
            timeLimit: timeLimit)
    }

    // MARK: - Paths that change

    @Test(arguments: [false, true])
    func `a path that changes in the middle gives what it was or is`(isUrgent: Bool) throws {
        var unknown = 0
        for seed in 0..<UInt64(600) {
            var generator = SeededGenerator(seed: seed)
            let first = 1280 + Int(generator.below(221))
            let second = 1280 + Int(generator.below(221))
            let notice: ModelPath.Notice = generator.chance(0.5) ? .exact : .none
            var run = SearchSimulation(
                Self.settings(isUrgent: isUrgent), path: ModelPath(mtu: first, notice: notice),
                seed: seed)
            let when = Duration.milliseconds(generator.below(isUrgent ? 1500 : 12_000))
            let later = ModelPath(mtu: second, notice: notice)
            run.changes = [(.zero + when, { $0 = later })]
            let report = try run.finish()
            if let bytes = report.bytes {
                #expect(
                    bytes == first || bytes == second,
                    "seed \(seed) \(first) \(second): \(run.trace)")
            } else {
                unknown += 1
                #expect(report.reason != nil)
            }
        }
        #expect(unknown <= 60)
    }

    @Test func `a path that shrinks is searched anew, and one that never rests has a reason`()
        throws
    {
        var run = SearchSimulation(Self.settings(), path: ModelPath(mtu: 1480, notice: .none))
        // While the last octet is tried: 1480 has passed and 1481 is silent.
        run.changes = [(.zero + .seconds(4), { $0 = ModelPath(mtu: 1300, notice: .none) })]
        let shrunk = run.run()
        #expect(shrunk?.bytes == 1300)

        var restless = SearchSimulation(Self.settings(), path: ModelPath(mtu: 1480, notice: .none))
        restless.changes = (1..<60).map { turn in
            let mtu = turn.isMultiple(of: 2) ? 1480 - turn : 1400 - turn
            let later = ModelPath(mtu: mtu, notice: .none)
            return (.zero + .seconds(turn * 4), { $0 = later })
        }
        let report = try restless.finish()
        #expect(
            report.bytes == nil && report.reason != nil || report.bytes.map { $0 <= 1480 } == true)
    }

    @Test func `a target that falls silent has a reason`() throws {
        for isUrgent in [false, true] {
            var run = SearchSimulation(
                Self.settings(isUrgent: isUrgent), path: ModelPath(mtu: 1437, notice: .none))
            run.changes = [
                (.zero + .milliseconds(isUrgent ? 300 : 3000), { $0.targetAnswers = false })
            ]
            let report = try run.finish()
            #expect(report.bytes == nil)
            #expect(report.reason == "the target stopped answering", "\(run.trace)")
            #expect((report.atLeast ?? 0) >= 1200 && (report.atLeast ?? 0) <= 1437)
        }
    }

    @Test func `an outage of a second or three leaves the result right`() throws {
        for seed in 0..<UInt64(300) {
            var generator = SeededGenerator(seed: seed)
            let mtu = 1280 + Int(generator.below(221))
            let isUrgent = seed.isMultiple(of: 2)
            var run = SearchSimulation(
                Self.settings(isUrgent: isUrgent), path: ModelPath(mtu: mtu, notice: .none),
                seed: seed)
            let start =
                MonotonicInstant.zero + .milliseconds(generator.below(isUrgent ? 1500 : 9000))
            let length = Duration.milliseconds(500 + generator.below(2500))
            run.changes = [(start, { $0.loss = 1 }), (start + length, { $0.loss = 0 })]
            let report = try run.finish()
            #expect(report.bytes == mtu || report.bytes == nil, "seed \(seed): \(mtu) \(run.trace)")
        }
    }

    // MARK: - Time

    @Test func `round trips that change, late and doubled answers do no harm`() throws {
        var unknown = 0
        for seed in 0..<UInt64(300) {
            var generator = SeededGenerator(seed: seed)
            let mtu = 1280 + Int(generator.below(221))
            var path = ModelPath(mtu: mtu, notice: seed.isMultiple(of: 3) ? .exact : .none)
            path.duplication = 0.3
            path.jitter = .milliseconds(150)
            path.roundTrip = .milliseconds(20 + generator.below(200))
            var run = SearchSimulation(
                Self.settings(isUrgent: seed.isMultiple(of: 2)), path: path, seed: seed)
            run.changes = [
                (.zero + .milliseconds(400), { $0.roundTrip = .milliseconds(900) }),
                (.zero + .milliseconds(2500), { $0.roundTrip = .milliseconds(60) }),
            ]
            let report = try run.finish()
            #expect(report.bytes == mtu || report.bytes == nil, "seed \(seed): \(mtu) \(run.trace)")
            unknown += report.bytes == nil ? 1 : 0
        }
        #expect(unknown <= 3)
    }

    @Test func `the time limit ends it with what is known`() throws {
        var path = ModelPath(mtu: 1437, notice: .none)
        path.targetAnswers = false
        var run = SearchSimulation(
            Self.settings(isUrgent: true, maySweep: true, timeLimit: .seconds(8)), path: path)
        let partly = try run.finish()
        #expect(partly.bytes == nil && partly.reason == "time limit")
        #expect((1200...1437).contains(partly.atLeast ?? 0))
        #expect(partly.provenDistance == 4)
        #expect(run.now <= .zero + .seconds(8))

        // The size is known, the link not yet.
        var located = SearchSimulation(
            Self.settings(isUrgent: true, maySweep: true, timeLimit: .seconds(3)),
            path: ModelPath(mtu: 1437, notice: .none))
        let known = try located.finish()
        #expect(known.bytes == 1437 && known.reason == nil)
        #expect(known.limitingLink == nil && known.limitingLinkReason == "time limit")
    }

    @Test func `may be stopped at any time`() {
        for stop in stride(from: 0, to: 6000, by: 37) {
            var run = SearchSimulation(
                Self.settings(isUrgent: true, maySweep: true),
                path: ModelPath(mtu: 1437, notice: .none))
            _ = run.run(limit: .milliseconds(stop))
            run.search.stop(because: "enough", at: run.now)
            #expect(run.search.isFinished && run.search.deadline == nil)
            let report = run.search.report
            #expect(report.bytes == nil || report.bytes == 1437)
            #expect(report.bytes != nil || report.reason == "enough")
            #expect((report.atLeast ?? 0) <= 1437)
        }
    }

    // MARK: - Routers and kernels

    @Test func `routers that answer rarely cost time, not truth`() throws {
        for seed in 0..<UInt64(60) {
            for period in [2, 5, 20] {
                var generator = SeededGenerator(seed: seed)
                var path = HopSweepTests.randomPath(&generator)
                for index in path.routers.indices {
                    path.routers[index].limit = .init(burst: 1, period: .seconds(period))
                }
                path.targetAnswers = seed.isMultiple(of: 2)
                var run = SearchSimulation(
                    Self.settings(isUrgent: seed.isMultiple(of: 4), maySweep: true), path: path,
                    seed: seed)
                let report = try run.finish()
                let last = path.routers.lastIndex { !$0.isSilent }
                let proven = path.targetAnswers ? path.mtu : path.links[...(last ?? 0)].min()
                if let bytes = report.bytes {
                    #expect(bytes == proven, "seed \(seed), \(period): \(path.links) \(run.trace)")
                }
                if let distance = report.limitingLink?.distance, let bytes = report.bytes,
                    bytes < 1500
                {
                    #expect(
                        path.links.firstIndex(of: bytes) == distance,
                        "seed \(seed), \(period): \(path.links) \(run.trace)")
                }
            }
        }
    }

    @Test func `a target that answers rarely costs time, not truth`() throws {
        var known = 0
        for seed in 0..<UInt64(300) {
            var generator = SeededGenerator(seed: seed)
            let mtu = 1280 + Int(generator.below(221))
            var path = ModelPath(mtu: mtu, notice: seed.isMultiple(of: 3) ? .exact : .none)
            path.targetLimit = .init(
                burst: 1 + Int(generator.below(8)),
                period: .milliseconds(100 + generator.below(2900)))
            var run = SearchSimulation(
                Self.settings(isUrgent: seed.isMultiple(of: 2)), path: path, seed: seed)
            let report = try run.finish()
            #expect(
                report.bytes == mtu || report.bytes == nil,
                "seed \(seed): \(mtu) \(path.targetLimit as Any) \(run.trace)")
            known += report.bytes == nil ? 0 : 1
        }
        #expect(known >= 200)
    }

    @Test func `a host that does not send is no path's fault`() {
        var search = PathMTUSearch(settings: Self.settings(), start: .zero)
        var now = MonotonicInstant.zero
        var attempts = 0
        while let deadline = search.deadline {
            now = max(now, deadline)
            var probes: [SizeProbe] = []
            search.advance(to: now, pace: { _, _ in nil }, into: &probes)
            for probe in probes {
                attempts += 1
                search.failedToSend(probe.number, tooLargeFor: nil, at: now)
            }
        }
        #expect(attempts == 10)
        #expect(search.report.reason == "this host does not send the probes")
        #expect(search.report.isBlackHole == nil)
        #expect(now - .zero >= .seconds(9), "not in a row")
    }

    @Test func `a device that carries next to nothing has a reason`() {
        for ceiling in [-1, 0, 68, 99] {
            let search = PathMTUSearch(
                settings: PathMTUSearch.Settings(family: .v6, ceiling: ceiling), start: .zero)
            #expect(search.isFinished && search.deadline == nil)
            #expect(search.report.reason == "this host sends \(max(0, ceiling)) octets at the most")
        }
        for ceiling in [100, 576, 1199, 1200, 1201, 1279] {
            for family in [IPAddress.Family.v4, .v6] {
                var run = SearchSimulation(
                    PathMTUSearch.Settings(family: family, ceiling: ceiling),
                    path: ModelPath(mtu: 1500))
                #expect(run.run()?.bytes == ceiling)
            }
        }
    }

    @Test func `follows what the kernel says about the device`() throws {
        for said in [0, 1437, 1500, 9000, -5] {
            var search = PathMTUSearch(settings: Self.settings(), start: .zero)
            var now = MonotonicInstant.zero
            var failed = 0
            while let deadline = search.deadline {
                now = max(now, deadline)
                var probes: [SizeProbe] = []
                search.advance(to: now, pace: { _, _ in nil }, into: &probes)
                for probe in probes {
                    guard probe.byteCount <= 1437 else {
                        failed += 1
                        search.failedToSend(probe.number, tooLargeFor: said, at: now)
                        continue
                    }
                    search.sent(probe.number, at: now)
                    search.receive(.echo, to: probe.number, at: now + .milliseconds(1))
                }
            }
            #expect(search.report.bytes == 1437, "\(said)")
            #expect(search.report.limitingLink?.distance == 0)
            #expect(
                failed == (said == 1437 ? 1 : 63), "one octet less each time where nothing is said")
        }
    }

    // MARK: - Forgeries

    /// Somebody on the path answers each large packet with a credible Packet Too Big before its target
    /// does, and the target's answer is lost now and then.
    @Test(arguments: [false, true])
    func `a forger who sees every packet is found out`(isUrgent: Bool) throws {
        var right = 0
        for seed in 0..<UInt64(400) {
            var path = ModelPath(Array(repeating: 1500, count: 4))
            path.loss = 0.08
            let claim = seed.isMultiple(of: 2) ? 1400 : nil as Int?
            path.forge = { size, _ in
                size <= claim ?? 1280
                    ? [] : [.packetTooBig(router: ModelPath.address(1), mtu: claim ?? size - 1)]
            }
            var run = SearchSimulation(Self.settings(isUrgent: isUrgent), path: path, seed: seed)
            let report = try run.finish()
            right += report.bytes == 1500 ? 1 : 0
            guard let bytes = report.bytes, bytes != 1500 else { continue }
            // Believed only where he spoke consistently, and both answers that belie him were lost.
            #expect(bytes == claim && report.suspiciousMessages == 0, "seed \(seed): \(run.trace)")
        }
        #expect(right >= 388)
    }

    @Test func `an answer takes back what it contradicts`() {
        var log = SizeLog(family: .v4, isUrgent: false)
        for size in [1200, 1500, 1400] {
            log.append(SizeLog.Entry(byteCount: size, due: .zero))
            log.depart(log.count - 1, at: .zero)
        }
        let router = ModelPath.address(1)
        log.receive(.echo, to: 0, at: .zero + .milliseconds(1))
        log.receive(.packetTooBig(router: router, mtu: 1300), to: 1, at: .zero + .milliseconds(2))
        #expect(log.suspiciousMessages == 0)
        #expect(SizeEvidence(log).upperBound(ceiling: 1500) == 1500)
        // More than 1300 passes, so nobody who said otherwise is believed.
        log.receive(.echo, to: 2, at: .zero + .milliseconds(3))
        #expect(log.suspiciousMessages == 1)
        #expect(SizeEvidence(log).upperBound(ceiling: 1500) == 1501)
        // Less than what passed, more than was sent, less than any path, a number never sent.
        for (number, mtu) in [(1, 1399), (1, 1500), (1, 551), (1, 70_000), (9, 1450)] {
            let before = log.suspiciousMessages
            log.receive(
                .packetTooBig(router: router, mtu: mtu), to: UInt64(number),
                at: .zero + .milliseconds(4))
            #expect(log.suspiciousMessages == before + 1, "\(mtu)")
        }
        // Before it was sent.
        log.append(SizeLog.Entry(byteCount: 1450, due: .zero))
        log.receive(.echo, to: 3, at: .zero + .milliseconds(5))
        #expect(SizeEvidence(log).best == 1400)
    }

    // MARK: - Nonsense

    @Test func `nonsense never makes a size pass that was not answered`() {
        for seed in 0..<UInt64(400) {
            var generator = SeededGenerator(seed: seed)
            var search = PathMTUSearch(
                settings: Self.settings(
                    isUrgent: seed.isMultiple(of: 2), maySweep: seed.isMultiple(of: 3)),
                start: .zero)
            var now = MonotonicInstant.zero
            var sizes: [Int] = []
            var hops: [UInt8?] = []
            var answered = 0
            var steps = 0
            while let deadline = search.deadline, steps < 5000 {
                steps += 1
                now = max(now, deadline)
                var probes: [SizeProbe] = []
                search.advance(to: now, pace: { _, _ in nil }, into: &probes)
                for probe in probes {
                    while sizes.count <= Int(probe.number) {
                        sizes.append(probe.byteCount)
                        hops.append(probe.hopLimit)
                    }
                    search.sent(probe.number, at: now)
                }
                for _ in 0..<generator.below(6) {
                    let number = UInt64(generator.below(Int64(sizes.count + 3)))
                    let router = ModelPath.address(Int(generator.below(5)))
                    let answer: SizeAnswer
                    switch generator.below(8) {
                    case 0...1: answer = .echo
                    case 2...3: answer = .timeExceeded(router: router)
                    case 4...5:
                        let mtu = Int(generator.below(1600))
                        answer = .packetTooBig(router: router, mtu: mtu)
                    case 6: answer = .packetTooBig(router: router, mtu: .max)
                    default:
                        answer = .unreachable(router: router, isFiltered: generator.chance(0.5))
                    }
                    if number < UInt64(sizes.count), answer == .echo || hops[Int(number)] != nil {
                        answered = max(answered, sizes[Int(number)])
                    }
                    search.receive(answer, to: number, at: now + .milliseconds(generator.below(50)))
                }
            }
            #expect(search.isFinished, "seed \(seed)")
            #expect(search.report.bytes ?? 0 <= answered)
            #expect(search.report.probesSent <= 160)
            #expect((search.report.bytes == nil) == (search.report.reason != nil))
        }
    }

    // MARK: - Ciphers

    /// Inside a tunnel whose outer packets must fit, and outside it, to the octet.
    @Test(arguments: [false, true])
    func `measures thirty tunnels exactly, inside and outside`(isUrgent: Bool) throws {
        var generator = SeededGenerator(seed: 30)
        for turn in 0..<30 {
            let mtu = 1380 + Int(generator.below(121))
            let entry = ESPOverheadTests.suites[
                Int(generator.below(Int64(ESPOverheadTests.suites.count)))]
            let overhead = ESPOverhead(
                suite: try ESPOverheadTests.suite(
                    entry.cipher, entry.checkBits, entry.integrity, entry.integrityBits),
                family: generator.chance(0.5) ? .v4 : .v6, isUDPEncapsulated: generator.chance(0.5))
            let notice: ModelPath.Notice = turn.isMultiple(of: 2) ? .exact : .none
            var outside = SearchSimulation(
                Self.settings(isUrgent: isUrgent, maySweep: true),
                path: ModelPath(mtu: mtu, notice: notice))
            let outer = try outside.finish()
            #expect(outer.bytes == mtu)
            #expect(outer.limitingLink?.distance == (mtu < 1500 ? 2 : nil))

            // The largest inside packet by trial, not by the inverse.
            let carried = try #require(
                (1...1500).last { overhead.outerByteCount(inner: $0) <= mtu })
            var inside = SearchSimulation(
                Self.settings(isUrgent: isUrgent), path: ModelPath([1500, carried], notice: notice))
            let inner = try inside.finish()
            #expect(inner.bytes == carried)
            let tunnel = TunnelMTU(
                outside: outer, inside: inner, deviceMTU: 1500, routeMTU: nil,
                overhead: .esp(overhead))
            #expect(tunnel.fitting == carried)
            #expect(tunnel.verdict == .consistent)
            #expect(tunnel.isDeviceTooLarge == true)
            #expect(tunnel.recommendedMTU == min(carried, 1400))
        }
    }
}
