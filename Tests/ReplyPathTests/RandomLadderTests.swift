import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath
import Testing

/// Random paths as the algorithm study drew them: 4 to 14 hops, 15 % of them silent, 15 % answering
/// a part of the packets, 15 % of places shared by two routers, Linux' limit on ICMP errors.
struct RandomLadder {
    var path: SimulatedPath
    /// The hop after which Echo Replies die; nil for an open path.
    var block: Int?

    /// Draws a path; with `ignoresFlow` routers that share a place part ICMP types, not flows.
    init(
        seed: UInt64, isBlocked: Bool, ignoresFlow: Bool = false, loss: Double = 0.015,
        family: IPAddress.Family = .v4
    ) {
        var generator = SeededGenerator(seed: seed)
        let count = 4 + Int(generator.below(11))
        path = LadderPath.plain(count, family: family)
        path.outward.loss = loss
        path.inward.loss = loss
        path.outward.jitter = .milliseconds(3)
        path.targetBehavior = generator.chance(0.5) ? .answers : .silent
        for index in 0..<count {
            Self.vary(&path.routers[index], using: &generator)
            guard generator.chance(0.15) else { continue }
            let address: IPAddress =
                switch path.routers[index].address {
                case .v4(let bits): .v4(bits ^ 0x4000)
                case .v6(let bits): .v6(bits ^ 0x4000)
                }
            var other = SimulatedRouter(address)
            Self.vary(&other, using: &generator)
            path.branches.append(
                SimulatedBranch(
                    distance: index + 1, alternatives: [other], ignoresFlow: ignoresFlow))
        }
        guard isBlocked else { return }
        let block = Int(generator.below(Int64(count)))
        self.block = block
        let isAfter = block > 0 && generator.chance(0.5)
        let hop = isAfter ? block : block + 1
        let filter = SimulatedRouter.Filter(.reply, isAfter ? .afterHopLimit : .beforeHopLimit)
        path.routers[hop - 1].filters.append(filter)
        for branch in path.branches.indices where path.branches[branch].distance == hop {
            path.branches[branch].alternatives[0].filters.append(filter)
        }
    }

    private static func vary(
        _ router: inout SimulatedRouter, using generator: inout SeededGenerator
    ) {
        let kind = generator.unit()
        if kind < 0.15 {
            router.isSilent = true
        } else if kind < 0.3 {
            router.answerShare = 0.3 + 0.6 * generator.unit()
        } else {
            router.answerShare = 0.96 + 0.04 * generator.unit()
        }
        if generator.chance(0.2) { router.quotedByteCount = 8 }
    }
}

/// What many ladders came to.
struct LadderScore: CustomStringConvertible {
    var runs = 0
    var blocked = 0
    var open = 0
    var undecided = 0
    /// Blocked, though open.
    var falseBlocked = 0
    /// Open, though a router behind the block answered Echo Requests.
    var falseOpen = 0
    /// Open, and no router behind the block answers anything.
    var openAsFarAsVisible = 0
    var exact = 0
    var inSet = 0
    var width = 0
    var packets = 0
    var reasons: [String: Int] = [:]

    mutating func add(_ report: ReplyPathReport, truth block: Int?, packets: Int) {
        runs += 1
        self.packets += packets
        switch report.verdict {
        case .open:
            open += 1
            if let block {
                if (report.lastHopRequest ?? 0) > block {
                    falseOpen += 1
                } else {
                    openAsFarAsVisible += 1
                }
            }
        case .inconclusive:
            undecided += 1
            reasons[report.reason ?? "", default: 0] += 1
        case .blocked:
            blocked += 1
            guard let block else {
                falseBlocked += 1
                return
            }
            exact += report.blockedAfterHop == block ? 1 : 0
            inSet += report.likelyHops?.contains(block) == true ? 1 : 0
            width += report.likelyHops?.count ?? 0
        }
    }

    var description: String {
        let found = Double(max(blocked, 1)) / 100
        return
            "runs \(runs): blocked \(blocked), open \(open), undecided \(undecided); false blocked \(falseBlocked), false open \(falseOpen), open as far as visible \(openAsFarAsVisible); exact \(Double(exact) / found) %, in set \(Double(inSet) / found) %, width \(Double(width) / Double(max(blocked, 1))); packets \(packets / max(runs, 1)); \(reasons)"
    }
}

@Suite struct RandomLadderTests {
    private static func score(
        _ seeds: Range<UInt64>, isBlocked: Bool, ignoresFlow: Bool = false, loss: Double = 0.015,
        family: IPAddress.Family = .v4, isUrgent: Bool = false
    ) -> LadderScore {
        var score = LadderScore()
        for seed in seeds {
            let random = RandomLadder(
                seed: seed, isBlocked: isBlocked, ignoresFlow: ignoresFlow, loss: loss,
                family: family)
            var run = LadderSimulation(random.path, seed: seed) {
                $0.isUrgent = isUrgent
                if isUrgent { $0.timeLimit = .seconds(9) }
            }
            let report = run.run()
            score.add(report, truth: random.block, packets: run.departures.count)
        }
        return score
    }

    @Test func `200 random paths: no false blame, and most of the filters found`() {
        let open = Self.score(0..<100, isBlocked: false)
        #expect(open.falseBlocked == 0, "\(open)")
        #expect(open.open >= 90, "\(open)")
        let blocked = Self.score(100..<200, isBlocked: true)
        #expect(blocked.falseOpen == 0, "\(blocked)")
        #expect(blocked.blocked >= 80, "\(blocked)")
        #expect(blocked.exact * 100 >= blocked.blocked * 80, "\(blocked)")
        #expect(blocked.inSet * 100 >= blocked.blocked * 96, "\(blocked)")
        #expect(blocked.width * 10 <= blocked.blocked * 16, "\(blocked)")
    }

    @Test func `30 % loss each way blames nobody`() {
        let open = Self.score(200..<230, isBlocked: false, loss: 0.3)
        #expect(open.falseBlocked == 0, "\(open)")
        #expect(open.open >= 24, "\(open)")
        let blocked = Self.score(230..<260, isBlocked: true, loss: 0.3)
        #expect(blocked.falseOpen == 0, "\(blocked)")
        #expect(blocked.blocked >= 18, "\(blocked)")
        #expect(blocked.inSet == blocked.blocked, "\(blocked)")
    }

    @Test func `routers that part ICMP types are not taken for filters`() {
        let open = Self.score(300..<340, isBlocked: false, ignoresFlow: true)
        #expect(open.falseBlocked == 0, "\(open)")
        #expect(open.open >= 34, "\(open)")
    }

    @Test func `in nine seconds still nobody is blamed in error`() {
        let open = Self.score(400..<430, isBlocked: false, isUrgent: true)
        #expect(open.falseBlocked == 0, "\(open)")
        #expect(open.open >= 27, "\(open)")
        let blocked = Self.score(430..<460, isBlocked: true, family: .v6, isUrgent: true)
        #expect(blocked.falseOpen == 0, "\(blocked)")
        #expect(blocked.blocked >= 15, "\(blocked)")
        #expect(blocked.inSet == blocked.blocked, "\(blocked)")
    }
}
