import KernelState
import NetworkPrimitives
import Testing

@Suite struct SecurityPolicyTests {
    private func read(
        _ octets: [UInt8]
    ) -> Result<SecurityPolicy, KernelMessageError> {
        parse(octets) { (span) throws(KernelMessageError) in try SecurityPolicy(parsing: span) }
    }

    @Test func `reads what ip xfrm showed for a policy with a mark`() throws {
        let policy = try read(CapturedMessage.outVTIPolicy).get()
        #expect(policy.direction == .out)
        #expect(policy.allows)
        #expect(policy.source == IPPrefix("0.0.0.0/0"))
        #expect(policy.destination == IPPrefix("0.0.0.0/0"))
        #expect(policy.priority == 100)
        #expect((policy.mark, policy.markMask) == (42, .max))
        #expect(policy.interfaceID == nil)
        #expect(
            policy.templates == [
                .init(
                    source: IPAddress("203.0.113.10")!, destination: IPAddress("198.51.100.1")!,
                    protocol: .esp, mode: .tunnel, requestID: 1)
            ])
    }

    @Test func `tells source from destination and out from forward`() throws {
        let out = try read(CapturedMessage.outPolicy).get()
        #expect(out.direction == .out)
        #expect(out.source == IPPrefix("10.1.0.0/16"))
        #expect(out.destination == IPPrefix("10.2.0.0/16"))
        let forward = try read(CapturedMessage.forwardPolicy).get()
        #expect(forward.direction == .forward)
        #expect(forward.source == IPPrefix("10.2.0.0/16"))
        #expect(try read(CapturedMessage.inVTIPolicy).get().direction == .in)
    }

    @Test func `reads every template, IPv6 too, and the interface id`() throws {
        let builder = MessageBuilder.policy(
            source: "fd00:1::/64", destination: "fd00:2::/64", action: 1
        ).attribute(5) {
            $0.template("192.0.2.1", "192.0.2.2").template("2001:db8::1", "2001:db8::2", mode: 0)
        }.attribute(31) { $0.uint32(9) }
        let policy = try read(builder.octets).get()
        #expect(policy.source == IPPrefix("fd00:1::/64"))
        #expect(policy.destination == IPPrefix("fd00:2::/64"))
        #expect(policy.priority == 1234)
        #expect(!policy.allows)
        #expect(policy.interfaceID == 9)
        #expect(
            policy.templates == [
                .init(
                    source: IPAddress("192.0.2.1")!, destination: IPAddress("192.0.2.2")!,
                    requestID: 77),
                .init(
                    source: IPAddress("2001:db8::1")!, destination: IPAddress("2001:db8::2")!,
                    mode: .transport, requestID: 77),
            ])
    }

    @Test(arguments: [3, 4, 5] as [UInt8])
    func `a policy of one socket is told apart`(direction: UInt8) throws {
        #expect(
            try read(MessageBuilder.policy(direction: direction).octets).get().direction == .socket)
    }

    @Test func `says what is wrong with a message`() {
        func failure(_ builder: MessageBuilder) -> KernelMessageError? {
            guard case .failure(let error) = read(builder.octets) else { return nil }
            return error
        }
        #expect(failure(MessageBuilder().zeros(167)) == .truncated(needed: 168, available: 167))
        #expect(failure(.policy(direction: 9)) == .badValue(field: "dir", value: 9))
        #expect(
            failure(.policy().attribute(5) { $0.zeros(63) })
                == .badLength(field: "XFRMA_TMPL", length: 63))
        #expect(
            failure(.policy().attribute(5) { $0.template("192.0.2.1", "192.0.2.2", family: 0) })
                == .badValue(field: "tmpl.family", value: 0))
        var long = MessageBuilder.policy().octets
        long[43] = 33
        #expect(
            read(long) == .failure(.badValue(field: "sel.prefixlen_s", value: 33)))
    }
}
