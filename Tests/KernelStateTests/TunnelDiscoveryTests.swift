import KernelState
import NetworkPrimitives
import Testing

/// Hosts, written as what their kernel would say.
private struct Host {
    var links: [LinkState] = []
    var addresses: [AddressState] = []
    var routes: [RouteState] = []
    var associations: [SecurityAssociation] = []
    var policies: [SecurityPolicy] = []

    var snapshot: KernelSnapshot {
        KernelSnapshot(
            links: .known(links), addresses: .known(addresses), routes: .known(routes),
            associations: .known(associations), policies: .known(policies))
    }

    var tunnels: [DiscoveredTunnel] { TunnelDiscovery.tunnels(in: snapshot) }

    /// A host with one WAN address of each family on eth0.
    static func endpoint() -> Host {
        var host = Host()
        host.link("lo", .other(""), "127.0.0.1/8")
        host.link("eth0", .other(""), "203.0.113.10/24", "2001:db8:1::10/64")
        host.route("0.0.0.0/0", over: "eth0")
        return host
    }

    @discardableResult
    mutating func link(
        _ name: String, _ kind: LinkKind, _ addresses: String...,
        change: (inout LinkState) -> Void = { _ in }
    ) -> Int {
        var link = LinkState(index: links.count + 1, name: name, kind: kind)
        change(&link)
        links.append(link)
        for text in addresses { address(text, on: link.index) }
        return link.index
    }

    /// Adds `address/length` to a device.
    mutating func address(_ text: String, on index: Int) {
        let parts = text.split(separator: "/")
        let address = literal(parts[0])
        addresses.append(
            AddressState(
                interfaceIndex: index, address: address,
                prefix: IPPrefix(address, length: Int(parts[1]) ?? 0)))
    }

    mutating func route(_ prefix: String, over device: String, table: UInt32 = 254) {
        routes.append(
            RouteState(
                destination: block(prefix),
                outputInterface: links.first { $0.name == device }?.index, table: table))
    }

    mutating func association(
        _ spi: UInt32, _ source: String, _ destination: String, at second: Int64 = 100,
        _ change: (inout SecurityAssociation) -> Void = { _ in }
    ) {
        var association = SecurityAssociation(
            spi: SPI(rawValue: spi), source: literal(source),
            destination: literal(destination))
        association.addedAt = WallTime(nanoseconds: second * 1_000_000_000)
        change(&association)
        associations.append(association)
    }

    mutating func policy(
        _ direction: SecurityPolicy.Direction, _ selector: (String, String),
        _ pair: (String, String), mode: IPsecMode = .tunnel,
        _ change: (inout SecurityPolicy) -> Void = { _ in }
    ) {
        var policy = SecurityPolicy(
            direction: direction, source: block(selector.0),
            destination: block(selector.1),
            templates: [
                .init(source: literal(pair.0), destination: literal(pair.1), mode: mode)
            ])
        change(&policy)
        policies.append(policy)
    }

    /// A VTI with its SAs and policies, as the lab builds them.
    mutating func vti(
        _ name: String, key: UInt32, _ local: String, _ remote: String, _ address: String
    ) {
        link(name, local.contains(":") ? .vti6 : .vti, address) {
            $0.local = IPAddress(local)
            $0.remote = IPAddress(remote)
            $0.inKey = key
            $0.outKey = key
            $0.parentIndex = 2
        }
        let any = local.contains(":") ? "::/0" : "0.0.0.0/0"
        for (direction, pair) in [
            (SecurityPolicy.Direction.out, (local, remote)), (.in, (remote, local)),
        ] {
            policy(direction, (any, any), pair) {
                $0.mark = key
                $0.markMask = .max
            }
            association(key << 8 + (direction == .out ? 1 : 2), pair.0, pair.1) {
                $0.mark = key
                $0.markMask = .max
            }
        }
    }
}

