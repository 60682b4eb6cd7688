import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ProviderChecks

/// Several tunnels of one host, which tell each message once.
@Suite struct EchoExchangesTests {
    /// Tunnels with a device each and one underlay.
    private struct Tunnels {
        var watches: [ProviderCheckWatch] = []
        var exchanges = EchoExchanges()

        static let wan = 1_000_000

        init(_ count: Int) {
            for number in 0..<count {
                var settings = ProviderCheckWatch.Settings(
                    ownAddresses: [CheckedHost.inside], farAddress: CheckedHost.farInside,
                    watched: [.tunnel, .wan])
                settings.tunnel = .init(
                    number: number, namespace: 0, device: number, wan: Self.wan)
                watches.append(ProviderCheckWatch(settings: settings, start: .zero))
            }
        }

        mutating func advance(to now: MonotonicInstant) {
            while let due = exchanges.nextDue(at: now) {
                watches[due.tunnel].judge(due, exchanges)
            }
            for index in watches.indices { watches[index].advance(to: now) }
        }
    }

    private static func request(_ identifier: UInt16, at seconds: Double) -> CheckObservation {
        CheckedHost.arrival(.request, edge: 0, identifier: identifier, at: at(seconds)).message
    }

    private static func answer(to request: CheckObservation, after delay: Double = 0.001)
        -> CheckObservation
    {
        var answer = request
        answer.kind = .reply
        (answer.source, answer.destination) = (request.destination, request.source)
        answer.at = request.at + .nanoseconds(Int64(delay * 1e9))
        return answer
    }

    @Test(arguments: [
        (0, CheckObservation.Place.tunnel), (1, .otherTunnel), (Tunnels.wan, .wan),
        (999, .wan),
    ])
    func `an answer is where it left, seen from the tunnel of the check`(
        device: Int, place: CheckObservation.Place
    ) {
        var tunnels = Tunnels(2)
        for number in 0..<40 {
            let check = Self.request(UInt16(number), at: Double(number))
            tunnels.watches[0].receive(check, &tunnels.exchanges)
            tunnels.exchanges.leave(
                Self.answer(to: check),
                by: .init(device: device, namespace: 0, isTunnel: device < 2))
            tunnels.advance(to: check.at)
        }
        tunnels.advance(to: at(45))
        let report = tunnels.watches[0].report(at: at(45))
        #expect(report.totals[.request]?.answered == 40)
        #expect(report.answeredBy.tunnel == (place == .tunnel ? 40 : 0))
        #expect(report.answeredBy.otherTunnel == (place == .otherTunnel ? 40 : 0))
        #expect(report.answeredBy.wan == (place == .wan ? 40 : 0))
        #expect(tunnels.watches[1].report(at: at(45)).totals.isEmpty)
    }

    @Test func `what leaves in another namespace answers nothing here`() {
        var tunnels = Tunnels(1)
        let check = Self.request(1, at: 1)
        tunnels.watches[0].receive(check, &tunnels.exchanges)
        tunnels.exchanges.leave(
            Self.answer(to: check), by: .init(device: 5, namespace: 1, isTunnel: true))
        tunnels.advance(to: at(5))
        #expect(tunnels.watches[0].report(at: at(5)).totals[.request]?.unanswered == 1)
    }

    @Test func `a tunnel that is flooded takes no other's place`() {
        var tunnels = Tunnels(2)
        for number in 0..<2 * CheckMatching.tunnelLimit {
            var check = Self.request(UInt16(truncatingIfNeeded: number), at: 1)
            check.sequence = UInt16(number >> 16)
            tunnels.watches[0].receive(check, &tunnels.exchanges)
        }
        var check = Self.request(1, at: 1)
        check.payloadHash = 77
        tunnels.watches[1].receive(check, &tunnels.exchanges)
        tunnels.exchanges.leave(
            Self.answer(to: check), by: .init(device: 1, namespace: 0, isTunnel: true))
        tunnels.advance(to: at(5))
        #expect(tunnels.watches[0].crowdedOutCount == CheckMatching.tunnelLimit)
        #expect(tunnels.watches[1].crowdedOutCount == 0)
        #expect(tunnels.watches[1].report(at: at(5)).totals[.request]?.answered == 1)
    }

    @Test func `where answers were forgotten for lack of room nothing is called unanswered`() {
        var tunnels = Tunnels(1)
        let exit = EchoExchanges.Exit(device: 0, namespace: 0, isTunnel: true)
        let check = Self.request(1, at: 1)
        // Its answer is told of first; then for three seconds far more than there is room for.
        tunnels.exchanges.leave(Self.answer(to: check), by: exit)
        for number in 0..<8 * CheckMatching.limit {
            var other = Self.request(
                UInt16(truncatingIfNeeded: number),
                at: 1.01 + 3 * Double(number) / Double(8 * CheckMatching.limit))
            other.sequence = 1 + UInt16(number >> 16)
            tunnels.exchanges.leave(Self.answer(to: other), by: exit)
        }
        tunnels.watches[0].receive(check, &tunnels.exchanges)
        // One in the middle of it, and one long after.
        for (number, second) in [2.5, 8].enumerated() {
            tunnels.watches[0].receive(
                Self.request(UInt16(2 + number), at: second), &tunnels.exchanges)
        }
        tunnels.advance(to: at(15))
        let totals = tunnels.watches[0].report(at: at(15)).totals[.request]
        #expect(totals?.unjudged == 2)
        #expect(totals?.unanswered == 1)
    }

    @Test func `a thousand tunnels hold what one does`() {
        var held: [Int] = []
        for count in [1, 1_000] {
            var tunnels = Tunnels(count)
            for number in 0..<2_000 {
                var probe = Self.request(UInt16(number), at: Double(number) / 100)
                (probe.source, probe.destination) = (probe.destination, probe.source)
                tunnels.exchanges.leave(
                    probe, by: .init(device: 0, namespace: 0, isTunnel: true))
                tunnels.exchanges.leave(
                    Self.answer(to: probe), by: .init(device: 0, namespace: 0, isTunnel: true))
            }
            tunnels.advance(to: at(20))
            held.append(
                tunnels.exchanges.heldCount
                    + tunnels.watches.reduce(0) { $0 + $1.heldCount })
        }
        #expect(held[0] > 2_000)
        #expect(held[1] == held[0])
    }
}
