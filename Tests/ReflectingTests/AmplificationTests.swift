import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@testable import Reflecting

/// The reflector never sends more packets nor octets than it got, to anybody, at any time.
@Suite struct AmplificationTests {
    /// What one address sent and was sent, headers of IP and UDP or ICMP included.
    private struct Balance {
        var packetsIn = 0
        var octetsIn = 0
        var packetsOut = 0
        var octetsOut = 0
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `whatever comes, from whoever holds the key or not, less goes out`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let keys = SimulatedReflection.keys()
        var engine = SimulatedReflection.engine()
        var now = MonotonicInstant(nanoseconds: 1_000_000_000)
        var balances: [IPAddress: Balance] = [:]
        // What a malicious owner of the key, or somebody who records everything, can play with.
        var recorded: [[UInt8]] = []
        var cookies: [UInt128] = [1]
        var runs: [UInt64] = [1]
        var answers = 0
        for _ in 0..<3000 {
            now = now + .nanoseconds(generator.below(20_000_000))
            let address: IPAddress =
                generator.chance(0.5)
                ? .v4(UInt32(generator.below(6))) : .v6(UInt128(generator.below(6)) << 64)
            let endpoint = Endpoint(address: address, port: UInt16(generator.below(2)))
            var octets: [UInt8]
            if generator.chance(0.2), let old = recorded.randomElement(using: &generator) {
                octets = old
            } else {
                let body: ControlMessage.Body =
                    switch generator.below(5) {
                    case 0: .hello
                    case 1:
                        .begin(
                            cookie: cookies.randomElement(using: &generator) ?? 0,
                            identifiers: UInt16(truncatingIfNeeded: generator.next()))
                    case 2, 3:
                        .send(
                            kind: generator.chance(0.5) ? .reply : .request,
                            index: UInt16(generator.below(300)))
                    default: .ask(isLast: generator.chance(0.1))
                    }
                octets =
                    ControlMessage(
                        nonce: UInt128(generator.below(3)),
                        run: runs.randomElement(using: &generator) ?? 0,
                        counter: UInt32(generator.below(5000)), body: body
                    ).sealed(keys)
                recorded.append(octets)
            }
            if generator.chance(0.1) {
                octets = Array(octets[..<Int(generator.below(Int64(octets.count)))])
            }
            if generator.chance(0.05), !octets.isEmpty {
                octets[Int(generator.below(Int64(octets.count)))] ^= 1
            }
            let headers = address.family.headerByteCount
            balances[address, default: Balance()].packetsIn += 1
            balances[address, default: Balance()].octetsIn += headers + 8 + octets.count
            var actions: [ReflectorEngine.Action] = []
            octets.withRawSpan {
                engine.receive(
                    $0, from: endpoint, to: nil, hopLimit: nil, at: now, into: &actions)
            }
            var packets = 0
            for action in actions {
                var (destination, count) = (address, 0)
                switch action {
                case .answer(let answer, let to, _):
                    (destination, count) = (to.address, 8 + answer.count)
                    answer.withRawSpan { bytes in
                        guard let message = try? ControlMessage(parsing: bytes) else { return }
                        if case .challenge(let cookie) = message.body { cookies.append(cookie) }
                        if case .begun = message.body { runs.append(message.run) }
                    }
                case .probe(let order):
                    engine.note(order, wasSent: true)
                    (destination, count) = (order.destination, order.message.count)
                case .ended: continue
                }
                packets += 1
                answers += 1
                guard destination == address, count <= 8 + octets.count else {
                    Issue.record("\(count) octets to \(destination), \(octets.count) came")
                    return
                }
                balances[destination, default: Balance()].packetsOut += 1
                balances[destination, default: Balance()].octetsOut += headers + count
            }
            guard packets <= 1 else {
                Issue.record("\(packets) packets for one")
                return
            }
            let isBalanced = balances.values.allSatisfy {
                $0.packetsOut <= $0.packetsIn && $0.octetsOut <= $0.octetsIn
            }
            guard isBalanced, engine.counts.sent <= engine.counts.datagrams,
                engine.counts.sentOctets <= engine.counts.datagramOctets
            else {
                Issue.record("more went out than came in: \(balances), \(engine.counts)")
                return
            }
        }
        // It did play along.
        #expect(answers > 100)
        #expect(engine.counts.runs > 0)
    }

    @Test func `echo messages draw nothing at all`() {
        // The engine's way in for them has no actions; what is left is the kernel's own answer.
        var simulation = SimulatedReflection()
        _ = simulation.run()
        let sent = simulation.reflector.counts.sent
        // Challenge, begun, ten of each kind sent back, receipt.
        #expect(sent == 3 + 20)
        #expect(simulation.reflector.counts.datagrams == sent)
    }
}
