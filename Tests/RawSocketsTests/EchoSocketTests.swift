import Glibc
import NetworkPrimitives
import RawSockets
import Testing

@Suite struct EchoSocketTests {
    @Test(arguments: bothFamilies)
    func `stamps an echo over loopback in the kernel, both ways and in order`(
        family: IPAddress.Family
    ) throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(EchoSocketOptions(family: family, namespace: namespace.name))
        #expect(socket.stamps == .kernel)
        awaitReceiveStamps()
        for sequence in UInt16(1)...20 {
            let outcome = socket.send(echo(family, sequence: sequence), to: loopback(family))
            let sent = try #require(outcome.sent)
            let reports = try socket.collect { !$0.answers.isEmpty && !$0.transmitted.isEmpty }
            let readAt = MonotonicClock.now()
            #expect(sent.ticket == UInt32(sequence) - 1)
            #expect(reports.transmitted.map(\.ticket) == [sent.ticket])
            let transmittedAt = try #require(reports.transmittedAt(sent.ticket))
            let answer = try #require(reports.answers.first)
            #expect(answer.received.stampedByKernel)
            #expect(sent.at <= transmittedAt)
            #expect(transmittedAt <= answer.received.at)
            #expect(answer.received.at <= readAt)
            #expect(answer.type == (family == .v4 ? 0 : 129))
            #expect(answer.sequence == sequence)
            #expect(answer.octets.count == 8 + 56)
            #expect(answer.received.source == loopback(family))
            #expect(answer.received.destination == loopback(family))
            #expect(answer.received.hopLimit == 64)
            #expect(answer.received.interfaceIndex == 1)
            #expect(!answer.received.truncated)
            // The stamp of a message is reported before its answer.
            guard case .transmitted = reports.events.first else {
                Issue.record("\(reports.events)")
                continue
            }
        }
        #expect(socket.malformedPackets == 0)
    }

    @Test func `after a step of the wall clock, stamps that may be older are not believed`() throws
    {
        let namespace = TestNamespace()
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: namespace.name))
        awaitReceiveStamps()
        /// A correlation that just saw the wall clock go back an hour.
        func stepped() -> ClockCorrelation {
            let now = ClockReading.now()
            let ahead = WallTime(nanoseconds: now.wall.nanoseconds + 3_600_000_000_000)
            var correlation = ClockCorrelation(
                ClockReading(before: now.before, wall: ahead, after: now.after))
            correlation.sample()
            #expect(correlation.steps == 1)
            return correlation
        }
        func reports(_ correlation: inout ClockCorrelation) throws -> Reports {
            var reports = Reports()
            try socket.collect(into: &reports, correlation: &correlation) {
                !$0.answers.isEmpty && !$0.transmitted.isEmpty
            }
            return reports
        }
        let before = try #require(socket.send(echo(.v4, sequence: 1), to: loopback(.v4)).sent)
        var correlation = stepped()
        let straddling = try reports(&correlation)
        #expect(straddling.transmitted.map(\.ticket) == [before.ticket])
        #expect(straddling.transmittedAt(before.ticket) == nil)
        let answer = try #require(straddling.answers.first?.received)
        #expect(!answer.stampedByKernel)
        #expect(answer.at >= before.at && answer.at <= MonotonicClock.now())

        // Once the queue was seen empty well after the step, its messages are younger.
        usleep(150_000)
        socket.drain(correlation: &correlation) { event, _ in Issue.record("\(event)") }
        let after = try #require(socket.send(echo(.v4, sequence: 2), to: loopback(.v4)).sent)
        let later = try reports(&correlation)
        #expect(later.transmittedAt(after.ticket) != nil)
        #expect(later.answers.first?.received.stampedByKernel == true)
    }

    @Test(arguments: bothFamilies)
    func `marks an answer that is longer than the buffer as truncated`(
        family: IPAddress.Family
    ) throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(
            EchoSocketOptions(family: family, namespace: namespace.name), receiveByteCount: 128)
        let long = socket.send(echo(family, sequence: 1, payload: 1000), to: loopback(family))
        #expect(long.sent != nil)
        let exact = 128 - 8 - (family == .v4 ? 20 : 0)
        let short = socket.send(echo(family, sequence: 2, payload: exact), to: loopback(family))
        #expect(short.sent != nil)
        let reports = try socket.collect { $0.answers.count == 2 }
        try #require(reports.answers.count == 2)
        #expect(reports.answers.map(\.received.truncated) == [true, false])
        #expect(reports.answers.map(\.octets.count) == [exact + 8, exact + 8])
        #expect(socket.malformedPackets == 0)
    }

    @Test func `counts a packet whose end of the IP header was cut off as malformed`() throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(
            EchoSocketOptions(family: .v4, namespace: namespace.name), receiveByteCount: 16)
        #expect(socket.send(echo(.v4, sequence: 1), to: loopback(.v4)).sent != nil)
        let reports = try socket.collect { !$0.transmitted.isEmpty }
        #expect(reports.answers.isEmpty)
        #expect(socket.malformedPackets == 1)
    }

    @Test(arguments: bothFamilies)
    func `lets in answers and errors, and no requests`(family: IPAddress.Family) throws {
        let namespace = TestNamespace()
        let options = EchoSocketOptions(family: family, namespace: namespace.name)
        let socket = try EchoSocket(options)
        let sender = try EchoSocket(options)
        let types: [UInt8] =
            family == .v4 ? Array(0...20) : Array(1...5) + Array(127...138)
        for type in types {
            var message = echo(family, sequence: UInt16(type))
            message[0] = type
            #expect(sender.send(message, to: loopback(family)).sent != nil)
        }
        #expect(
            sender.send(echo(family, sequence: 999, reply: true), to: loopback(family)).sent != nil)
        let reports = try socket.collect { $0.answers.last?.sequence == 999 }
        let own = reports.answers.filter { UInt16($0.type) == $0.sequence }.map(\.type)
        #expect(own == (family == .v4 ? [0, 3, 11, 12] : [1, 2, 3, 4, 129]))
        #expect(reports.answers.allSatisfy { ![8, 128].contains($0.type) })
    }

    @Test(arguments: bothFamilies)
    func `with a peer, lets in its answers and everyone's errors`(family: IPAddress.Family) throws {
        let namespace = TestNamespace()
        let peer = try #require(IPAddress(family == .v4 ? "127.0.0.7" : "::1"))
        let stranger = try #require(IPAddress(family == .v4 ? "127.0.0.8" : "::2"))
        if family == .v6 { namespace.run("ip addr add ::2/128 dev lo nodad") }
        var options = EchoSocketOptions(family: family, namespace: namespace.name)
        let sender = try EchoSocket(options)
        options.peer = peer
        let socket = try EchoSocket(options)
        let errorType: UInt8 = family == .v4 ? 3 : 1
        for (index, source) in [stranger, peer, stranger, peer].enumerated() {
            let sequence = UInt16(index)
            var message = echo(family, sequence: sequence, reply: true)
            if index >= 2 { message[0] = errorType }
            #expect(sender.send(message, to: loopback(family), from: source).sent != nil)
        }
        let reports = try socket.collect { $0.answers.count == 3 }
        #expect(reports.answers.map(\.sequence) == [1, 2, 3])
        #expect(reports.answers.map(\.type).first == (family == .v4 ? 0 : 129))
    }

    @Test func `counts what a full receive buffer dropped`() throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(EchoSocketOptions(family: .v4, namespace: namespace.name))
        for sequence in UInt16(0)..<2000 {
            // Unsolicited replies: a request would meet the full buffer too before it is filtered.
            let message = echo(.v4, sequence: sequence, payload: 8000, reply: true)
            #expect(socket.send(message, to: loopback(.v4)).sent != nil)
        }
        #expect(socket.receiveDrops == 0)
        var reports = try socket.collect(within: .milliseconds(200)) { _ in false }
        let received = reports.answers.count
        #expect(received < 2000)
        // The count comes with the next message.
        #expect(socket.send(echo(.v4, sequence: 2000), to: loopback(.v4)).sent != nil)
        try socket.collect(into: &reports) { $0.answers.last?.sequence == 2000 }
        #expect(socket.receiveDrops == UInt64(2000 - received))
    }

    @Test(arguments: bothFamilies)
    func `one drain reads a bounded number of a flood's messages`(family: IPAddress.Family) throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(EchoSocketOptions(family: family, namespace: namespace.name))
        for sequence in UInt16(0)..<1500 {
            #expect(socket.send(echo(family, sequence: sequence), to: loopback(family)).sent != nil)
        }
        var correlation = ClockCorrelation()
        var counts: [Int] = []
        for _ in 0..<3 {
            var count = 0
            socket.drain(correlation: &correlation) { event, _ in
                if case .received = event { count += 1 }
            }
            counts.append(count)
        }
        #expect(counts == [1024, 476, 0])
    }
}

