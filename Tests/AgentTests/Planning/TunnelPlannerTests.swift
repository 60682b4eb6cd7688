@testable import Agent
import Configuration
import HostFacts
import KernelState
import NetworkPrimitives
import Testing

@Suite struct TunnelPlannerTests {
    /// A host with a WAN device and the way to the provider's endpoint.
    private static var host: MadeUpHost {
        var host = MadeUpHost()
        let wan = host.add("eth0")
        host.address(wan, "203.0.113.10/24")
        host.way(to: "198.51.100.1", over: "eth0", from: "203.0.113.10")
        return host
    }

    private static func addTunnel(
        _ host: inout MadeUpHost, _ name: String, _ kind: LinkKind,
        to remote: String? = "198.51.100.1"
    ) {
        let index = host.add(name, kind) {
            if let remote {
                $0.local = ip("203.0.113.10")
                $0.remote = ip(remote)
            }
        }
        host.address(index, "10.252.0.1/31")
        host.route("10.253.0.0/24", over: index)
    }

    private static func policyHost(mark: UInt32 = 0) -> MadeUpHost {
        var host = Self.host
        host.address(1, "10.1.0.1/24")
        var policy = SecurityPolicy(
            direction: .out, source: prefix("10.1.0.0/24"), destination: prefix("10.2.0.0/24"),
            templates: [.init(source: ip("203.0.113.10"), destination: ip("198.51.100.1"))])
        policy.mark = mark
        policy.markMask = mark == 0 ? 0 : .max
        host.policies = [policy]
        return host
    }

    // MARK: - Kinds

    @Test(
        arguments: [
            (LinkKind.vti, TunnelKind.vti), (.xfrm, .xfrm), (.gre, .gre), (.ip6gre, .gre),
        ])
    func `a device gives inside addresses, and probes are bound to it`(
        link: LinkKind, kind: TunnelKind
    ) {
        var host = Self.host
        Self.addTunnel(&host, "tun0", link)
        let plan = host.plan(.made { $0.tunnelInterface = "tun0" })
        #expect(plan.kind == kind)
        #expect(plan.local == ip("203.0.113.10"))
        #expect(plan.remote == ip("198.51.100.1"))
        #expect(plan.wanInterface == "eth0")
        #expect(plan.tunnelInterface == "tun0")
        #expect(plan.waitingFor.isEmpty)
        let inside = plan.route(.inside, .request)
        #expect(inside?.destination == ip("10.252.0.0"), "the other host of the /31")
        #expect(inside?.source == ip("10.252.0.1"))
        #expect(inside?.device == "tun0")
        #expect(inside?.mark == 0)
        #expect(plan.route(.inside, .reply)?.destination == ip("10.253.0.1"))
        #expect(plan.route(.inside, .reply)?.device == "tun0")
        for style in ProbeStyle.allCases {
            let outside = plan.route(.outside, style)
            #expect(outside?.destination == ip("198.51.100.1"))
            #expect(outside?.device == nil)
            #expect(outside?.source == plan.local, "as ESP has it")
        }
        #expect(plan.stateRole == ProbeRole(.inside, .request))
    }

    @Test func `an outer source that nothing tells is the routing table's choice`() {
        let plan = Self.host.plan(.made())
        #expect(plan.local == ip("203.0.113.10"))
        #expect(plan.route(.outside, .request)?.source == nil)
    }

    @Test func `a policy-based tunnel is probed from an address that its policy takes`() {
        let plan = Self.policyHost().plan(
            .made {
                $0.insideTarget = ip("10.2.0.7")
                $0.local = ip("203.0.113.10")
            })
        #expect(plan.kind == .policy)
        #expect(plan.tunnelInterface == nil)
        #expect(plan.unknown["tunnel_interface"]?.isEmpty == false)
        let inside = plan.route(.inside, .request)
        #expect(inside?.destination == ip("10.2.0.7"))
        #expect(inside?.source == ip("10.1.0.1"))
        #expect(inside?.device == nil)
        #expect(plan.route(.inside, .reply)?.destination == ip("10.2.0.1"))
        #expect(plan.route(.outside, .request)?.source == ip("203.0.113.10"))
        #expect(plan.waitingFor.isEmpty)
    }