@Suite struct TunnelDiscoveryTests {
    @Test func `a VTI is a tunnel with everything from the device`() throws {
        var host = Host.endpoint()
        host.vti("ipsec0", key: 42, "203.0.113.10", "198.51.100.1", "10.252.0.1/31")
        host.route("10.252.0.0/31", over: "ipsec0")
        host.route("10.253.0.0/24", over: "ipsec0")
        let tunnel = try #require(host.tunnels.first)
        #expect(host.tunnels.count == 1)
        #expect(tunnel.name == "ipsec0")
        #expect(tunnel.kind == .vti)
        #expect(tunnel.local == IPAddress("203.0.113.10"))
        #expect(tunnel.remote == IPAddress("198.51.100.1"))
        #expect(tunnel.tunnelInterface == "ipsec0")
        #expect(tunnel.wanInterface == "eth0")
        #expect(tunnel.mark == 42)
        #expect(tunnel.insideSource == .known(IPAddress("10.252.0.1")!))
        #expect(tunnel.insideTarget == .known(IPAddress("10.252.0.0")!))
        #expect(tunnel.insideBeyond == .known(IPAddress("10.253.0.1")!))
    }

    @Test func `a VTI over IPv6`() throws {
        var host = Host.endpoint()
        host.vti("ipsec6", key: 43, "2001:db8:1::10", "2001:db8:2::1", "fd00:252::1/127")
        host.route("::/0", over: "ipsec6")
        let tunnel = try #require(host.tunnels.first)
        #expect(host.tunnels.count == 1)
        #expect(tunnel.kind == .vti)
        #expect(tunnel.remote == IPAddress("2001:db8:2::1"))
        #expect(tunnel.insideTarget == .known(IPAddress("fd00:252::")!))
        #expect(tunnel.insideBeyond == .known(IPAddress("2001:db8::1")!))
    }

    @Test func `two VTIs to one remote are told apart by their keys`() {
        var host = Host.endpoint()
        host.vti("cf-1", key: 1, "203.0.113.10", "198.51.100.1", "10.252.0.1/31")
        host.vti("cf-2", key: 2, "203.0.113.10", "198.51.100.1", "10.252.1.1/31")
        #expect(host.tunnels.map(\.name) == ["cf-1", "cf-2"])
        #expect(host.tunnels.map(\.mark) == [1, 2])
        for (device, key) in [("cf-1", UInt32(1)), ("cf-2", 2)] {
            let found = TunnelDiscovery.associations(
                device: device, local: nil, remote: IPAddress("198.51.100.1")!,
                in: host.snapshot)
            #expect(found.map(\.association.mark) == [key, key])
            #expect(found.map(\.direction) == [.outbound, .inbound])
        }
    }

    @Test func `a VTI for any far end takes the one its SAs name`() {
        var host = Host.endpoint()
        host.link("vti1", .vti, "10.252.0.1/31") {
            $0.local = IPAddress("203.0.113.10")
            $0.inKey = 5
            $0.outKey = 5
        }
        #expect(host.tunnels.isEmpty)
        host.association(9, "203.0.113.10", "198.51.100.8") {
            $0.mark = 5
            $0.markMask = .max
        }
        #expect(host.tunnels.map(\.name) == ["vti1"])
        #expect(host.tunnels.map(\.remote) == [IPAddress("198.51.100.8")])
    }

    @Test func `a VTI without a source takes it from its SA, else leaves it to routing`() {
        var host = Host.endpoint()
        host.link("vti1", .vti) { $0.remote = IPAddress("198.51.100.1") }
        #expect(host.tunnels.map(\.local) == [nil])
        host.association(9, "203.0.113.10", "198.51.100.1")
        #expect(host.tunnels.map(\.local) == [IPAddress("203.0.113.10")])
        #expect(host.tunnels.count == 1)
    }

    @Test func `an SA with another mark on a VTI's addresses is another tunnel`() {
        var host = Host.endpoint()
        host.vti("ipsec0", key: 42, "203.0.113.10", "198.51.100.1", "10.252.0.1/31")
        host.association(9, "203.0.113.10", "198.51.100.1") {
            $0.mark = 7
            $0.markMask = .max
        }
        #expect(host.tunnels.map(\.name) == ["ipsec0", "policy-198.51.100.1"])
        #expect(host.tunnels.map(\.mark) == [42, 7])
    }

