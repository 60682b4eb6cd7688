import Glibc
import NetworkPrimitives
import RawSockets
import Testing

/// A client behind a router, and a server behind that.
///
/// client `wan` 10.77.1.1 — 10.77.1.2 router 10.77.2.1 — 10.77.2.2 server, and fd77:1:: and fd77:2::.
private final class RoutedNetwork {
    let client = TestNamespace()
    let router = TestNamespace()
    let server = TestNamespace()

    init() {
        client.connect("wan", to: router, "wan", subnet: 1)
        router.connect("lan", to: server, "eth0", subnet: 2)
        router.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        // Every probe draws its error.
        router.run("sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0")
        client.run("ip route add default via 10.77.1.2")
        client.run("ip -6 route add default via fd77:1::2")
        server.run("ip route add default via 10.77.2.1")
        server.run("ip -6 route add default via fd77:2::1")
    }

    func target(_ family: IPAddress.Family) -> IPAddress { address(family, subnet: 2, host: 2) }
}

@Suite struct EchoSocketRoutingTests {
    private let network = RoutedNetwork()

    private func open(
        _ family: IPAddress.Family, device: String? = nil, mark: UInt32 = 0
    ) throws -> EchoSocket {
        try EchoSocket(
            EchoSocketOptions(
                family: family, device: device, mark: mark, namespace: network.client.name))
    }

