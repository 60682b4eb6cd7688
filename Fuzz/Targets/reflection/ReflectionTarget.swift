import NetworkPrimitives
import Octets

@testable import Reflecting

/// A reflector, and an agent's run, under whatever comes: datagrams and echo messages.
///
/// A step is four octets (flags, milliseconds, length, who) and its own octets. Some are sealed with
/// the right key and given the names that the reflector told, so that they come further.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    guard let keys = [UInt8](repeating: 7, count: 16).withRawSpan({ ReflectionKeys(secret: $0) })
    else { preconditionFailure("a secret of 16 octets is one") }
    var reflector = ReflectorEngine(
        keys: keys, random: Array(repeating: 3, count: ReflectorEngine.randomByteCount))
    var now = MonotonicInstant(nanoseconds: 1)
    var client = ReflectorClient(
        keys: keys, settings: .init(family: .v4, source: .v4(1)),
        random: Array(repeating: 5, count: ReflectorClient.randomByteCount), start: now)
    var (cookie, run, nonce): (UInt128, UInt64, UInt128) = (0, 0, 0)
    let agentNonce = (0..<16).reduce(UInt128(0)) { sum, _ in sum << 8 | 5 }
    var answers: [[UInt8]] = []
    for _ in 0..<200 {
        let flags = input.byte()
        now = now + .milliseconds(Int(input.byte()) * (flags & 0x80 == 0 ? 1 : 100))
        let length = Int(input.byte())
        let who = input.byte()
        guard length > 0 else { break }
        var octets: [UInt8] = []
        for _ in 0..<length { octets.append(input.byte()) }
        let address: IPAddress = who & 1 == 0 ? .v4(UInt32(who >> 2)) : .v6(UInt128(who >> 2))
        var toAgent: [ReflectorClient.Action] = []
        if flags & 1 == 0 {
            if flags & 2 != 0 {
                octets += Array(repeating: 0, count: max(0, 128 - octets.count))
                octets.removeLast(octets.count - 128)
                octets.replaceSubrange(0..<5, with: [0x54, 0x50, 0x52, 0x46, 1])
                (octets[6], octets[7]) = (0, 0)
                octets.replaceSubrange(36..<40, with: [0, 0, 0, 0])
                if flags & 4 != 0 {
                    var names: [UInt8] = []
                    names.append(bigEndian: octets[5] % 2 == 1 ? nonce : agentNonce)
                    names.append(bigEndian: run)
                    octets.replaceSubrange(8..<32, with: names)
                }
                if octets[5] == 3, flags & 8 != 0 {
                    var proof: [UInt8] = []
                    proof.append(bigEndian: cookie)
                    octets.replaceSubrange(40..<56, with: proof)
                }
                octets += (octets[5] % 2 == 1 ? keys.agent : keys.reflector).tag(of: octets)
            }
            if flags & 0x10 != 0, let answer = answers.last { octets = answer }
            var actions: [ReflectorEngine.Action] = []
            octets.withRawSpan { bytes in
                reflector.receive(
                    bytes, from: Endpoint(address: address, port: UInt16(who & 2)), to: nil,
                    hopLimit: who, at: now, into: &actions)
                client.receive(bytes, at: now, into: &toAgent)
                if let message = try? ControlMessage(parsing: bytes) {
                    // One way to write each: what is read is what was written.
                    var sealed = message.sealed(keys)
                    sealed.removeLast(32)
                    sealed.withRawSpan { sealed in
                        for offset in 0..<sealed.byteCount {
                            precondition(sealed.uint8(at: offset) == bytes.uint8(at: offset))
                        }
                    }
                }
            }
            var packets = 0
            for action in actions {
                switch action {
                case .answer(let answer, let to, _):
                    precondition(to.address == address && answer.count <= octets.count)
                    packets += 1
                    answers.append(answer)
                    answer.withRawSpan { bytes in
                        guard let message = try? ControlMessage(parsing: bytes) else {
                            preconditionFailure("an answer that cannot be read")
                        }
                        nonce = message.nonce
                        if case .challenge(let value) = message.body { cookie = value }
                        if case .begun = message.body { run = message.run }
                    }
                case .probe(let order):
                    precondition(order.destination == address)
                    precondition(order.message.count <= octets.count + 8)
                    packets += 1
                    reflector.note(order, wasSent: flags & 0x20 == 0)
                case .ended: break
                }
            }
            precondition(packets <= 1)
        } else {
            if flags & 2 != 0 {
                octets += Array(repeating: 0, count: max(0, 64 - octets.count))
                octets.removeLast(octets.count - 64)
                octets.replaceSubrange(8..<13, with: [0x54, 0x50, 0x52, 0x50, 1])
                if flags & 4 != 0 {
                    var name: [UInt8] = []
                    name.append(bigEndian: run)
                    octets.replaceSubrange(16..<24, with: name)
                }
                octets.replaceSubrange(
                    24..<40, with: keys.probe.tag(of: Array(octets[8..<24]))[..<16])
            }
            octets.withRawSpan { bytes in
                guard let echo = ReceivedEcho(bytes, from: address, hopLimit: who) else { return }
                let payload = bytes.extracting(8..<bytes.byteCount)
                reflector.receive(echo, payload: payload, at: now)
                client.receive(echo, payload: payload)
            }
        }
        client.advance(to: now, into: &toAgent)
        precondition(reflector.runCount <= 256)
        precondition(reflector.counts.sent <= reflector.counts.datagrams)
        precondition(reflector.counts.sentOctets <= reflector.counts.datagramOctets)
        if answers.count > 8 { answers.removeFirst() }
    }
    client.abandon(because: "the end", at: now)
    for direction in [client.report.forward, client.report.reverse] {
        precondition(direction.verdict == .open || direction.reason != nil)
        precondition((direction.verdict == .inconclusive) == (direction.confidence == nil))
    }
    return 0
}
