import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ProviderChecks

@Suite struct BoundTests {
    /// More than all tables may hold together.
    private static let limit =
        2 * CheckMatching.limit + 4 * EchoConversations.limit + 4 * RetryBursts.limit
        + 2 * CheckRecognition.limit + 2 * CheckRecognition.targetLimit
        + CheckTargets.senderLimit + CheckTargets.targetLimit + 512

    @Test func `a million random observations cost no more than the tables`() {
        var watch = LoneTunnel(settings: CheckedHost.settings, start: .zero)
        var generator = SeededGenerator(seed: 99)
        let known = [
            CheckedHost.inside, CheckedHost.farInside, CheckedHost.endpoint,
            address("192.168.1.20"), address("fd00::1"), address("224.0.0.1"),
        ]
        func anyAddress() -> IPAddress {
            Bool.random(using: &generator)
                ? known.randomElement(using: &generator) ?? .v4(0)
                : .v4(.random(in: 0...(.max), using: &generator))
        }
        var held = 0
        var former: [ProviderChecksReport.Style: ProviderChecksReport.Totals] = [:]
        for number in 0..<1_000_000 {
            var now = at(Double(number) / 2_000)
            switch number % 1_000 {
            case 1: now = MonotonicInstant(nanoseconds: .max)
            case 2: now = MonotonicInstant(nanoseconds: .min)
            case 3: now = now - .seconds(50)
            default: break
            }
            watch.receive(
                SeenEcho(
                    at: now, place: CheckObservation.Place.allCases[number % 3],
                    direction: .random(using: &generator) ? .inbound : .outbound,
                    kind: .random(using: &generator) ? .request : .reply,
                    source: anyAddress(), destination: anyAddress(),
                    identifier: .random(in: 0...UInt16.max, using: &generator),
                    sequence: .random(in: 0...3, using: &generator),
                    payloadHash: .random(in: 0...1, using: &generator), payloadByteCount: 56,
                    hopLimit: 60))
            if number % 1_000 == 0 { watch.advance(to: at(Double(number) / 2_000)) }
            if number % 100_000 == 0 {
                held = max(held, watch.heldCount)
                let totals = watch.report(at: at(Double(number) / 2_000)).totals
                for (style, count) in former {
                    #expect(totals[style]?.answered ?? 0 >= count.answered)
                    #expect(totals[style]?.unanswered ?? 0 >= count.unanswered)
                }
                former = totals
            }
        }
        #expect(held > 1_000)
        #expect(held < Self.limit)
    }

    @Test func `a flood in one second is bounded and says so`() {
        var watch = LoneTunnel(settings: CheckedHost.settings, start: .zero)
        for number in 0..<100_000 {
            watch.receive(
                CheckedHost.arrival(
                    .request, edge: 0, identifier: UInt16(truncatingIfNeeded: number),
                    sequence: UInt16(number >> 16), at: at(Double(number) / 100_000)))
        }
        #expect(watch.heldCount < Self.limit)
        #expect(watch.crowdedOutCount == 100_000 - CheckMatching.tunnelLimit)
        watch.advance(to: at(5))
        let totals = watch.report(at: at(5)).totals[.request]
        // What had to go early proves nothing.
        #expect(totals?.unjudged == 100_000 - CheckMatching.tunnelLimit)
        #expect(totals?.unanswered == CheckMatching.tunnelLimit)
    }

    @Test func `thousands of servers may share an identifier`() {
        var host = CheckedHost()
        for number in 0..<30_000 {
            // Every third answer is missing.
            let arrival = CheckedHost.arrival(
                .replyBidirectional, edge: 0, identifier: 1, at: at(Double(number) / 3_000))
            if number % 3 == 0 { host.watch.receive(arrival) } else { host.receive(arrival) }
            if number % 300 == 0 { host.watch.advance(to: arrival.at) }
        }
        host.watch.advance(to: at(15))
        let totals = host.report(15).totals[.reply]
        #expect((totals?.answered ?? 0) + (totals?.unanswered ?? 0) == 30_000)
        #expect(abs((totals?.answered ?? 0) - 20_000) <= 5)
        #expect(host.report(15).missing == nil)
    }

    @Test func `a stamp of the future holds nothing up`() {
        var host = CheckedHost()
        host.watch.receive(
            CheckedHost.arrival(.request, edge: 0, identifier: 1, at: .distantFuture))
        host.run(.request, seconds: 20)
        #expect(host.report(22).totals[.request]?.answered == 100)
    }

    @Test func `Wilson's interval is Wilson's`() throws {
        // 0 of 73: 0 … 4.9996 %; 81 of 263: 25.5 … 36.6 % (Newcombe 1998, method 3).
        let none = try #require(WilsonInterval(successes: 0, trials: 74))
        #expect(none.low == 0)
        #expect(none.high < 0.05)
        let some = try #require(WilsonInterval(successes: 81, trials: 263))
        #expect(abs(some.low - 0.2553) < 1e-4)
        #expect(abs(some.high - 0.3662) < 1e-4)
        #expect(WilsonInterval(successes: 5, trials: 5)?.high == 1)
        #expect(WilsonInterval(successes: 0, trials: 0) == nil)
    }
}
