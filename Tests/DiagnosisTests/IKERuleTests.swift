import KernelState
import NetworkPrimitives
import Testing

@testable import Diagnosis

extension TunnelFacts {
    /// A tunnel of strongSwan that works.
    static var negotiated: TunnelFacts {
        var facts = TunnelFacts(
            TunnelIdentity(
                name: "cf-1", kind: .xfrm, local: IPAddress("203.0.113.10"),
                remote: IPAddress("198.51.100.1"), wanInterface: "eth0", tunnelInterface: "ipsec0",
                isStatic: false))
        facts.health.state = .known(.healthy, age: .seconds(60))
        facts.health.isFromInside = .known(true)
        facts.kernel.device = .known(.init(name: "ipsec0", exists: true, isUp: true, mtu: 1400))
        facts.kernel.associations = .known([.made(.inbound), .made(.outbound)])
        facts.kernel.mappingChanges = .known(0)
        facts.ike.isInUse = true
        facts.ike.connection = "lab"
        facts.ike.port500 = .known(.open)
        facts.ike.port4500 = .known(.open)
        facts.ike.flow = .known(.flowing)
        facts.ike.failure = .known(nil)
        facts.ike.isEstablished = .known(true)
        facts.ike.localID = .known("t.a.ipsec.cloudflare.com")
        return facts
    }

    /// The same, dead, with a negotiation that fails.
    static func failing(
        _ failure: IKEFacts.Failure, _ origin: String = "key daemon"
    ) -> TunnelFacts {
        var facts = negotiated
        facts.health.state = .known(.down, age: .seconds(5))
        facts.kernel.associations = .known([])
        facts.ike.isEstablished = .known(false)
        facts.ike.flow = .known(.absent)
        facts.ike.failure = .known(
            .init(failure, origin: origin, evidence: ["received AUTHENTICATION_FAILED notify"]))
        return facts
    }

    /// The ids that stand, without what they explain.
    var found: [FindingID] { Diagnosis(of: self).findings.map(\.id) }
}

extension DirectedAssociation {
    static func made(
        _ direction: TrafficDirection, _ change: (inout SecurityAssociation) -> Void = { _ in }
    ) -> DirectedAssociation {
        let here = IPAddress.v4(0xcb00_710a)
        let there = IPAddress.v4(0xc633_6401)
        var association = SecurityAssociation(
            spi: SPI(rawValue: direction == .inbound ? 0xc0de_0001 : 0xc0de_0002),
            source: direction == .inbound ? there : here,
            destination: direction == .inbound ? here : there)
        change(&association)
        return DirectedAssociation(direction: direction, association: association)
    }
}

@Suite struct `Rules of IKE and of the kernel` {
    private func judge(_ id: FindingID, _ facts: TunnelFacts) -> Judgement {
        Diagnosis(of: facts).checks.first { $0.id == id }?.judgement
            ?? .notApplicable(because: "no rule")
    }

    @Test func `a tunnel that works has none, and each is excluded with a reason`() {
        let diagnosis = Diagnosis(of: .negotiated)
        #expect(diagnosis.findings.isEmpty)
        for id: FindingID in [
            .ikePort500Blocked, .ikePort4500Blocked, .espBlocked, .ikeNoProposal,
            .ikeAuthenticationFailed, .ikeIdentityMismatch, .esnEnabled, .noSecurityAssociation,
            .tunnelInterfaceDown, .saReboundNAT,
        ] {
            guard case .excluded = judge(id, .negotiated) else {
                Issue.record("\(id): \(judge(id, .negotiated))")
                continue
            }
        }
    }

    @Test(
        arguments: [
            (IKEFacts.Failure.noProposal, FindingID.ikeNoProposal),
            (.authentication, .ikeAuthenticationFailed), (.identity, .ikeIdentityMismatch),
        ])
    func `a refused negotiation explains that there is no SA`(
        failure: IKEFacts.Failure, id: FindingID
    ) throws {
        let diagnosis = Diagnosis(of: .failing(failure))
        #expect(diagnosis.findings.map(\.id) == [id])
        #expect(diagnosis.findings[0].explained.map(\.id) == [.noSecurityAssociation])
        #expect(diagnosis.findings[0].severity == .critical)
        #expect(!diagnosis.findings[0].remedy.isEmpty)
    }

