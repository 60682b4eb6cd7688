import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct EchoMessageTests {
    /// A flow whose octets were sent and captured in the reference laboratory: both classes, one
    /// checksum, hop 4, sequence number 1.
    private static let nonce: UInt64 = 0x4943_4d50_4c41_422d  // "ICMPLAB-"

    @Test(
        arguments: [
            (
                EchoMessage.Kind.request,
                [
                    0x08, 0x00, 0xbe, 0xef,  // type, code, checksum
                    0x40, 0x04, 0x00, 0x01,  // identifier, sequence number
                    0x7e, 0xb3,  // balance
                    0x49, 0x43, 0x4d, 0x50, 0x4c, 0x41, 0x42, 0x2d,  // nonce
                ]
            ),
            (
                EchoMessage.Kind.reply,
                [
                    0x00, 0x00, 0xbe, 0xef,  // type, code, checksum
                    0x40, 0x04, 0x00, 0x01,  // identifier, sequence number
                    0x86, 0xb3,  // balance
                    0x49, 0x43, 0x4d, 0x50, 0x4c, 0x41, 0x42, 0x2d,  // nonce
                ]
            ),
        ] as [(EchoMessage.Kind, [UInt8])])
    func `encodes the reference octets`(kind: EchoMessage.Kind, head: [UInt8]) throws {
        let message = EchoMessage(
            kind: kind, family: .v4, identifier: 0x4004, sequence: 1, nonce: Self.nonce,
            payloadByteCount: 24, checksum: 0xbeef)
        var bytes: [UInt8] = []
        message.encode(family: .v4, checksum: 0xbeef, into: &bytes)
        #expect(bytes == head + [UInt8](repeating: 0x55, count: 14))
        #expect(try parse(bytes, .v4) == .echo(message))
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `keeps one checksum for a flow, whatever changes in its messages`(
        family: IPAddress.Family
    ) throws {
        var generator = SeededGenerator(seed: 792)
        var bytes: [UInt8] = []
        for _ in 0..<5000 {
            let checksum = UInt16(truncatingIfNeeded: generator.next()) | 1
            let message = EchoMessage(
                kind: generator.chance(0.5) ? .request : .reply, family: family,
                identifier: UInt16(truncatingIfNeeded: generator.next()),
                sequence: UInt16(truncatingIfNeeded: generator.next()), nonce: generator.next(),
                payloadByteCount: 10 + Int(generator.below(120)), checksum: checksum)
            message.encode(family: family, checksum: checksum, into: &bytes)
            #expect(bytes.count == EchoMessage.headerByteCount + message.payloadByteCount)
            #expect(UInt16(bytes[2]) << 8 | UInt16(bytes[3]) == checksum)
            // A right checksum makes the sum of all words 0xffff (RFC 1071 §1).
            #expect(bytes.withRawSpan { InternetChecksum.sum($0) } == 0xffff)
            #expect(try parse(bytes, family) == .echo(message))
        }
    }

    @Test func `writes over a buffer without growing it again`() {
        var bytes = [UInt8](repeating: 0xaa, count: 4000)
        let message = EchoMessage(
            kind: .request, family: .v4, identifier: 1, sequence: 2, nonce: 3, payloadByteCount: 10,
            checksum: 4 | 1)
        message.encode(family: .v4, checksum: 4 | 1, into: &bytes)
        #expect(bytes.count == 18)
        #expect(bytes.capacity >= 4000)
    }

    @Test func `sees a change of any payload octet`() throws {
        let message = EchoMessage(
            kind: .reply, family: .v6, identifier: 7, sequence: 8, nonce: Self.nonce,
            payloadByteCount: 57, checksum: 0x1235)
        var bytes: [UInt8] = []
        message.encode(family: .v6, checksum: 0x1235, into: &bytes)
        for offset in 8..<bytes.count {
            var changed = bytes
            changed[offset] ^= 0x10
            guard case .echo(let read) = try parse(changed, .v6) else {
                Issue.record("not an echo message at \(offset)")
                continue
            }
            #expect(read != message, "octet \(offset)")
            #expect(read.isFillIntact == (offset < 18), "octet \(offset)")
        }
    }

    @Test(arguments: 0..<10)
    func `reads a payload too short for a mark as not ours`(count: Int) throws {
        let bytes: [UInt8] = [129, 0, 0, 0, 0, 7, 0, 8] + [UInt8](repeating: 0x55, count: count)
        guard case .echo(let read) = try parse(bytes, .v6) else {
            Issue.record("not an echo message")
            return
        }
        #expect(read.kind == .reply)
        #expect(read.identifier == 7)
        #expect(read.sequence == 8)
        #expect(read.payloadByteCount == count)
        #expect(!read.isFillIntact)
    }

    @Test func `traps on a payload too short to be made`() async {
        await #expect(processExitsWith: .failure) {
            _ = EchoMessage(
                kind: .request, family: .v4, identifier: 1, sequence: 1, nonce: 1,
                payloadByteCount: 9, checksum: 1)
        }
    }
}

func parse(
    _ bytes: [UInt8], _ family: IPAddress.Family, isTruncated: Bool = false
) throws(PacketError) -> ICMPMessage {
    try bytes.withRawSpan { span throws(PacketError) in
        try ICMPMessage(parsing: span, family: family, isTruncated: isTruncated)
    }
}
