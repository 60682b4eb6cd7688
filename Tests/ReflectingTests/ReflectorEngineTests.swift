import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@testable import Reflecting

@Suite struct ReflectorEngineTests {
    private let keys = SimulatedReflection.keys()
    private let here = SimulatedReflection.reflector
    private let agent = Endpoint(address: SimulatedReflection.agent, port: 40_000)
    private let start = MonotonicInstant(nanoseconds: 3_000_000_000)

    /// Feeds a datagram, and gives what the engine says to it.
    private func feed(
        _ octets: [UInt8], to engine: inout ReflectorEngine, from endpoint: Endpoint? = nil,
        at now: MonotonicInstant? = nil
    ) -> [ReflectorEngine.Action] {
        var actions: [ReflectorEngine.Action] = []
        octets.withRawSpan {
            engine.receive(
                $0, from: endpoint ?? agent, to: here, hopLimit: 64, at: now ?? start,
                into: &actions)
        }
        return actions
    }

    private func answer(_ actions: [ReflectorEngine.Action]) -> ControlMessage? {
        for case .answer(let octets, _, _) in actions {
            return octets.withRawSpan { bytes in
                guard let message = try? ControlMessage(parsing: bytes),
                    message.isAuthentic(bytes, keys)
                else { return nil }
                return message
            }
        }
        return nil
    }

    private func sealed(
        _ body: ControlMessage.Body, nonce: UInt128 = 5, run: UInt64 = 0, counter: UInt32 = 1
    ) -> [UInt8] {
        ControlMessage(nonce: nonce, run: run, counter: counter, body: body).sealed(keys)
    }

    private func cookie(
        _ engine: inout ReflectorEngine, nonce: UInt128 = 5, from endpoint: Endpoint? = nil,
        at now: MonotonicInstant? = nil
    ) -> UInt128 {
        let actions = feed(sealed(.hello, nonce: nonce), to: &engine, from: endpoint, at: now)
        guard case .challenge(let cookie) = answer(actions)?.body else { return 0 }
        return cookie
    }

    private func begin(
        _ engine: inout ReflectorEngine, nonce: UInt128 = 5, from endpoint: Endpoint? = nil,
        at now: MonotonicInstant? = nil
    ) -> UInt64 {
        let cookie = cookie(&engine, nonce: nonce, from: endpoint, at: now)
        let begin = sealed(.begin(cookie: cookie, identifiers: 16), nonce: nonce, counter: 2)
        return answer(feed(begin, to: &engine, from: endpoint, at: now))?.run ?? 0
    }

