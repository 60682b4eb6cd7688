import Glibc
import NetworkPrimitives
import RawSockets
import Testing

/// Messages that may not be cut up.
@Suite struct WholePacketTests {
    /// An Echo Request whose IP packet has so many octets.
    private static func packet(
        _ family: IPAddress.Family, _ byteCount: Int, sequence: UInt16
    ) -> [UInt8] {
        echo(family, sequence: sequence, payload: byteCount - (family == .v4 ? 28 : 48))
    }

    @Test(arguments: bothFamilies)
    func `what the device does not take is refused, with its limit`(
        family: IPAddress.Family
    ) throws {
        let namespace = TestNamespace()
        namespace.run("ip link set lo mtu 1500")
        let socket = try EchoSocket(
            EchoSocketOptions(family: family, namespace: namespace.name, mayFragment: false))
        let whole = socket.send(Self.packet(family, 1500, sequence: 1), to: loopback(family))
        #expect(whole.sent != nil)
        for byteCount in [1501, 9216] {
            let refused = socket.send(
                Self.packet(family, byteCount, sequence: 2), to: loopback(family))
            #expect(refused.failure?.kind == .tooBig)
            #expect(refused.failure?.limit == 1500, "\(byteCount)")
        }
        // The refusals leave nothing behind that a later message would be blamed for.
        let last = socket.send(Self.packet(family, 1500, sequence: 3), to: loopback(family))
        #expect(last.sent != nil)
        let reports = try socket.collect { $0.answers.count == 2 }
        #expect(reports.answers.map(\.sequence) == [1, 3])
    }

    @Test(arguments: bothFamilies)
    func `what the kernel has learned of the path keeps nothing back`(
        family: IPAddress.Family
    ) throws {
        let (here, there) = (TestNamespace(), TestNamespace())
        here.connect("near0", to: there, "far0", subnet: 7)
        let target = address(family, subnet: 7, host: 2)
        let route = family == .v4 ? "10.77.7.0/24" : "fd77:7::/64"
        shell("ip -n \(here.name) route replace \(route) dev near0 mtu 1300")
        let socket = try EchoSocket(
            EchoSocketOptions(family: family, namespace: here.name, mayFragment: false))
        let sent = socket.send(Self.packet(family, 1500, sequence: 1), to: target)
        #expect(sent.sent != nil)
        let reports = try socket.collect { !$0.answers.isEmpty }
        #expect(reports.answers.first?.octets.count == 1500 - (family == .v4 ? 20 : 40))
    }

    @Test(arguments: bothFamilies)
    func `a datagram leaves with its hop limit`(family: IPAddress.Family) throws {
        let (here, router, there) = (TestNamespace(), TestNamespace(), TestNamespace())
        here.connect("near0", to: router, "up0", subnet: 7)
        router.connect("down0", to: there, "far0", subnet: 8)
        let forwarding =
            family == .v4 ? "net.ipv4.ip_forward=1" : "net.ipv6.conf.all.forwarding=1"
        router.run("sysctl -qw \(forwarding)")
        let (gateway, target) = (
            address(family, subnet: 7, host: 2), address(family, subnet: 8, host: 2)
        )
        shell("ip -n \(here.name) route add default via \(gateway)")
        let socket = try DatagramSocket(
            EchoSocketOptions(family: family, namespace: here.name), from: nil, to: target)
        for hopLimit: UInt8? in [1, nil, 1] {
            #expect(socket.send([1, 2, 3], to: target, port: 33434, hopLimit: hopLimit) == nil)
        }
        let poll = try EventPoll()
        try poll.add(socket.descriptor, key: 1)
        var senders: [IPAddress?] = []
        let deadline = MonotonicClock.now() + .seconds(3)
        while senders.count < 2, MonotonicClock.now() < deadline {
            poll.wait(until: deadline) { _ in
                socket.drain { event, _ in
                    if case .rejected(let rejection, _) = event,
                        rejection.kind == "time exceeded"
                    {
                        senders.append(rejection.sender)
                    }
                }
            }
        }
        #expect(senders == [gateway, gateway])
    }
}