    @Test func `a policy's mark is for inside packets, and for them alone`() throws {
        // Marked, an outside probe would match the policy and go through the tunnel itself.
        let host = Self.policyHost(mark: 42)
        let found = try #require(host.planner.discovered(probing: ProbingSettings()).first)
        #expect(found.kind == .policy)
        #expect(found.route(.inside, .reply)?.mark == 42)
        #expect(found.route(.outside, .request)?.mark == 0)
        #expect(found.route(.outside, .reply)?.mark == 0)
        let configured = host.plan(.made { $0.insideTarget = ip("10.2.0.7") })
        #expect(configured.route(.inside, .request)?.mark == 42)
        #expect(configured.route(.outside, .request)?.mark == 0)
    }

    @Test func `fwmark is the outside probes' and, without a device, the inside ones'`() {
        var host = Self.host
        Self.addTunnel(&host, "tun0", .xfrm, to: nil)
        let device = host.plan(
            .made {
                $0.tunnelInterface = "tun0"
                $0.fwmark = 7
            })
        #expect(device.route(.outside, .request)?.mark == 7)
        #expect(device.route(.inside, .request)?.mark == 0)
        let policy = Self.policyHost().plan(
            .made {
                $0.insideTarget = ip("10.2.0.7")
                $0.fwmark = 7
            })
        #expect(policy.route(.outside, .request)?.mark == 7)
        #expect(policy.route(.inside, .request)?.mark == 7)
    }

    @Test func `an IPv6 endpoint is probed over IPv6, the inside over its own family`() {
        var host = MadeUpHost()
        let wan = host.add("eth0")
        host.address(wan, "2001:db8::10/64")
        host.way(to: "2001:db8:1::1", over: "eth0", from: "2001:db8::10")
        Self.addTunnel(&host, "tun6", .vti6, to: nil)
        let plan = host.plan(.made(remote: "2001:db8:1::1") { $0.tunnelInterface = "tun6" })
        #expect(plan.kind == .vti)
        #expect(plan.local == ip("2001:db8::10"))
        #expect(plan.route(.outside, .request)?.family == .v6)
        #expect(plan.route(.inside, .request)?.family == .v4)
        let six = host.plan(
            .made(remote: "2001:db8:1::1") {
                $0.tunnelInterface = "tun6"
                $0.insideTarget = ip("fd00::2")
            })
        #expect(six.route(.inside, .request)?.source == nil, "no IPv4 source for an IPv6 target")
    }

    // MARK: - Observer

    @Test func `an observer is asked for nothing that only an endpoint can know`() {
        var host = Self.host
        host.way(to: "10.252.0.0", over: "eth0", from: "203.0.113.10")
        // Tunnels of this host are not the appliance's.
        Self.addTunnel(&host, "tun0", .vti)
        let bare = host.plan(.made { $0.role = .observer })
        #expect(bare.kind == .unknown)
        #expect(bare.tunnelInterface == nil)
        #expect(bare.waitingFor.isEmpty)
        #expect(bare.route(.outside, .request) != nil)
        #expect(bare.reason(.inside, .request)?.contains("inside_target") == true)
        #expect(bare.unknown["tunnel_interface"] == "an appliance ends this tunnel")
        #expect(bare.stateRole == ProbeRole(.outside, .request))
        let inside = host.plan(
            .made {
                $0.role = .observer
                $0.insideTarget = ip("10.252.0.0")
            })
        #expect(inside.route(.inside, .request)?.destination == ip("10.252.0.0"))
        #expect(inside.route(.inside, .request)?.device == nil)
        #expect(inside.route(.inside, .request)?.source == nil, "the routing table chooses it")
        #expect(inside.stateRole == ProbeRole(.inside, .request))
        host.associations = .unknown(reason: "CAP_NET_ADMIN is missing")
        let facts: [String?: NamespaceFacts] = [
            nil: NamespaceFacts(snapshot: host.snapshot, refusal: nil)
        ]
        #expect(HostFindings.findings(facts: facts, plans: [inside], notices: []).isEmpty)
    }

    // MARK: - What is missing

