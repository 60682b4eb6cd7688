import NetworkPrimitives
import Testing

@testable import Diagnosis

extension TunnelFacts {
    /// A tunnel whose paths were measured, and nothing is wrong with them.
    static var measured: TunnelFacts {
        var facts = negotiated
        var ladder = ReplyPathFacts.Ladder(isBlocked: false, confidence: 0.999)
        ladder.sentence = "Echo Replies pass as far as hop 4"
        facts.replies.outside = .known(ladder)
        facts.replies.inside = .known(ladder)
        facts.replies.filterRules = .known([])
        facts.checks.martianSettings = .known([])
        facts.checks.areRepliesCovered = .known(true)
        facts.checks.obstacle = .known(nil)
        facts.sizes.outside = .known(.init(bytes: 1500, isBlackHole: false, place: nil))
        facts.sizes.inside = .known(.init(bytes: 1400, isBlackHole: false, place: nil))
        facts.sizes.deviceMTU = .known(1400)
        facts.sizes.routeMTU = .known(nil)
        facts.sizes.fitting = .known(1446)
        facts.sizes.overhead = .known(54)
        facts.sizes.recommendedMTU = .known(1400)
        facts.sizes.recommendedMSS = .known(1360)
        facts.sizes.largeSegments = .known(nil)
        facts.sizes.outerFragments = .known([])
        return facts
    }

    fileprivate mutating func block(
        _ place: ReplyPathFacts.Place?, after hop: Int, router: IPAddress? = nil
    ) {
        var ladder = ReplyPathFacts.Ladder(isBlocked: true, confidence: 0.99)
        ladder.place = place
        ladder.afterHop = hop
        ladder.firstRouter = router
        ladder.sentence = "Echo Replies die after hop \(hop)"
        replies.outside = .known(ladder)
    }
}

@Suite struct `Rules of paths, health checks and sizes` {
    private func judge(_ id: FindingID, _ facts: TunnelFacts) -> Judgement {
        Diagnosis(of: facts).checks.first { $0.id == id }?.judgement
            ?? .notApplicable(because: "no rule")
    }

    private func severity(_ id: FindingID, _ facts: TunnelFacts) -> Finding.Severity? {
        judge(id, facts).finding?.severity
    }

    @Test func `a tunnel whose paths are sound has none of them`() {
        #expect(TunnelFacts.measured.found.isEmpty)
    }

    @Test func `what this host drops matters where the checks are of reply style`() {
        var facts = TunnelFacts.measured
        facts.block(.thisHost, after: 0)
        #expect(severity(.firewallDropsReplyProbe, facts) == .warning)
        facts.checks.expectedStyle = .reply
        #expect(severity(.firewallDropsReplyProbe, facts) == .critical)
        guard case .unknown = judge(.ispBlocksICMPReply, facts) else {
            Issue.record("what is behind this host cannot be seen")
            return
        }
    }

    @Test func `what the first hop drops is the checks' business only if they go that way`() {
        var facts = TunnelFacts.measured
        facts.block(.firstHop, after: 1, router: .v4(0xcb00_7101))
        facts.checks.expectedStyle = .reply
        facts.checks.expectedDirection = .bidirectional
        #expect(severity(.firewallDropsReplyProbe, facts) == .warning)
        facts.checks.expectedDirection = .unidirectional
        #expect(severity(.firewallDropsReplyProbe, facts) == .critical)
    }

    @Test func `a first hop that is a public router of another network is the ISP's`() {
        var facts = TunnelFacts.measured
        facts.block(.firstHop, after: 1, router: .v4(0x0808_0801))
        #expect(facts.found == [.ispBlocksICMPReply])
        facts.block(.firstHop, after: 1, router: .v4(0xc0a8_0101))
        #expect(facts.found == [.firewallDropsReplyProbe])
    }

    @Test func `where several owners are likely the likeliest hop decides`() {
        var facts = TunnelFacts.measured
        facts.block(nil, after: 1, router: .v4(0xcb00_7101))
        #expect(facts.found == [.firewallDropsReplyProbe])
        facts.block(nil, after: 2, router: .v4(0xcb00_7101))
        #expect(facts.found == [.ispBlocksICMPReply])
    }

