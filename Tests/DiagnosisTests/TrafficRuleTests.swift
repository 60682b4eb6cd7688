import KernelState
import NetworkPrimitives
import Testing

@testable import Diagnosis

extension TunnelFacts {
    /// A tunnel whose probes are answered and whose ESP flows.
    fileprivate static var flowing: TunnelFacts {
        var facts = negotiated
        facts.inside = .answering
        facts.outside = .answering
        facts.esp.lastInbound = .known(.milliseconds(300))
        facts.esp.manySenders = .known(nil)
        facts.esp.reordering = .known([])
        facts.esp.replays = .known([])
        facts.esp.gaps = .known([])
        facts.limits = .known([])
        facts.underlay.device = .known(
            .init(name: "eth0", exists: true, isUp: true, hasCarrier: true))
        facts.kernel.recentDrops = .known(.made(passed: 100))
        facts.kernel.longerDrops = .known(.made(passed: 1000, in: 300))
        facts.kernel.lastRefusal = .known(nil)
        return facts
    }

    /// A window of 32 that refuses half of what several servers send.
    fileprivate static var refusing: TunnelFacts {
        var facts = flowing
        facts.kernel.associations = .known([
            .made(.inbound) { $0.replayWindow = 32 }, .made(.outbound),
        ])
        facts.kernel.recentDrops = .known(.made(passed: 50, tooOld: 50))
        facts.kernel.longerDrops = .known(.made(passed: 50, tooOld: 50))
        facts.kernel.lastRefusal = .known(.seconds(1))
        facts.esp.manySenders = .known(
            .init(isProven: true, evidence: "at least 4 independent sequence counters"))
        facts.esp.expectedDrops = .known(.init(least: 51, most: 51, copies: 0, packets: 100))
        return facts
    }
}

extension ProbeFacts {
    fileprivate static var answering: ProbeFacts { made(10, 10, inARow: 0) }

    fileprivate static func made(
        _ sent: UInt64, _ received: UInt64, inARow: Int, before: Tally? = nil
    ) -> ProbeFacts {
        var facts = ProbeFacts()
        let tally = Tally(sent: sent, received: received, span: .seconds(10))
        facts.target = .known(.v4(0xc633_6401))
        facts.recent = .known(tally)
        facts.longer = .known(before ?? tally)
        facts.lossiest = .known(before ?? tally)
        facts.unansweredInARow = .known(inARow)
        facts.answeredInARow = .known(inARow == 0 ? 3 : 0)
        facts.hasEverAnswered = .known(true)
        facts.failures = .known([:])
        return facts
    }
}

extension KernelFacts.Drops {
    fileprivate static func made(
        passed: UInt64, tooOld: UInt64 = 0, seen: UInt64 = 0, in seconds: Int = 10
    ) -> Self {
        var drops = Self()
        drops.packets = Growth(passed, in: .seconds(seconds))
        drops.replayWindow = Growth(tooOld, in: .seconds(seconds))
        drops.replay = Growth(seen, in: .seconds(seconds))
        return drops
    }
}

extension Judgement {
    fileprivate var isExcluded: Bool { name == "excluded" }
    fileprivate var isUnknown: Bool { name == "unknown" }
}

@Suite struct `Replay windows` {
    @Test func `a window that refuses what the capture says is found, with both numbers`() throws {
        let finding = try #require(AntiReplayDrops.judge(.refusing).finding)
        #expect(finding.severity == .critical)
        #expect(finding.confidence > 0.95)
        #expect(finding.evidence[0].contains("refused 50 packets as too old"))
        #expect(finding.evidence[1].contains("both agree"))
        #expect(finding.remedy.contains { $0.contains("replay_window = 0") })
    }

    @Test func `without a capture the counters stand alone, with less confidence`() throws {
        var facts = TunnelFacts.refusing
        facts.esp.expectedDrops = .unknown(reason: "no permission to capture")
        facts.esp.manySenders = .unknown(reason: "no permission to capture")
        let finding = try #require(AntiReplayDrops.judge(facts).finding)
        #expect(finding.confidence < 0.8)
        #expect(finding.evidence.contains { $0.contains("no permission to capture") })
    }