    @Test func `a datagram taken once is dropped the second time`() {
        var engine = SimulatedReflection.engine()
        let run = begin(&engine)
        #expect(run != 0)
        let order = sealed(.send(kind: .reply, index: 3), run: run, counter: 3)
        #expect(feed(order, to: &engine).count == 1)
        #expect(feed(order, to: &engine).isEmpty)
        let ask = sealed(.ask(isLast: false), run: run, counter: 9)
        #expect(feed(ask, to: &engine).count == 1)
        #expect(feed(ask, to: &engine).isEmpty)
        #expect(engine.counts.replayed == 2)
        // Overtaken on the way is not replayed; an index sent once is not sent again.
        #expect(
            feed(sealed(.send(kind: .reply, index: 4), run: run, counter: 8), to: &engine).count
                == 1)
        #expect(
            feed(sealed(.send(kind: .reply, index: 4), run: run, counter: 10), to: &engine)
                .isEmpty)
        #expect(
            feed(sealed(.send(kind: .reply, index: 256), run: run, counter: 11), to: &engine)
                .isEmpty)
        // Too far behind to know.
        _ = feed(sealed(.ask(isLast: false), run: run, counter: 100), to: &engine)
        #expect(
            feed(sealed(.send(kind: .reply, index: 5), run: run, counter: 12), to: &engine)
                .isEmpty)
    }

    @Test func `a recorded beginning begins nothing anew, while the run lives nor after`() {
        var engine = SimulatedReflection.engine()
        let cookie = cookie(&engine)
        let recorded = sealed(.begin(cookie: cookie, identifiers: 16), counter: 2)
        let run = answer(feed(recorded, to: &engine))?.run ?? 0
        #expect(feed(recorded, to: &engine).isEmpty)
        // The agent that did not hear the answer asks with a higher counter, and is told the same.
        let again = sealed(.begin(cookie: cookie, identifiers: 16), counter: 3)
        #expect(answer(feed(again, to: &engine))?.run == run)
        #expect(engine.runCount == 1)
        _ = feed(sealed(.ask(isLast: true), run: run, counter: 4), to: &engine)
        for second in [1, 6, 19, 21, 100] {
            let later = sealed(.begin(cookie: cookie, identifiers: 16), counter: 9)
            let actions = feed(later, to: &engine, at: start + .seconds(second))
            #expect(answer(actions) == nil, "after \(second) s")
        }
        #expect(engine.runCount == 0)
        #expect(engine.counts.runs == 1)
        #expect(engine.counts.staleCookies > 0)
    }

    @Test func `a cookie is good for one address, port and nonce, and for 20 s at most`() {
        var engine = SimulatedReflection.engine()
        let good = cookie(&engine)
        let begin = sealed(.begin(cookie: good, identifiers: 16), counter: 2)
        let others = [
            Endpoint(address: agent.address, port: 40_001),
            Endpoint(address: .v4(0xc633_6402), port: 40_000),
            Endpoint(address: .v6(0xc633_6401), port: 40_000),
        ]
        for endpoint in others {
            #expect(feed(begin, to: &engine, from: endpoint).isEmpty)
        }
        #expect(
            feed(sealed(.begin(cookie: good, identifiers: 16), nonce: 6, counter: 2), to: &engine)
                .isEmpty)
        var other = engine
        #expect(feed(begin, to: &other, at: start + .seconds(21)).isEmpty)
        #expect(other.counts.staleCookies == 5)
        #expect(engine.counts.staleCookies == 4)
        #expect(engine.runCount == 0)
        #expect(answer(feed(begin, to: &engine, at: start + .seconds(9)))?.run != nil)
    }

    @Test func `whoever holds no key draws nothing`() {
        var engine = SimulatedReflection.engine()
        let stranger = SimulatedReflection.keys(Array(repeating: 1, count: 32))
        let bodies: [ControlMessage.Body] = [
            .hello, .begin(cookie: 1, identifiers: 2), .send(kind: .reply, index: 1),
            .ask(isLast: true),
        ]
        let run = begin(&engine)
        for (count, body) in bodies.enumerated() {
            let message = ControlMessage(nonce: 5, run: run, counter: 50, body: body)
            #expect(feed(message.sealed(stranger), to: &engine).isEmpty)
            #expect(engine.counts.unauthenticated == UInt64(count + 1))
        }
        // What a reflector says is nothing to answer either.
        #expect(
            feed(sealed(.challenge(cookie: 1)), to: &engine).isEmpty
                && feed(sealed(.receipt(Receipt())), to: &engine).isEmpty)
    }

    @Test func `a run is its agent's: not another port's, nor another nonce's`() {
        var engine = SimulatedReflection.engine()
        let run = begin(&engine)
        let order = sealed(.send(kind: .request, index: 0), run: run, counter: 7)
        let other = Endpoint(address: agent.address, port: 1)
        #expect(feed(order, to: &engine, from: other).isEmpty)
        #expect(
            feed(
                sealed(.send(kind: .request, index: 0), nonce: 6, run: run, counter: 7),
                to: &engine
            ).isEmpty)
        #expect(engine.counts.unknownRuns == 2)
        #expect(feed(order, to: &engine).count == 1)
    }

    @Test func `probes go to the agent's address, from the one that it wrote to`() throws {
        var engine = SimulatedReflection.engine()
        let run = begin(&engine)
        let actions = feed(
            sealed(.send(kind: .reply, index: 7), run: run, counter: 3), to: &engine)
        guard case .probe(let order) = try #require(actions.first) else {
            Issue.record("no probe: \(actions)")
            return
        }
        #expect(order.destination == agent.address)
        #expect(order.source == here)
        #expect(order.kind == .reply)
        engine.note(order, wasSent: true)
        engine.note(order, wasSent: false)
        let receipt = answer(
            feed(sealed(.ask(isLast: false), run: run, counter: 4), to: &engine))
        guard case .receipt(let receipt) = receipt?.body else {
            Issue.record("no receipt")
            return
        }
        #expect(receipt.sentReplies == 1)
        #expect(receipt.sentRequests == 0)
        #expect(receipt.refused == 1)
    }

    @Test func `forged and stray probes are counted for no run`() {
        var engine = SimulatedReflection.engine()
        let run = begin(&engine)
        let stranger = SimulatedReflection.keys(Array(repeating: 1, count: 32))
        func take(_ mark: ProbeMark, _ keys: ReflectionKeys, as type: UInt8) {
            var message = mark.message(identifiers: 16, family: .v4, keys)
            (message[0], message[2], message[3]) = (type, 0, 0)
            let sum = ~message.withRawSpan { InternetChecksum.sum($0) }
            (message[2], message[3]) = (UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum))
            message.withRawSpan { bytes in
                guard let echo = ReceivedEcho(bytes, from: agent.address, hopLimit: 64) else {
                    Issue.record("no echo message")
                    return
                }
                engine.receive(echo, payload: bytes.extracting(8..<64), at: start)
            }
        }
        take(ProbeMark(origin: .agentReply, index: 0, run: run), keys, as: 0)
        #expect(engine.counts.probes == 1)
        take(ProbeMark(origin: .agentReply, index: 1, run: run), stranger, as: 0)
        take(ProbeMark(origin: .agentReply, index: 256, run: run), keys, as: 0)
        // A request that has become a reply, and the other way round.
        take(ProbeMark(origin: .agentRequest, index: 2, run: run), keys, as: 0)
        take(ProbeMark(origin: .agentReply, index: 2, run: run), keys, as: 8)
        take(ProbeMark(origin: .reflectorReply, index: 2, run: run), keys, as: 0)
        #expect(engine.counts.forgedProbes == 5)
        take(ProbeMark(origin: .agentReply, index: 0, run: run &+ 1), keys, as: 0)
        #expect(engine.counts.strayProbes == 1)
        #expect(engine.counts.probes == 1)
    }

    @Test func `a full table refuses, says so in as many octets, and forgets after a minute`() {
        var settings = ReflectorEngine.Settings()
        settings.runs = 8
        settings.runsPerAgent = 4
        settings.strangersPerSecond = 1000
        settings.strangersPerSourceAndSecond = 1000
        var engine = SimulatedReflection.engine(settings)
        for nonce in 1...4 as ClosedRange<UInt128> { #expect(begin(&engine, nonce: nonce) != 0) }
        #expect(begin(&engine, nonce: 5) == 0)
        for nonce in 10...30 as ClosedRange<UInt128> {
            let other = Endpoint(address: .v4(UInt32(nonce)), port: 1)
            #expect((begin(&engine, nonce: nonce, from: other) != 0) == (nonce <= 13))
        }
        #expect(engine.runCount == 8)
        #expect(engine.counts.refusedRuns == 18)
        var actions: [ReflectorEngine.Action] = []
        #expect(engine.deadline == start + .seconds(60))
        engine.advance(to: start + .seconds(61), into: &actions)
        #expect(actions.count == 8)
        #expect(engine.runCount == 0)
        #expect(begin(&engine, nonce: 99, at: start + .seconds(62)) != 0)
    }

    @Test func `one source over its limit is dropped, and the others are not`() {
        var engine = SimulatedReflection.engine()
        var answered = 0
        for nonce in 0..<1000 as Range<UInt128>
        where answer(feed(sealed(.hello, nonce: nonce), to: &engine)) != nil {
            answered += 1
        }
        #expect(answered == 40)
        #expect(engine.counts.limited == 960)
        let other = Endpoint(address: .v4(7), port: 9)
        #expect(answer(feed(sealed(.hello), to: &engine, from: other)) != nil)
        // An IPv6 network is one source.
        answered = 0
        for host in 0..<200 as Range<UInt128> {
            let endpoint = Endpoint(address: .v6(0x2001_0db8 << 96 | host), port: 9)
            if answer(feed(sealed(.hello), to: &engine, from: endpoint)) != nil { answered += 1 }
        }
        #expect(answered == 40)
        // A second later there are ten more.
        answered = 0
        for nonce in 0..<100 as Range<UInt128> {
            let actions = feed(
                sealed(.hello, nonce: nonce), to: &engine, at: start + .seconds(1))
            if answer(actions) != nil { answered += 1 }
        }
        #expect(answered == 10)
    }

    @Test func `a flood of sources is held to the common limit, and nothing grows`() {
        var engine = SimulatedReflection.engine()
        var answered = 0
        for source in 0..<5000 as Range<UInt32> {
            let endpoint = Endpoint(address: .v4(source &* 2_654_435_761), port: 1)
            if answer(feed(sealed(.hello), to: &engine, from: endpoint)) != nil { answered += 1 }
        }
        #expect(answered == 200)
        #expect(engine.runCount == 0)
        // Agents in a run have a limit of their own.
        engine = SimulatedReflection.engine()
        let run = begin(&engine)
        for source in 0..<2000 as Range<UInt32> {
            let endpoint = Endpoint(address: .v4(source &* 2_654_435_761), port: 1)
            _ = feed(sealed(.hello), to: &engine, from: endpoint)
        }
        #expect(
            feed(sealed(.send(kind: .reply, index: 0), run: run, counter: 5), to: &engine).count
                == 1)
    }
}