    @Test func `an XFRM interface gets its addresses from SAs with its id`() throws {
        var host = Host.endpoint()
        host.link("ipsec1", .xfrm, "10.252.2.1/30") {
            $0.interfaceID = 77
            $0.parentIndex = 1
        }
        #expect(host.tunnels.isEmpty)
        host.association(1, "203.0.113.10", "198.51.100.1", at: 100) { $0.interfaceID = 77 }
        host.association(2, "198.51.100.1", "203.0.113.10", at: 300) { $0.interfaceID = 77 }
        host.association(3, "203.0.113.10", "198.51.100.2", at: 200) { $0.interfaceID = 77 }
        let tunnel = try #require(host.tunnels.first)
        #expect(host.tunnels.count == 1)
        #expect(tunnel.name == "ipsec1")
        #expect(tunnel.kind == .xfrm)
        #expect(tunnel.local == IPAddress("203.0.113.10"))
        // The newest outbound one.
        #expect(tunnel.remote == IPAddress("198.51.100.2"))
        // The device that an XFRM interface is made over says nothing.
        #expect(tunnel.wanInterface == nil)
        #expect(tunnel.mark == 0)
        #expect(tunnel.insideTarget == .known(IPAddress("10.252.2.2")!))
    }

    @Test func `of SAs installed in one second the kernel lists the newest first`() {
        var host = Host.endpoint()
        host.link("ipsec1", .xfrm) { $0.interfaceID = 77 }
        host.association(2, "203.0.113.10", "198.51.100.2") { $0.interfaceID = 77 }
        host.association(1, "203.0.113.10", "198.51.100.1") { $0.interfaceID = 77 }
        #expect(host.tunnels.map(\.remote) == [IPAddress("198.51.100.2")])
    }

    @Test func `an XFRM interface without an SA gets its addresses from the outbound policy`() {
        var host = Host.endpoint()
        host.link("ipsec1", .xfrm) { $0.interfaceID = 77 }
        host.policy(.in, ("::/0", "::/0"), ("2001:db8:2::1", "2001:db8:1::10")) {
            $0.interfaceID = 77
        }
        #expect(host.tunnels.isEmpty)
        host.policy(.out, ("::/0", "::/0"), ("2001:db8:1::10", "2001:db8:2::1")) {
            $0.interfaceID = 77
        }
        #expect(host.tunnels.map(\.remote) == [IPAddress("2001:db8:2::1")])
    }

    @Test func `an interface id without its device is a policy-based tunnel`() {
        var host = Host.endpoint()
        host.link("ipsec1", .xfrm) { $0.interfaceID = 77 }
        host.association(1, "203.0.113.10", "198.51.100.1") { $0.interfaceID = 78 }
        #expect(host.tunnels.map(\.name) == ["policy-198.51.100.1"])
    }

