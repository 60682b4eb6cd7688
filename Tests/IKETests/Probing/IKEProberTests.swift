import NetworkPrimitives
import Testing

@testable import IKE

@Suite struct IKEProberTests {
    private typealias Script = ScriptedExamination

    @Test func `a peer that accepts is open, and its choice is named`() throws {
        var script = Script()
        try script.run { [Script.answer(to: $1, choosing: Script.strongest)] }
        let report = script.prober.report
        #expect(report.ports.map(\.state) == [.open, .open])
        #expect(report.accepted.map(\.description) == ["AES_GCM_16_256/PRF_SHA2_256/ECP_384"])
        #expect(report.ports.map(\.roundTrip) == [.milliseconds(10), .milliseconds(20)])
        #expect(report.sent == 2)
        #expect(report.endedAt != nil)
    }

    @Test func `silence is filtered after two tries a port`() throws {
        var script = Script()
        let begin = script.now
        try script.run { _, _ in [] }
        let report = script.prober.report
        #expect(report.ports.map(\.state) == [.filtered, .filtered])
        #expect(report.ports.map(\.sent) == [2, 2])
        let end = try #require(report.endedAt)
        // Two tries, and three hops of which none says anything.
        #expect((Duration.seconds(5)...Duration.seconds(7)).contains(end - begin))
        #expect(script.hopLimits == [500: [1, 1, 2, 2, 3, 3], 4500: [1, 1, 2, 2, 3, 3]])
        #expect(report.ports.allSatisfy { $0.ladder?.rungs == [] && $0.ladder?.isComplete == true })
    }

    @Test func `of a silent port it is learned how far requests get`() throws {
        var script = Script()
        // The second router says nothing, the fourth is the last that they reach.
        script.routers = [.v4(1), nil, .v4(3), .v4(4)]
        try script.run { port, request in
            port == 4500 ? [Script.answer(to: request, choosing: Script.strongest)] : []
        }
        let report = script.prober.report
        #expect(report.ports.map(\.state) == [.filtered, .open])
        #expect(report.port4500.ladder == nil, "an open port needs none")
        let ladder = try #require(report.port500.ladder)
        #expect(ladder.rungs.map(\.hop) == [1, 3, 4])
        #expect(ladder.rungs.map(\.router) == [.v4(1), .v4(3), .v4(4)])
        #expect(script.hopLimits == [500: [1, 2, 2, 3, 4, 5, 5, 6, 6, 7, 7]])
        #expect(ladder.sent == 11 && ladder.isComplete)
        #expect(report.port500.sent == 2, "what has a hop limit is no try")
    }

    @Test func `a path of routers without end ends`() throws {
        var script = Script()
        script.routers = (1...255).map { .v4($0) }
        try script.run { _, _ in [] }
        #expect(script.hopLimits[500] == (1...24).map { $0 })
        #expect(script.prober.report.port500.ladder?.rungs.count == 24)
    }

    @Test func `a late second answer of a router is no farther hop`() throws {
        var script = Script()
        script.routers = [.v4(1), .v4(1)]
        try script.run { _, _ in [] }
        #expect(script.prober.report.port500.ladder?.rungs.map(\.hop) == [1])
    }

    @Test func `a ladder that is broken off says so`() throws {
        var script = Script()
        var now = script.now
        while script.prober.report.port500.state == .unknown {
            _ = script.prober.advance(to: now)
            now = script.prober.deadline ?? now
        }
        script.prober.abandon(because: "time limit", at: now)
        #expect(script.prober.isFinished)
        let port = script.prober.report.port500
        #expect(port.state == .filtered, "that is decided")
        #expect(port.ladder?.isComplete == false)
    }

    @Test func `one port may be silent and the other open`() throws {
        var script = Script()
        try script.run { port, request in
            port == 4500 ? [Script.answer(to: request, choosing: Script.strongest)] : []
        }
        #expect(script.prober.report.ports.map(\.state) == [.filtered, .open])
    }

    @Test func `a cookie is echoed once, first in the message, the rest as it was`() throws {
        var script = Script()
        try script.run { _, request in
            request.notify(.cookie) == nil
                ? [Script.answer(to: request, notify: IKENotify(kind: .cookie, content: [1, 2]))]
                : [Script.answer(to: request, choosing: Script.strongest)]
        }
        let report = script.prober.report
        #expect(report.ports.allSatisfy { $0.askedForCookie && $0.chosen != nil })
        #expect(report.sent == 4)
        let requests = try #require(script.requests[500])
        #expect(requests[1].payloads.first?.kind == .notify)
        #expect(requests[1].notify(.cookie)?.content == [1, 2])
        #expect(requests[0].header.initiatorSPI == requests[1].header.initiatorSPI)
        #expect(requests[0].proposals == requests[1].proposals)
    }