    @Test(arguments: bothFamilies)
    func `a hop limit of 1 draws Time Exceeded from the router, with the probe quoted`(
        family: IPAddress.Family
    ) throws {
        let socket = try open(family, device: "wan")
        awaitReceiveStamps()
        let message = echo(family, identifier: 0xabcd, sequence: 7)
        let sent = try #require(
            socket.send(message, to: network.target(family), hopLimit: 1).sent)
        let reports = try socket.collect { !$0.answers.isEmpty && !$0.transmitted.isEmpty }
        let answer = try #require(reports.answers.first)
        #expect(answer.received.source == address(family, subnet: 1, host: 2))
        #expect(answer.received.destination == address(family, subnet: 1, host: 1))
        #expect(answer.received.hopLimit == 64)
        #expect(answer.received.stampedByKernel)
        #expect(try #require(reports.transmittedAt(sent.ticket)) <= answer.received.at)
        #expect(answer.type == (family == .v4 ? 11 : 3))
        #expect(answer.octets[1] == 0)
        let quoted = answer.octets[(8 + family.headerByteCount)...]
        // The checksum of ICMPv6 was the kernel's to fill in.
        #expect(quoted.prefix(2) == message.prefix(2))
        #expect(quoted.dropFirst(4).prefix(60) == message.dropFirst(4).prefix(60))
    }

    @Test(arguments: bothFamilies)
    func `the default hop limit reaches the server`(family: IPAddress.Family) throws {
        let socket = try open(family)
        #expect(socket.send(echo(family, sequence: 1), to: network.target(family)).sent != nil)
        let reports = try socket.collect { !$0.answers.isEmpty }
        let answer = try #require(reports.answers.first)
        #expect(answer.received.source == network.target(family))
        #expect(answer.received.hopLimit == 63)
    }

    @Test(arguments: bothFamilies)
    func `sends from the source that is asked for`(family: IPAddress.Family) throws {
        let other = address(family, subnet: 1, host: 77)
        let prefix = family == .v4 ? "24" : "64 nodad"
        network.client.run("ip addr add \(other)/\(prefix) dev wan")
        let socket = try open(family)
        for source in [address(family, subnet: 1, host: 1), other] {
            let outcome = socket.send(
                echo(family, sequence: 1), to: network.target(family), from: source)
            #expect(outcome.sent != nil)
            let reports = try socket.collect { !$0.answers.isEmpty }
            #expect(reports.answers.first?.received.destination == source)
        }
    }

    @Test(arguments: bothFamilies)
    func `a source that is not on this host fails as such`(family: IPAddress.Family) throws {
        let socket = try open(family)
        let outcome = socket.send(
            echo(family, sequence: 1), to: network.target(family),
            from: address(family, subnet: 9, host: 9))
        #expect(outcome.failure?.kind == .sourceUnavailable)
        #expect(outcome.failure?.description.contains("source address") == true)
    }

    @Test(arguments: bothFamilies)
    func `a destination without a route fails as such`(family: IPAddress.Family) throws {
        network.client.run("ip route del default")
        network.client.run("ip -6 route del default")
        let socket = try open(family)
        let outcome = socket.send(echo(family, sequence: 1), to: network.target(family))
        #expect(outcome.failure?.kind == .noRoute)
        #expect(outcome.failure?.errno == ENETUNREACH)
    }

    @Test(arguments: bothFamilies, [UInt8(0), 46 << 2, 0xfc])
    func `differentiated services arrive as sent`(family: IPAddress.Family, field: UInt8) throws {
        let receiver = try EchoSocket(
            EchoSocketOptions(family: family, namespace: network.server.name))
        let socket = try open(family)
        let outcome = socket.send(
            echo(family, sequence: 5, reply: true), to: network.target(family),
            differentiatedServices: field)
        #expect(outcome.sent != nil)
        let reports = try receiver.collect { !$0.answers.isEmpty }
        #expect(reports.answers.first?.sequence == 5)
        #expect(reports.answers.first?.received.differentiatedServices == field)
    }

    @Test(arguments: bothFamilies)
    func `source, hop limit and differentiated services go together`(
        family: IPAddress.Family
    ) throws {
        let receiver = try EchoSocket(
            EchoSocketOptions(family: family, namespace: network.server.name))
        let socket = try open(family)
        let source = address(family, subnet: 1, host: 1)
        let outcome = socket.send(
            echo(family, sequence: 5, reply: true), to: network.target(family), from: source,
            hopLimit: 9, differentiatedServices: 0x28)
        #expect(outcome.sent != nil)
        let reports = try receiver.collect { !$0.answers.isEmpty }
        let received = try #require(reports.answers.first?.received)
        #expect(received.source == source)
        #expect(received.hopLimit == 8)
        #expect(received.differentiatedServices == 0x28)
    }

    @Test(arguments: bothFamilies)
    func `the mark chooses the route`(family: IPAddress.Family) throws {
        let option = family == .v4 ? "-4" : "-6"
        network.client.run("ip \(option) rule add fwmark 0x2a unreachable")
        let marked = try open(family, mark: 0x2a)
        let outcome = marked.send(echo(family, sequence: 1), to: network.target(family))
        #expect(outcome.failure?.kind == .noRoute)
        let otherwise = try open(family, mark: 0x2b)
        #expect(otherwise.send(echo(family, sequence: 2), to: network.target(family)).sent != nil)
        #expect(try otherwise.collect { !$0.answers.isEmpty }.answers.first?.sequence == 2)
    }

    @Test(arguments: bothFamilies)
    func `a bound socket uses its device and no other`(family: IPAddress.Family) throws {
        network.client.connect("side", to: network.server, "side", subnet: 3)
        let target = address(family, subnet: 3, host: 2)
        let bound = try open(family, device: "side")
        #expect(bound.send(echo(family, sequence: 1), to: target).sent != nil)
        let answer = try #require(try bound.collect { !$0.answers.isEmpty }.answers.first)
        let index = Int(
            network.client.run("cat /sys/class/net/side/ifindex").split(separator: "\n")[0])
        #expect(answer.received.interfaceIndex.map(Int.init) == index)
        // It hears only what arrives on its device.
        let free = try open(family)
        #expect(free.send(echo(family, sequence: 2), to: network.target(family)).sent != nil)
        #expect(try free.collect { !$0.answers.isEmpty }.answers.map(\.sequence) == [2])
        #expect(try bound.collect(within: .milliseconds(100)) { _ in false }.answers.isEmpty)
    }

    @Test(arguments: bothFamilies)
    func `a device that is removed and made again needs a new socket, and the send says so`(
        family: IPAddress.Family
    ) throws {
        let target = address(family, subnet: 4, host: 2)
        network.client.connect("tun", to: network.server, "tun", subnet: 4)
        let socket = try open(family, device: "tun")
        #expect(socket.send(echo(family, sequence: 1), to: target).sent != nil)
        #expect(try socket.collect { !$0.answers.isEmpty }.answers.count == 1)

        network.client.run("ip link del tun")
        let gone = socket.send(echo(family, sequence: 2), to: target)
        #expect(gone.failure?.kind == .noDevice, "\(gone)")
        let withSource = socket.send(
            echo(family, sequence: 3), to: target, from: address(family, subnet: 1, host: 1))
        #expect(withSource.failure?.kind == .noDevice, "\(withSource)")

        network.client.connect("tun", to: network.server, "tun", subnet: 4)
        #expect(socket.send(echo(family, sequence: 4), to: target).failure?.kind == .noDevice)
        let reopened = try open(family, device: "tun")
        #expect(reopened.send(echo(family, sequence: 5), to: target).sent != nil)
        #expect(try reopened.collect { !$0.answers.isEmpty }.answers.map(\.sequence) == [5])
    }

    @Test(arguments: bothFamilies)
    func `a device that is down fails without being called gone`(family: IPAddress.Family) throws {
        let socket = try open(family, device: "wan")
        network.client.run("ip link set wan down")
        let failure = try #require(
            socket.send(echo(family, sequence: 1), to: network.target(family)).failure)
        #expect([.noRoute, .noDevice].contains(failure.kind), "\(failure)")
        network.client.run("ip link set wan up")
        network.client.run("ip route replace default via 10.77.1.2")
        network.client.run("ip addr replace fd77:1::1/64 dev wan nodad")
        network.client.run("ip -6 route replace default via fd77:1::2")
        #expect(socket.send(echo(family, sequence: 2), to: network.target(family)).sent != nil)
        #expect(try socket.collect { !$0.answers.isEmpty }.answers.map(\.sequence) == [2])
    }

    @Test(arguments: bothFamilies)
    func `a message longer than the path MTU is fragmented, not refused`(
        family: IPAddress.Family
    ) throws {
        let tooBig = echo(family, sequence: 1, payload: 65_600)
        let socket = try open(family)
        #expect(socket.send(tooBig, to: network.target(family)).failure?.kind == .tooBig)
        let long = echo(family, sequence: 2, payload: 5000)
        #expect(socket.send(long, to: network.target(family)).sent != nil)
        let answer = try #require(try socket.collect { !$0.answers.isEmpty }.answers.first)
        #expect(answer.octets.count == 5008)
        #expect(!answer.received.truncated)
    }
}
