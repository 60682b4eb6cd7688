import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ProviderChecks

@Suite struct RetryBurstTests {
    /// Checks of one kind at 3/s, every `every`-th of which is repeated twice.
    private static func run(
        every: Int?, gap: Double = 0.2, count: Int = 900, fixedIdentifiers: Int? = nil,
        edges: Int = 50, perSecond: Double = 3
    ) -> ProviderChecksReport {
        var host = CheckedHost()
        var generator = SeededGenerator(seed: 11)
        var arrivals: [SeenEcho] = []
        for number in 0..<count {
            let now = Double(number) / perSecond
            let identifier =
                fixedIdentifiers.map { UInt16(number % $0) }
                ?? .random(in: 0...UInt16.max, using: &generator)
            let repeats = every.map { number % $0 == 0 } == true ? 2 : 0
            for copy in 0...repeats {
                arrivals.append(
                    CheckedHost.arrival(
                        .replyUnidirectional, edge: number % edges, identifier: identifier,
                        sequence: UInt16(copy), at: at(now + Double(copy) * gap)))
            }
        }
        arrivals.sort { $0.at < $1.at }
        for arrival in arrivals {
            host.receive(arrival)
            host.watch.advance(to: arrival.at)
        }
        let end = Double(count) / perSecond + 12
        host.watch.advance(to: at(end))
        return host.report(end)
    }

    @Test func `finds none among ordinary checks`() {
        let report = Self.run(every: nil)
        #expect(report.retries.bursts == 0)
        #expect(report.retryRatio == 0)
        #expect(!report.retries.isAlarming)
        #expect(report.predictedState == .healthy)
    }

    @Test(arguments: [0.0, 0.01, 0.3, 1, 1.5])
    func `finds every tenth repeated`(gap: Double) {
        let report = Self.run(every: 10, gap: gap)
        #expect(abs((report.retryRatio ?? 0) - 0.1) < 0.01)
        #expect(report.retries.bursts == 90)
        #expect(report.retries.isAlarming)
        // All were answered here: they are lost behind.
        #expect(report.answered?.ratio == 1)
        #expect(report.predictedState == .degraded)
        #expect(report.predictedReason?.contains("behind this host") == true)
    }

    @Test func `is not alarmed by few`() {
        let few = Self.run(every: 150)
        #expect(few.retries.bursts == 6)
        #expect(!few.retries.isAlarming)
        #expect(few.predictedState == .healthy)
        let rare = Self.run(every: 40)
        #expect(rare.retries.bursts >= 10)
        #expect(rare.retryRatio ?? 1 < 0.05)
        #expect(!rare.retries.isAlarming)
    }

    @Test func `learns the pace of servers that keep their identifier`() {
        // One identifier a server, each server once in 10 s.
        let quiet = Self.run(every: nil, fixedIdentifiers: 30, edges: 30)
        #expect(quiet.retries.bursts == 0)
        #expect(quiet.retryRatio == 0)
        // A server whose first check is repeated is learned after that one.
        let loud = Self.run(every: 7, fixedIdentifiers: 30, edges: 30)
        #expect(abs((loud.retryRatio ?? 0) - 1.0 / 7) < 0.03)
        #expect(loud.retries.isAlarming)
    }

    @Test func `a steady pace of one a second is no burst`() {
        let report = Self.run(every: nil, fixedIdentifiers: 1, edges: 1, perSecond: 1)
        #expect(report.retries.bursts == 0)
        let slow = Self.run(every: nil, fixedIdentifiers: 1, edges: 1, perSecond: 0.6)
        #expect(slow.retries.bursts == 0)
    }

    @Test func `says that shared identifiers tell nothing`() {
        let report = Self.run(
            every: nil, count: 6_000, fixedIdentifiers: 1, edges: 1, perSecond: 50)
        #expect(report.retryRatio == nil)
        #expect(report.retryReason?.contains("share an identifier") == true)
        #expect(!report.retries.isAlarming)
    }

    @Test func `identifiers that meet by chance are no bursts`() {
        let report = Self.run(every: nil, count: 90_000, edges: 1, perSecond: 300)
        #expect(report.retries.bursts < 30)
        #expect(report.retries.pairs > 300)
        #expect(!report.retries.isAlarming)
        #expect(report.predictedState == .healthy)
    }

