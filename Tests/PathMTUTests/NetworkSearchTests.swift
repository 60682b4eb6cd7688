import NetworkPrimitives
import NetworkSimulation
import PacketFormats
@testable import PathMTU
import Testing

/// One search over a simulated network of real octets, matched as the agent does: by identifier,
/// sequence number, destination and content.
struct NetworkSearch {
    var search: PathMTUSearch
    var network: SimulatedNetwork
    let route: SimulatedNetwork.Route
    let path: SimulatedPath
    var now = MonotonicInstant.zero
    private(set) var unmatched = 0

    init(_ settings: PathMTUSearch.Settings, path: SimulatedPath, seed: UInt64 = 1) {
        search = PathMTUSearch(settings: settings, start: .zero)
        network = SimulatedNetwork(seed: seed)
        route = network.connect(path)
        self.path = path
    }

    private var overhead: Int {
        (path.target.family == .v4 ? 20 : 40) + EchoMessage.headerByteCount
    }

    mutating func run() -> PathMTUReport? {
        var steps = 0
        var sent: [EchoMessage] = []
        var hopFree: [UInt8: MonotonicInstant] = [:]
        while !search.isFinished, steps < 10_000 {
            guard let deadline = search.deadline else { return nil }
            steps += 1
            now = max(now, min(deadline, network.nextArrival ?? deadline))
            while let arrival = network.receive(upTo: now) {
                take(arrival, sent)
            }
            guard let deadline = search.deadline, deadline <= now else { continue }
            var probes: [SizeProbe] = []
            var free = hopFree
            search.advance(
                to: now,
                pace: { hop, instant in
                    if let last = free[hop], instant - last < .milliseconds(1200) {
                        return last + .milliseconds(1200)
                    }
                    free[hop] = instant
                    return nil
                }, into: &probes)
            hopFree = free
            for probe in probes {
                // Numbers count up from 0.
                let message = EchoMessage(
                    kind: .request, family: path.target.family, identifier: 0x4d54,
                    sequence: UInt16(probe.number), nonce: probe.number &* 0x9e37_79b9,
                    payloadByteCount: probe.byteCount - overhead, checksum: 0xbeef)
                while sent.count <= Int(probe.number) { sent.append(message) }
                let isSent = network.send(
                    message, checksum: 0xbeef, hopLimit: probe.hopLimit, over: route, at: now)
                if isSent {
                    search.sent(probe.number, at: now)
                } else {
                    search.failedToSend(
                        probe.number, tooLargeFor: network[route].sizes.links.first, at: now)
                }
            }
        }
        return search.isFinished ? search.report : nil
    }

    private mutating func take(_ arrival: SimulatedNetwork.Arrival, _ sent: [EchoMessage]) {
        guard let message = try? arrival.message() else {
            unmatched += 1
            return
        }
        switch message {
        case .echo(let echo):
            var expected = Int(echo.sequence) < sent.count ? sent[Int(echo.sequence)] : nil
            expected?.kind = .reply
            guard expected == echo, arrival.source == path.target else {
                unmatched += 1
                return
            }
            search.receive(.echo, to: UInt64(echo.sequence), at: arrival.at)
        case .error(let error):
            guard error.quote.identifier == 0x4d54, error.quote.destination == path.target,
                Int(error.quote.sequence) < sent.count
            else {
                unmatched += 1
                return
            }
            let answer: SizeAnswer
            switch error.meaning {
            case .timeExceeded: answer = .timeExceeded(router: arrival.source)
            case .packetTooBig(let mtu): answer = .packetTooBig(router: arrival.source, mtu: mtu)
            case .filtered: answer = .unreachable(router: arrival.source, isFiltered: true)
            case .unreachable: answer = .unreachable(router: arrival.source, isFiltered: false)
            case .other: return
            }
            search.receive(answer, to: UInt64(error.quote.sequence), at: arrival.at)
        default: unmatched += 1
        }
    }
}

@Suite struct NetworkSearchTests {
    static func path(
        _ links: [Int], family: IPAddress.Family = .v4, _ notice: SimulatedPacketTooBig = .exact
    ) -> SimulatedPath {
        func address(_ number: UInt32) -> IPAddress {
            family == .v4
                ? .v4(0x0a00_0000 + number) : .v6(0xfd00 << 112 | UInt128(number))
        }
        let routers = (1..<links.count).map {
            var router = SimulatedRouter(address(UInt32($0)))
            router.packetTooBig = notice
            return router
        }
        var path = SimulatedPath(from: address(1000), to: address(2000), routers: routers)
        path.sizes = SimulatedSizes(links: links)
        return path
    }

    static func measure(
        _ path: SimulatedPath, isUrgent: Bool = false, maySweep: Bool = true, ceiling: Int = 1500
    ) -> (PathMTUReport?, unmatched: Int) {
        var run = NetworkSearch(
            PathMTUSearch.Settings(
                family: path.target.family, ceiling: ceiling, isUrgent: isUrgent,
                maySweep: maySweep), path: path)
        let report = run.run()
        return (report, run.unmatched)
    }

