import KernelState
import NetworkPrimitives
import Testing

@Suite struct RulesAndNeighborsTests {
    /// `struct fib_rule_hdr`.
    private func rule(
        family: UInt8 = 2, destination: UInt8 = 0, source: UInt8 = 0, table: UInt8 = 254,
        action: UInt8 = 1, flags: UInt32 = 0
    ) -> MessageBuilder {
        MessageBuilder().uint8(family).uint8(destination).uint8(source).uint8(0).uint8(table)
            .zeros(2).uint8(action).uint32(flags)
    }

    private func parsed(_ message: MessageBuilder) throws -> RoutingRule? {
        try parse(message.octets) { (span) throws(KernelMessageError) in
            try RoutingRule.rule(parsing: span)
        }.get()
    }

    @Test func `a rule by source and mark`() throws {
        let rule = try #require(
            try parsed(
                rule(source: 32, table: 0).attribute(2) { $0.address("172.64.240.252") }
                    .attribute(6) { $0.uint32(220) }.attribute(10) { $0.uint32(42) }
                    .attribute(16) { $0.uint32(0xff) }.attribute(15) { $0.uint32(1000) }
                    .attribute(3) { $0.text("vti0") }.attribute(22) { $0.uint8(1) }
                    .attribute(99) { $0.uint32(1) }))
        #expect(rule.family == .v4)
        #expect(rule.source == block("172.64.240.252/32"))
        #expect(rule.destination == nil)
        #expect(rule.priority == 220)
        #expect(rule.mark == 42)
        #expect(rule.markMask == 0xff)
        #expect(rule.table == 1000)
        #expect(rule.inputInterface == "vti0")
        #expect(rule.outputInterface == nil)
        #expect(rule.protocol == 1)
        #expect(rule.action == .lookUp)
        #expect(!rule.isInverted)
    }

    @Test func `actions, inversion and families`() throws {
        #expect(try parsed(rule(action: 4).attribute(4) { $0.uint32(9) })?.action == .other(4))
        #expect(try parsed(rule(action: 2).attribute(4) { $0.uint32(9) })?.action == .goTo(9))
        #expect(try parsed(rule(action: 8))?.action == .prohibit)
        #expect(try parsed(rule(flags: 2))?.isInverted == true)
        #expect(try parsed(rule(family: 10))?.family == .v6)
        // Multicast routing has rules of its own.
        #expect(try parsed(rule(family: 128)) == nil)
    }

    @Test func `a prefix longer than its address is no rule`() {
        #expect(throws: KernelMessageError.badValue(field: "src_len", value: 33)) {
            _ = try parsed(rule(source: 33).attribute(2) { $0.address("10.0.0.0") })
        }
    }

    private func neighbor(_ message: MessageBuilder) throws -> NeighborState? {
        try parse(message.octets) { (span) throws(KernelMessageError) in
            try NeighborState.neighbor(parsing: span)
        }.get()
    }

    @Test func `a neighbour with and without a link-layer address`() throws {
        let header = MessageBuilder().uint8(2).zeros(3).uint32(3)
        let known = try neighbor(
            header.uint16(2).zeros(2).attribute(1) { $0.address("192.0.2.254") }
                .attribute(2) { $0.adding([2, 0, 0, 0, 0, 1]) }.attribute(3) { $0.zeros(16) })
        #expect(
            known
                == NeighborState(
                    interfaceIndex: 3, address: literal("192.0.2.254"),
                    linkAddress: [2, 0, 0, 0, 0, 1], reachability: .reachable))
        let failed = try neighbor(
            header.uint16(0x20).zeros(2).attribute(1) { $0.address("192.0.2.254") })
        #expect(failed?.reachability == .failed)
        #expect(failed?.linkAddress == [])
        #expect(
            try neighbor(MessageBuilder().uint8(7).zeros(11)) == nil)
        #expect(throws: KernelMessageError.badLength(field: "NDA_LLADDR", length: 33)) {
            _ = try neighbor(header.uint16(2).zeros(2).attribute(2) { $0.zeros(33) })
        }
    }
}
