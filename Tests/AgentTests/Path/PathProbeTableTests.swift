import NetworkPrimitives
import PacketFormats
import Testing

@testable import Agent

/// Which of the ICMP messages that come are believed to be about a probe.
@Suite struct PathProbeTableTests {
    /// One family's addresses, and a table with one probe of each kind.
    fileprivate struct Scene {
        let family: IPAddress.Family
        let here: IPAddress
        let target: IPAddress
        let router: IPAddress
        let request: EchoMessage
        let reply: EchoMessage
        var table = PathProbeTable()

        init(_ family: IPAddress.Family) {
            self.family = family
            (here, target, router) =
                family == .v4
                ? (ip("203.0.113.10"), ip("198.51.100.1"), ip("192.0.2.7"))
                : (ip("2001:db8::10"), ip("2001:db8:1::1"), ip("2001:db8:7::7"))
            func echo(_ kind: EchoMessage.Kind, _ sequence: UInt16) -> EchoMessage {
                EchoMessage(
                    kind: kind, family: family, identifier: 0x4011, sequence: sequence,
                    nonce: 0x0123_4567_89ab_cdef, payloadByteCount: 24, checksum: 0xbeef)
            }
            request = echo(.request, 7)
            reply = echo(.reply, 8)
            table.add(request, to: target, lane: .search, number: 70)
            table.add(reply, to: target, lane: .ladder, number: 80)
            table.addDatagram(
                from: 50000, to: target, port: 33434, checksum: 0x0042, lane: .ladder, number: 90)
        }

        /// The message's octets with a right checksum.
        func octets(_ echo: EchoMessage, from source: IPAddress, to destination: IPAddress)
            -> [UInt8]
        {
            var octets: [UInt8] = []
            echo.encode(family: family, checksum: 0, into: &octets)
            return sealed(octets, source, destination)
        }

        /// An error about a packet to `quoted` with these eight octets and perhaps more.
        func error(
            type: UInt8? = nil, code: UInt8 = 0, second: UInt32 = 0, about quoted: IPAddress? = nil,
            protocolNumber: UInt8? = nil, _ payload: [UInt8], from source: IPAddress? = nil
        ) -> [UInt8] {
            var octets: [UInt8] = [type ?? (family == .v4 ? 11 : 3), code, 0, 0]
            octets.append(bigEndian: UInt16(second >> 16))
            octets.append(bigEndian: UInt16(second & 0xffff))
            let to = quoted ?? target
            switch family {
            case .v4:
                octets += [0x45, 0, 5, 220, 0, 0, 0x40, 0, 1, protocolNumber ?? 1, 0, 0]
            case .v6:
                octets += [0x60, 0, 0, 0, 5, 180, protocolNumber ?? 58, 1]
            }
            octets += here.octets + to.octets + payload
            return sealed(octets, source ?? router, here)
        }

        /// The start of an echo message as a router quotes it.
        func quote(_ echo: EchoMessage, byteCount: Int = 8) -> [UInt8] {
            var octets: [UInt8] = []
            echo.encode(family: family, checksum: 0xbeef, into: &octets)
            return Array(octets.prefix(byteCount))
        }

        private func sealed(
            _ message: [UInt8], _ source: IPAddress, _ destination: IPAddress
        ) -> [UInt8] {
            var message = message
            (message[2], message[3]) = (0, 0)
            let seed =
                family == .v4
                ? 0
                : InternetChecksum.pseudoHeader(
                    source, destination, protocolNumber: 58, byteCount: message.count)
            let sum = ~message.withRawSpan { InternetChecksum.sum($0, seed: seed) }
            (message[2], message[3]) = (UInt8(sum >> 8), UInt8(sum & 255))
            return message
        }

        /// What a captured Ethernet frame with such a message tells.
        mutating func receive(
            _ message: [UInt8], from source: IPAddress, to destination: IPAddress,
            captured: Int? = nil
        ) -> PathProbeTable.Finding? {
            var frame = [UInt8](repeating: 2, count: 12)
            switch family {
            case .v4:
                frame += [8, 0, 0x45, 0]
                frame.append(bigEndian: UInt16(20 + message.count))
                frame += [0, 0, 0, 0, 60, 1, 0, 0]
            case .v6:
                frame += [0x86, 0xdd, 0x60, 0, 0, 0]
                frame.append(bigEndian: UInt16(message.count))
                frame += [58, 60]
            }
            frame += source.octets + destination.octets + message
            let length = frame.count
            frame = Array(frame.prefix(captured ?? length))
            return frame.withRawSpan {
                table.receive(frame: $0, link: .ethernet, wireLength: length)
            }
        }

        func event(_ meaning: ICMPError.Meaning) -> PathProbeTable.Finding.Event {
            .error(meaning, sender: router, quotedSource: here)
        }
    }

