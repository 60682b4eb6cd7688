import KernelState
import NetworkPrimitives
import Testing

@Suite struct AddressStateTests {
    private func read(_ builder: MessageBuilder) -> Result<AddressState, KernelMessageError> {
        parse(builder.octets) { (span) throws(KernelMessageError) in
            try AddressState(parsing: span)
        }
    }

    /// `struct ifaddrmsg`.
    private func message(family: UInt8, length: UInt8) -> MessageBuilder {
        MessageBuilder().uint8(family).uint8(length).uint8(0).uint8(0).uint32(4)
    }

    @Test func `an address in a block`() throws {
        let address = try read(
            message(family: 2, length: 31).attribute(1) { $0.address("10.252.0.1") }
                .attribute(2) { $0.address("10.252.0.1") }
        ).get()
        #expect(
            address
                == AddressState(
                    interfaceIndex: 4, address: IPAddress("10.252.0.1")!,
                    prefix: IPPrefix("10.252.0.0/31")!))
    }

    @Test func `a peer has the prefix`() throws {
        let address = try read(
            message(family: 2, length: 32).attribute(1) { $0.address("10.250.0.2") }
                .attribute(2) { $0.address("10.250.0.1") }
        ).get()
        #expect(address.address == IPAddress("10.250.0.1"))
        #expect(address.peer == IPAddress("10.250.0.2"))
        #expect(address.prefix == IPPrefix("10.250.0.2/32"))
    }

    @Test func `IPv6 has no local attribute`() throws {
        let address = try read(
            message(family: 10, length: 127).attribute(1) { $0.address("fd00:252::1") }
        ).get()
        #expect(address.address == IPAddress("fd00:252::1"))
        #expect(address.peer == nil)
        #expect(address.prefix == IPPrefix("fd00:252::/127"))
    }

    @Test func `says what is wrong with a message`() {
        #expect(
            read(message(family: 2, length: 8))
                == .failure(.badLength(field: "IFA_ADDRESS", length: 0)))
        #expect(
            read(message(family: 2, length: 8).attribute(1) { $0.zeros(5) })
                == .failure(.badLength(field: "IFA_ADDRESS", length: 5)))
        #expect(
            read(message(family: 2, length: 33).attribute(1) { $0.address("10.0.0.1") })
                == .failure(.badValue(field: "ifa_prefixlen", value: 33)))
    }
}

@Suite struct RouteStateTests {
    private func read(_ builder: MessageBuilder) -> Result<[RouteState], KernelMessageError> {
        parse(builder.octets) { (span) throws(KernelMessageError) in
            try RouteState.routes(parsing: span)
        }
    }

    /// `struct rtmsg`.
    private func message(
        family: UInt8 = 2, length: UInt8, table: UInt8 = 254, kind: UInt8 = 1, flags: UInt32 = 0
    ) -> MessageBuilder {
        MessageBuilder().uint8(family).uint8(length).uint8(0).uint8(0)  // src_len, tos
            .uint8(table).uint8(0).uint8(0).uint8(kind)  // protocol, scope
            .uint32(flags)
    }

    @Test func `a route over a device`() throws {
        let routes = try read(
            message(length: 24)
                .attribute(15) { $0.uint32(1000) }
                .attribute(1) { $0.address("10.253.0.0") }
                .attribute(4) { $0.uint32(5) }
                .attribute(6) { $0.uint32(30) }
                .attribute(7) { $0.address("10.252.0.1") }
                .attribute(8) { $0.attribute(1) { $0.uint32(9) }.attribute(2) { $0.uint32(1380) } }
        ).get()
        var expected = RouteState(
            destination: IPPrefix("10.253.0.0/24")!, outputInterface: 5,
            preferredSource: IPAddress("10.252.0.1"), table: 1000, metric: 30)
        expected.mtu = 1380
        #expect(routes == [expected])
    }

    @Test func `what the kernel learned and forgets again is told from a route`() throws {
        // RTM_F_CLONED: the path MTU of one destination, as `ip route get` shows it.
        let learned = try read(
            message(length: 32, flags: 0x200).attribute(1) { $0.address("10.252.0.0") }
                .attribute(4) { $0.uint32(5) }.attribute(8) { $0.attribute(2) { $0.uint32(1346) } }
        ).get()
        #expect(learned.map(\.isLearned) == [true])
        #expect(learned.map(\.mtu) == [1346])
    }

    @Test func `a default route has no destination attribute`() throws {
        let v4 = try read(
            message(length: 0).attribute(5) { $0.address("192.0.2.1") }
                .attribute(4) { $0.uint32(2) }
        ).get()
        #expect(v4.map(\.destination) == [IPPrefix("0.0.0.0/0")])
        #expect(v4.map(\.gateway) == [IPAddress("192.0.2.1")])
        let v6 = try read(message(family: 10, length: 0).attribute(4) { $0.uint32(2) }).get()
        #expect(v6.map(\.destination) == [IPPrefix("::/0")])
    }

    @Test func `every next hop of a multipath route is a route`() throws {
        let routes = try read(
            message(length: 8).attribute(9) {
                $0.uint16(16).uint8(0).uint8(0).uint32(3)
                    .attribute(5) { $0.address("192.0.2.3") }
                    .uint16(8).uint8(0).uint8(0).uint32(4)
            }.attribute(1) { $0.address("10.0.0.0") }
        ).get()
        #expect(routes.map(\.outputInterface) == [3, 4])
        #expect(routes.map(\.gateway) == [IPAddress("192.0.2.3"), nil])
        #expect(routes.allSatisfy { $0.destination == IPPrefix("10.0.0.0/8") })
    }

    @Test func `an IPv4 route can have an IPv6 router`() throws {
        let routes = try read(
            message(length: 0).attribute(18) { $0.uint16(10).address("fe80::1") }
        ).get()
        #expect(routes.map(\.gateway) == [IPAddress("fe80::1")])
    }

    @Test func `kinds that drop are kept, unknown kinds are left out`() throws {
        #expect(try read(message(length: 0, kind: 7)).get().map(\.kind) == [.unreachable])
        #expect(try read(message(length: 0, kind: 11)).get().isEmpty)
    }

    @Test func `says what is wrong with a message`() {
        #expect(
            read(message(family: 7, length: 0))
                == .failure(.badValue(field: "rtm_family", value: 7)))
        #expect(
            read(message(length: 33)) == .failure(.badValue(field: "rtm_dst_len", value: 33)))
        #expect(
            read(message(length: 0).attribute(9) { $0.uint16(7).uint16(0).uint32(1) })
                == .failure(.badLength(field: "rtnh_len", length: 7)))
        #expect(
            read(message(length: 0).attribute(9) { $0.uint16(99).uint16(0).uint32(1) })
                == .failure(.truncated(needed: 115, available: 24)))
    }
}
