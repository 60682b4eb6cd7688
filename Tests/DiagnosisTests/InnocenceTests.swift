import NetworkPrimitives
import Testing

@testable import Diagnosis

/// What looks like a fault and is none, or is another's; and steps that do what they say.
@Suite struct `Nobody is blamed without evidence` {
    private func judge(_ id: FindingID, _ facts: TunnelFacts) -> Judgement {
        Diagnosis(of: facts).checks.first { $0.id == id }?.judgement
            ?? .notApplicable(because: "no rule")
    }

    private func tally(_ sent: UInt64, _ received: UInt64) -> ProbeFacts.Tally {
        ProbeFacts.Tally(sent: sent, received: received, span: .seconds(60))
    }

    @Test func `whoever forbids pings does not make the endpoint unreachable`() {
        var facts = TunnelFacts.negotiated
        facts.health.isFromInside = .known(false)
        facts.outside.target = .known(.v4(0xc633_6401))
        facts.outside.recent = .known(tally(10, 0))
        facts.outside.longer = .known(tally(10, 0))
        facts.outside.unansweredInARow = .known(10)
        facts.outside.hasEverAnswered = .known(false)
        facts.outside.failures = .known(["unreachable": 10])
        #expect(facts.found.contains(.underlayDown))
        facts.outside.failures = .known(["prohibited": 10])
        #expect(!facts.found.contains(.underlayDown))
        #expect(judge(.underlayDown, facts).name == "unknown")
    }