    @Test func `GRE is a tunnel with and without transport-mode SAs`() throws {
        var host = Host.endpoint()
        host.link("gre1", .gre, "10.250.0.1/30") {
            $0.local = IPAddress("203.0.113.10")
            $0.remote = IPAddress("198.51.100.9")
        }
        let plain = try #require(host.tunnels.first)
        #expect(plain.kind == .gre)
        #expect(plain.insideTarget == .known(IPAddress("10.250.0.2")!))
        host.policy(
            .out, ("203.0.113.10/32", "198.51.100.9/32"), ("0.0.0.0", "0.0.0.0"),
            mode: .transport)
        host.association(1, "203.0.113.10", "198.51.100.9") { $0.mode = .transport }
        host.association(2, "198.51.100.9", "203.0.113.10") { $0.mode = .transport }
        #expect(host.tunnels == [plain])
        #expect(
            TunnelDiscovery.associations(
                device: "gre1", local: nil, remote: plain.remote, in: host.snapshot
            ).map(\.direction) == [.outbound, .inbound])
    }

    @Test func `tunnel mode around GRE alone belongs to GRE, other selectors do not`() {
        var host = Host.endpoint()
        host.link("gre1", .ip6gre) {
            $0.local = IPAddress("2001:db8:1::10")
            $0.remote = IPAddress("2001:db8:2::9")
        }
        let pair = ("2001:db8:1::10", "2001:db8:2::9")
        host.policy(.out, ("2001:db8:1::10/128", "2001:db8:2::9/128"), pair)
        host.association(1, pair.0, pair.1)
        #expect(host.tunnels.map(\.name) == ["gre1"])
        host.policy(.out, ("fd00:1::/64", "fd00:2::/64"), pair)
        #expect(host.tunnels.map(\.name) == ["gre1", "policy-2001:db8:2::9"])
    }

    @Test(arguments: [nil, "0.0.0.0", "239.1.1.1"] as [String?])
    func `GRE without one far end is not a tunnel`(remote: String?) {
        var host = Host.endpoint()
        host.link("gre1", .gre) { $0.remote = remote.flatMap { IPAddress($0) } }
        #expect(host.tunnels.isEmpty)
    }

    @Test(
        arguments: [
            ("gre0", .gre), ("gretap0", .gretap), ("ip_vti0", .vti), ("ip6_vti0", .vti6),
            ("ip6gre0", .ip6gre), ("ip6tnl0", .other("ip6tnl")), ("erspan0", .other("erspan")),
        ] as [(String, LinkKind)])
    func `a device that the kernel makes by itself is not a tunnel`(
        name: String, kind: LinkKind
    ) {
        var host = Host.endpoint()
        host.link(name, kind)
        #expect(host.tunnels.isEmpty)
    }

    @Test func `policies without a device are one tunnel for each pair of addresses`() throws {
        var host = Host.endpoint()
        host.link("lan0", .other(""), "10.1.0.1/16")
        let pair = ("203.0.113.10", "198.51.100.5")
        host.policy(.out, ("10.1.0.0/16", "10.2.0.0/16"), pair)
        host.policy(.out, ("10.1.0.0/16", "10.3.0.0/16"), pair)
        host.policy(.in, ("10.2.0.0/16", "10.1.0.0/16"), (pair.1, pair.0))
        host.policy(.forward, ("10.2.0.0/16", "10.1.0.0/16"), (pair.1, pair.0))
        host.association(1, pair.0, pair.1)
        host.association(2, pair.1, pair.0)
        let tunnel = try #require(host.tunnels.first)
        #expect(host.tunnels.count == 1)
        #expect(tunnel.name == "policy-198.51.100.5")
        #expect(tunnel.kind == .policy)
        #expect(tunnel.local == IPAddress("203.0.113.10"))
        #expect(tunnel.tunnelInterface == nil)
        #expect(tunnel.insideSource == .known(IPAddress("10.1.0.1")!))
        #expect(tunnel.insideTarget.reason?.contains("inside_target") == true)
        #expect(tunnel.insideBeyond == .known(IPAddress("10.2.0.1")!))
        #expect(
            TunnelDiscovery.associations(
                device: nil, local: nil, remote: tunnel.remote, in: host.snapshot
            ).map(\.direction) == [.outbound, .inbound])
    }

    @Test func `a policy for one far host gives the target, and nothing beyond`() throws {
        var host = Host.endpoint()
        host.link("lo0", .other(""), "10.252.0.1/32")
        host.policy(
            .out, ("10.252.0.1/32", "10.252.0.0/32"), ("203.0.113.10", "198.51.100.5"))
        let tunnel = try #require(host.tunnels.first)
        #expect(tunnel.insideSource == .known(IPAddress("10.252.0.1")!))
        #expect(tunnel.insideTarget == .known(IPAddress("10.252.0.0")!))
        #expect(tunnel.insideBeyond.value == nil)
    }

    @Test func `a policy for everything lets the documentation address be beyond`() throws {
        var host = Host.endpoint()
        host.link("lan0", .other(""), "10.1.0.1/16")
        host.policy(.out, ("10.1.0.0/16", "0.0.0.0/0"), ("203.0.113.10", "198.51.100.5")) {
            $0.mark = 9
            $0.markMask = .max
        }
        let tunnel = try #require(host.tunnels.first)
        #expect(tunnel.insideBeyond == .known(IPAddress("192.0.2.1")!))
        #expect(tunnel.mark == 9)
    }

    @Test func `SAs alone are a tunnel whose inside is not known`() throws {
        var host = Host.endpoint()
        host.association(2, "198.51.100.5", "203.0.113.10")
        let tunnel = try #require(host.tunnels.first)
        #expect(tunnel.name == "policy-198.51.100.5")
        #expect(tunnel.local == IPAddress("203.0.113.10"))
        for reading in [tunnel.insideSource, tunnel.insideTarget, tunnel.insideBeyond] {
            #expect(reading.reason?.contains("set inside_") == true)
        }
    }

    @Test func `tunnels to one remote from two addresses have two names`() {
        var host = Host.endpoint()
        host.link("eth1", .other(""), "203.0.113.20/24")
        host.association(1, "203.0.113.20", "198.51.100.5")
        host.association(2, "203.0.113.10", "198.51.100.5")
        #expect(
            host.tunnels.map(\.name)
                == ["policy-198.51.100.5", "policy-198.51.100.5-203.0.113.20"])
    }

    @Test func `transport mode without GRE, bypass and blocking policies are not tunnels`() {
        var host = Host.endpoint()
        let pair = ("203.0.113.10", "198.51.100.5")
        host.association(1, pair.0, pair.1) { $0.mode = .transport }
        host.policy(.out, ("203.0.113.10/32", "198.51.100.5/32"), pair, mode: .transport)
        host.policy(.socket, ("0.0.0.0/0", "0.0.0.0/0"), pair)
        host.policy(.out, ("10.0.0.0/8", "10.0.0.0/8"), pair) { $0.allows = false }
        host.policy(.out, ("10.0.0.0/8", "10.0.0.0/8"), ("0.0.0.0", "198.51.100.5"))
        #expect(host.tunnels.isEmpty)
    }

    @Test func `SAs of other hosts are nothing of ours`() {
        var host = Host.endpoint()
        host.association(1, "203.0.113.77", "198.51.100.5")
        host.association(2, "198.51.100.5", "203.0.113.77")
        #expect(host.tunnels.isEmpty)
        // Unless the kernel says which way it goes (an address that moves between routers).
        host.association(3, "203.0.113.77", "198.51.100.5") { $0.direction = .outbound }
        #expect(host.tunnels.map(\.local) == [IPAddress("203.0.113.77")])
    }

    @Test func `with both ends on this host the policies tell the direction`() {
        var host = Host.endpoint()
        host.link("lo0", .other(""), "198.51.100.5/32")
        host.association(1, "203.0.113.10", "198.51.100.5")
        host.association(2, "198.51.100.5", "203.0.113.10")
        host.policy(
            .out, ("10.1.0.0/16", "10.2.0.0/16"), ("203.0.113.10", "198.51.100.5"))
        host.policy(.in, ("10.2.0.0/16", "10.1.0.0/16"), ("198.51.100.5", "203.0.113.10"))
        #expect(host.tunnels.map(\.name) == ["policy-198.51.100.5"])
    }

    @Test func `an observer has nothing to discover`() {
        var host = Host.endpoint()
        host.link("wg0", .other("wireguard"), "10.9.0.1/24")
        #expect(host.tunnels.isEmpty)
        #expect(TunnelDiscovery.tunnels(in: KernelSnapshot()).isEmpty)
    }

    @Test func `without XFRM in the kernel GRE is found all the same`() {
        var host = Host.endpoint()
        host.link("gre1", .gre) { $0.remote = IPAddress("198.51.100.9") }
        var snapshot = host.snapshot
        snapshot.associations = .unknown(reason: "no XFRM")
        snapshot.policies = .unknown(reason: "no XFRM")
        #expect(TunnelDiscovery.tunnels(in: snapshot).map(\.name) == ["gre1"])
        let nothing = KernelSnapshot(
            links: .unknown(reason: "x"), addresses: .unknown(reason: "x"),
            routes: .unknown(reason: "x"), associations: .unknown(reason: "x"),
            policies: .unknown(reason: "x"))
        #expect(TunnelDiscovery.tunnels(in: nothing).isEmpty)
    }

    @Test func `the kind of a configured tunnel is its device's, else that of its addresses`() {
        var host = Host.endpoint()
        host.vti("ipsec0", key: 42, "203.0.113.10", "198.51.100.1", "10.252.0.1/31")
        host.association(9, "203.0.113.10", "198.51.100.5")
        func kind(_ device: String?, _ remote: String, local: String? = nil) -> TunnelKind {
            TunnelDiscovery.kind(
                device: device, local: local.flatMap { IPAddress($0) },
                remote: IPAddress(remote)!, in: host.snapshot)
        }
        #expect(kind("ipsec0", "192.0.2.99") == .vti)
        #expect(kind("eth0", "198.51.100.1") == .unknown)
        #expect(kind("gone0", "198.51.100.1") == .unknown)
        #expect(kind(nil, "198.51.100.1") == .vti)
        #expect(kind(nil, "198.51.100.5") == .policy)
        #expect(kind(nil, "198.51.100.5", local: "203.0.113.99") == .unknown)
        #expect(kind(nil, "192.0.2.99") == .unknown)
    }

    @Test func `SAs of a tunnel whose device is away are found by addresses`() {
        var host = Host.endpoint()
        host.vti("ipsec0", key: 42, "203.0.113.10", "198.51.100.1", "10.252.0.1/31")
        host.links.removeAll { $0.name == "ipsec0" }
        let found = TunnelDiscovery.associations(
            device: "ipsec0", local: IPAddress("203.0.113.10"),
            remote: IPAddress("198.51.100.1")!, in: host.snapshot)
        #expect(found.count == 2)
    }

    @Test func `SAs come newest first`() {
        var host = Host.endpoint()
        host.association(1, "203.0.113.10", "198.51.100.5", at: 100)
        host.association(2, "203.0.113.10", "198.51.100.5", at: 300)
        host.association(3, "203.0.113.10", "198.51.100.5", at: 200)
        let found = TunnelDiscovery.associations(
            device: nil, local: nil, remote: IPAddress("198.51.100.5")!, in: host.snapshot)
        #expect(found.map(\.association.spi.rawValue) == [2, 3, 1])
    }
}