    private static let families: [IPAddress.Family] = [.v4, .v6]

    @Test(arguments: families)
    func `eight quoted octets name a probe`(family: IPAddress.Family) {
        var scene = Scene(family)
        let found = scene.receive(
            scene.error(scene.quote(scene.reply)), from: scene.router, to: scene.here)
        #expect(
            found
                == .init(lane: .ladder, number: 80, event: scene.event(.timeExceeded)))
        let datagram = scene.receive(
            scene.error(protocolNumber: 17, [0xc3, 0x50, 0x82, 0x9a, 0, 32, 0, 0x42]),
            from: scene.router, to: scene.here)
        #expect(
            datagram
                == .init(lane: .ladder, number: 90, event: scene.event(.timeExceeded)))
        let (type, code): (UInt8, UInt8) = family == .v4 ? (3, 4) : (2, 0)
        let tooBig = scene.receive(
            scene.error(type: type, code: code, second: 1400, scene.quote(scene.request)),
            from: scene.router, to: scene.here)
        #expect(
            tooBig
                == .init(lane: .search, number: 70, event: scene.event(.packetTooBig(mtu: 1400))))
        #expect(scene.table.refused == .init())
    }

    @Test(arguments: families)
    func `own packets are seen leaving, and are no answers`(family: IPAddress.Family) {
        var scene = Scene(family)
        for (echo, lane, number): (EchoMessage, PathProbeTable.Lane, UInt64) in [
            (scene.request, .search, 70), (scene.reply, .ladder, 80),
        ] {
            let octets = scene.octets(echo, from: scene.here, to: scene.target)
            let found = scene.receive(octets, from: scene.here, to: scene.target)
            #expect(found == .init(lane: lane, number: number, event: .left))
            // Once is enough.
            #expect(scene.receive(octets, from: scene.here, to: scene.target) == nil)
        }
        #expect(scene.table.refused == .init())
    }

    @Test(arguments: families)
    func `an Echo Reply counts with the request's mark, from the target`(
        family: IPAddress.Family
    ) {
        var scene = Scene(family)
        var answer = scene.request
        answer.kind = .reply
        var forged = answer
        forged.nonce ^= 1
        #expect(
            scene.receive(
                scene.octets(forged, from: scene.target, to: scene.here), from: scene.target,
                to: scene.here) == nil)
        #expect(
            scene.receive(
                scene.octets(answer, from: scene.router, to: scene.here), from: scene.router,
                to: scene.here) == nil)
        var shorter = answer
        shorter.payloadByteCount -= 2
        #expect(
            scene.receive(
                scene.octets(shorter, from: scene.target, to: scene.here), from: scene.target,
                to: scene.here) == nil)
        #expect(scene.table.refused == .init(implausible: 3))
        #expect(
            scene.receive(
                scene.octets(answer, from: scene.target, to: scene.here), from: scene.target,
                to: scene.here) == .init(lane: .search, number: 70, event: .echo))
    }

    @Test(arguments: families)
    func `what quotes nothing of ours is not believed`(family: IPAddress.Family) {
        var scene = Scene(family)
        var other = scene.request
        other.sequence = 9
        var stranger = scene.request
        stranger.identifier = 1
        let messages = [
            scene.error(scene.quote(other)), scene.error(scene.quote(stranger)),
            // The right numbers about another destination, another kind, another port.
            scene.error(about: scene.router, scene.quote(scene.request)),
            scene.error(protocolNumber: 17, [0xc3, 0x50, 0x82, 0x9b, 0, 32, 0, 0x42]),
            scene.error(protocolNumber: 17, [0xc3, 0x50, 0x82, 0x9a, 0, 32, 0, 0x43]),
            scene.error(protocolNumber: 6, scene.quote(scene.request)),
            // An Echo Request of ours never had the number of the Echo Reply.
            scene.error(scene.quote(scene.octetsKindChanged)),
        ]
        for message in messages {
            #expect(scene.receive(message, from: scene.router, to: scene.here) == nil)
        }
        #expect(scene.table.refused == .init(foreign: 5, implausible: 2))
    }

    @Test(arguments: families)
    func `a wrong checksum is not believed, unless the capture cut the message`(
        family: IPAddress.Family
    ) {
        var scene = Scene(family)
        var message = scene.error(scene.quote(scene.reply, byteCount: 32))
        message[message.count - 1] ^= 1
        #expect(scene.receive(message, from: scene.router, to: scene.here) == nil)
        #expect(scene.table.refused == .init(malformed: 1))
        let headers = 14 + (family == .v4 ? 20 : 40)
        let cut = headers + message.count - 8
        #expect(
            scene.receive(message, from: scene.router, to: scene.here, captured: cut)
                == .init(lane: .ladder, number: 80, event: scene.event(.timeExceeded)))
        // Cut in the quote there is nothing to match.
        let short = headers + 8 + (family == .v4 ? 20 : 40) + 7
        #expect(
            scene.receive(message, from: scene.router, to: scene.here, captured: short) == nil)
        #expect(scene.table.refused == .init(malformed: 1, truncated: 1))
    }

    @Test func `errors that are captured and never heard mean that sockets are deaf`() {
        var scene = Scene(.v4)
        let message = scene.error(scene.quote(scene.reply))
        for _ in 0..<2 { _ = scene.receive(message, from: scene.router, to: scene.here) }
        #expect(!scene.table.isDeaf)
        _ = scene.receive(message, from: scene.router, to: scene.here)
        #expect(scene.table.isDeaf)
        let router = scene.router
        let found = message.withRawSpan {
            scene.table.receive(
                $0, from: router, to: nil, isTruncated: false, isCaptured: false)
        }
        #expect(found == nil, "it was told already")
        #expect(!scene.table.isDeaf)
    }

    @Test func `a flood of different answers to one probe is bounded`() {
        var scene = Scene(.v4)
        var told = 0
        for number in 0..<1000 {
            let router = IPAddress.v4(0x0a00_0000 + UInt32(number))
            let message = scene.error(scene.quote(scene.request), from: router)
            if scene.receive(message, from: router, to: scene.here) != nil { told += 1 }
        }
        #expect(told == 8)
    }

    @Test func `any frame is safe`() {
        var generator = SystemRandomNumberGenerator()
        for family in Self.families {
            var scene = Scene(family)
            let whole = scene.error(scene.quote(scene.reply, byteCount: 32))
            for _ in 0..<2000 {
                var message = whole
                for _ in 0..<Int.random(in: 0...4, using: &generator) {
                    message[Int.random(in: message.indices, using: &generator)] = .random(
                        in: .min ... .max, using: &generator)
                }
                message = Array(message.prefix(Int.random(in: 0...message.count)))
                _ = scene.receive(
                    message, from: scene.router, to: scene.here,
                    captured: Int.random(in: 0...120, using: &generator))
            }
        }
    }
}

extension PathProbeTableTests.Scene {
    /// The Echo Reply of the scene as a request, which was never sent.
    fileprivate var octetsKindChanged: EchoMessage {
        var echo = reply
        echo.kind = .request
        return echo
    }
}