    @Test func `a host that cannot send into the tunnel has no firewall to blame`() {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.down, age: .seconds(20))
        facts.inside.unansweredInARow = .known(10)
        facts.inside.recent = .known(tally(10, 0))
        facts.inside.longer = .known(tally(100, 90))
        facts.inside.hasEverAnswered = .known(true)
        facts.ike.flow = .known(.oneWay(missing: .outbound))
        #expect(facts.found.contains(.espBlocked))
        facts.inside.sendFailure = "Network is down"
        #expect(judge(.espBlocked, facts).name == "unknown")
    }

    @Test func `one way may be all there is where nothing inside is probed`() {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.unknown, age: .seconds(20))
        facts.health.isFromInside = .known(false)
        facts.ike.flow = .known(.oneWay(missing: .inbound))
        facts.esp.lastInbound = .unknown(reason: "no ESP of it was captured inbound")
        #expect(judge(.espBlocked, facts).name == "unknown", "none ever came")
        facts.esp.lastInbound = .known(.seconds(5))
        #expect(judge(.espBlocked, facts).name == "unknown", "a pause")
        facts.esp.lastInbound = .known(.seconds(30))
        #expect(facts.found.contains(.espBlocked))
    }

    @Test func `without SAs what still arrives is no sign of a firewall`() {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.down, age: .seconds(10))
        facts.inside.unansweredInARow = .known(10)
        facts.inside.recent = .known(tally(10, 0))
        facts.inside.longer = .known(tally(100, 90))
        facts.inside.hasEverAnswered = .known(true)
        facts.ike.isFarEndReached = .known(false)
        facts.kernel.recentDrops = .known(KernelFacts.Drops())
        #expect(judge(.espBlocked, facts).name == "found")
        facts.kernel.associations = .known([])
        #expect(facts.found == [.noSecurityAssociation])
    }

    @Test func `a silent port is no fault of a tunnel that carries traffic`() {
        var facts = TunnelFacts.negotiated
        facts.health.state = .known(.unknown, age: .seconds(20))
        facts.ike.isEstablished = .unknown(reason: "no key daemon was asked")
        facts.ike.port500 = .known(.filtered)
        #expect(judge(.ikePort500Blocked, facts).name == "excluded", "ESP goes both ways")
        facts.ike.flow = .known(.absent)
        #expect(judge(.ikePort500Blocked, facts).name == "unknown", "there are SAs both ways")
        facts.kernel.associations = .known([])
        #expect(judge(.ikePort500Blocked, facts).name == "found")
    }

    @Test func `where a silent port dies is part of the evidence, of silence alone`() throws {
        var facts = TunnelFacts.failing(.noResponse)
        facts.ike.port4500 = .known(.filtered)
        facts.ike.port4500Place = "requests die between hop 2 and hop 3"
        let finding = try #require(judge(.ikePort4500Blocked, facts).finding)
        #expect(finding.evidence[1] == "requests die between hop 2 and hop 3")
        facts.ike.port4500 = .known(.unreachable)
        let refused = try #require(judge(.ikePort4500Blocked, facts).finding)
        #expect(!refused.evidence.contains { $0.contains("hop 2") }, "who refuses says so")
    }

    @Test func `loss outside with none inside explains nothing`() {
        var facts = TunnelFacts.negotiated
        facts.outside.recent = .known(tally(10, 7))
        facts.outside.longer = .known(tally(10, 7))
        facts.outside.lossiest = .known(tally(10, 7))
        facts.outside.hasEverAnswered = .known(true)
        facts.outside.target = .known(.v4(0xc633_6401))
        facts.inside.recent = .known(tally(10, 9))
        facts.inside.lossiest = .known(tally(10, 8))
        #expect(judge(.underlayLoss, facts).name == "found")
        facts.inside.lossiest = .known(tally(10, 10))
        #expect(judge(.underlayLoss, facts).name == "unknown")
    }

    @Test func `two lost of ten do not hide six of eighty`() {
        let (few, many) = (tally(10, 8), tally(80, 74))
        #expect(ProbeFacts.lossiest(of: [few, many]) == many)
        #expect(ProbeFacts.lossiest(of: [many, few]) == many)
        #expect(ProbeFacts.lossiest(of: [few, tally(40, 40)]) == few)
        #expect(ProbeFacts.lossiest(of: []) == nil)
    }

    @Test func `a window that refuses one packet in a hundred silences nobody`() {
        var drops = KernelFacts.Drops()
        drops.packets = Growth(990, in: .seconds(10))
        drops.replayWindow = Growth(10, in: .seconds(10))
        var facts = TunnelFacts.negotiated
        facts.kernel.recentDrops = .known(drops)
        #expect(!ExplanationGraph.explains(.antiReplayDrops, .insidePathDown, facts))
        drops.replayWindow = Growth(900, in: .seconds(10))
        facts.kernel.recentDrops = .known(drops)
        #expect(ExplanationGraph.explains(.antiReplayDrops, .insidePathDown, facts))
    }

    @Test func `unidirectional checks die at the first hop whatever their style`() throws {
        var facts = TunnelFacts.measured
        var ladder = ReplyPathFacts.Ladder(isBlocked: true, confidence: 0.99)
        ladder.place = .firstHop
        ladder.afterHop = 1
        ladder.sentence = "Echo Replies die after hop 1"
        facts.replies.outside = .known(ladder)
        facts.checks.expectedStyle = .request
        facts.checks.expectedDirection = .unidirectional
        let finding = try #require(judge(.firewallDropsReplyProbe, facts).finding)
        #expect(finding.severity == .critical)
        #expect(finding.remedy[0].contains("direction to Bidirectional"))
        #expect(!finding.remedy.contains { $0.contains("type of this tunnel to Request") })
        facts.checks.expectedDirection = .bidirectional
        #expect(judge(.firewallDropsReplyProbe, facts).finding?.severity == .warning)
    }

    @Test func `strongSwan is told the child, and where it listens`() throws {
        var facts = TunnelFacts.failing(.noProposal)
        facts.ike.child = "net"
        let step = try #require(judge(.ikeNoProposal, facts).finding?.remedy[1])
        #expect(step == "swanctl --load-conns && swanctl --initiate --child net --ike lab")
        facts.identity.viciURI = "unix:///run/b.vici"
        facts.identity.namespace = "blue"
        #expect(
            facts.renewal == """
                ip netns exec blue swanctl --load-conns --uri unix:///run/b.vici \
                && ip netns exec blue swanctl --terminate --child net --uri unix:///run/b.vici \
                && ip netns exec blue swanctl --initiate --child net --ike lab --uri unix:///run/b.vici
                """)
    }

    @Test func `sysctl is given slashes where a device's name has dots`() throws {
        var facts = TunnelFacts.measured
        facts.identity.tunnelInterface = "eth0.100"
        facts.checks.martianSettings = .known(["accept_local = 0"])
        let finding = try #require(judge(.martianSourceDropsReplyProbe, facts).finding)
        #expect(
            finding.remedy[1].hasPrefix(
                "sysctl -w net/ipv4/conf/eth0.100/accept_local=1 net/ipv4/conf/eth0.100/rp_filter=2"
            ))
    }
}
