import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct SimulatedNetworkTests {
    private static let routers = ReplySimulation.routers(3)

    private static func message(
        _ kind: EchoMessage.Kind = .request, family: IPAddress.Family = .v4, sequence: UInt16 = 1,
        identifier: UInt16 = 7
    ) -> EchoMessage {
        EchoMessage(
            kind: kind, family: family, identifier: identifier, sequence: sequence, nonce: 42,
            payloadByteCount: 56, checksum: 0x1235)
    }

    private static func drain(
        _ network: inout SimulatedNetwork
    ) -> [SimulatedNetwork.Arrival] {
        var arrivals: [SimulatedNetwork.Arrival] = []
        while let arrival = network.receive(upTo: .distantFuture) { arrivals.append(arrival) }
        return arrivals
    }

    @Test func `answers from the target after the delay of both ways`() throws {
        var network = SimulatedNetwork(seed: 1)
        let route = network.connect(ReplySimulation.path(Self.routers))
        let hasLeft = network.send(Self.message(), checksum: 0x1235, over: route, at: at(100))
        #expect(hasLeft)
        #expect(network.nextArrival == at(110))
        let early = network.receive(upTo: at(109))
        #expect(early == nil)
        let inTime = network.receive(upTo: at(110))
        let arrival = try #require(inTime)
        #expect(arrival.source == RequestSimulation.there4)
        #expect(arrival.destination == RequestSimulation.here4)
        var expected = Self.message()
        expected.kind = .reply
        #expect(try arrival.message() == .echo(expected))
        #expect(network.nextArrival == nil)
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `answers from the router where the hop limit runs out`(family: IPAddress.Family) throws {
        var network = SimulatedNetwork(seed: 2)
        let isV4 = family == .v4
        let routers = (1...3).map {
            SimulatedRouter(isV4 ? .v4(0x0a00_0000 + UInt32($0)) : .v6(0xa0 + UInt128($0)))
        }
        let (here, there) =
            isV4
            ? (RequestSimulation.here4, RequestSimulation.there4)
            : (RequestSimulation.here6, RequestSimulation.there6)
        let links = SimulatedLinks(delay: .milliseconds(40))
        let route = network.connect(
            SimulatedPath(from: here, to: there, routers: routers, links: links))
        for kind in [EchoMessage.Kind.request, .reply] {
            for distance in 1...4 {
                let message = Self.message(kind, family: family, sequence: UInt16(distance))
                _ = network.send(
                    message, checksum: 0x1235, hopLimit: UInt8(distance), over: route, at: .zero)
                let arrivals = Self.drain(&network)
                guard distance <= 3 else {
                    #expect(arrivals.count == (kind == .request ? 1 : 0), "nobody answers a reply")
                    continue
                }
                let arrival = try #require(arrivals.first)
                #expect(arrivals.count == 1)
                #expect(arrival.source == routers[distance - 1].address)
                #expect(arrival.at == at(20 * distance))
                guard case .error(let error) = try arrival.message() else {
                    Issue.record("no error at \(distance)")
                    continue
                }
                #expect(error.meaning == .timeExceeded)
                #expect(error.quote.kind == kind)
                #expect(error.quote.sequence == UInt16(distance))
                #expect(error.quote.source == here)
                #expect(error.quote.destination == there)
            }
        }
    }

    @Test func `keeps a flow's checksum in IPv6, pseudo-header and all`() {
        var network = SimulatedNetwork(seed: 3)
        let route = network.connect(
            SimulatedPath(from: RequestSimulation.here6, to: RequestSimulation.there6))
        var checksums: Set<[UInt8]> = []
        for sequence: UInt16 in 0..<50 {
            let message = Self.message(family: .v6, sequence: sequence)
            _ = network.send(message, checksum: 0x1235, over: route, at: at(Int(sequence)))
        }
        for arrival in Self.drain(&network) { checksums.insert(Array(arrival.bytes[2..<4])) }
        #expect(checksums.count == 1)
    }

    @Test func `limits errors as Linux does: six at once, then one a second`() {
        var network = SimulatedNetwork(seed: 4)
        let route = network.connect(ReplySimulation.path(Self.routers))
        var answered: [Int] = []
        for tick in 0..<100 {
            let message = Self.message(sequence: UInt16(tick))
            _ = network.send(
                message, checksum: 0x1235, hopLimit: 1, over: route, at: at(tick * 100))
            if !Self.drain(&network).isEmpty { answered.append(tick) }
        }
        // The bucket fills while it is drained: by tick 6 it has earned 0.6 of the seventh.
        #expect(answered == [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90])
        #expect(network.tally(of: route).suppressedErrors == 100 - answered.count)
    }

    @Test func `filters one kind at one place`() {
        typealias Filter = SimulatedRouter.Filter
        // By filter at the second router: which hops still answer an Echo Reply, and a request?
        let cases: [(Filter, replies: [Int], requests: [Int], echo: Bool)] = [
            (Filter(.reply, .beforeHopLimit), [1], [1, 2, 3], true),
            (Filter(.reply, .afterHopLimit), [1, 2], [1, 2, 3], true),
            (Filter(.request, .afterHopLimit), [1, 2, 3], [1, 2], false),
            (Filter(.reply, .afterHopLimit, direction: .inward), [1, 2, 3], [1, 2, 3], false),
        ]
        for (filter, replies, requests, echo) in cases {
            var network = SimulatedNetwork(seed: 5)
            var routers = Self.routers
            routers[1].filters = [filter]
            let route = network.connect(ReplySimulation.path(routers))
            func answers(_ kind: EchoMessage.Kind, _ hopLimit: Int) -> Bool {
                _ = network.send(
                    Self.message(kind), checksum: 0x1235, hopLimit: UInt8(hopLimit), over: route,
                    at: .zero)
                return !Self.drain(&network).isEmpty
            }
            #expect((1...3).filter { answers(.reply, $0) } == replies, "\(filter)")
            #expect((1...3).filter { answers(.request, $0) } == requests, "\(filter)")
            #expect(answers(.request, 64) == echo, "\(filter)")
        }
    }

    @Test func `loses, doubles and holds back the share that it is told`() {
        var network = SimulatedNetwork(seed: 6)
        let route = network.connect(
            ReplySimulation.path(
                Self.routers,
                links: SimulatedLinks(loss: 0.1, duplication: 0.05, holding: 0.02)))
        for sequence in 0..<20_000 {
            _ = network.send(
                Self.message(sequence: UInt16(sequence)), checksum: 0x1235, over: route,
                at: at(sequence))
        }
        let tally = network.tally(of: route)
        #expect(tally.sent == 20_000)
        // Copies of 5 % each way, a tenth lost each way.
        #expect(abs(Double(tally.reachedTarget) - 20_000 * 1.05 * 0.9) < 250)
        #expect(abs(Double(tally.replies) - 20_000 * 1.05 * 0.9 * 1.05 * 0.9) < 350)
        let arrivals = Self.drain(&network)
        #expect(arrivals.count == tally.replies)
        for (older, newer) in zip(arrivals, arrivals.dropFirst()) { #expect(older.at <= newer.at) }
    }

    @Test func `drops old sessions after a break and lets new ones pass`() {
        var network = SimulatedNetwork(seed: 7)
        var path = ReplySimulation.path(Self.routers)
        path.sessionBreaks = [at(1_000), at(3_000)]
        let route = network.connect(path)
        func answers(_ identifier: UInt16, _ milliseconds: Int) -> Bool {
            _ = network.send(
                Self.message(identifier: identifier), checksum: 0x1235, over: route,
                at: at(milliseconds))
            return !Self.drain(&network).isEmpty
        }
        #expect(answers(1, 0))
        #expect(answers(1, 999))
        #expect(!answers(1, 1_000))
        #expect(answers(2, 1_500))
        #expect(!answers(1, 2_000))
        #expect(answers(2, 2_999))
        #expect(!answers(2, 3_500))
        #expect(answers(3, 3_500))
    }

    @Test func `runs the same again from the same seed, and otherwise from another`() {
        func arrivals(seed: UInt64) -> [SimulatedNetwork.Arrival] {
            var network = SimulatedNetwork(seed: seed)
            let links = SimulatedLinks(jitter: .milliseconds(9), loss: 0.2, duplication: 0.2)
            let route = network.connect(ReplySimulation.path(Self.routers, links: links))
            for sequence: UInt16 in 0..<100 {
                _ = network.send(
                    Self.message(sequence: sequence), checksum: 0x1235, over: route,
                    at: at(Int(sequence)))
            }
            return Self.drain(&network)
        }
        #expect(arrivals(seed: 8) == arrivals(seed: 8))
        #expect(arrivals(seed: 8) != arrivals(seed: 9))
    }

    @Test func `has a wall clock that can be set and a monotonic one that cannot`() async {
        var clock = VirtualClock()
        #expect(clock.wall.description == "2026-11-22T12:00:00.000Z")
        clock.advance(to: at(seconds: 60))
        clock.step(by: .seconds(-3_600))
        #expect(clock.now == at(seconds: 60))
        #expect(clock.wall.description == "2026-11-22T11:01:00.000Z")
        clock.advance(to: at(seconds: 61))
        #expect(clock.wall.description == "2026-11-22T11:01:01.000Z")
        await #expect(processExitsWith: .failure) {
            var clock = VirtualClock()
            clock.advance(to: MonotonicInstant(nanoseconds: -1))
        }
    }
}
