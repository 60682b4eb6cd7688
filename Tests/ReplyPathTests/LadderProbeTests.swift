import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath
import Testing

/// What a ladder sends, and how fast.
@Suite struct LadderProbeTests {
    private static func run(_ path: SimulatedPath, isUrgent: Bool = false) -> LadderSimulation {
        var run = LadderSimulation(path, seed: 4) { $0.isUrgent = isUrgent }
        run.run()
        return run
    }

    @Test func `at most five packets a second, and one for a hop in 1.2 s`() {
        var path = LadderPath.filtered(12, at: 6, .beforeHopLimit)
        path.targetBehavior = .silent
        let run = Self.run(path)
        let times = run.departures.map(\.at)
        for index in times.indices.dropFirst(5) {
            #expect(times[index] - times[index - 5] >= .seconds(1))
        }
        for hop in 1...12 as ClosedRange<UInt8> {
            let own = run.departures.filter { $0.probe.hopLimit == hop }.map(\.at)
            for (earlier, later) in zip(own, own.dropFirst()) {
                #expect(later - earlier >= LadderSimulation.spacing)
            }
        }
        // No router had to hold an answer back.
        #expect(run.network.tally(of: run.route).suppressedErrors == 0)
    }

    @Test func `a stall is not made up for`() {
        var ladder = LadderSimulation(LadderPath.plain(9)).ladder
        var actions: [LadderProbe] = []
        ladder.advance(to: .zero + .seconds(60), pace: { _, _ in nil }, into: &actions)
        #expect(actions.count == 1)
    }

    @Test func `the packets of a flow agree in what routers hash`() {
        var path = LadderPath.filtered(6, at: 3, .beforeHopLimit)
        path.targetBehavior = .silent
        let run = Self.run(path)
        let probes = run.departures.map(\.probe)
        #expect(Set(probes.map(\.kind)) == [.request, .reply, .datagram])
        var identifiers: Set<UInt16> = []
        for flow in 0..<3 {
            let echoes = probes.filter { $0.flow == flow && $0.kind != .datagram }
            #expect(Set(echoes.map(\.checksum)) == [ReplyLadder.checksums[flow]])
            #expect(Set(echoes.map(\.identifier)).count == 1)
            identifiers.formUnion(echoes.map(\.identifier))
            // The octets on the wire have that checksum, and it is right.
            for probe in echoes {
                let message = probe.echoMessage(family: .v4)!
                var octets: [UInt8] = []
                message.encode(family: .v4, checksum: probe.checksum, into: &octets)
                #expect(octets.count == 8 + LadderProbe.payloadByteCount)
                #expect(octets.withRawSpan { InternetChecksum.sum($0) } == 0xffff)
            }
        }
        #expect(identifiers.count == 3)
        #expect(identifiers.allSatisfy { $0 >> 14 == 1 })
        let datagrams = probes.filter { $0.kind == .datagram }
        #expect(Set(datagrams.map { [$0.identifier, $0.sequence] }).count == 1)
        #expect(datagrams.first?.sequence == 33434)
        #expect(Set(datagrams.map(\.checksum)).count == datagrams.count)
        #expect(datagrams.allSatisfy { $0.checksum != 0 && $0.echoMessage(family: .v4) == nil })
    }

    @Test func `no two packets are alike, and their numbers count up`() {
        let run = Self.run(LadderPath.filtered(10, at: 3, .beforeHopLimit))
        let probes = run.departures.map(\.probe)
        #expect(probes.map(\.number) == (0..<UInt64(probes.count)).map { $0 })
        #expect(
            Set(probes.map { [$0.identifier, $0.sequence, $0.checksum] }).count == probes.count)
    }

    @Test func `controls and tests alternate who goes first`() {
        let run = Self.run(LadderPath.plain(6), isUrgent: false)
        for hop in 1...6 as ClosedRange<UInt8> {
            let kinds = run.departures.filter { $0.probe.hopLimit == hop }.map(\.probe.kind)
            guard kinds.count >= 4 else { continue }
            #expect(kinds[0] != kinds[1])
            #expect(kinds[0] == kinds[3] && kinds[1] == kinds[2], "\(hop): \(kinds)")
        }
    }

    @Test func `it stops three hops behind the last router`() {
        var path = LadderPath.plain(20)
        for index in 5..<20 { path.routers[index].isSilent = true }
        let run = Self.run(path)
        #expect(run.departures.map(\.probe.hopLimit).max() == 8)
        #expect(run.ladder.report.lastHopReply == 5)
    }

    @Test func `nothing is sent behind the target, once that is known`() {
        let run = Self.run(LadderPath.plain(3))
        #expect(run.departures.map(\.probe.hopLimit).max()! <= 6)
        #expect(run.departures.count(where: { $0.probe.hopLimit > 3 }) <= 6)
        #expect(run.ladder.report.targetHop == 4)
    }

    @Test func `a ladder whose packets are never said to be sent ends all the same`() {
        var ladder = LadderSimulation(LadderPath.plain(6)).ladder
        var actions: [LadderProbe] = []
        while let deadline = ladder.deadline, deadline < .zero + .seconds(600) {
            ladder.advance(to: deadline, pace: { _, _ in nil }, into: &actions)
        }
        #expect(ladder.isFinished)
        #expect(ladder.report.verdict == .inconclusive)
        #expect(actions.count < 100)
    }

    @Test func `a pacer that never agrees keeps it waiting, not spinning`() {
        var ladder = LadderSimulation(LadderPath.plain(6)).ladder
        var actions: [LadderProbe] = []
        var turns = 0
        while let deadline = ladder.deadline, deadline < .zero + .seconds(60) {
            ladder.advance(
                to: deadline, pace: { _, now in now + .seconds(1) }, into: &actions)
            turns += 1
        }
        #expect(actions.isEmpty)
        #expect(turns < 500)
    }
}
