import Foundation
import KernelState
import NetworkPrimitives
import Testing

@testable import Netlink

/// The reader against the running kernel, in namespaces of its own, beside what `ip` prints.
@Suite struct KernelReaderTests {
    /// A pair of devices with addresses of both families, a peer, and routes of many kinds.
    private func network() throws -> NamespaceFixture {
        let namespace = try NamespaceFixture()
        try namespace.ip("link add left type veth peer name right")
        try namespace.ip("link set left up mtu 1400")
        try namespace.ip("link set right up")
        try namespace.ip("address add 192.0.2.1/24 dev left")
        try namespace.ip("address add 10.250.0.1 peer 10.250.0.2 dev left")
        try namespace.ip("-6 address add 2001:db8::1/64 dev left nodad")
        try namespace.ip("-6 address add fd00:250::1 peer fd00:250::2 dev left nodad")
        try namespace.ip("route add default via 192.0.2.254")
        try namespace.ip("route add 10.253.0.0/24 via 192.0.2.9 src 192.0.2.1 metric 30 mtu 1280")
        try namespace.ip("route add 10.254.0.0/16 nexthop via 192.0.2.10 nexthop via 192.0.2.11")
        try namespace.ip("route add 10.66.0.0/16 dev left table 1000")
        try namespace.ip("rule add fwmark 7 table 1000")
        try namespace.ip("route add unreachable 10.7.0.0/16")
        try namespace.ip("route add blackhole 10.6.0.0/16")
        try namespace.ip("route add prohibit 10.8.0.0/16")
        try namespace.ip("-6 route add 2001:db8:9::/48 via 2001:db8::9")
        try namespace.ip("-6 route add unreachable 2001:db8:7::/48")
        try namespace.ip("-6 route add blackhole 2001:db8:6::/48")
        return namespace
    }

