import NetworkPrimitives
import NetworkSimulation
@testable import PathMTU
import Testing

@Suite struct TargetSearchTests {
    static func settings(
        _ family: IPAddress.Family = .v4, ceiling: Int = 1500, isUrgent: Bool = false,
        maySweep: Bool = false
    ) -> PathMTUSearch.Settings {
        PathMTUSearch.Settings(
            family: family, ceiling: ceiling, isUrgent: isUrgent, maySweep: maySweep)
    }

    @Test(arguments: [true, false])
    func `black holes of every size are found to the octet in few rounds`(isUrgent: Bool) throws {
        for family in [IPAddress.Family.v4, .v6] {
            var packets = 0, rounds = 0, time = Duration.zero
            for mtu in (family == .v4 ? 1200 : 1280)...1500 {
                var run = SearchSimulation(
                    Self.settings(family, isUrgent: isUrgent),
                    path: ModelPath(mtu: mtu, notice: .none))
                let outcome = run.run()
                let report = try #require(outcome)
                #expect(report.bytes == mtu)
                #expect(report.isBlackHole == (mtu < 1500))
                packets = max(packets, report.probesSent)
                rounds = max(rounds, report.rounds)
                time = max(time, run.now - .zero)
            }
            if isUrgent {
                #expect(packets <= 40)
                #expect(rounds <= 4)
                #expect(time <= .seconds(5))
            }
        }
    }
}

extension TargetSearchTests {
    @Test(arguments: [false, true])
    func `large frames cost little where the path has 1500 octets`(isUrgent: Bool) throws {
        for ceiling in [9000, 65_535] {
            for notice in [ModelPath.Notice.exact, .none, .unnamed] {
                for mtu in [1500, 1492, 1280, 4352, 8999, 9000] {
                    var path = ModelPath(mtu: mtu, notice: notice)
                    path.links[0] = ceiling
                    path.links[1] = ceiling
                    var run = SearchSimulation(
                        Self.settings(ceiling: ceiling, isUrgent: isUrgent), path: path)
                    let report = try run.finish()
                    #expect(report.bytes == min(mtu, ceiling), "\(run.trace)")
                    if notice.isExact { #expect(report.probesSent <= 5) }
                    // Without a size the search goes from plateau to plateau.
                    let rounds = notice.isNamed ? 4 : 6
                    if mtu == 1500, isUrgent { #expect(report.rounds <= rounds) }
                    #expect(report.probesSent <= 75)
                }
            }
        }
    }

    struct Cost {
        var mean = 0.0, p95 = 0, median = 0, low = 0, high = 0, unknown = 0
    }

    static let priors = SizePriors.all.map { ($0.byteCount, $0.weight) }

    static func draw(_ generator: inout SeededGenerator) -> Int {
        let mark = generator.unit()
        var sum = 0.0
        for (size, weight) in priors {
            sum += weight
            if mark < sum { return size }
        }
        return 1280 + Int(generator.below(221))
    }

    static func cost(
        paths: Int, loss: Double, notice: ModelPath.Notice, isUrgent: Bool = false,
        family: IPAddress.Family = .v6
    ) -> Cost {
        var counts: [Int] = []
        var cost = Cost()
        for seed in 0..<UInt64(paths) {
            var generator = SeededGenerator(seed: seed &* 77 &+ 5)
            let mtu = draw(&generator)
            var path = ModelPath(mtu: mtu, notice: notice)
            path.loss = loss
            var run = SearchSimulation(settings(family, isUrgent: isUrgent), path: path, seed: seed)
            guard let report = run.run() else { fatalError("no end") }
            counts.append(report.probesSent)
            if let bytes = report.bytes {
                cost.low += bytes < mtu ? 1 : 0
                cost.high += bytes > mtu ? 1 : 0
            } else {
                cost.unknown += 1
            }
        }
        counts.sort()
        cost.mean = Double(counts.reduce(0, +)) / Double(paths)
        cost.p95 = counts[paths * 95 / 100]
        cost.median = counts[paths / 2]
        return cost
    }

    /// Mean and 95th percentile of the packets, by loss each way, for 4000 paths.
    @Test(arguments: [
        (0.0, ModelPath.Notice.exact, 2.8, 4), (0, .none, 6.0, 18), (0.01, .exact, 3.0, 4),
        (0.01, .none, 6.6, 18), (0.05, .exact, 3.7, 10), (0.05, .none, 8.7, 30),
    ])
    func `takes few packets on 4000 paths and is never too high`(
        loss: Double, notice: ModelPath.Notice, mean: Double, most: Int
    ) {
        let cost = Self.cost(paths: 4000, loss: loss, notice: notice)
        #expect(cost.mean <= mean)
        #expect(cost.p95 <= most)
        #expect(cost.high == 0)
        #expect(cost.unknown == 0)
        // One step too low where three tries in a row were lost by chance.
        #expect(cost.low <= (loss == 0 ? 0 : 12))
    }

    @Test(arguments: [ModelPath.Notice.exact, .none])
    func `takes few packets when somebody waits`(notice: ModelPath.Notice) {
        for loss in [0, 0.05] {
            let cost = Self.cost(paths: 1000, loss: loss, notice: notice, isUrgent: true)
            #expect(cost.median <= 4)
            #expect(cost.high == 0)
            #expect(cost.low <= (loss == 0 ? 0 : 4))
            if loss == 0 { #expect(cost.p95 <= (notice.isExact ? 4 : 40)) }
        }
    }

    @Test(arguments: [false, true])
    func `says nothing rather than something wrong at 30 % loss each way`(isUrgent: Bool) {
        for notice in [ModelPath.Notice.exact, .none] {
            let cost = Self.cost(paths: 1000, loss: 0.3, notice: notice, isUrgent: isUrgent)
            #expect(cost.high == 0)
            #expect(cost.low <= 15)
            #expect(cost.unknown <= 150)
        }
    }
}