    @Test(arguments: [IPAddress.Family.v4, .v6], [false, true])
    func `finds size and link in real octets`(family: IPAddress.Family, isUrgent: Bool) throws {
        for notice in [SimulatedPacketTooBig.exact, .filtered, .unnamed] {
            if notice == .unnamed, family == .v6 { continue }
            let path = Self.path([1500, 1500, 1412, 1500], family: family, notice)
            let (outcome, unmatched) = Self.measure(path, isUrgent: isUrgent)
            let report = try #require(outcome)
            #expect(report.bytes == 1412)
            // A round is more than routers answer; what they refuse without a size stays open then.
            let isOpen = notice == .unnamed && report.isBlackHole == nil
            #expect(report.isBlackHole == (notice == .filtered) || isOpen)
            #expect(report.limitingLink?.distance == 2)
            #expect(report.limitingLink?.router == path.routers[1].address)
            #expect(unmatched == 0)
            #expect(report.suspiciousMessages == 0)
        }
    }

    @Test func `reads messages that quote eight octets`() throws {
        var path = Self.path([1500, 1500, 1412, 1500])
        for index in path.routers.indices { path.routers[index].quotedByteCount = 8 }
        let report = try #require(Self.measure(path).0)
        #expect(report.bytes == 1412 && report.isBlackHole == false)
        #expect(report.probesSent == 4)
    }

    @Test func `is not moved by forged messages`() throws {
        for family in [IPAddress.Family.v4, .v6] {
            for isUrgent in [false, true] {
                for mtu in [0, 68, 551, 552, 1279, 1280, 1400, 1499, 1500, 9000, 65_535] {
                    for quotesTruly in [false, true] {
                        for notice in [SimulatedPacketTooBig.exact, .filtered] {
                            for link in [1450, 1500] {
                                var path = Self.path(
                                    [1500, 1500, link, 1500], family: family, notice)
                                path.forgedTooBig = SimulatedForgery(
                                    sender: path.routers[0].address, mtu: mtu,
                                    quotesTruly: quotesTruly, leastByteCount: 1281)
                                let (outcome, unmatched) = Self.measure(
                                    path, isUrgent: isUrgent, maySweep: false)
                                let report = try #require(outcome)
                                #expect(report.bytes == link, "\(family) \(mtu) \(notice)")
                                if !quotesTruly { #expect(unmatched > 0) }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `counts what routers cannot mean`() throws {
        for (claim, family) in [(551, IPAddress.Family.v4), (1279, .v6), (1500, .v4), (9000, .v6)] {
            let path = Self.path([1500, 1500, 1412, 1500], family: family, .claims(claim))
            let report = try #require(Self.measure(path, maySweep: false).0)
            #expect(report.bytes == 1412)
            #expect(report.isBlackHole == true)
            #expect(report.suspiciousMessages > 0)
        }
        // A wrong number that might be right: too low, it passes and so does more.
        let low = try #require(Self.measure(Self.path([1500, 1412, 1500], .claims(1300))).0)
        #expect(low.bytes == 1412)
    }

    @Test func `the device's limit is no silence`() throws {
        for isUrgent in [false, true] {
            let report = try #require(
                Self.measure(Self.path([1400, 1500, 1500]), isUrgent: isUrgent).0)
            #expect(report.bytes == 1400 && report.isBlackHole == false)
            #expect(report.limitingLink == .init(distance: 0, router: nil))
            #expect(report.probesSent <= 3)
        }
    }

    @Test func `a way back that is narrower is no fault of the last link`() throws {
        var path = Self.path([1500, 1500, 1500, 1500])
        path.sizes.linksBack = [1500, 1420, 1500, 1500]
        let report = try #require(Self.measure(path).0)
        #expect(report.bytes == 1420 && report.isBlackHole == true)
        #expect(report.limitingLink?.distance == 3)
        #expect(report.limitingLink?.mayBeOnTheWayBack == true)
    }

    @Test func `goes below the base where the path does`() throws {
        for (size, notice) in [(1006, SimulatedPacketTooBig.exact), (700, .filtered)] {
            let report = try #require(Self.measure(Self.path([1500, size, 1500], notice)).0)
            #expect(report.bytes == size)
            #expect(report.isBlackHole == (notice == .filtered))
        }
    }

    @Test func `says who filters`() throws {
        var path = Self.path([1500, 1500, 1500])
        path.routers[1].filters = [
            .init(.request, .afterHopLimit, verdict: .prohibit(code: 13))
        ]
        let (outcome, _) = Self.measure(path, maySweep: false)
        let report = try #require(outcome)
        #expect(report.bytes == nil && report.isBlackHole == nil)
        #expect(report.reason == "10.0.0.2 filters Echo Requests to the target")
    }
}
