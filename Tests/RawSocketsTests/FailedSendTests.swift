import Glibc
import NetworkPrimitives
import RawSockets
import Testing

/// Transmit stamps after sends that the kernel refused: the kernel's stamp counter may or may not
/// have moved, and no stamp may go to another message for it.
@Suite struct FailedSendTests {
    private let near = TestNamespace()
    private let far = TestNamespace()

    init() {
        near.connect("wan", to: far, "wan", subnet: 1)
    }

    /// Refuses packets to host 66 after the kernel has numbered them.
    private func installFirewall() {
        near.run("nft add table inet probe")
        near.run("nft 'add chain inet probe output { type filter hook output priority 0; }'")
        near.run("nft add rule inet probe output ip daddr 10.77.1.66 drop")
        near.run("nft add rule inet probe output ip6 daddr fd77:1::66 drop")
    }

    private func firewalled(_ family: IPAddress.Family) -> IPAddress {
        address(family, subnet: 1, host: family == .v4 ? 66 : 0x66)
    }

    /// Sends a good message and expects its stamp between the send call and its return.
    private func expectOwnStamp(
        _ socket: EchoSocket, _ family: IPAddress.Family, ticket: UInt32,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = socket.send(
            echo(family, sequence: UInt16(ticket)), to: address(family, subnet: 1, host: 2))
        let returnedAt = MonotonicClock.now()
        let sent = try #require(outcome.sent, sourceLocation: sourceLocation)
        #expect(sent.ticket == ticket, sourceLocation: sourceLocation)
        // A stamp of the message before or after would be 2 ms off.
        usleep(2000)
        let reports = try socket.collect { !$0.transmitted.isEmpty && !$0.answers.isEmpty }
        #expect(reports.transmitted.map(\.ticket) == [ticket], sourceLocation: sourceLocation)
        let at = try #require(reports.transmittedAt(ticket), sourceLocation: sourceLocation)
        #expect(
            at >= sent.at && at <= returnedAt + .microseconds(500), sourceLocation: sourceLocation)
        #expect(
            reports.answers.map(\.sequence) == [UInt16(ticket)], sourceLocation: sourceLocation)
    }

    @Test(arguments: bothFamilies)
    func `after sends that the firewall refused, tickets still match their own packets`(
        family: IPAddress.Family
    ) throws {
        installFirewall()
        let socket = try EchoSocket(EchoSocketOptions(family: family, namespace: near.name))
        // Neighbours resolved before, so that a stamp follows its send at once.
        try expectOwnStampAfterWarmup(socket, family)
        var ticket: UInt32 = 1
        for refusals in [1, 0, 3, 1, 7, 0, 2] {
            for _ in 0..<refusals {
                let outcome = socket.send(echo(family, sequence: 0xdead), to: firewalled(family))
                #expect(outcome.failure?.kind == .denied)
                #expect(outcome.failure?.errno == EPERM)
            }
            for _ in 0..<2 {
                try expectOwnStamp(socket, family, ticket: ticket)
                ticket += 1
            }
        }
        #expect(socket.ambiguousStamps == 0)
    }

    private func expectOwnStampAfterWarmup(_ socket: EchoSocket, _ family: IPAddress.Family) throws
    {
        let outcome = socket.send(
            echo(family, sequence: 0), to: address(family, subnet: 1, host: 2))
        #expect(outcome.sent?.ticket == 0)
        let reports = try socket.collect { !$0.transmitted.isEmpty && !$0.answers.isEmpty }
        #expect(reports.transmitted.map(\.ticket) == [0])
    }

    @Test(arguments: bothFamilies)
    func `after messages that are too big or have no route, too`(family: IPAddress.Family) throws {
        let socket = try EchoSocket(EchoSocketOptions(family: family, namespace: near.name))
        try expectOwnStampAfterWarmup(socket, family)
        let destination = address(family, subnet: 1, host: 2)
        // One is refused by length alone, the other by the IP layer after it made room.
        for (ticket, size) in [(UInt32(1), 70_000), (2, family == .v4 ? 65_508 : 65_529)] {
            let outcome = socket.send(echo(family, sequence: 0, payload: size), to: destination)
            #expect(outcome.failure?.kind == .tooBig)
            try expectOwnStamp(socket, family, ticket: ticket)
        }
        let unrouted = socket.send(
            echo(family, sequence: 0), to: address(family, subnet: 9, host: 9))
        #expect(unrouted.failure?.kind == .noRoute)
        try expectOwnStamp(socket, family, ticket: 3)
    }

    @Test func `packets that wait for neighbours that are not there do not stop the others`() throws
    {
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: near.name))
        for host in 3..<250 {
            for sequence in UInt16(0)..<3 {
                let outcome = socket.send(
                    echo(.v4, sequence: sequence), to: address(.v4, subnet: 1, host: host))
                try #require(outcome.sent != nil, "host \(host): \(outcome)")
            }
        }
        let destination = address(.v4, subnet: 1, host: 2)
        #expect(socket.send(echo(.v4, sequence: 9), to: destination).sent != nil)
        let reports = try socket.collect { !$0.answers.isEmpty && !$0.transmitted.isEmpty }
        #expect(reports.answers.first?.sequence == 9)
    }

    @Test func `a stamp fetched while the counter is restarted is reported by the next drain`()
        throws
    {
        installFirewall()
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: near.name))
        try expectOwnStampAfterWarmup(socket, .v4)
        let destination = address(.v4, subnet: 1, host: 2)
        var sent: [(ticket: UInt32, at: MonotonicInstant)] = []
        for sequence in UInt16(1)...3 {
            sent.append(
                try #require(socket.send(echo(.v4, sequence: sequence), to: destination).sent))
            usleep(2000)
            #expect(socket.send(echo(.v4, sequence: 0), to: firewalled(.v4)).failure != nil)
        }
        let reports = try socket.collect { $0.transmitted.count == 3 && $0.answers.count == 3 }
        #expect(reports.transmitted.map(\.ticket) == [1, 2, 3])
        for message in sent {
            let at = try #require(reports.transmittedAt(message.ticket))
            #expect(at >= message.at && at - message.at < .milliseconds(1))
        }
    }

    @Test func `what is sent and refused while draining changes no ticket of the running drain`()
        throws
    {
        installFirewall()
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: near.name))
        try expectOwnStampAfterWarmup(socket, .v4)
        let destination = address(.v4, subnet: 1, host: 2)
        var sent: [UInt32: MonotonicInstant] = [:]
        for sequence in UInt16(1)...3 {
            let message = try #require(
                socket.send(echo(.v4, sequence: sequence), to: destination).sent)
            sent[message.ticket] = message.at
            usleep(2000)
        }
        var correlation = ClockCorrelation()
        var stamps: [UInt32: MonotonicInstant] = [:]
        for _ in 0..<3 {
            socket.drain(correlation: &correlation) { event, _ in
                guard case .transmitted(let ticket, let at) = event else { return }
                stamps[ticket] = at
                // Every stamp is followed by a refusal and, the first few, by another message.
                _ = socket.send(echo(.v4, sequence: 0), to: firewalled(.v4))
                guard sent.count < 8 else { return }
                let message = socket.send(echo(.v4, sequence: 9), to: destination).sent
                if let message { sent[message.ticket] = message.at }
            }
            usleep(2000)
        }
        #expect(sent.keys.sorted() == Array(1...8))
        #expect(stamps.keys.sorted() == Array(1...8))
        for (ticket, at) in stamps {
            let sentAt = try #require(sent[ticket])
            #expect(at >= sentAt && at - sentAt < .milliseconds(1))
        }
    }

    @Test func `a packet that waited for its neighbour across a restart gets no other's stamp`()
        throws
    {
        installFirewall()
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: near.name))
        let absent = address(.v4, subnet: 1, host: 99)
        let waiting = try #require(socket.send(echo(.v4, sequence: 1), to: absent).sent)
        #expect(waiting.ticket == 0)
        #expect(socket.send(echo(.v4, sequence: 0), to: firewalled(.v4)).failure != nil)
        // Number 0 of the next epoch, to another neighbour that is not there yet.
        let other = try #require(
            socket.send(echo(.v4, sequence: 2), to: address(.v4, subnet: 1, host: 98)).sent)
        #expect(other.ticket == 1)
        let last = try #require(
            socket.send(echo(.v4, sequence: 3), to: address(.v4, subnet: 1, host: 97)).sent)
        // They appear, and the kernel sends what it kept: stamps 0, 0 and 1.
        for host in [99, 98, 97] {
            near.run("ip neigh replace 10.77.1.\(host) lladdr 02:00:00:00:00:01 dev wan")
        }
        let resolvedAt = MonotonicClock.now()
        let reports = try socket.collect { !$0.transmitted.isEmpty }
        #expect(reports.transmitted.map(\.ticket) == [last.ticket])
        let at = try #require(reports.transmittedAt(last.ticket))
        #expect(at > last.at && at <= resolvedAt)
        #expect(socket.ambiguousStamps == 2)
    }
}
