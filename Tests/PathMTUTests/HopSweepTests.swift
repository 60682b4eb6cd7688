import NetworkPrimitives
import NetworkSimulation
@testable import PathMTU
import Testing

@Suite struct HopSweepTests {
    /// A path with up to eight routers, some silent, one or two narrow links.
    static func randomPath(_ generator: inout SeededGenerator) -> ModelPath {
        let hops = 2 + Int(generator.below(7))
        let notice: ModelPath.Notice = generator.chance(0.5) ? .exact : .none
        var path = ModelPath(Array(repeating: 1500, count: hops + 1), notice: notice)
        for _ in 0..<(1 + Int(generator.below(2))) {
            path.links[1 + Int(generator.below(Int64(hops)))] = 1280 + Int(generator.below(221))
        }
        for index in path.routers.indices {
            path.routers[index].isSilent = generator.chance(0.2)
        }
        return path
    }

    @Test(arguments: [false, true])
    func `names the limiting link or the hops around it`(isUrgent: Bool) throws {
        var exact = 0, unknown = 0
        for seed in 0..<UInt64(400) {
            var generator = SeededGenerator(seed: seed)
            var path = Self.randomPath(&generator)
            path.loss = seed % 4 == 0 ? 0.02 : 0
            path.jitter = .milliseconds(5)
            var run = SearchSimulation(
                TargetSearchTests.settings(isUrgent: isUrgent, maySweep: true), path: path,
                seed: seed)
            let outcome = run.run()
            let report = try #require(outcome, "seed \(seed)")
            #expect(report.bytes == path.mtu, "seed \(seed) \(run.trace)")
            #expect(run.isPaceKept)
            let truth = try #require(path.links.firstIndex(of: path.mtu))
            if path.mtu == 1500 { continue }
            if let distance = report.limitingLink?.distance {
                #expect(distance == truth, "seed \(seed): \(path.links) \(run.trace)")
                exact += 1
            } else if let distances = report.limitingDistances {
                #expect(distances.contains(truth), "seed \(seed): \(path.links) \(run.trace)")
            } else {
                unknown += 1
            }
        }
        #expect(exact >= 250)
        #expect(unknown == 0)
    }

    @Test(arguments: [false, true])
    func `measures as far as routers answer where the target does not`(isUrgent: Bool) throws {
        var exact = 0
        for seed in 0..<UInt64(400) {
            var generator = SeededGenerator(seed: seed)
            var path = Self.randomPath(&generator)
            path.targetAnswers = false
            path.loss = seed % 4 == 0 ? 0.02 : 0
            var run = SearchSimulation(
                TargetSearchTests.settings(isUrgent: isUrgent, maySweep: true), path: path,
                seed: seed)
            let outcome = run.run()
            let report = try #require(outcome, "seed \(seed)")
            #expect(run.isPaceKept)
            guard let last = path.routers.lastIndex(where: { !$0.isSilent }).map({ $0 + 1 }) else {
                #expect(report.bytes == nil && report.atLeast == nil)
                continue
            }
            let proven = path.links[..<last].min() ?? 0
            if let bytes = report.bytes {
                #expect(bytes == proven, "seed \(seed): \(path.links) \(run.trace)")
                #expect(report.provenDistance == last)
                let truth = try #require(path.links.firstIndex(of: proven))
                if let distance = report.limitingLink?.distance {
                    #expect(distance == truth, "seed \(seed): \(path.links) \(run.trace)")
                }
                exact += 1
            } else {
                #expect((report.atLeast ?? 0) <= proven, "seed \(seed): \(path.links) \(run.trace)")
                #expect(report.reason != nil)
            }
        }
        #expect(exact >= 280)
    }

    /// What fifteen seconds are enough for, where nobody else asks the same routers.
    @Test func `names the link of a black hole in the time that somebody waits`() throws {
        var named = 0
        for seed in 0..<UInt64(200) {
            var generator = SeededGenerator(seed: seed)
            var path = ModelPath(
                mtu: 1280 + Int(generator.below(220)), hops: 3 + Int(generator.below(5)),
                behind: 1 + Int(generator.below(3)), notice: .none)
            path.jitter = .milliseconds(5)
            var run = SearchSimulation(
                PathMTUSearch.Settings(
                    family: .v4, ceiling: 1500, isUrgent: true, timeLimit: .seconds(15)),
                path: path, seed: seed)
            let report = try run.finish()
            #expect(report.bytes == path.mtu)
            #expect(report.probesSent <= 40)
            let truth = path.links.firstIndex(of: path.mtu)
            if let link = report.limitingLink {
                #expect(link.distance == truth)
                named += 1
            }
        }
        #expect(named == 200)
    }
}