    @Test func `copies that a network makes are refused and nothing is wrong`() {
        var facts = TunnelFacts.refusing
        facts.kernel.recentDrops = .known(.made(passed: 100, seen: 20))
        facts.kernel.longerDrops = .known(.made(passed: 100, seen: 20))
        facts.esp.expectedDrops = .known(.init(least: 20, most: 20, copies: 20, packets: 120))
        #expect(AntiReplayDrops.judge(facts).isExcluded)
        facts.esp.expectedDrops = .unknown(reason: "nothing is captured")
        #expect(AntiReplayDrops.judge(facts).isUnknown)
    }

    @Test func `a few drops a minute go on until the next ones are overdue`() {
        var facts = TunnelFacts.refusing
        facts.kernel.recentDrops = .known(.made(passed: 100))
        facts.kernel.longerDrops = .known(.made(passed: 3000, tooOld: 10, in: 300))
        facts.esp.expectedDrops = .known(.init(least: 10, most: 10, copies: 0, packets: 3010))
        facts.kernel.lastRefusal = .known(.seconds(40))
        #expect(AntiReplayDrops.judge(facts).finding != nil)
        facts.kernel.lastRefusal = .known(.seconds(200))
        #expect(AntiReplayDrops.judge(facts).isExcluded)
    }

    @Test func `with window 0, without SA, beside an appliance nothing is blamed`() {
        var facts = TunnelFacts.refusing
        facts.kernel.associations = .known([.made(.inbound)])
        #expect(AntiReplayDrops.judge(facts).isExcluded)
        #expect(AntiReplayEnabled.judge(facts).isExcluded)
        facts.kernel.associations = .known([])
        #expect(AntiReplayDrops.judge(facts).name == "not_applicable")
        facts.kernel.associations = .unknown(reason: "no permission")
        #expect(AntiReplayDrops.judge(facts).isUnknown)
        facts.identity.role = .observer
        #expect(AntiReplayDrops.judge(facts).name == "not_applicable")
        #expect(AntiReplayEnabled.judge(facts).name == "not_applicable")
    }

    @Test func `with extended sequence numbers those go first`() throws {
        var facts = TunnelFacts.refusing
        facts.kernel.associations = .known([
            .made(.inbound) {
                $0.replayWindow = 32
                $0.extendedSequenceNumbers = true
            }
        ])
        let finding = try #require(AntiReplayDrops.judge(facts).finding)
        #expect(finding.remedy[0].contains("-esn"))
    }

    @Test func `a window that drops nothing yet is a warning where several send`() throws {
        var facts = TunnelFacts.flowing
        facts.kernel.associations = .known([.made(.inbound) { $0.replayWindow = 100 }])
        #expect(AntiReplayEnabled.judge(facts).isExcluded)
        #expect(AntiReplayDrops.judge(facts).isExcluded)
        facts.esp.manySenders = .known(.init(isProven: false, evidence: "2 senders"))
        facts.esp.windows = .known([
            .init(window: 64, drops: 9, packets: 100), .init(window: 128, drops: 2, packets: 100),
        ])
        let finding = try #require(AntiReplayEnabled.judge(facts).finding)
        #expect(finding.severity == .warning)
        #expect(
            finding.evidence.contains {
                $0.contains("2 or more (window 128)") && $0.contains("9 or fewer (window 64)")
            })
        facts.esp.manySenders = .unknown(reason: "nothing is captured")
        #expect(AntiReplayEnabled.judge(facts).isUnknown)
    }

    @Test func `drops that silence the checks and make the tunnel flap are one finding`() throws {
        var facts = TunnelFacts.refusing
        facts.inside = .made(
            10, 0, inARow: 10, before: .init(sent: 100, received: 90, span: .seconds(60)))
        facts.health.state = .known(.down, age: .seconds(5))
        let findings = Diagnosis(of: facts).findings
        #expect(findings.first?.id == .antiReplayDrops)
        #expect(
            Set(findings[0].explained.map(\.id)).isSuperset(of: [
                .antiReplayEnabled, .insidePathDown,
            ]))
    }
}