@Suite struct EchoSocketErrorTests {
    func failure(_ options: EchoSocketOptions) -> SocketError? {
        do {
            _ = try EchoSocket(options)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["no-such-device", "", "sixteen-octets--"])
    func `names the device that does not exist`(device: String) throws {
        let error = try #require(failure(EchoSocketOptions(family: .v4, device: device)))
        #expect(error.code == .noSuchDevice)
        #expect(error.object == "device \(device)")
        #expect(error.description.contains("ip link"))
    }

    @Test(arguments: ["no-such-namespace", "", ".", "..", "../netns/x"])
    func `names the namespace that does not exist`(namespace: String) throws {
        let error = try #require(failure(EchoSocketOptions(family: .v4, namespace: namespace)))
        #expect(error.code == .noSuchNamespace)
        #expect(error.object == "network namespace \(namespace)")
    }

    @Test func `takes no name that the kernel would cut at a zero octet`() {
        #expect(failure(EchoSocketOptions(family: .v4, device: "lo\0x"))?.code == .noSuchDevice)
        let namespace = TestNamespace()
        let options = EchoSocketOptions(family: .v4, namespace: namespace.name + "\0x")
        #expect(failure(options)?.code == .noSuchNamespace)
    }

    @Test func `tells a leftover mount point from a namespace`() throws {
        let name = "leftover-\(getpid())"
        shell("mkdir -p /run/netns && touch /run/netns/\(name)")
        defer { tryShell("rm /run/netns/\(name)") }
        let error = try #require(failure(EchoSocketOptions(family: .v4, namespace: name)))
        #expect(error.code == .noSuchNamespace)
        #expect(error.errno == EINVAL)
    }

    @Test func `names the capability that is missing`() throws {
        let errors = try unprivileged {
            (
                self.failure(EchoSocketOptions(family: .v4)),
                self.failure(EchoSocketOptions(family: .v6))
            )
        }
        for error in [errors.0, errors.1] {
            let error = try #require(error)
            #expect(error.code == .notPermitted(capability: "CAP_NET_RAW"))
            #expect(error.errno == EPERM)
            #expect(error.description.contains("AmbientCapabilities"))
        }
    }

    @Test func `says that a namespace needs CAP_SYS_ADMIN, and the unit that has it`() throws {
        let namespace = TestNamespace()
        let name = namespace.name
        let entered = try unprivileged {
            self.failure(EchoSocketOptions(family: .v4, namespace: name))
        }
        let error = try #require(entered)
        #expect(error.code == .notPermitted(capability: "CAP_SYS_ADMIN"))
        #expect(error.operation == "setns(CLONE_NEWNET)")
        #expect(error.description.contains("tunnel-probe@NS"))
        #expect(error.description.contains("NetworkNamespacePath="))
    }

    @Test func `closes its descriptors`() throws {
        let namespace = TestNamespace()
        var descriptors: Set<CInt> = []
        for _ in 0..<100 {
            let socket = try EchoSocket(
                EchoSocketOptions(family: .v6, device: "lo", namespace: namespace.name))
            descriptors.insert(socket.descriptor)
            _ = failure(EchoSocketOptions(family: .v4, device: "nope", namespace: namespace.name))
        }
        // Other tests open and close descriptors meanwhile; a leak would take 100 numbers.
        #expect(descriptors.count < 50)
    }
}
