import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

@Suite struct ICMPMessageTests {
    @Test(arguments: 0..<8, [IPAddress.Family.v4, .v6])
    func `calls a message shorter than its header truncated`(
        count: Int, family: IPAddress.Family
    ) {
        let bytes = [UInt8](repeating: 0x80, count: count)
        #expect(throws: PacketError.truncated(needed: 8, available: count)) {
            try parse(bytes, family)
        }
    }

    @Test func `calls a wrong ICMPv4 checksum malformed, at every octet`() throws {
        let good = echoReply(.v4)
        #expect(throws: Never.self) { try parse(good, .v4) }
        for offset in good.indices {
            var bad = good
            bad[offset] ^= 4
            #expect(throws: PacketError.malformed(.checksum)) { try parse(bad, .v4) }
        }
    }

    @Test func `does not judge the checksum of a message that was cut off`() throws {
        let cut = Array(echoReply(.v4).prefix(30))
        #expect(throws: PacketError.malformed(.checksum)) { try parse(cut, .v4) }
        guard case .echo(let message) = try parse(cut, .v4, isTruncated: true) else {
            Issue.record("not an echo message")
            return
        }
        #expect(message.payloadByteCount == 22)
        #expect(message.nonce == 0x0102_0304_0506_0708)
    }

    @Test func `leaves the ICMPv6 checksum to the kernel`() throws {
        var bytes = echoReply(.v6)
        bytes[2] ^= 0xff
        #expect(throws: Never.self) { try parse(bytes, .v6) }
    }

    @Test(
        arguments: [
            // Redirect, timestamp, address mask, extended echo (RFC 8335); source quench (RFC 6633).
            (.v4, 5), (.v4, 13), (.v4, 14), (.v4, 17), (.v4, 42), (.v4, 43), (.v4, 4),
            // The other family's echo types.
            (.v4, 128), (.v4, 129), (.v6, 8), (.v6, 0),
            // Router and neighbour discovery, private errors.
            (.v6, 133), (.v6, 135), (.v6, 136), (.v6, 100), (.v6, 127), (.v6, 255),
        ] as [(IPAddress.Family, UInt8)])
    func `does not read other types`(family: IPAddress.Family, type: UInt8) {
        let bytes = error(type, 0, family: family, quoting: quote(family))
        #expect(throws: PacketError.unsupported) { try parse(bytes, family) }
    }

    @Test func `never traps on random octets`() {
        var generator = SeededGenerator(seed: 1122)
        var outcomes: [String: Int] = [:]
        for _ in 0..<100_000 {
            let family: IPAddress.Family = generator.chance(0.5) ? .v4 : .v6
            var bytes = (0..<Int(generator.below(90))).map { _ in UInt8(generator.next() >> 56) }
            // Most random octets fail at once; steer some towards the deeper branches.
            if bytes.count > 8, generator.chance(0.8) {
                let types: [UInt8] = family == .v4 ? [0, 3, 8, 11, 12] : [1, 2, 3, 4, 128, 129]
                bytes[0] = types[Int(generator.below(Int64(types.count)))]
                bytes[8] = family == .v4 ? 0x40 | UInt8(generator.below(16)) : 0x60
                if bytes.count > 17, generator.chance(0.8) { bytes[17] = 1 }
                if bytes.count > 15, generator.chance(0.5) { bytes[14] &= 0xe0 }
                if bytes.count > 15, generator.chance(0.5) { bytes[15] = 0 }
                if family == .v4, bytes.count > 36, generator.chance(0.5) {
                    bytes[8] = 0x45
                    bytes[28] = 8
                }
                if family == .v6, bytes.count > 48, generator.chance(0.5) { bytes[48] = 128 }
                if family == .v6, bytes.count > 14 {
                    bytes[14] = [0, 43, 60, 58][Int(generator.below(4))]
                }
            }
            do {
                switch try parse(bytes, family, isTruncated: generator.chance(0.7)) {
                case .echo: outcomes["echo", default: 0] += 1
                case .error, .datagramError: outcomes["error", default: 0] += 1
                }
            } catch {
                switch error {
                case .truncated(let needed, let available):
                    #expect(needed > available)
                    #expect(available <= bytes.count)
                    outcomes["truncated", default: 0] += 1
                case .malformed: outcomes["malformed", default: 0] += 1
                case .unsupported: outcomes["unsupported", default: 0] += 1
                }
            }
        }
        // A run that never gets anywhere would prove nothing.
        for outcome in ["echo", "error", "truncated", "malformed", "unsupported"] {
            #expect(outcomes[outcome, default: 0] > 100, "\(outcomes)")
        }
    }
}

// MARK: - Octets that the suites share

let here4: [UInt8] = [192, 0, 2, 1]
let there4: [UInt8] = [198, 51, 100, 1]
let here6 = [UInt8]([0x20, 0x01, 0x0d, 0xb8]) + [UInt8](repeating: 0, count: 11) + [1]
let there6 = [UInt8]([0x20, 0x01, 0x0d, 0xb8]) + [UInt8](repeating: 0, count: 11) + [2]

func echoReply(_ family: IPAddress.Family) -> [UInt8] {
    let message = EchoMessage(
        kind: .reply, family: family, identifier: 0x1234, sequence: 0x5678,
        nonce: 0x0102_0304_0506_0708, payloadByteCount: 56, checksum: 0xabcd)
    var bytes: [UInt8] = []
    message.encode(family: family, checksum: 0xabcd, into: &bytes)
    return bytes
}

/// An Echo Request as an ICMP error quotes it; `inserted` are IPv4 options or IPv6 extension headers.
func quote(
    _ family: IPAddress.Family, type: UInt8? = nil, options inserted: [UInt8] = [],
    protocol number: UInt8? = nil, fragment: UInt16 = 0, payload: Int = 0
) -> [UInt8] {
    let requestType = EchoMessage.Kind.request.type(in: family)
    let icmp: [UInt8] =
        [type ?? requestType, 0, 0xbe, 0xef, 0x12, 0x34, 0x56, 0x78]
        + [UInt8](repeating: 0x55, count: payload)
    switch family {
    case .v4:
        return [
            0x45 + UInt8(inserted.count / 4), 0, 0, 84,  // version, header length, length
            0, 0, UInt8(fragment >> 8), UInt8(fragment & 255),  // identification, fragment
            1, number ?? 1, 0, 0,  // time to live, protocol, checksum
        ] + here4 + there4 + inserted + icmp
    case .v6:
        return [
            0x60, 0, 0, 0,  // version, flow label
            0, 64, number ?? 58, 1,  // length, next header, hop limit
        ] + here6 + there6 + inserted + icmp
    }
}

/// An ICMP error with a right checksum in IPv4.
func error(
    _ type: UInt8, _ code: UInt8, family: IPAddress.Family, second: UInt32 = 0,
    quoting quoted: [UInt8]
) -> [UInt8] {
    var bytes: [UInt8] = [type, code, 0, 0]
    bytes.append(bigEndian: UInt16(second >> 16))
    bytes.append(bigEndian: UInt16(second & 0xffff))
    bytes += quoted
    let checksum = ~bytes.withRawSpan { InternetChecksum.sum($0) }
    bytes[2] = UInt8(checksum >> 8)
    bytes[3] = UInt8(checksum & 255)
    return bytes
}
