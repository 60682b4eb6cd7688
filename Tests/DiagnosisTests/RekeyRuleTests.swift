import Diagnosis
import NetworkPrimitives
import Testing

/// The rules about rekeys, the key daemon and flapping.
@Suite struct RekeyRuleTests {
    private static func tunnel(isStatic: Bool? = false) -> TunnelFacts {
        var facts = TunnelFacts(TunnelIdentity(name: "cf-1", isStatic: isStatic))
        facts.health.isFlapping = .known(false)
        facts.health.changesLastHour = .known(0)
        facts.health.flapRatio = .known(0)
        facts.rekeys.latest = .known([])
        facts.rekeys.correlation = .known(
            .init(cause: nil, confidence: nil, evidence: [], episodes: 0))
        facts.rekeys.costs = .known(costs(rekeys: 0, disturbed: 0))
        facts.ike.failure = .known(nil)
        facts.ike.temporaryFailures = .known(Growth(0, in: .zero))
        facts.ike.deadPeer = .known(
            .init(delay: .seconds(30), action: "start", isRestart: true))
        facts.ike.associationLifetime = .known(.seconds(86_400))
        facts.ike.childLifetime = .known(.seconds(28_800))
        facts.ike.connection = "cf"
        facts.ike.daemon = "charon 5.9.8"
        return facts
    }

    private static func costs(
        rekeys: Int, disturbed: Int, lostAfter: Int = 0, lostElsewhere: Int = 0,
        isDisruption: Bool = false
    ) -> RekeyFacts.Costs {
        RekeyFacts.Costs(
            rekeys: rekeys, disturbed: disturbed, lostAfter: lostAfter,
            lostElsewhere: lostElsewhere, longest: .milliseconds(2300), span: .seconds(90),
            isDisruption: isDisruption)
    }

    private static let rules: [any Rule.Type] = [
        TunnelFlaps.self, RekeyDisruption.self, RekeyTemporaryFailure.self,
        DPDNotRestart.self, SALifetimeShort.self,
    ]

    @Test func `a sound tunnel has none of them, each with its reason`() {
        for rule in Self.rules {
            let judgement = rule.judge(Self.tunnel())
            #expect(judgement.name == "excluded", "\(rule.entry.id)")
            #expect(!judgement.reasons.isEmpty)
        }
    }

    @Test func `of a tunnel of which nothing is known, nothing is said`() {
        for rule in Self.rules {
            let judgement = rule.judge(TunnelFacts(TunnelIdentity(name: "cf-1")))
            #expect(judgement.name == "unknown", "\(rule.entry.id)")
            #expect(!judgement.reasons.isEmpty)
        }
    }

    @Test func `SAs made by hand have no IKE, no DPD and no lifetime`() {
        var facts = Self.tunnel(isStatic: true)
        facts.ike.deadPeer = .known(.init(delay: nil, action: "none", isRestart: false))
        facts.ike.temporaryFailures = .known(Growth(5, in: .seconds(60)))
        facts.ike.childLifetime = .known(.seconds(5))
        for rule: any Rule.Type in [
            RekeyTemporaryFailure.self, DPDNotRestart.self, SALifetimeShort.self,
        ] {
            #expect(rule.judge(facts).name == "not_applicable", "\(rule.entry.id)")
        }
    }