@Suite struct `The way to the endpoint` {
    private static func dead() -> TunnelFacts {
        var facts = TunnelFacts.flowing
        let before = ProbeFacts.Tally(sent: 100, received: 94, span: .seconds(100))
        facts.inside = .made(10, 4, inARow: 6, before: before)
        facts.outside = .made(10, 4, inARow: 6, before: before)
        facts.esp.lastInbound = .known(.seconds(6))
        return facts
    }

    @Test func `an endpoint that answered before and is silent like the inside is down`() throws {
        let finding = try #require(UnderlayDown.judge(Self.dead()).finding)
        #expect(finding.confidence == 0.9)
        #expect(finding.remedy.contains { $0.hasPrefix("mtr -n 198.51.100.1") })
    }

    @Test func `one that never answered proves nothing`() {
        var facts = Self.dead()
        facts.outside.hasEverAnswered = .known(false)
        #expect(UnderlayDown.judge(facts).isUnknown)
        #expect(UnderlayLoss.judge(facts).isUnknown)
    }

    @Test func `a silent endpoint is not blamed while the inside answers or ESP comes`() {
        var facts = Self.dead()
        facts.inside = .answering
        #expect(UnderlayDown.judge(facts).isExcluded)
        facts = Self.dead()
        facts.esp.lastInbound = .known(.seconds(1))
        #expect(UnderlayDown.judge(facts).isExcluded)
    }

    @Test func `no carrier, no route and no neighbour are told by name`() throws {
        var facts = Self.dead()
        facts.outside.hasEverAnswered = .known(false)
        facts.underlay.nextHop = .known(
            .init(address: .v4(0xcb00_7101), device: "eth0", isSilent: true))
        #expect(UnderlayDown.judge(facts).finding?.evidence[0].contains("203.0.113.1") == true)
        facts.outside.sendFailure = "Network is unreachable"
        #expect(
            UnderlayDown.judge(facts).finding?.evidence[0].contains("Network is unreachable")
                == true)
        facts.underlay.device = .known(
            .init(name: "eth0", exists: true, isUp: true, hasCarrier: false))
        #expect(
            UnderlayDown.judge(facts).finding?.evidence[0] == "the device eth0 has no carrier")
    }

    @Test func `heavy loss is loss and not silence`() {
        var facts = Self.dead()
        let lossy = ProbeFacts.Tally(sent: 100, received: 55, span: .seconds(100))
        facts.outside = .made(10, 5, inARow: 4, before: lossy)
        facts.inside = .made(10, 5, inARow: 4, before: lossy)
        #expect(UnderlayDown.judge(facts).isExcluded)
        #expect(UnderlayLoss.judge(facts).finding != nil)
    }

    @Test(arguments: [(1, 10), (2, 40), (1, 300), (3, 1200)] as [(UInt64, UInt64)])
    func `a lost probe or two is chance`(_ lost: UInt64, _ sent: UInt64) {
        var facts = TunnelFacts.flowing
        facts.outside = .made(sent, sent - lost, inARow: 0)
        #expect(UnderlayLoss.judge(facts).isExcluded)
    }

    @Test func `loss of both paths is the underlay's, loss outside alone is the endpoint's limit`()
    {
        var facts = TunnelFacts.flowing
        facts.outside = .made(40, 34, inARow: 0)
        facts.inside = .made(40, 35, inARow: 0)
        #expect(UnderlayLoss.judge(facts).finding?.confidence == 0.95)
        facts.outside = .made(300, 240, inARow: 0)
        facts.inside = .made(300, 300, inARow: 0)
        #expect(UnderlayLoss.judge(facts).isExcluded)
    }

    @Test func `loss is over after answers in a row, but not while it explains a state`() {
        var facts = TunnelFacts.flowing
        facts.outside = .made(40, 28, inARow: 0)
        facts.inside = .made(40, 28, inARow: 0)
        facts.outside.answeredInARow = .known(20)
        #expect(UnderlayLoss.judge(facts).isExcluded)
        facts.health.isFlapping = .known(true)
        #expect(UnderlayLoss.judge(facts).finding != nil)
    }
}