    @Test func `what dies farther away is the ISP's, and critical where answers go there`() throws {
        var facts = TunnelFacts.measured
        facts.block(.transit, after: 2)
        #expect(severity(.ispBlocksICMPReply, facts) == .warning)
        #expect(facts.found == [.ispBlocksICMPReply])
        facts.checks.direction = .known(.unidirectional)
        #expect(severity(.ispBlocksICMPReply, facts) == .critical)
        facts.block(.providerEdge, after: 4)
        let finding = try #require(judge(.ispBlocksICMPReply, facts).finding)
        #expect(finding.evidence.contains { $0.contains("provider's own edge") })
        if case .known(var ladder, _) = facts.replies.outside {
            ladder.dropsAllICMP = true
            facts.replies.outside = .known(ladder)
        }
        #expect(facts.found.isEmpty)
    }

    @Test func `a kernel with the usual settings is worth knowing, not an alarm`() {
        var facts = TunnelFacts.measured
        facts.checks.martianSettings = .known(["net.ipv4.conf.ipsec0.accept_local = 0"])
        #expect(severity(.martianSourceDropsReplyProbe, facts) == .info)
        facts.checks.style = .known(.request)
        #expect(facts.found.isEmpty)
        facts.checks.expectedStyle = .reply
        #expect(severity(.martianSourceDropsReplyProbe, facts) == .critical)
    }

    @Test(arguments: [
        ("martian_source", FindingID.martianSourceDropsReplyProbe),
        ("rp_filter", .martianSourceDropsReplyProbe),
        ("no_forwarding", .martianSourceDropsReplyProbe), ("firewall", .firewallDropsReplyProbe),
        ("selectors", .policyBasedReplyUnsupported), ("no_route", .healthCheckTargetUnroutable),
    ])
    func `checks that are seen to stay unanswered name their cause`(obstacle: String, id: FindingID)
    {
        var facts = TunnelFacts.measured
        facts.checks.style = .known(.reply)
        facts.checks.obstacle = .known(obstacle)
        facts.checks.obstacleDetail = "the setting"
        facts.checks.answered = .known(.init(sent: 100, received: 0, span: .seconds(300)))
        #expect(facts.found == [id])
        #expect(severity(id, facts) == .critical)
    }

    @Test func `selectors that do not cover reply-style checks matter where those come`() {
        var facts = TunnelFacts.measured
        facts.identity.kind = .policy
        facts.checks.areRepliesCovered = .known(false)
        facts.checks.uncovered = ["out 10.1.0.1 to 192.0.2.1: not protected"]
        #expect(severity(.policyBasedReplyUnsupported, facts) == .info)
        facts.checks.expectedStyle = .reply
        #expect(severity(.policyBasedReplyUnsupported, facts) == .critical)
        facts.checks.expectedStyle = .request
        #expect(facts.found.isEmpty)
    }

    @Test func `a configured target must be reached`() {
        var facts = TunnelFacts.measured
        facts.checks.expectedTarget = .v4(0x0a63_0001)
        facts.checks.isTargetReachable = .known(false)
        facts.checks.targetDetail = "10.99.0.1 is no address of this host, and no route leads to it"
        #expect(severity(.healthCheckTargetUnroutable, facts) == .critical)
        facts.checks.isTargetReachable = .known(true)
        #expect(facts.found.isEmpty)
    }

    @Test func `a black hole names its path and what to set`() throws {
        var facts = TunnelFacts.measured
        facts.sizes.outside = .known(.init(bytes: 1400, isBlackHole: true, place: "behind hop 2"))
        let finding = try #require(judge(.pmtuBlackHole, facts).finding)
        #expect(finding.evidence[0].contains("behind hop 2"))
        #expect(finding.remedy[0].contains("ip link set dev ipsec0 mtu 1400"))
    }

    @Test func `a device that lets in too much explains fragments and large segments`() {
        var facts = TunnelFacts.measured
        facts.sizes.deviceMTU = .known(1500)
        facts.sizes.outerFragments = .known(["5 of 90 packets to the provider are first fragments"])
        facts.sizes.largeSegments = .known(
            .init(family: .v4, overLimit: 3, seen: 9, limit: 1360, evidence: ["3 of 9 SYNs"]))
        #expect(facts.found == [.tunnelMTUTooLarge])
        #expect(
            Set(Diagnosis(of: facts).findings[0].explained.map(\.id))
                == [.espFragmented, .mssNotClamped])
        // The route lets in less than the device.
        facts.sizes.routeMTU = .known(1446)
        #expect(Set(facts.found) == [.mssNotClamped, .espFragmented])
    }
}
