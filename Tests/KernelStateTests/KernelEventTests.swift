import KernelState
import NetworkPrimitives
import Testing

/// Messages that the kernel sends by itself, built in the order of its structs.
enum EventMessage {
    /// `struct xfrm_usersa_id`, 24 octets.
    static func identity(_ destination: String, spi: UInt32) -> MessageBuilder {
        MessageBuilder().xfrmAddress(destination).bigEndian32(spi)
            .uint16(literal(destination).family == .v4 ? 2 : 10).uint8(50).zeros(1)
    }

    /// XFRM_MSG_EXPIRE.
    static func expiry(isHard: Bool) -> MessageBuilder {
        MessageBuilder.association().uint8(isHard ? 1 : 0).zeros(7)
            .attribute(31) { $0.uint32(7) }  // XFRMA_IF_ID
    }

    /// XFRM_MSG_DELSA as the kernel writes it: XFRMA_SA, then what belongs to the SA.
    static let deletion = identity("192.0.2.2", spi: 0x100)
        .attribute(6) { $0.adding(MessageBuilder.association().octets) }
        .attribute(18) {
            $0.algorithmName("rfc4106(gcm(aes))").uint32(160).uint32(128).zeros(20)
        }
        .attribute(21) { $0.uint32(42).uint32(0xff) }  // XFRMA_MARK

    /// XFRM_MSG_ACQUIRE for an IPv6 packet that goes into an IPv4 tunnel.
    static let acquisition = MessageBuilder()
        .xfrmAddress("192.0.2.2").uint32(0).uint8(50).zeros(3)  // id
        .xfrmAddress("192.0.2.1")
        .selector("2001:db8::1/128", "2001:db8::2/128")
        .adding(MessageBuilder.policy().octets)
        .uint32(.max).uint32(.max).uint32(.max).uint32(5)  // aalgos, ealgos, calgos, seq
        .attribute(5) { $0.template("192.0.2.1", "192.0.2.2") }

    /// XFRM_MSG_MAPPING.
    static let mapping = identity("192.0.2.1", spi: 0x200)
        .uint32(9)  // reqid
        .xfrmAddress("198.51.100.1").xfrmAddress("198.51.100.2")
        .bigEndian16(4500).bigEndian16(1027)
}

@Suite struct KernelEventTests {
    private func event(_ type: Int, _ message: MessageBuilder) throws -> KernelEvent? {
        try parse(message.octets) { (span) throws(KernelMessageError) in
            try KernelEvent.xfrm(span, type: type)
        }.get()
    }

    @Test(arguments: [false, true]) func `the end of a lifetime`(isHard: Bool) throws {
        let event = try event(0x18, EventMessage.expiry(isHard: isHard))
        guard case .associationExpired(let association, let wasHard) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
        #expect(wasHard == isHard)
        #expect((association.packets, association.bytes) == (42, 4200))
        #expect(association.interfaceID == 7)
    }

    @Test func `a deletion tells what the SA had come to`() throws {
        let event = try event(0x11, EventMessage.deletion)
        guard case .associationDeleted(let key, let last) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
        #expect(
            key
                == AssociationKey(
                    spi: SPI(rawValue: 0x100), destination: literal("192.0.2.2"), protocol: .esp,
                    mark: 42))
        #expect(last?.key == key)
        #expect((last?.packets, last?.bytes) == (42, 4200))
        #expect(
            last?.statistics == .init(replayWindow: 21, replay: 22, integrityFailed: 23))
        #expect(last?.cipher?.keyBits == 128)
    }

    @Test func `a deletion without counters is told without`() throws {
        let event = try event(0x11, EventMessage.identity("2001:db8::2", spi: 0x300))
        #expect(
            event
                == .associationDeleted(
                    AssociationKey(
                        spi: SPI(rawValue: 0x300), destination: literal("2001:db8::2"),
                        protocol: .esp), last: nil))
    }

    @Test(
        arguments: [
            (0, nil), (255, nil), (50, .esp), (51, .ah), (108, .other(108)),
        ] as [(UInt8, IPsecProtocol?)])
    func `a flush of one protocol or of all`(number: UInt8, which: IPsecProtocol?) throws {
        #expect(
            try event(0x1c, MessageBuilder().uint8(number)) == .associationsFlushed(which))
    }

    @Test func `a wanted SA has the addresses of the tunnel, not of the packet`() throws {
        #expect(
            try event(0x17, EventMessage.acquisition)
                == .associationWanted(
                    source: literal("192.0.2.1"), destination: literal("192.0.2.2")))
    }

    @Test func `a mapping has both ends`() throws {
        #expect(
            try event(0x26, EventMessage.mapping)
                == .mappingChanged(
                    AssociationKey(
                        spi: SPI(rawValue: 0x200), destination: literal("192.0.2.1"),
                        protocol: .esp),
                    from: NATMapping(address: literal("198.51.100.1"), port: 4500),
                    to: NATMapping(address: literal("198.51.100.2"), port: 1027)))
    }

    @Test func `messages of other types are no events`() throws {
        for type in [0, 0x12, 0x1e, 0x24, 0xffff] {
            #expect(try event(type, MessageBuilder()) == nil)
        }
    }

    @Test func `the window of the extended state is the one in force`() throws {
        let message = MessageBuilder.association(replayWindow: 0, flags: 128)
            .attribute(23) {
                // bmp_len, oseq, seq, oseq_hi, seq_hi, replay_window
                $0.uint32(0).uint32(7).uint32(9).uint32(1).uint32(2).uint32(4096)
            }
        guard case .associationAdded(let association) = try event(0x10, message) else {
            Issue.record("no SA")
            return
        }
        #expect(association.replayWindow == 4096)
        #expect(association.sentSequence == 1 << 32 | 7)
        #expect(association.receivedSequence == 2 << 32 | 9)
    }
}