    @Test func `every finding has evidence, steps and its catalogue entry`() throws {
        var facts = Self.tunnel()
        facts.health.isFlapping = .known(true)
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 4, disturbed: 4, lostAfter: 12, isDisruption: true))
        facts.ike.temporaryFailures = .known(Growth(4, in: .seconds(60)))
        facts.ike.deadPeer = .known(.init(delay: nil, action: "none", isRestart: false))
        facts.ike.childLifetime = .known(.seconds(300))
        for rule in Self.rules {
            let finding = try #require(rule.judge(facts).finding, "\(rule.entry.id)")
            #expect(finding.id == rule.entry.id)
            #expect(finding.id.severities.contains(finding.severity))
            #expect((0.5...1).contains(finding.confidence))
            #expect(!finding.evidence.isEmpty)
            #expect(!finding.remedy.isEmpty)
            #expect(finding.guide == rule.entry.guide)
        }
    }

    // MARK: - Disruption

    @Test func `three rekeys that lose probes are a disruption, surer with more`() throws {
        var facts = Self.tunnel()
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 3, disturbed: 3, lostAfter: 9, isDisruption: true))
        let three = try #require(RekeyDisruption.judge(facts).finding)
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 8, disturbed: 8, lostAfter: 24, isDisruption: true))
        let eight = try #require(RekeyDisruption.judge(facts).finding)
        #expect(three.confidence < eight.confidence)
        #expect(three.evidence.contains { $0.contains("3 of 3 rekeys") && $0.contains("9 in all") })
        #expect(three.summary.contains("2.3 s"))
    }

    @Test func `the measured convergence stands in the evidence and makes it surer`() throws {
        var facts = Self.tunnel()
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 3, disturbed: 3, lostAfter: 9, isDisruption: true))
        let blind = try #require(RekeyDisruption.judge(facts).finding)
        facts.rekeys.latest = .known(
            [2, 3, 150].map {
                RekeyFacts.Rekey(
                    age: .seconds(60), convergence: .seconds($0), probesSent: 3, probesLost: 3,
                    packetsForDeleted: 1)
            })
        let measured = try #require(RekeyDisruption.judge(facts).finding)
        #expect(measured.confidence > blind.confidence)
        #expect(measured.evidence.contains { $0.contains("3 s (median) to 2.5 min") })
        #expect(measured.evidence.contains { $0.contains("3 packets still came") })
    }

    @Test func `a correlation over days is enough, with its own confidence`() throws {
        var facts = Self.tunnel()
        facts.rekeys.correlation = .known(
            .init(cause: .rekeys, confidence: 0.95, evidence: ["9 of 12."], episodes: 12))
        let finding = try #require(RekeyDisruption.judge(facts).finding)
        #expect(finding.confidence == 0.95)
        #expect(finding.evidence == ["9 of 12."])
    }

    @Test func `another cause than rekeys is no disruption by them`() {
        var facts = Self.tunnel()
        facts.rekeys.correlation = .known(
            .init(cause: .underlayLoss, confidence: 0.95, evidence: ["x."], episodes: 12))
        facts.rekeys.costs = .known(Self.costs(rekeys: 5, disturbed: 0))
        #expect(RekeyDisruption.judge(facts).name == "excluded")
    }

    @Test func `two rekeys that lose probes are too few to tell, and loss elsewhere acquits them`()
    {
        var facts = Self.tunnel()
        facts.rekeys.costs = .known(Self.costs(rekeys: 2, disturbed: 2, lostAfter: 6))
        #expect(RekeyDisruption.judge(facts).name == "unknown")
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 9, disturbed: 5, lostAfter: 6, lostElsewhere: 60))
        #expect(RekeyDisruption.judge(facts).name == "excluded")
    }

    // MARK: - Temporary failures

    @Test(
        arguments: [(0, "excluded"), (1, "unknown"), (2, "found"), (7, "found")]
            as [(UInt64, String)])
    func `a loop takes two refusals`(count: UInt64, name: String) {
        var facts = Self.tunnel()
        facts.ike.temporaryFailures = .known(Growth(count, in: .seconds(40)))
        #expect(RekeyTemporaryFailure.judge(facts).name == name)
    }

    @Test func `without DPD the loop is said to end never`() throws {
        var facts = Self.tunnel()
        facts.ike.temporaryFailures = .known(Growth(3, in: .seconds(40)))
        facts.ike.deadPeer = .known(.init(delay: nil, action: "start", isRestart: true))
        let finding = try #require(RekeyTemporaryFailure.judge(facts).finding)
        #expect(finding.severity == .critical)
        #expect(finding.evidence.contains { $0.contains("Nothing ends the loop") })
        #expect(finding.remedy.contains { $0.contains("swanctl --terminate --ike cf") })
    }

    @Test func `it explains that rekeys disturb, and is never explained by the missing restart`() {
        var facts = Self.tunnel()
        facts.health.isFlapping = .known(true)
        facts.ike.temporaryFailures = .known(Growth(3, in: .seconds(40)))
        facts.ike.deadPeer = .known(.init(delay: nil, action: "none", isRestart: false))
        let diagnosis = Diagnosis(of: facts, by: Self.rules)
        #expect(diagnosis.findings.first?.id == .rekeyTemporaryFailure)
        #expect(diagnosis.findings.first?.explained.contains { $0.id == .tunnelFlapping } == true)
    }

    // MARK: - Dead peers

    @Test(
        arguments: [
            (nil, "start", true, "found"), (30, "none", false, "found"),
            (30, "clear", false, "found"),
            (30, "start", true, "excluded"), (30, "trap", true, "excluded"),
        ] as [(Int?, String, Bool, String)])
    func `a restart takes a delay and an action that negotiates`(
        delay: Int?, action: String, isRestart: Bool, name: String
    ) {
        var facts = Self.tunnel()
        facts.ike.deadPeer = .known(
            .init(delay: delay.map { .seconds($0) }, action: action, isRestart: isRestart))
        #expect(DPDNotRestart.judge(facts).name == name)
    }

    @Test func `an unknown configuration blames nobody, and neither does an appliance's`() {
        var facts = Self.tunnel()
        facts.ike.deadPeer = .unknown(reason: "no vici_socket is configured")
        #expect(
            DPDNotRestart.judge(facts).reasons.contains { $0.contains("vici_socket") })
        facts = Self.tunnel()
        facts.identity.role = .observer
        facts.ike.deadPeer = .known(.init(delay: nil, action: "none", isRestart: false))
        #expect(DPDNotRestart.judge(facts).name == "not_applicable")
    }

    // MARK: - Lifetimes

    @Test(
        arguments: [
            (86_400, 28_800, "excluded"), (28_800, 3600, "excluded"), (3600, 28_800, "found"),
            (86_400, 3599, "found"), (nil, 1200, "found"), (nil, nil, "unknown"),
            (86_400, nil, "excluded"),
        ] as [(Int?, Int?, String)])
    func `8 h and 1 h are long enough`(association: Int?, child: Int?, name: String) {
        var facts = Self.tunnel()
        facts.ike.associationLifetime =
            association.map { .known(.seconds($0)) } ?? .unknown(reason: "never")
        facts.ike.childLifetime = child.map { .known(.seconds($0)) } ?? .unknown(reason: "never")
        #expect(SALifetimeShort.judge(facts).name == name)
    }

    @Test func `both of the provider's pages are named`() throws {
        var facts = Self.tunnel()
        facts.ike.childLifetime = .known(.seconds(2400))
        let between = try #require(SALifetimeShort.judge(facts).finding)
        #expect(between.severity == .info)
        #expect(between.evidence.contains { $0.contains("40 min") && $0.contains("allows it") })
        facts.ike.childLifetime = .known(.seconds(600))
        let under = try #require(SALifetimeShort.judge(facts).finding)
        #expect(under.evidence.contains { $0.contains("even under the 30 min") })
    }

    // MARK: - Flapping

    @Test func `flapping without a cause says what was excluded`() throws {
        var facts = Self.tunnel()
        facts.health.isFlapping = .known(true)
        facts.health.changesLastHour = .known(8)
        facts.rekeys.correlation = .known(
            .init(
                cause: nil, confidence: nil,
                evidence: ["Rekeys are excluded or unproven: none was seen in 60 s."], episodes: 1))
        let finding = try #require(TunnelFlaps.judge(facts).finding)
        #expect(finding.summary.contains("8 changes"))
        #expect(finding.summary.contains("no cause was found"))
        #expect(finding.evidence.contains { $0.contains("Rekeys are excluded") })
    }

    @Test(arguments: RekeyFacts.Cause.allCases)
    func `flapping with a cause names it`(cause: RekeyFacts.Cause) throws {
        var facts = Self.tunnel()
        facts.health.isFlapping = .known(true)
        facts.rekeys.correlation = .known(
            .init(cause: cause, confidence: 0.8, evidence: ["It does."], episodes: 4))
        let finding = try #require(TunnelFlaps.judge(facts).finding)
        #expect(!finding.summary.contains("no cause"))
        #expect(finding.remedy.contains { $0.contains("probe report") })
    }

    @Test func `under its cause it is explained`() {
        var facts = Self.tunnel()
        facts.health.isFlapping = .known(true)
        facts.rekeys.costs = .known(
            Self.costs(rekeys: 3, disturbed: 3, lostAfter: 9, isDisruption: true))
        let diagnosis = Diagnosis(of: facts, by: Self.rules)
        #expect(diagnosis.findings.map(\.id) == [.rekeyDisruption])
        #expect(diagnosis.findings.first?.explained.map(\.id) == [.tunnelFlapping])
    }
}