    @Test func `sees a surge where identifiers tell nothing`() {
        var host = CheckedHost()
        var number: UInt16 = 0
        for second in 0..<400 {
            let count = second == 300 || second == 301 ? 45 : 15
            for step in 0..<count {
                number &+= 1
                host.receive(
                    CheckedHost.arrival(
                        .request, edge: 0, identifier: number,
                        at: at(Double(second) + Double(step) / 50)))
            }
            host.watch.advance(to: at(Double(second) + 0.95))
        }
        host.watch.advance(to: at(405))
        #expect(host.report(405).retries.surges == 2)
    }
}

@Suite struct PredictedHealthTests {
    private static func feed(
        _ health: inout PredictedHealth, from start: Double, seconds: Double, perSecond: Double,
        answered: Bool
    ) {
        for number in 0..<Int(seconds * perSecond) {
            health.note(isAnswered: answered, at: at(start + Double(number) / perSecond))
        }
    }

    @Test func `is not known from a few`() {
        var health = PredictedHealth()
        Self.feed(&health, from: 0, seconds: 29, perSecond: 1, answered: true)
        #expect(health.state == nil)
        health.note(isAnswered: true, at: at(29))
        #expect(health.state == .healthy)
    }

    @Test func `two failures in five minutes are degraded, one is not`() {
        var health = PredictedHealth()
        Self.feed(&health, from: 0, seconds: 60, perSecond: 5, answered: true)
        health.note(isAnswered: false, at: at(60))
        Self.feed(&health, from: 60.1, seconds: 10, perSecond: 5, answered: true)
        #expect(health.state == .healthy)
        health.note(isAnswered: false, at: at(71))
        #expect(health.state == .degraded)
    }

    @Test func `less than one in a thousand is healthy`() {
        var health = PredictedHealth()
        for number in 0..<60_000 {
            health.note(
                isAnswered: number % 2_000 != 1_999, at: at(Double(number) / 200))
        }
        #expect(health.state == .healthy)
    }

    @Test func `three failures within a lost second are down, and three good ones end it`() {
        var health = PredictedHealth()
        Self.feed(&health, from: 0, seconds: 60, perSecond: 5, answered: true)
        Self.feed(&health, from: 60, seconds: 1, perSecond: 5, answered: false)
        #expect(health.state == .degraded)
        Self.feed(&health, from: 61, seconds: 1, perSecond: 5, answered: false)
        #expect(health.state == .down)
        health.note(isAnswered: true, at: at(62))
        health.note(isAnswered: true, at: at(62.2))
        #expect(health.state == .down)
        health.note(isAnswered: true, at: at(62.4))
        #expect(health.state == .degraded)
        Self.feed(&health, from: 63, seconds: 298, perSecond: 5, answered: true)
        #expect(health.state == .degraded)
        Self.feed(&health, from: 361, seconds: 10, perSecond: 5, answered: true)
        #expect(health.state == .healthy)
    }

    @Test func `slow checks that all fail are down`() {
        var health = PredictedHealth()
        Self.feed(&health, from: 0, seconds: 30, perSecond: 0.1, answered: false)
        #expect(health.state == .down)
    }
}

@Suite struct SteeringTests {
    private static func run(_ perSecond: (Int) -> Double) -> Bool? {
        var watch = SteeringWatch()
        var total: UInt64 = 0
        for second in stride(from: 0, to: 900, by: 5) {
            total += UInt64(perSecond(second) * 5)
            watch.note(total: total, at: at(Double(second)))
        }
        return watch.isAway(at: at(900))
    }

    @Test func `traffic that stops is away`() {
        #expect(Self.run { $0 < 800 ? 100 : 0 } == true)
        #expect(Self.run { $0 < 800 ? 100 : 1 } == true)
    }

    @Test func `traffic that goes on is not`() {
        #expect(Self.run { _ in 100 } == false)
        #expect(Self.run { $0 < 800 ? 100 : 30 } == false)
    }

    @Test func `where there was little or now and then, nothing is said`() {
        #expect(Self.run { _ in 0.2 } == nil)
        #expect(Self.run { $0 % 100 < 10 ? 100 : 0 } == nil)
    }
}