@Suite struct InsideAddressTests {
    private func host(_ addresses: String...) -> Host {
        var host = Host.endpoint()
        host.link("tun0", .vti) { $0.remote = IPAddress("198.51.100.1") }
        for text in addresses { host.address(text, on: 3) }
        return host
    }

    @Test func `the source is the first address, link-local ones last`() {
        let snapshot = host("fe80::1/64", "10.252.0.1/31", "fd00::1/127").snapshot
        func source(_ family: IPAddress.Family?) -> IPAddress? {
            TunnelDiscovery.insideSource(on: "tun0", family: family, in: snapshot).value
        }
        #expect(source(nil) == IPAddress("10.252.0.1"))
        #expect(source(.v4) == IPAddress("10.252.0.1"))
        #expect(source(.v6) == IPAddress("fd00::1"))
        let bare = host("fe80::1/64").snapshot
        #expect(
            TunnelDiscovery.insideSource(on: "tun0", in: bare) == .known(IPAddress("fe80::1")!))
        #expect(
            TunnelDiscovery.insideSource(on: "tun0", family: .v4, in: bare)
                == .unknown(reason: "tun0 has no IPv4 address: set inside_source"))
        #expect(
            TunnelDiscovery.insideSource(on: "tun9", in: bare)
                == .unknown(reason: "there is no device tun9"))
    }

    @Test(
        arguments: [
            ("10.252.0.0/31", "10.252.0.1"), ("10.252.0.1/31", "10.252.0.0"),
            ("10.252.0.1/30", "10.252.0.2"), ("10.252.0.2/30", "10.252.0.1"),
            ("10.252.0.3/30", nil), ("10.252.0.1/24", nil), ("10.252.0.1/32", nil),
            ("fd00::/127", "fd00::1"), ("fd00::1/64", nil),
        ] as [(String, String?)])
    func `the target is the other host of a two-host prefix`(own: String, other: String?) {
        let source = IPAddress(String(own.split(separator: "/")[0]))!
        let target = TunnelDiscovery.insideTarget(
            from: source, over: "tun0", in: host(own).snapshot)
        #expect(target.value == other.flatMap { IPAddress($0) })
        #expect((target.reason == nil) == (other != nil))
    }

    @Test func `a peer address is the target before any prefix`() {
        var host = host("10.252.0.1/31")
        host.addresses.append(
            AddressState(
                interfaceIndex: 3, address: IPAddress("10.252.0.1")!,
                peer: IPAddress("10.99.0.1"), prefix: IPPrefix("10.99.0.1/32")!))
        #expect(
            TunnelDiscovery.insideTarget(
                from: IPAddress("10.252.0.1")!, over: "tun0", in: host.snapshot)
                == .known(IPAddress("10.99.0.1")!))
    }

    @Test func `a configured source within a prefix of the device has a target too`() {
        let snapshot = host("10.252.0.1/30").snapshot
        func target(_ source: String) -> IPAddress? {
            TunnelDiscovery.insideTarget(
                from: IPAddress(source)!, over: "tun0", in: snapshot
            ).value
        }
        #expect(target("10.252.0.2") == IPAddress("10.252.0.1"))
        #expect(target("192.168.0.1") == nil)
    }

    /// What lies beyond with some routes over tun0.
    private func beyond(
        _ routes: [(String, UInt32)], from source: String? = "10.252.0.1",
        target: String? = "10.252.0.0"
    ) -> String? {
        var host = host("10.252.0.1/31")
        for (prefix, table) in routes { host.route(prefix, over: "tun0", table: table) }
        return TunnelDiscovery.insideBeyond(
            from: source.flatMap { IPAddress($0) }, target: target.flatMap { IPAddress($0) },
            over: "tun0", in: host.snapshot
        ).value?.description
    }

    @Test func `beyond is the first host of a routed prefix without the two ends`() {
        #expect(beyond([("10.252.0.0/31", 254), ("10.253.0.0/24", 254)]) == "10.253.0.1")
        #expect(beyond([("10.252.0.0/16", 254), ("10.253.0.7/32", 254)]) == "10.253.0.7")
        #expect(beyond([("10.252.0.0/16", 254)]) == nil)
        #expect(beyond([]) == nil)
    }

    @Test func `the main table goes first`() {
        #expect(beyond([("10.8.0.0/16", 1000), ("10.9.0.0/16", 254)]) == "10.9.0.1")
        #expect(beyond([("10.8.0.0/16", 1000)]) == "10.8.0.1")
    }

    @Test func `a default route alone gives a documentation address`() {
        #expect(beyond([("0.0.0.0/0", 254)]) == "192.0.2.1")
        #expect(beyond([("0.0.0.0/1", 254), ("128.0.0.0/1", 254)]) == "192.0.2.1")
        #expect(beyond([("0.0.0.0/0", 254), ("10.9.0.0/16", 254)]) == "10.9.0.1")
        #expect(beyond([("::/0", 254)], from: "fd00::1", target: nil) == "2001:db8::1")
    }

    @Test func `prefixes of the other family, link-local and multicast are passed over`() {
        #expect(beyond([("fd00:9::/48", 254)]) == nil)
        #expect(
            beyond(
                [("fe80::/64", 254), ("ff00::/16", 254), ("fd00:9::/48", 254)], from: nil,
                target: nil) == "fd00:9::1")
    }
}