    @Test func `a peer that asks for cookies for ever gets no loop`() throws {
        var script = Script()
        try script.run {
            [Script.answer(to: $1, notify: IKENotify(kind: .cookie, content: [9]))]
        }
        let report = script.prober.report
        #expect(report.sent <= 8)
        #expect(report.ports.map(\.state) == [.open, .open])
        #expect(report.accepted.isEmpty)
    }

    @Test(arguments: [UInt16(14), 5, 19, 15, 16])
    func `a wanted group is offered once`(group: UInt16) throws {
        var script = Script()
        let wanted = IKENotify(
            kind: .invalidKEPayload, content: [UInt8(group >> 8), UInt8(group & 255)])
        try script.run { _, request in
            guard request.keyExchange?.group.rawValue == group else {
                return [Script.answer(to: request, notify: wanted)]
            }
            var chosen = Script.strongest
            chosen.transforms[2].number = group
            return [Script.answer(to: request, choosing: chosen)]
        }
        let report = script.prober.report
        #expect(report.sent == 4)
        let name = IKEGroup(rawValue: group).description
        #expect(report.accepted.map(\.description) == ["AES_GCM_16_256/PRF_SHA2_256/\(name)"])
        #expect(report.port500.refusals.first?.wantedGroup?.rawValue == group)
    }

    @Test func `a group that cannot be offered is reported and not followed`() throws {
        var script = Script()
        try script.run {
            [
                Script.answer(
                    to: $1, notify: IKENotify(kind: .invalidKEPayload, content: [0, 31]))
            ]
        }
        let report = script.prober.report
        #expect(report.sent == 2)
        #expect(report.port500.refusals.first?.wantedGroup?.description == "CURVE_25519")
    }

    @Test func `a peer that wants another group each time gets no loop`() throws {
        var script = Script()
        try script.run { _, request in
            let next: UInt8 = request.keyExchange?.group.rawValue == 14 ? 5 : 14
            return [
                Script.answer(
                    to: request, notify: IKENotify(kind: .invalidKEPayload, content: [0, next]))
            ]
        }
        #expect(script.prober.report.sent == 4)
    }

    @Test func `after a refusal one other offer is made, of what is not listed`()
        throws
    {
        var script = Script()
        try script.run {
            [Script.answer(to: $1, notify: IKENotify(kind: .noProposalChosen))]
        }
        let report = script.prober.report
        #expect(report.sent == 3)
        #expect(report.ports.map(\.state) == [.open, .open])
        #expect(report.port500.refusals.map(\.kind) == [.noProposalChosen, .noProposalChosen])
        let requests = try #require(script.requests[500])
        #expect(requests[1].proposals == ProviderProposals.others)
        #expect(requests[1].header.initiatorSPI != requests[0].header.initiatorSPI)
        #expect(script.requests[4500]?.count == 1)
    }

    @Test func `what the second offer drew is marked as such`() throws {
        var script = Script()
        let old = IKEProposal(
            number: 2,
            transforms: [
                IKETransform(kind: .encryption, number: 12, keyLength: 128),
                IKETransform(kind: .integrity, number: 2),
                IKETransform(kind: .pseudorandomFunction, number: 2),
                IKETransform(kind: .keyExchange, number: 14),
            ])
        try script.run { _, request in
            request.proposals == ProviderProposals.others
                ? [Script.answer(to: request, choosing: old)]
                : [Script.answer(to: request, notify: IKENotify(kind: .noProposalChosen))]
        }
        let port = script.prober.report.port500
        #expect(port.chosen?.description == "AES_CBC_128/HMAC_SHA1_96/PRF_SHA1/MODP_2048")
        #expect(port.isChosenOfOthers)
    }

    @Test func `two ICMP errors are unreachable, with kind and sender`() {
        var script = Script()
        let router = IPAddress.v4(0x0a00_0001)
        let rejection = IKEProbeReport.Rejection(kind: "host unreachable", sender: router)
        #expect(script.prober.advance(to: script.now).count == 2)
        for _ in 0..<2 {
            script.prober.receive(rejection, about: 500, at: script.now)
            script.prober.receive(rejection, about: 4500, at: script.now)
        }
        #expect(script.prober.isFinished)
        #expect(script.prober.report.ports.map(\.state) == [.unreachable, .unreachable])
        #expect(script.prober.report.port500.rejection == rejection)
    }

