import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@testable import Reflecting

@Suite struct ControlMessageTests {
    private let keys = SimulatedReflection.keys()

    private static func address(_ generator: inout SeededGenerator) -> IPAddress {
        generator.chance(0.5)
            ? .v4(UInt32(truncatingIfNeeded: generator.next()))
            : .v6(UInt128(generator.next()) << 64 | UInt128(generator.next()))
    }

    private static func arrivals(_ generator: inout SeededGenerator) -> Receipt.Arrivals {
        var arrivals = Receipt.Arrivals()
        arrivals.received = UInt32(truncatingIfNeeded: generator.next())
        arrivals.duplicates = UInt32(truncatingIfNeeded: generator.next())
        arrivals.reordered = UInt32(truncatingIfNeeded: generator.next())
        if generator.chance(0.7) {
            arrivals.firstMicroseconds = UInt32(generator.below(1 << 31))
            arrivals.lastMicroseconds = UInt32.max - 1
            let low = UInt8(1 + generator.below(254))
            arrivals.hopLimits = low...UInt8.max
        }
        return arrivals
    }

    private static func bodies(
        _ generator: inout SeededGenerator
    ) -> [ControlMessage.Body] {
        var receipt = Receipt()
        receipt.replies = arrivals(&generator)
        receipt.requests = arrivals(&generator)
        receipt.answers = UInt32(truncatingIfNeeded: generator.next())
        receipt.duplicateAnswers = 3
        receipt.sentReplies = 4
        receipt.sentRequests = .max
        receipt.refused = 6
        receipt.source = generator.chance(0.3) ? nil : address(&generator)
        receipt.hasOtherSources = generator.chance(0.5)
        let admission = ControlMessage.Admission(
            isBusy: generator.chance(0.5),
            observed: Endpoint(
                address: address(&generator), port: UInt16(truncatingIfNeeded: generator.next())),
            hopLimit: generator.chance(0.5) ? nil : 61, lifetimeSeconds: 60, indexLimit: 256)
        return [
            .hello, .challenge(cookie: UInt128(generator.next()) << 60),
            .begin(cookie: .max, identifiers: 0xfffc), .begun(admission),
            .send(kind: .reply, index: 255), .send(kind: .request, index: 0), .ask(isLast: true),
            .ask(isLast: false), .receipt(receipt),
        ]
    }

    private func parse(_ octets: [UInt8]) -> Result<ControlMessage, ControlMessageError> {
        octets.withRawSpan { bytes in
            Result { () throws(ControlMessageError) in try ControlMessage(parsing: bytes) }
        }
    }

    @Test func `what is written is read, and every message is as long as every other`() throws {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<200 {
            for body in Self.bodies(&generator) {
                let message = ControlMessage(
                    nonce: UInt128(generator.next()) << 64 | 7, run: generator.next(),
                    counter: UInt32(truncatingIfNeeded: generator.next()), body: body)
                let octets = message.sealed(keys)
                #expect(octets.count == 160)
                #expect(try parse(octets).get() == message, "round \(round), \(body)")
                #expect(octets.withRawSpan { message.isAuthentic($0, keys) })
            }
        }
    }