    @Test func `a wrong key is never surer than the notify lets it be`() throws {
        let finding = try #require(
            judge(.ikeAuthenticationFailed, .failing(.authentication)).finding)
        #expect(finding.confidence <= 0.7)
        #expect(finding.remedy[0].contains("PSK"))
    }

    @Test(arguments: [
        ("edge.example", true), ("192.0.2.7", false), ("203.0.113.10", false),
        ("t.a.ipsec.cloudflare.com", false), ("ipsec@t.a.ipsec.cloudflare.com", false),
        ("0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef", false),
    ])
    func `an identity is proven wrong by its form alone, and only after a refusal`(
        id: String, isWrong: Bool
    ) {
        var facts = TunnelFacts.failing(.authentication)
        facts.ike.localID = .known(id)
        #expect(facts.found == [isWrong ? .ikeIdentityMismatch : .ikeAuthenticationFailed])
        var working = TunnelFacts.negotiated
        working.ike.localID = .known(id)
        #expect(working.found.isEmpty)
    }

    @Test func `a port that does not answer is found where IKE is in use and nothing works`() throws
    {
        var facts = TunnelFacts.failing(.noResponse, "wire")
        facts.ike.port500 = .known(.filtered)
        facts.ike.port4500 = .unknown(reason: "not asked")
        #expect(facts.found == [.ikePort500Blocked])
        guard case .unknown = judge(.ikeAuthenticationFailed, facts) else {
            Issue.record("a silent peer refuses nothing")
            return
        }
        facts.ike.isInUse = false
        facts.ike.connection = nil
        guard case .unknown = judge(.ikePort500Blocked, facts) else {
            Issue.record("nobody negotiates here")
            return
        }
        // The tunnel works: a firewall may let through the daemon's own port alone.
        var working = TunnelFacts.negotiated
        working.ike.port500 = .known(.filtered)
        #expect(working.found.isEmpty)
    }

    @Test func `a negotiation that nobody watched is unknown, and that there is no SA is not`() {
        var facts = TunnelFacts.failing(.authentication)
        facts.ike.failure = .unknown(reason: "nobody watched when it failed")
        #expect(facts.found == [.noSecurityAssociation])
        for id: FindingID in [.ikeAuthenticationFailed, .ikeNoProposal, .ikeIdentityMismatch] {
            guard case .unknown = judge(id, facts) else {
                Issue.record("\(id): \(judge(id, facts))")
                continue
            }
        }
    }

    @Test func `ESP that goes one way is found, unless the inside answers or there are no SAs`() {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.down, age: .seconds(4))
        facts.ike.flow = .known(.oneWay(missing: .inbound))
        #expect(facts.found.first == .espBlocked)
        facts.ike.flow = .known(.flowing)
        #expect(!facts.found.contains(.espBlocked))
        facts.ike.isFarEndReached = .known(false)
        #expect(!facts.found.contains(.espBlocked), "whether this kernel drops it is not known")
        facts.kernel.recentDrops = .known(.init())
        #expect(facts.found.first == .espBlocked)
        var drops = KernelFacts.Drops()
        drops.replayWindow = Growth(9, in: .seconds(10))
        facts.kernel.recentDrops = .known(drops)
        #expect(!facts.found.contains(.espBlocked), "this kernel drops what arrives")
        facts.kernel.recentDrops = .known(.init())
        facts.ike.isFarEndReached = .known(true)
        #expect(!facts.found.contains(.espBlocked))
        facts.ike.flow = .known(.oneWay(missing: .inbound))
        facts.kernel.associations = .known([])
        #expect(!facts.found.contains(.espBlocked))
        var working = TunnelFacts.negotiated
        working.ike.flow = .known(.oneWay(missing: .inbound))
        #expect(working.found.isEmpty)
    }

    @Test func `ESP that arrives while none leaves is found too`() throws {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.down, age: .seconds(4))
        facts.ike.flow = .known(.oneWay(missing: .outbound))
        let finding = try #require(judge(.espBlocked, facts).finding)
        #expect(finding.summary == "ESP arrives, and none leaves.")
    }

    @Test func `port 4500 is judged like port 500, and an ICMP error is less sure than silence`()
        throws
    {
        var facts = TunnelFacts.failing(.noResponse, "wire")
        facts.ike.port4500 = .known(.filtered)
        #expect(facts.found == [.ikePort4500Blocked])
        let silent = try #require(judge(.ikePort4500Blocked, facts).finding).confidence
        facts.ike.port4500 = .known(.unreachable)
        #expect(try #require(judge(.ikePort4500Blocked, facts).finding).confidence < silent)
    }

    @Test func `a child SA that is refused for its proposal is no proposal too`() {
        var facts = TunnelFacts.failing(.childRefused)
        facts.ike.failure = .known(
            .init(
                .childRefused, origin: "key daemon",
                evidence: ["received NO_PROPOSAL_CHOSEN notify"]))
        #expect(facts.found == [.ikeNoProposal])
        facts.ike.failure = .known(
            .init(
                .childRefused, origin: "key daemon", evidence: ["received TS_UNACCEPTABLE notify"]))
        #expect(facts.found == [.noSecurityAssociation])
    }

    @Test func `keys set by hand have no IKE that could fail`() {
        var facts = TunnelFacts.failing(.noResponse)
        facts.identity.isStatic = true
        facts.ike.port500 = .known(.filtered)
        for id: FindingID in [
            .ikePort500Blocked, .ikePort4500Blocked, .ikeNoProposal, .ikeAuthenticationFailed,
            .ikeIdentityMismatch,
        ] {
            guard case .notApplicable = judge(id, facts) else {
                Issue.record("\(id): \(judge(id, facts))")
                continue
            }
        }
    }

    @Test func `beside an appliance no SA and no device is expected`() {
        var facts = TunnelFacts.failing(.authentication)
        facts.identity.role = .observer
        facts.kernel.device = .known(.init(name: "ipsec0", exists: false, isUp: false, mtu: nil))
        #expect(facts.found.isEmpty)
    }

    @Test func `a host without any sign of IPsec misses no SA`() {
        var facts = TunnelFacts(TunnelIdentity(name: "198.51.100.1"))
        facts.kernel.associations = .known([])
        facts.kernel.policies = .known([])
        facts.health.state = .known(.down, age: .seconds(5))
        facts.health.isFromInside = .known(true)
        #expect(facts.found.isEmpty)
        facts.identity.kind = .vti
        #expect(facts.found == [.noSecurityAssociation])
        facts.health.state = .known(.healthy, age: .seconds(5))
        #expect(facts.found.isEmpty)
    }

    @Test func `a device that is down or gone is what to mend first`() throws {
        for exists in [true, false] {
            var facts = TunnelFacts.negotiated
            facts.health.state = .known(.down, age: .seconds(5))
            facts.kernel.device = .known(
                .init(name: "ipsec0", exists: exists, isUp: false, mtu: nil))
            #expect(facts.found.first == .tunnelInterfaceDown)
            let finding = try #require(judge(.tunnelInterfaceDown, facts).finding)
            #expect(finding.remedy[0].contains(exists ? "ip link set dev ipsec0 up" : "ip -d link"))
        }
    }

    @Test func `extended sequence numbers and changed mappings are told`() {
        var facts = TunnelFacts.negotiated
        facts.kernel.associations = .known([
            .made(.inbound) { $0.extendedSequenceNumbers = true }, .made(.outbound),
        ])
        facts.kernel.mappingChanges = .known(2)
        facts.kernel.lastMappingChange = "SPI 0xc0de0002: 198.51.100.1:4500 -> :4501"
        #expect(facts.found == [.esnEnabled, .saReboundNAT])
    }

    @Test func `commands run in the tunnel's namespace`() throws {
        var facts = TunnelFacts.negotiated
        facts.identity.namespace = "wan"
        facts.kernel.device = .known(.init(name: "ipsec0", exists: true, isUp: false, mtu: nil))
        let finding = try #require(judge(.tunnelInterfaceDown, facts).finding)
        #expect(finding.remedy[0] == "ip netns exec wan ip link set dev ipsec0 up")
    }
}