    @Test func `an answer after an ICMP error is an answer`() throws {
        var script = Script()
        let sent = script.prober.advance(to: script.now)
        script.prober.receive(
            IKEProbeReport.Rejection(kind: "host unreachable", sender: nil), about: 500,
            at: script.now)
        let request = try sent[0].octets.withRawSpan { try IKEMessage(parsing: $0) }
        let answer = Script.answer(to: request, choosing: Script.strongest)
        _ = answer.withRawSpan {
            script.prober.receive($0, to: 500, from: (Script.remote, 500), at: script.now)
        }
        #expect(script.prober.report.port500.state == .open)
    }

    @Test func `strangers, garbage and unoffered choices are ignored and counted`()
        throws
    {
        var script = Script()
        let sent = script.prober.advance(to: script.now)
        let request = try sent[0].octets.withRawSpan { try IKEMessage(parsing: $0) }
        var unoffered = Script.strongest
        unoffered.transforms[0].number = 3
        let right = Script.answer(to: request, choosing: Script.strongest)
        func deliver(_ octets: [UInt8], _ address: IPAddress, _ port: UInt16, to own: UInt16 = 500)
        {
            let more = octets.withRawSpan {
                script.prober.receive($0, to: own, from: (address, port), at: script.now)
            }
            #expect(more.isEmpty)
        }
        deliver(Script.answer(to: request, spi: 1, choosing: Script.strongest), Script.remote, 500)
        deliver(sent[0].octets, Script.remote, 500)
        deliver(right, Script.local, 500)
        deliver(right, Script.remote, 501)
        deliver([], Script.remote, 500)
        deliver([1, 2, 3], Script.remote, 500)
        deliver(Array(right.dropLast()), Script.remote, 500)
        // Without the non-ESP marker.
        deliver(right, Script.remote, 4500, to: 4500)
        deliver(Script.answer(to: request, choosing: unoffered), Script.remote, 500)
        let report = script.prober.report
        #expect(report.ignored.unasked == 2)
        #expect(report.ignored.foreign == 2)
        #expect(report.ignored.malformed == 5)
        #expect(report.ports.map(\.state) == [.unknown, .unknown])
    }

    @Test func `what was cut off by a limit is unknown, for that reason`() {
        var script = Script()
        _ = script.prober.advance(to: script.now)
        script.prober.abandon(because: "time limit", at: script.now)
        #expect(script.prober.isFinished)
        #expect(script.prober.report.ports.map(\.reason) == ["time limit", "time limit"])
        #expect(script.prober.report.ports.map(\.state) == [.unknown, .unknown])
    }

    @Test func `the limit of packets holds whatever comes back`() throws {
        var settings = IKEProber.Settings()
        settings.packetLimit = 3
        var script = Script(settings: settings)
        try script.run {
            [Script.answer(to: $1, notify: IKENotify(kind: .cookie, content: [9]))]
        }
        #expect(script.datagrams.count == 3)
    }
}

@Suite struct IKEProbeMessageTests {
    @Test(arguments: ProviderProposals.groups)
    func `every supported group has a public value of its length`(group: IKEGroup) throws {
        let lengths: [UInt16: Int] = [5: 192, 14: 256, 15: 384, 16: 512, 19: 64, 20: 96]
        #expect(PublicValue.octets(of: group)?.count == lengths[group.rawValue])
    }

    @Test func `the request reads back as what was written`() throws {
        let message = IKEProbeMessage(
            initiatorSPI: IKEProbeMessage.spi(0x123456), proposals: ProviderProposals.supported,
            group: IKEGroup(rawValue: 20), nonce: Array(repeating: 1, count: 32),
            from: (.v4(1), 1000), to: (.v4(2), 500))
        let read = try message.datagram.withRawSpan { try IKEMessage(parsing: $0) }
        #expect(read.extent == .complete)
        #expect(read.header.length == message.datagram.count)
        #expect(read.proposals == ProviderProposals.supported)
        #expect(read.keyExchange?.length == 96)
        #expect(read.nonceLength == 32)
        #expect(
            read.notifies.map(\.kind) == [
                .natDetectionSourceIP, .natDetectionDestinationIP, .fragmentationSupported,
            ])
        #expect(IKEProbeMessage.isProbe(initiatorSPI: read.header.initiatorSPI))
        #expect(!IKEProbeMessage.isProbe(initiatorSPI: 0x1234_5678_9abc_def0))
        let nat = NATDetection(of: read, from: .v4(1), 1000, to: .v4(2), 500)
        #expect(nat.isSourceUnchanged == true)
        #expect(nat.isDestinationUnchanged == true)
    }
}