    @Test func `the first octets are those of the protocol's page`() {
        let message = ControlMessage(
            nonce: 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10, run: 0x1112_1314_1516_1718,
            counter: 0x191a_1b1c, body: .send(kind: .reply, index: 0x1d1e))
        #expect(
            message.sealed(keys)[..<44]
                == [
                    0x54, 0x50, 0x52, 0x46, 1, 5, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                    14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 0, 0, 0, 0, 2, 0,
                    29, 30,
                ])
    }

    @Test func `one damaged bit anywhere is malformed or not authentic`() throws {
        var generator = SeededGenerator(seed: 2)
        for body in Self.bodies(&generator) {
            let octets = ControlMessage(nonce: 1, run: 2, counter: 3, body: body).sealed(keys)
            for bit in 0..<(octets.count * 8) {
                var damaged = octets
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                guard case .success(let message) = parse(damaged) else { continue }
                #expect(!damaged.withRawSpan { message.isAuthentic($0, keys) }, "bit \(bit)")
            }
        }
    }

    @Test func `other lengths, versions and protocols are told apart`() {
        let octets = ControlMessage(nonce: 1, run: 2, counter: 3, body: .hello).sealed(keys)
        for count in 0..<octets.count {
            #expect(parse(Array(octets[..<count])) == .failure(.truncated), "\(count) octets")
        }
        #expect(parse(octets + [0]) == .failure(.malformed))
        var other = octets
        other[4] = 2
        #expect(parse(other) == .failure(.unknownVersion(2)))
        other = octets
        other[0] = 0
        #expect(parse(other) == .failure(.foreign))
        for place in [6, 36, 40, 127] {
            other = octets
            other[place] = 1
            #expect(parse(other) == .failure(.malformed), "octet \(place)")
        }
        for type in [0, 6, 9, 255] as [UInt8] {
            other = octets
            other[5] = type
            #expect(parse(other) == .failure(.malformed), "type \(type)")
        }
    }

    @Test func `a message of one side is not authentic as one of the other`() {
        let octets = ControlMessage(nonce: 1, run: 2, counter: 3, body: .hello).sealed(keys)
        octets.withRawSpan { bytes in
            let isAgents = keys.agent.isAuthentic(bytes, upTo: 128, tagByteCount: 32)
            let isReflectors = keys.reflector.isAuthentic(bytes, upTo: 128, tagByteCount: 32)
            #expect(isAgents && !isReflectors)
        }
    }

    @Test func `random octets never do more than fail`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<3000 {
            var octets = (0..<generator.below(200)).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
            for (place, octet) in Array<UInt8>([0x54, 0x50, 0x52, 0x46, 1]).enumerated()
            where place < octets.count && generator.chance(0.9) {
                octets[place] = octet
            }
            if case .success(let message) = parse(octets) {
                #expect(!octets.withRawSpan { message.isAuthentic($0, keys) })
            }
            #expect(
                octets.withRawSpan { bytes in
                    ProbeMark(parsing: bytes) == nil || !ProbeMark.isAuthentic(bytes, keys)
                })
        }
    }

    @Test func `probes have one length, right checksums, and an identifier for each origin`() throws
    {
        var identifiers: Set<UInt16> = []
        for family in [IPAddress.Family.v4, .v6] {
            for origin in ProbeMark.Origin.allCases {
                let mark = ProbeMark(origin: origin, index: 9, run: 77)
                let message = mark.message(identifiers: 0x1230, family: family, keys)
                #expect(message.count == 64)
                #expect(message[0] == origin.kind.type(in: family))
                message.withRawSpan { bytes in
                    let sum = InternetChecksum.sum(bytes)
                    #expect(family == .v6 || sum == 0xffff)
                    identifiers.insert(bytes.bigEndianUInt16(at: 4))
                    let payload = bytes.extracting(8..<64)
                    let read = ProbeMark(parsing: payload)
                    let isGenuine = ProbeMark.isAuthentic(payload, keys)
                    #expect(read == mark && isGenuine)
                }
                // Shorter than the datagram that it answers, with every header counted.
                #expect(message.count <= ControlMessage.byteCount + 8)
            }
        }
        #expect(identifiers == [0x1230, 0x1231, 0x1232, 0x1233])
    }

    @Test func `an IPv4 echo message with a wrong checksum is none`() {
        var message = ProbeMark(origin: .agentReply, index: 0, run: 1)
            .message(identifiers: 0, family: .v4, keys)
        func echo() -> ReceivedEcho? {
            message.withRawSpan { ReceivedEcho($0, from: .v4(1), hopLimit: nil) }
        }
        #expect(echo()?.kind == .reply)
        message[20] ^= 1
        #expect(echo() == nil)
        message = [8, 0, 0]
        #expect(echo() == nil)
    }
}