    @Test func `a name without an address is waited for; with one, it is used`() {
        var host = Self.host
        host.names["edge.example"] = .pending(reason: "temporary failure in name resolution")
        let pending = host.plan(.made(remote: "edge.example"))
        #expect(pending.remote == nil)
        #expect(
            pending.waitingFor == [
                "an address of edge.example: temporary failure in name resolution"
            ])
        #expect(pending.route(.outside, .request)?.destination == nil)
        #expect(pending.unknown["local"]?.contains("no address yet") == true)
        host.names["edge.example"] = .addresses([ip("2001:db8:1::1"), ip("198.51.100.1")])
        host.way(to: "2001:db8:1::1", over: "eth0", from: "2001:db8::10")
        let resolved = host.plan(.made(remote: "edge.example"))
        #expect(resolved.remote == ip("2001:db8:1::1"), "in the resolver's order")
        #expect(resolved.waitingFor.isEmpty)
        let bound = host.plan(.made(remote: "edge.example") { $0.local = ip("203.0.113.10") })
        #expect(bound.remote == ip("198.51.100.1"), "of the family of the source")
    }

    @Test func `a missing device is waited for`() {
        let plan = Self.host.plan(.made { $0.tunnelInterface = "tun9" })
        #expect(plan.waitingFor == ["device tun9, which does not exist"])
        #expect(plan.reason(.inside, .request)?.contains("tun9") == true)
        #expect(plan.route(.outside, .request) != nil, "the outside can be probed all the same")
        let given = Self.host.plan(
            .made {
                $0.tunnelInterface = "tun9"
                $0.insideTarget = ip("10.252.0.0")
            })
        #expect(
            given.route(.inside, .request)?.device == "tun9", "and its absence is a failed probe")
    }

    @Test func `a missing route is waited for`() {
        let plan = Self.host.plan(.made(remote: "198.51.100.9"))
        #expect(plan.waitingFor == ["a route to 198.51.100.9"])
        #expect(plan.local == nil)
        #expect(plan.unknown["local"] == "there is no route to 198.51.100.9")
        #expect(plan.unknown["wan_interface"] == "there is no route to 198.51.100.9")
    }

    @Test func `without privilege every role is unavailable and says why`() {
        var host = Self.host
        Self.addTunnel(&host, "tun0", .vti)
        host.refusal = "probing needs CAP_NET_RAW, which this process does not have"
        let plan = host.plan(.made { $0.tunnelInterface = "tun0" })
        #expect(plan.roles.map(\.reason) == Array(repeating: host.refusal, count: 4))
        let facts: [String?: NamespaceFacts] = [
            nil: NamespaceFacts(snapshot: host.snapshot, refusal: host.refusal)
        ]
        let findings = HostFindings.findings(facts: facts, plans: [plan], notices: [])
        #expect(findings.map(\.id) == [.agentDegraded])
        #expect(findings.first?.evidence.first?.contains("CAP_NET_RAW") == true)
    }

    @Test func `a namespace that cannot be entered is a finding with the unit that helps`() {
        var host = Self.host
        let reason = "namespace blue cannot be entered: operation not permitted"
        let unknown = KernelSnapshot(
            links: .unknown(reason: reason), addresses: .unknown(reason: reason),
            routes: .unknown(reason: reason), associations: .unknown(reason: reason),
            policies: .unknown(reason: reason))
        host.namespaces["blue"] = NamespaceFacts(snapshot: unknown, refusal: reason)
        let plan = host.plan(
            .made {
                $0.netns = "blue"
                $0.tunnelInterface = "tun0"
            })
        #expect(plan.roles.map(\.reason) == Array(repeating: reason, count: 4))
        #expect(!plan.waitingFor.contains { $0.contains("does not exist") }, "that is not known")
        let facts: [String?: NamespaceFacts] = [
            nil: NamespaceFacts(snapshot: host.snapshot, refusal: nil),
            "blue": NamespaceFacts(snapshot: unknown, refusal: reason),
        ]
        let findings = HostFindings.findings(
            facts: facts, plans: [plan], notices: [],
            process: HostFindings.Privileges(
                capabilities: Capabilities(effective: 0, permitted: 0), isRoot: false,
                namespaceExists: { $0 == "blue" }))
        #expect(findings.first?.evidence == ["in namespace blue: no probe can be sent: \(reason)"])
        #expect(findings.first?.remedy.first?.contains("tunnel-probe@blue") == true)
    }

    @Test func `a tunnel in a namespace is probed there`() {
        var host = Self.host
        host.namespaces["blue"] = NamespaceFacts(snapshot: Self.host.snapshot, refusal: nil)
        let plan = host.plan(.made { $0.netns = "blue" })
        #expect(plan.route(.outside, .request)?.namespace == "blue")
    }

    // MARK: - Configured against discovered

    @Test func `a configured tunnel of the same outer pair wins over the discovered one`() {
        var host = Self.host
        Self.addTunnel(&host, "vti0", .vti)
        var configuration = AgentConfiguration.defaults
        #expect(host.planner.plans(for: configuration, discovering: true).map(\.name) == ["vti0"])
        configuration.tunnels = [.made("mine")]
        let plans = host.planner.plans(for: configuration, discovering: true)
        #expect(plans.map(\.name) == ["mine"])
        #expect(plans.first?.tunnelInterface == "vti0", "and takes what was discovered")
        #expect(plans.first?.kind == .vti)
        configuration.tunnels = [.made("mine") { $0.local = ip("203.0.113.99") }]
        #expect(
            host.planner.plans(for: configuration, discovering: true).map(\.name) == [
                "mine", "vti0",
            ],
            "another source is another tunnel")
        configuration.tunnels = [.made("other", remote: "198.51.100.2")]
        #expect(
            host.planner.plans(for: configuration, discovering: true).map(\.name)
                == ["other", "vti0"])
        #expect(
            host.planner.plans(for: configuration, discovering: false).map(\.name) == ["other"])
        configuration.tunnels = [.made("vti0", remote: "198.51.100.2")]
        #expect(
            host.planner.plans(for: configuration, discovering: true).count == 1,
            "names are labels: unique")
    }

    @Test func `a configured device is not discovered once more while its name is unresolved`() {
        var host = Self.host
        Self.addTunnel(&host, "vti0", .vti)
        var configuration = AgentConfiguration.defaults
        configuration.tunnels = [
            .made("mine", remote: "edge.example") { $0.tunnelInterface = "vti0" }
        ]
        #expect(host.planner.plans(for: configuration, discovering: true).map(\.name) == ["mine"])
    }

    // MARK: - Defaults of inside_*

    @Test(
        arguments: [
            ("10.252.0.1/31", nil, "10.252.0.0"), ("10.252.0.1/30", nil, "10.252.0.2"),
            ("10.9.0.1/32", "10.9.0.2", "10.9.0.2"), ("fd00::1/127", nil, "fd00::"),
        ] as [(String, String?, String)])
    func `the inside target is the peer, or the other host of two`(
        address: String, peer: String?, target: String
    ) {
        var host = Self.host
        let index = host.add("tun0", .xfrm)
        host.address(index, address, peer: peer)
        let plan = host.plan(.made { $0.tunnelInterface = "tun0" })
        #expect(plan.route(.inside, .request)?.destination == ip(target))
    }

    @Test func `a wide prefix on the device tells no target, and says what to set`() {
        var host = Self.host
        let index = host.add("tun0", .xfrm)
        host.address(index, "10.252.0.1/24")
        let plan = host.plan(.made { $0.tunnelInterface = "tun0" })
        #expect(plan.reason(.inside, .request)?.contains("set inside_target") == true)
        #expect(plan.unknown["inside_target"]?.contains("set inside_target") == true)
        #expect(plan.stateRole == ProbeRole(.outside, .request))
        #expect(plan.reason(.inside, .reply)?.contains("set inside_beyond") == true)
    }

    @Test func `what is configured inside comes before what the device says`() {
        var host = Self.host
        Self.addTunnel(&host, "tun0", .vti)
        let plan = host.plan(
            .made {
                $0.tunnelInterface = "tun0"
                $0.insideSource = ip("10.7.0.1")
                $0.insideTarget = ip("10.7.0.2")
                $0.insideBeyond = ip("10.8.0.2")
                $0.probing.dscp = 46
            })
        #expect(plan.route(.inside, .request)?.source == ip("10.7.0.1"))
        #expect(plan.route(.inside, .request)?.destination == ip("10.7.0.2"))
        #expect(plan.route(.inside, .reply)?.destination == ip("10.8.0.2"))
        #expect(plan.roles.compactMap(\.route).map(\.codePoint) == [46, 46, 46, 46])
    }
}