    @Test func `rules are those of ip rule`() throws {
        let namespace = try network()
        try namespace.ip("rule add from 10.66.0.0/16 iif left ipproto icmp lookup 1000 pref 77")
        try namespace.ip("-6 rule add not to 2001:db8:9::/48 fwmark 0x10/0xff prohibit pref 88")
        let rules = try KernelReader(namespace: namespace.name).rules()
        let expected = try namespace.json("rule show") + namespace.json("-6 rule show")
        #expect(
            rules.map(\.priority)
                == expected.compactMap { ($0["priority"] as? Int).map(UInt32.init) })
        let first = try #require(rules.first { $0.priority == 77 })
        #expect(first.source == IPPrefix("10.66.0.0/16"))
        #expect(first.inputInterface == "left")
        #expect(first.table == 1000)
        #expect(first.protocol == 1)
        let second = try #require(rules.first { $0.priority == 88 })
        #expect(second.family == .v6)
        #expect(second.isInverted)
        #expect(second.action == .prohibit)
        #expect(second.mark == 0x10)
        #expect(second.markMask == 0xff)
        #expect(second.destination == IPPrefix("2001:db8:9::/48"))
    }

    @Test func `only the neighbours asked for are read`() throws {
        let namespace = try network()
        try namespace.ip("neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe dev left nud permanent")
        try namespace.ip("neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev left nud stale")
        let reader = try KernelReader(namespace: namespace.name)
        let gateway = try #require(IPAddress("192.0.2.254"))
        let link = try #require(try reader.links().first { $0.name == "left" })
        #expect(
            try reader.neighbors([gateway]) == [
                NeighborState(
                    interfaceIndex: link.index, address: gateway,
                    linkAddress: [2, 0, 0, 0, 0, 0xfe], reachability: .permanent)
            ])
        #expect(try reader.neighbors([]) == [])
    }

    @Test func `links are those of ip link`() throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        let links = try reader.links()
        let expected = try namespace.json("-d -s link show")
        #expect(links.count == expected.count)
        #expect(links.map(\.index) == links.map(\.index).sorted())
        for object in expected {
            let name = try #require(object["ifname"] as? String)
            let link = try #require(links.first { $0.name == name })
            let flags = try #require(object["flags"] as? [String])
            let information = object["linkinfo"] as? [String: Any]
            #expect(link.index == object["ifindex"] as? Int)
            #expect(link.mtu == object["mtu"] as? Int)
            #expect(link.isUp == flags.contains("UP"))
            #expect(link.isRunning == flags.contains("LOWER_UP"))
            #expect("\(link.operationalState)".uppercased() == object["operstate"] as? String)
            #expect(link.kind == .other(information?["info_kind"] as? String ?? ""))
            let peer = (object["link"] as? String).flatMap { peer in
                links.first { $0.name == peer }
            }
            #expect(link.parentIndex == peer?.index)
            #expect(link.receivedPackets != nil)
        }
        #expect(reader.malformedMessages == 0)
    }

    @Test func `an index of another namespace is not taken for one of this`() throws {
        let here = try NamespaceFixture()
        let there = try NamespaceFixture()
        try here.ip("link add near type veth peer name far")
        let links = try KernelReader(namespace: here.name).links()
        let far = try #require(links.first { $0.name == "far" })
        #expect(links.first { $0.name == "near" }?.parentIndex == far.index)
        try here.ip("link set far netns \(there.name)")
        let near = try #require(
            try KernelReader(namespace: here.name).links().first { $0.name == "near" })
        #expect(near.parentIndex == nil)
    }

    @Test func `packet counters go up`() throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        let before = try #require(try reader.links().first { $0.name == "lo" }?.receivedPackets)
        try NamespaceFixture.run(
            ["ip", "netns", "exec", namespace.name, "ping", "-c", "1", "127.0.0.1"])
        let after = try #require(try reader.links().first { $0.name == "lo" }?.receivedPackets)
        // A request and a reply.
        #expect(after == before + 2)
    }

    @Test func `addresses are those of ip address`() throws {
        let namespace = try network()
        let addresses = try KernelReader(namespace: namespace.name).addresses()
        var count = 0
        for link in try namespace.json("address show") {
            let index = try #require(link["ifindex"] as? Int)
            for object in try #require(link["addr_info"] as? [[String: Any]]) {
                count += 1
                let local = try #require((object["local"] as? String).flatMap { IPAddress($0) })
                let peer = (object["address"] as? String).flatMap { IPAddress($0) }
                let length = try #require(object["prefixlen"] as? Int)
                #expect(
                    addresses.contains(
                        AddressState(
                            interfaceIndex: index, address: local, peer: peer,
                            prefix: IPPrefix(peer ?? local, length: length))))
            }
        }
        #expect(addresses.count == count)
        #expect(addresses.contains { $0.peer == IPAddress("10.250.0.2") })
        #expect(addresses.contains { $0.peer == IPAddress("fd00:250::2") })
    }

    @Test func `routes are those of ip route`() throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        let routes = try reader.routes().filter { $0.kind != .multicast && $0.kind != .anycast }
        let links = try reader.links()
        var count = 0
        for family in ["-4", "-6"] {
            let objects = try namespace.json("\(family) route show table all").filter {
                !["multicast", "anycast"].contains($0["type"] as? String)
            }
            for object in objects {
                let hops = object["nexthops"] as? [[String: Any]] ?? [object]
                count += hops.count
                for hop in hops {
                    let expected = try route(object, hop, family: family, links)
                    #expect(routes.contains(expected), "\(object)")
                }
            }
        }
        #expect(routes.count == count)
        #expect(reader.malformedMessages == 0)
    }

    /// The route that an object of `ip -j route` describes.
    private func route(
        _ object: [String: Any], _ hop: [String: Any], family: String, _ links: [LinkState]
    ) throws -> RouteState {
        let text = try #require(object["dst"] as? String)
        let width = family == "-4" ? 32 : 128
        let destination =
            text == "default"
            ? IPPrefix(family == "-4" ? "0.0.0.0/0" : "::/0")
            : IPPrefix(text) ?? IPAddress(text).map { IPPrefix($0, length: width) }
        let tables = ["main": RouteState.mainTable, "local": 255]
        let table = object["table"] as? String ?? "main"
        let device = (hop["dev"] as? String).flatMap { name in links.first { $0.name == name } }
        var route = RouteState(
            destination: try #require(destination), outputInterface: device?.index,
            gateway: (hop["gateway"] as? String).flatMap { IPAddress($0) },
            preferredSource: (object["prefsrc"] as? String).flatMap { IPAddress($0) },
            table: try #require(tables[table] ?? UInt32(table)),
            metric: UInt32(object["metric"] as? Int ?? 0))
        let kinds: [String: RouteKind] = [
            "local": .local, "broadcast": .broadcast, "unreachable": .unreachable,
            "blackhole": .blackhole, "prohibit": .prohibit,
        ]
        route.kind = (object["type"] as? String).flatMap { kinds[$0] } ?? .unicast
        route.mtu =
            (object["metrics"] as? [[String: Any]])?.lazy.compactMap { $0["mtu"] as? Int }
            .first
        return route
    }

    @Test(
        arguments: [
            ("10.253.0.7", nil, 0), ("192.0.2.77", nil, 0), ("198.51.100.1", nil, 0),
            ("198.51.100.1", "10.250.0.1", 0), ("10.66.1.1", nil, 7), ("10.66.1.1", nil, 0),
            ("127.0.0.1", nil, 0), ("192.0.2.1", nil, 0), ("2001:db8:9::1", nil, 0),
            ("2001:db8::5", "fd00:250::1", 0), ("::1", nil, 0),
        ] as [(String, String?, Int)])
    func `route lookup answers as ip route get`(to: String, from: String?, mark: Int) throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        let words = "route get \(to)" + (from.map { " from \($0)" } ?? "")
        let object = try #require(
            try namespace.json(words + (mark == 0 ? "" : " mark \(mark)")).first)
        let lookup = try reader.route(
            to: IPAddress(to)!, from: from.flatMap { IPAddress($0) }, mark: UInt32(mark))
        guard case .route(let route) = lookup else {
            Issue.record("\(lookup)")
            return
        }
        #expect(route.interfaceName == object["dev"] as? String)
        #expect(route.interfaceIndex > 0)
        let source = from ?? object["prefsrc"] as? String
        #expect(route.source == source.flatMap { IPAddress($0) })
        #expect(route.gateway == (object["gateway"] as? String).flatMap { IPAddress($0) })
        #expect(route.isLocal == (object["type"] as? String == "local"))
        #expect(route.mtu == (to == "10.253.0.7" ? 1280 : nil))
    }

    @Test(
        arguments: [
            ("10.7.0.1", .unreachableRoute), ("10.8.0.1", .prohibited), ("10.6.0.1", .blackhole),
            ("2001:db8:7::1", .unreachableRoute), ("2001:db8:6::1", .blackhole),
            ("2001:db8:8::1", .noRoute),
        ] as [(String, RouteLookup.Unreachable)])
    func `no way there is an answer, with its reason`(
        to: String, reason: RouteLookup.Unreachable
    ) throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        #expect(
            try reader.route(to: IPAddress(to)!, from: nil, mark: 0) == .unreachable(reason))
    }

    @Test func `no route at all is an answer`() throws {
        let namespace = try NamespaceFixture()
        let reader = try KernelReader(namespace: namespace.name)
        for to in ["198.51.100.1", "2001:db8::1"] {
            #expect(
                try reader.route(to: IPAddress(to)!, from: nil, mark: 0) == .unreachable(.noRoute))
        }
    }

    @Test func `a source of another host is a failure that says so`() throws {
        let namespace = try network()
        let reader = try KernelReader(namespace: namespace.name)
        let error = #expect(throws: NetlinkError.self) {
            try reader.route(
                to: IPAddress("198.51.100.1")!, from: IPAddress("203.0.113.99"), mark: 0)
        }
        #expect(error?.code == .sourceNotLocal)
        #expect(error?.description.contains("203.0.113.99") == true)
    }

    @Test func `a namespace that is not there is named`() throws {
        for name in ["tp-no-such-namespace", "../etc", ".", ".."] {
            let error = #expect(throws: NetlinkError.self) {
                _ = try KernelReader(namespace: name)
            }
            #expect(error?.code == .namespaceNotFound)
            #expect(error?.description.contains(name) == true)
        }
    }

    @Test func `the calling thread stays in its own namespace`() throws {
        let namespace = try network()
        let before = try FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/thread-self/ns/net")
        let inside = try KernelReader(namespace: namespace.name)
        let after = try FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/thread-self/ns/net")
        #expect(before == after)
        #expect(try inside.links().contains { $0.name == "left" })
        #expect(try !KernelReader(namespace: nil).links().contains { $0.name == "left" })
    }

    @Test func `policies are those of ip xfrm policy`() throws {
        let namespace = try network()
        try namespace.ip(
            """
            xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out priority 50 mark 42 \
            tmpl src 192.0.2.1 dst 198.51.100.1 proto esp reqid 9 mode tunnel
            """)
        try namespace.ip(
            """
            xfrm policy add src fd00:2::/64 dst fd00:1::/64 dir fwd action block if_id 5
            """)
        let reader = try KernelReader(namespace: namespace.name)
        let policies = try reader.policies()
        var out = SecurityPolicy(
            direction: .out, source: IPPrefix("10.1.0.0/16")!,
            destination: IPPrefix("10.2.0.0/16")!,
            templates: [
                .init(
                    source: IPAddress("192.0.2.1")!, destination: IPAddress("198.51.100.1")!,
                    requestID: 9)
            ])
        out.priority = 50
        out.mark = 42
        out.markMask = .max
        var forward = SecurityPolicy(
            direction: .forward, source: IPPrefix("fd00:2::/64")!,
            destination: IPPrefix("fd00:1::/64")!, templates: [])
        forward.allows = false
        forward.interfaceID = 5
        #expect(policies.count == 2)
        // The kernel's number ends in the direction: XFRM_POLICY_OUT 1, FWD 2.
        #expect(Set(policies.map { $0.index & 7 }) == [1, 2])
        out.index = try #require(policies.first { $0.direction == .out }).index
        forward.index = try #require(policies.first { $0.direction == .forward }).index
        #expect(policies.contains(out))
        #expect(policies.contains(forward))
        // And as the whole program sees it.
        let tunnels = TunnelDiscovery.tunnels(in: reader.snapshot())
        #expect(tunnels.map(\.name) == ["policy-198.51.100.1"])
        #expect(tunnels.first?.local == IPAddress("192.0.2.1"))
    }

    @Test func `a table larger than many buffers arrives whole`() throws {
        let namespace = try network()
        let batch = FileManager.default.temporaryDirectory.appendingPathComponent(namespace.name)
        let lines = (0..<5000).map {
            "route add 172.\(16 + $0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32 dev left"
        }
        try lines.joined(separator: "\n").write(to: batch, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: batch) }
        try NamespaceFixture.run(["ip", "-n", namespace.name, "-batch", batch.path])
        let reader = try KernelReader(namespace: namespace.name)
        let left = try #require(try reader.links().first { $0.name == "left" }?.index)
        let v4 = try reader.routes().filter {
            $0.outputInterface == left && $0.destination.network.family == .v4
        }
        #expect(v4.count == KernelReader.routesPerInterface)
        // The bound is of one device: others are whole.
        #expect(try reader.routes().contains { $0.destination == IPPrefix("127.0.0.0/8") })
        #expect(reader.malformedMessages == 0)
    }
}
