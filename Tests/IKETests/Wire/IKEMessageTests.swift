import IKE
import NetworkPrimitives
import Testing

@Suite struct IKEMessageTests {
    /// A message of payloads: their kinds and contents.
    static func message(
        _ payloads: [(kind: UInt8, body: [UInt8])], exchange: UInt8 = 34, flags: UInt8 = 0x08,
        version: UInt8 = 0x20, length: Int? = nil
    ) -> [UInt8] {
        var chain: [UInt8] = []
        for (index, payload) in payloads.enumerated() {
            let next = index + 1 < payloads.count ? payloads[index + 1].kind : 0
            chain += [next, 0]
            chain.append(bigEndian: UInt16(payload.body.count + 4))
            chain += payload.body
        }
        var octets: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8] + [UInt8](repeating: 0, count: 8)
        octets += [payloads.first?.kind ?? 0, version, exchange, flags, 0, 0, 0, 0, 0, 0]
        octets.append(bigEndian: UInt16(length ?? 28 + chain.count))
        return octets + chain
    }

    private static func parse(_ octets: [UInt8], wireLength: Int? = nil) throws -> IKEMessage {
        try octets.withRawSpan { (span: RawSpan) throws in
            try IKEMessage(parsing: span, wireLength: wireLength)
        }
    }

    /// AES-GCM-16-256, PRF SHA2-384, ECP-384, ML-KEM-768 as a further exchange (RFC 9370), no ESN.
    private static let proposal: [UInt8] =
        [0, 0, 0, 52, 1, 1, 0, 5]
        + [3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0]
        + [3, 0, 0, 8, 2, 0, 0, 6]
        + [3, 0, 0, 8, 4, 0, 0, 20]
        + [3, 0, 0, 8, 6, 0, 0, 36]
        + [0, 0, 0, 8, 5, 0, 0, 0]

    @Test func `algorithms are called by their names, further key exchanges too`() throws {
        let message = try Self.parse(Self.message([(33, Self.proposal)]))
        #expect(message.extent == .complete)
        let proposal = try #require(message.proposals.first)
        #expect(
            proposal.description == "AES_GCM_16_256/PRF_SHA2_384/ECP_384/NO_ESN/KE1_ML_KEM_768")
        #expect(proposal.transforms(of: .additionalKeyExchange1).first?.number == 36)
        #expect(IKEGroup(rawValue: 37).description == "ML_KEM_1024")
        #expect(IKETransform(kind: .encryption, number: 4711).description == "ENCR_4711")
    }

    @Test func `cleartext notifies say what they ask for`() throws {
        func notify(_ kind: UInt16, _ content: [UInt8]) throws -> IKENotify {
            let body = [0, 0, UInt8(kind >> 8), UInt8(kind & 255)] + content
            let message = try Self.parse(Self.message([(41, body)], flags: 0x20))
            return try #require(message.notifies.first)
        }
        #expect(try notify(17, [0, 20]).wantedGroup?.description == "ECP_384")
        #expect(try notify(17, [0]).wantedGroup == nil)
        #expect(try notify(16390, [9, 9]).kind == .cookie)
        #expect(try notify(16390, [9, 9]).content == [9, 9])
        #expect(try notify(5, [0x20]).supportedMajorVersion == 2)
        #expect(try notify(16431, [0, 2, 0, 4]).signatureHashes == ["SHA2_256", "SHA2_512"])
        #expect(try notify(16407, [1, 4, 192, 0, 2, 9]).redirectGateway == "192.0.2.9")
        #expect(
            try notify(16407, [3, 4] + Array("gw.x".utf8) + [1, 2]).redirectGateway == "gw.x")
        #expect(try notify(16407, [3, 2, 10, 13]).redirectGateway == nil, "not printable")
        #expect(try notify(14, []).kind.isError)
        #expect(try notify(16430, []).kind.description == "IKEV2_FRAGMENTATION_SUPPORTED")
        #expect(try notify(60000, []).kind.description == "NOTIFY_60000")
    }

    @Test func `nothing behind an encrypted payload is read`() throws {
        let whole = try Self.parse(
            Self.message([(46, [UInt8](repeating: 7, count: 57))], exchange: 35))
        #expect(whole.encrypted?.length == 57)
        #expect(whole.encrypted?.fragment == nil)
        var octets = Self.message([(53, [0, 2, 0, 3] + [9, 9, 9])], exchange: 43)
        octets[28] = 35  // what the first fragment has inside, RFC 7383 §2.5
        let fragment = try Self.parse(octets)
        #expect(fragment.header.exchange == .ikeIntermediate)
        #expect(fragment.encrypted?.fragment?.number == 2)
        #expect(fragment.encrypted?.fragment?.total == 3)
        #expect(fragment.encrypted?.length == 3)
        #expect(fragment.extent == .complete)
        let none = try Self.parse(Self.message([(53, [0, 0, 0, 3])], exchange: 35))
        #expect(none.extent == .malformed(.fragment))
    }

    @Test func `of IKEv1 the header alone is read`() throws {
        let message = try Self.parse(
            Self.message([(1, [1, 2])], exchange: 2, flags: 0, version: 0x10))
        #expect(message.isIKEv1)
        #expect(message.header.exchange.description == "IDENTITY_PROTECTION")
        #expect(message.payloads.isEmpty)
    }

    @Test func `a cut capture and a message that contradicts itself are told apart`() throws {
        let octets = Self.message([(33, Self.proposal), (40, [UInt8](repeating: 5, count: 32))])
        for count in 0..<octets.count {
            let cut = Array(octets.prefix(count))
            if count < 28 {
                #expect(throws: IKEMessageError.truncated(needed: 28, available: count)) {
                    try Self.parse(cut, wireLength: octets.count)
                }
                #expect(throws: IKEMessageError.malformed(.header)) { try Self.parse(cut) }
            } else {
                let message = try Self.parse(cut, wireLength: octets.count)
                // The nonce's octets are not looked at: its header says how long it is.
                let isEnough = count >= 28 + 56 + 4
                #expect(message.extent == (isEnough ? .complete : .truncated), "\(count)")
                #expect(throws: IKEMessageError.malformed(.length)) { try Self.parse(cut) }
            }
        }
        var long = octets
        long[31] = 200  // the first payload's length
        #expect(try Self.parse(long).extent == .malformed(.payload))
        var short = octets
        short[31] = 3
        #expect(try Self.parse(short).extent == .malformed(.payload))
        var transforms = octets
        transforms[39] = 9  // more transforms than there are
        #expect(try Self.parse(transforms).extent == .malformed(.proposal))
        let kept = try Self.parse(transforms)
        #expect(kept.proposals.first?.transforms.count == 5, "what stands before the fault")
    }

    @Test func `a chain has an end`() throws {
        let many = (0..<70).map { _ in (kind: UInt8(43), body: [UInt8](repeating: 65, count: 4)) }
        let message = try Self.parse(Self.message(many))
        #expect(message.extent == .excessive)
        #expect(message.payloads.count == IKEMessage.maximumPayloads)
    }
}
