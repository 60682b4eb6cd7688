import KernelState
import NetworkPrimitives
import Testing

@Suite struct SecurityAssociationTests {
    private func association(_ octets: [UInt8]) throws -> SecurityAssociation {
        try parse(octets) { (span) throws(KernelMessageError) in
            try SecurityAssociation(parsing: span)
        }.get()
    }

    private func failure(_ builder: MessageBuilder) -> KernelMessageError? {
        switch parse(
            builder.octets,
            { (span) throws(KernelMessageError) in try SecurityAssociation(parsing: span) })
        {
        case .success: nil
        case .failure(let error): error
        }
    }

    @Test func `reads what ip xfrm showed for an outbound SA of a VTI`() throws {
        let sa = try association(CapturedMessage.outboundVTIAssociation)
        #expect(sa.spi.description == "0xc0de0001")
        #expect(sa.source == IPAddress("203.0.113.10"))
        #expect(sa.destination == IPAddress("198.51.100.1"))
        #expect(sa.protocol == .esp)
        #expect(sa.mode == .tunnel)
        #expect(sa.requestID == 1)
        #expect((sa.mark, sa.markMask) == (42, .max))
        #expect(sa.interfaceID == nil)
        #expect(sa.encapsulation == .esp)
        // 288 bits with the salt, in ip's words.
        #expect(
            sa.cipher
                == Algorithm(name: "rfc4106(gcm(aes))", keyBits: 256, integrityCheckBits: 128))
        #expect(sa.integrity == nil)
        #expect(sa.replayWindow == 0)
        #expect(!sa.extendedSequenceNumbers)
        #expect((sa.packets, sa.bytes) == (5, 420))
        #expect(sa.addedAt?.description == "2026-11-22T14:10:33.000Z")
        #expect(sa.softExpiresAt == nil)
        #expect(sa.hardExpiresAt == nil)
        #expect(sa.direction == nil)
        #expect(sa.statistics == .init())
    }

    @Test func `reads the window of an inbound SA from the old field`() throws {
        let sa = try association(CapturedMessage.inboundVTIAssociation)
        #expect(sa.spi == SPI(rawValue: 0xc0de_0002))
        #expect(sa.replayWindow == 32)
    }

    @Test func `reads window and ESN from the attribute where the old field is 0`() throws {
        let sa = try association(CapturedMessage.extendedAssociation)
        #expect(sa.source == IPAddress("2001:db8:1::10"))
        #expect(sa.destination == IPAddress("2001:db8:2::1"))
        #expect(sa.replayWindow == 128)
        #expect(sa.extendedSequenceNumbers)
        #expect(
            sa.cipher
                == Algorithm(name: "rfc4106(gcm(aes))", keyBits: 128, integrityCheckBits: 64))
    }

    @Test func `reads UDP ports, two algorithms and lifetimes`() throws {
        let sa = try association(CapturedMessage.outboundUDPAssociation)
        #expect(sa.encapsulation == .udp(sourcePort: 4500, destinationPort: 4501))
        #expect(sa.cipher == Algorithm(name: "cbc(aes)", keyBits: 128))
        #expect(
            sa.integrity == Algorithm(name: "hmac(sha256)", keyBits: 256, integrityCheckBits: 128))
        #expect(sa.addedAt?.description == "2026-11-22T14:10:36.000Z")
        #expect(sa.softExpiresAt?.description == "2026-11-22T15:00:36.000Z")
        #expect(sa.hardExpiresAt?.description == "2026-11-22T15:10:36.000Z")
    }

    @Test func `reads interface id, transport mode and a counter mode cipher`() throws {
        let tunnel = try association(CapturedMessage.interfaceIDAssociation)
        #expect(tunnel.interfaceID == 77)
        let counter = try association(CapturedMessage.counterModeAssociation)
        #expect(counter.cipher == Algorithm(name: "rfc3686(ctr(aes))", keyBits: 128))
        #expect(
            counter.integrity
                == Algorithm(name: "hmac(sha1)", keyBits: 160, integrityCheckBits: 96))
        #expect(try association(CapturedMessage.transportAssociation).mode == .transport)
    }

    @Test func `reads every field of the struct from its own place`() throws {
        let octets = MessageBuilder.association(
            source: "192.0.2.11", destination: "192.0.2.12", spi: 0xdead_beef, mode: 4,
            protocol: 51, replayWindow: 200, flags: 128
        ).octets
        #expect(octets.count == 224)
        let sa = try association(octets)
        #expect(sa.source == IPAddress("192.0.2.11"))
        #expect(sa.destination == IPAddress("192.0.2.12"))
        #expect(sa.spi == SPI(rawValue: 0xdead_beef))
        #expect(sa.mode == .beet)
        #expect(sa.protocol == .ah)
        #expect(sa.replayWindow == 200)
        #expect(sa.extendedSequenceNumbers)
        #expect((sa.bytes, sa.packets) == (4200, 42))
        #expect(sa.addedAt?.unixSeconds == 1_700_000_000)
        #expect(sa.softExpiresAt?.unixSeconds == 1_700_003_000)
        #expect(sa.hardExpiresAt?.unixSeconds == 1_700_003_600)
        #expect(sa.statistics == .init(replayWindow: 21, replay: 22, integrityFailed: 23))
        #expect(sa.requestID == 25)
        #expect(sa.cipher == nil)
        #expect(sa.lastUsed == nil)
    }

    @Test func `reads last use and direction of newer kernels, steps over unknown attributes`()
        throws
    {
        let sa = try association(
            MessageBuilder.association()
                .attribute(15) { $0.uint64(1_700_000_009) }
                .attribute(33) { $0.uint8(2) }
                .attribute(16000) { $0.zeros(13) }
                .attribute(31) { $0.uint32(5) }.octets)
        #expect(sa.lastUsed?.unixSeconds == 1_700_000_009)
        #expect(sa.direction == .outbound)
        #expect(sa.interfaceID == 5)
    }

    @Test func `prefers the integrity attribute with a length, in either order`() throws {
        func short(_ builder: MessageBuilder) -> MessageBuilder {
            builder.attribute(1) { $0.algorithmName("hmac(sha256)").uint32(8).uint8(0xaa) }
        }
        func long(_ builder: MessageBuilder) -> MessageBuilder {
            builder.attribute(20) {
                $0.algorithmName("hmac(sha256)").uint32(8).uint32(128).uint8(0xaa)
            }
        }
        let expected = Algorithm(name: "hmac(sha256)", keyBits: 8, integrityCheckBits: 128)
        #expect(try association(short(long(.association())).octets).integrity == expected)
        #expect(try association(long(short(.association())).octets).integrity == expected)
    }

    @Test func `a time that does not fit is unknown, not a wrong one`() throws {
        var octets = MessageBuilder.association().octets
        octets.replaceSubrange(176..<184, with: Array(repeating: 0xff, count: 8))
        let sa = try association(octets)
        #expect(sa.addedAt == nil)
        #expect(sa.hardExpiresAt == nil)
    }

    @Test func `says what is wrong with a message`() {
        #expect(failure(MessageBuilder()) == .truncated(needed: 224, available: 0))
        #expect(failure(.association(family: 7)) == .badValue(field: "family", value: 7))
        #expect(
            failure(.association().uint16(3).uint16(31))
                == .badLength(field: "nla_len", length: 3))
        #expect(
            failure(.association().uint16(12).uint16(31).uint32(1))
                == .truncated(needed: 236, available: 232))
        #expect(
            failure(.association().attribute(21) { $0.uint32(1) })
                == .badLength(field: "XFRMA_MARK", length: 4))
        // A key longer than its attribute.
        #expect(
            failure(
                .association().attribute(18) {
                    $0.algorithmName("rfc4106(gcm(aes))").uint32(288).uint32(128).zeros(35)
                }) == .badLength(field: "alg_key_len", length: 288))
        #expect(
            failure(.association().attribute(2) { $0.algorithmName("cbc(aes)") })
                == .badLength(field: "algorithm", length: 64))
    }

    @Test func `an SPI is shown with eight digits`() {
        #expect(SPI(rawValue: 0x1f3).description == "0x000001f3")
        #expect(SPI(rawValue: .max).description == "0xffffffff")
    }
}
