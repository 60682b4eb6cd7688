import KernelState
import NetworkPrimitives
import Testing

/// The kernel's own rules of policy lookup, each by an example.
@Suite struct SelectorCoverageTests {
    private static let template = SecurityPolicy.Template(
        source: literal("192.0.2.1"), destination: literal("198.51.100.1"))

    private func policy(
        _ source: String = "10.1.0.0/16", _ destination: String = "10.2.0.0/16",
        _ direction: SecurityPolicy.Direction = .out, priority: UInt32 = 100
    ) -> SecurityPolicy {
        var policy = SecurityPolicy(
            direction: direction, source: block(source), destination: block(destination),
            templates: [Self.template])
        policy.priority = priority
        return policy
    }

    private func question(
        _ source: String = "10.1.0.1", _ destination: String = "10.2.0.1",
        _ direction: SecurityPolicy.Direction = .out
    ) -> PolicyQuestion {
        PolicyQuestion(
            direction: direction, source: literal(source), destination: literal(destination),
            protocol: 1)
    }

    @Test func `a selector covers its own direction and no other`() {
        let coverage = SelectorCoverage([policy()])
        #expect(coverage.decision(on: question()) == .protected(policy()))
        #expect(coverage.decision(on: question("10.1.0.1", "10.2.0.1", .in)) == .unmatched)
        #expect(coverage.decision(on: question("10.2.0.1", "10.1.0.1")) == .unmatched)
        #expect(coverage.decision(on: question("10.1.0.1", "10.3.0.1")) == .unmatched)
        #expect(coverage.decision(on: question("fd00::1", "fd00::2")) == .unmatched)
    }

    @Test func `the provider's self-addressed probe is outside the selectors of two networks`() {
        // It comes in with a source of this side and a destination of the far side.
        let coverage = SelectorCoverage([
            policy(), policy("10.2.0.0/16", "10.1.0.0/16", .in),
            policy("10.2.0.0/16", "10.1.0.0/16", .forward),
        ])
        #expect(coverage.decision(on: question("10.1.0.1", "10.2.0.1", .forward)) == .unmatched)
        #expect(coverage.decision(on: question("10.1.0.1", "10.2.0.1", .in)) == .unmatched)
        #expect(coverage.decision(on: question("10.1.0.1", "10.2.0.1")).isProtected)
        let wide = SelectorCoverage([policy("0.0.0.0/0", "0.0.0.0/0", .forward)])
        #expect(wide.decision(on: question("10.1.0.1", "10.2.0.1", .forward)).isProtected)
    }

    @Test func `the lowest priority decides, whatever is more specific`() {
        var bypass = policy("10.1.0.1/32", "10.2.0.1/32", priority: 200)
        bypass.templates = []
        #expect(SelectorCoverage([bypass, policy()]).decision(on: question()).isProtected)
        bypass.priority = 50
        #expect(SelectorCoverage([policy(), bypass]).decision(on: question()) == .inClear(bypass))
        var block = bypass
        block.allows = false
        #expect(SelectorCoverage([policy(), block]).decision(on: question()) == .blocked(block))
    }

    @Test func `of equal priorities the oldest decides, the last of the dump`() {
        var young = policy()
        young.index = 9
        var old = policy("0.0.0.0/0", "0.0.0.0/0")
        old.index = 1
        #expect(SelectorCoverage([young, old]).decision(on: question()).policy?.index == 1)
    }

    @Test func `marks count under the policy's mask`() {
        var marked = policy()
        marked.mark = 42
        marked.markMask = .max
        let coverage = SelectorCoverage([marked])
        #expect(coverage.decision(on: question()) == .unmatched)
        var packet = question()
        packet.mark = 42
        #expect(coverage.decision(on: packet).isProtected)
        packet.mark = 0x12a
        #expect(coverage.decision(on: packet) == .unmatched)
        marked.markMask = 0xff
        #expect(SelectorCoverage([marked]).decision(on: packet).isProtected)
    }

    @Test func `an interface id must be equal, none included`() {
        var bound = policy()
        bound.interfaceID = 7
        #expect(SelectorCoverage([bound]).decision(on: question()) == .unmatched)
        var packet = question()
        packet.interfaceID = 7
        #expect(SelectorCoverage([bound]).decision(on: packet).isProtected)
        #expect(SelectorCoverage([policy()]).decision(on: packet) == .unmatched)
    }

    @Test func `protocol, ports and device narrow a selector`() {
        var narrow = policy()
        narrow.protocol = 1
        narrow.sourcePort = .init(port: 0, mask: 0xffff)
        // An Echo Reply is type 0; an Echo Request, type 8, is another matter.
        #expect(SelectorCoverage([narrow]).decision(on: question()).isProtected)
        var packet = question()
        packet.sourcePort = 8
        #expect(SelectorCoverage([narrow]).decision(on: packet) == .unmatched)
        packet = question()
        packet.protocol = 17
        #expect(SelectorCoverage([narrow]).decision(on: packet) == .unmatched)
        narrow.interfaceIndex = 3
        #expect(SelectorCoverage([narrow]).decision(on: question()) == .unmatched)
        packet = question()
        packet.interfaceIndex = 3
        #expect(SelectorCoverage([narrow]).decision(on: packet).isProtected)
    }
}