@Suite struct `The far inside address` {
    private static func silent() -> TunnelFacts {
        var facts = TunnelFacts.flowing
        facts.inside = .made(
            10, 4, inARow: 6, before: .init(sent: 100, received: 94, span: .seconds(100)))
        return facts
    }

    @Test func `silence while ESP comes in is told, with where to look`() throws {
        let finding = try #require(InsidePathDown.judge(Self.silent()).finding)
        #expect(finding.evidence[0].contains("ESP came in"))
        #expect(finding.remedy.contains { $0.contains("tcpdump -ni ipsec0") })
    }

    @Test func `what never answered may ignore pings`() {
        var facts = Self.silent()
        facts.inside.hasEverAnswered = .known(false)
        #expect(InsidePathDown.judge(facts).isUnknown)
    }

    @Test func `without ESP it is not the far address`() {
        var facts = Self.silent()
        facts.esp.lastInbound = .known(.seconds(9))
        facts.kernel.recentDrops = .known(.made(passed: 0))
        #expect(InsidePathDown.judge(facts).isExcluded)
        facts.esp.lastInbound = .unknown(reason: "nothing is captured")
        facts.kernel.recentDrops = .unknown(reason: "no permission")
        #expect(InsidePathDown.judge(facts).isUnknown)
    }

    @Test func `SA counters stand in for a capture`() {
        var facts = Self.silent()
        facts.esp.lastInbound = .unknown(reason: "nothing is captured")
        #expect(InsidePathDown.judge(facts).finding != nil)
    }

    @Test func `two lost probes in a row are not silence, and without target nothing is asked`() {
        var facts = Self.silent()
        facts.inside.unansweredInARow = .known(2)
        #expect(InsidePathDown.judge(facts).isExcluded)
        facts.inside.target = .unknown(reason: "no inside target is configured")
        #expect(InsidePathDown.judge(facts).name == "not_applicable")
    }
}

@Suite struct `What the capture shows` {
    @Test func `a working tunnel has no finding`() {
        #expect(TunnelFacts.flowing.found.isEmpty)
    }

    @Test func `reordering is told while it goes on`() {
        var facts = TunnelFacts.flowing
        facts.esp.reordering = .known([
            .init(isProven: true, evidence: "0xc0de0001: 20 of 1000 packets", confidence: 0.99)
        ])
        facts.esp.sufficientWindow = .known(64)
        let finding = PathReordering.judge(facts).finding
        #expect(finding?.confidence == 0.99)
        #expect(finding?.remedy.contains { $0.contains("window to 64") } == true)
        facts.esp.recentReordered = .known(Growth(0, in: .seconds(300)))
        #expect(PathReordering.judge(facts).isExcluded)
        facts.esp.reordering = .unknown(reason: "nothing is captured")
        #expect(PathReordering.judge(facts).isUnknown)
    }

    @Test func `old packets that come again are told, copies within milliseconds are not`() {
        var facts = TunnelFacts.flowing
        #expect(ReplaySuspected.judge(facts).isExcluded)
        facts.esp.replays = .known([.init(isProven: false, evidence: "5 copies came 3 s after")])
        #expect(ReplaySuspected.judge(facts).finding?.severity == .warning)
    }

    @Test func `gaps and limits are infos that name what stays unknown`() throws {
        var facts = TunnelFacts.flowing
        facts.esp.gaps = .known(["the capture lost 5 packets"])
        facts.limits = .known([.init(.associations, because: "Operation not permitted")])
        #expect(Set(facts.found) == [.captureIncomplete, .agentDegraded])
        let limit = try #require(AgentDegraded.judge(facts).finding)
        #expect(limit.evidence[0].contains("Operation not permitted"))
        #expect(limit.evidence[0].contains("no-security-association"))
    }
}
