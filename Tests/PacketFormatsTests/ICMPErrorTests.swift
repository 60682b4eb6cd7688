import NetworkPrimitives
import PacketFormats
import Testing

@Suite struct ICMPErrorTests {
    @Test(
        arguments: [
            (.v4, 3, 0, .unreachable), (.v4, 3, 1, .unreachable), (.v4, 3, 2, .unreachable),
            (.v4, 3, 3, .unreachable), (.v4, 3, 4, .packetTooBig(mtu: 1400)),
            (.v4, 3, 5, .unreachable), (.v4, 3, 9, .filtered), (.v4, 3, 10, .filtered),
            (.v4, 3, 11, .unreachable), (.v4, 3, 12, .unreachable), (.v4, 3, 13, .filtered),
            (.v4, 3, 14, .unreachable), (.v4, 3, 15, .unreachable), (.v4, 3, 255, .unreachable),
            (.v4, 11, 0, .timeExceeded), (.v4, 11, 1, .other), (.v4, 12, 0, .other),
            (.v6, 1, 0, .unreachable), (.v6, 1, 1, .filtered), (.v6, 1, 2, .unreachable),
            (.v6, 1, 3, .unreachable), (.v6, 1, 4, .unreachable), (.v6, 1, 5, .filtered),
            (.v6, 1, 6, .filtered), (.v6, 1, 7, .unreachable),
            (.v6, 2, 0, .packetTooBig(mtu: 0x7_0578)), (.v6, 3, 0, .timeExceeded),
            (.v6, 3, 1, .other), (.v6, 4, 0, .other), (.v6, 4, 2, .other),
        ] as [(IPAddress.Family, UInt8, UInt8, ICMPError.Meaning)])
    func `says what type and code mean`(
        family: IPAddress.Family, type: UInt8, code: UInt8, meaning: ICMPError.Meaning
    ) throws {
        // 0x578 = 1400; IPv4 takes the low 16 bits of the second word only (RFC 1191 §4).
        let bytes = error(type, code, family: family, second: 0x7_0578, quoting: quote(family))
        let (source, destination) =
            family == .v4
            ? (IPAddress.v4(0xc000_0201), IPAddress.v4(0xc633_6401))
            : (
                .v6(0x2001_0db8_0000_0000_0000_0000_0000_0001),
                .v6(0x2001_0db8_0000_0000_0000_0000_0000_0002)
            )
        let parsed = try parse(bytes, family)
        guard case .error(let read) = parsed else {
            Issue.record("not an error: \(parsed)")
            return
        }
        #expect(read.type == type)
        #expect(read.code == code)
        #expect(read.meaning == meaning)
        #expect(read.quote.source == source)
        #expect(read.quote.destination == destination)
        #expect(read.quote.kind == .request)
        #expect(read.quote.identifier == 0x1234)
        #expect(read.quote.sequence == 0x5678)
    }

    /// Hop-by-hop, destination options and routing headers, of 8 and 16 octets.
    private static let headers: [(first: UInt8, [UInt8])] = [
        (58, []),
        (0, [58, 0, 1, 4, 0, 0, 0, 0]),
        (60, [58, 1] + [UInt8](repeating: 0, count: 14)),
        (0, [43, 0, 1, 4, 0, 0, 0, 0] + [60, 0, 0, 0, 0, 0, 0, 0] + [58, 0, 1, 4, 0, 0, 0, 0]),
    ]

    private static let quotes: [(IPAddress.Family, [UInt8])] =
        [0, 4, 20, 40].flatMap { count in
            [0, 1, 56].map { payload in
                (
                    .v4,
                    quote(.v4, options: [UInt8](repeating: 1, count: count), payload: payload)
                )
            }
        }
        + headers.map { header in
            (.v6, quote(.v6, options: header.1, protocol: header.first))
        }

    @Test(arguments: quotes)
    func `finds the echo message behind options and extension headers`(
        family: IPAddress.Family, quoted: [UInt8]
    ) throws {
        let type: UInt8 = family == .v4 ? 11 : 3
        let parsed = try parse(error(type, 0, family: family, quoting: quoted), family)
        guard case .error(let read) = parsed else {
            Issue.record("not an error: \(parsed)")
            return
        }
        #expect(read.meaning == .timeExceeded)
        #expect(read.quote.identifier == 0x1234)
        #expect(read.quote.sequence == 0x5678)
    }

    @Test(arguments: quotes)
    func `calls every quote that ends before the sequence number truncated`(
        family: IPAddress.Family, quoted: [UInt8]
    ) {
        let type: UInt8 = family == .v4 ? 11 : 3
        let payload = quoted.suffix(while: { $0 == 0x55 }).count
        for count in 0..<(quoted.count - payload) {
            let bytes = error(type, 0, family: family, quoting: Array(quoted.prefix(count)))
            do {
                let parsed = try parse(bytes, family)
                Issue.record("\(count) octets read as \(parsed)")
            } catch {
                guard case .truncated(let needed, let available) = error else {
                    Issue.record("\(count) octets: \(error)")
                    continue
                }
                #expect(available == count)
                #expect(needed > count)
                #expect(needed <= quoted.count - payload)
            }
        }
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func `quotes both kinds of echo message and no other type`(family: IPAddress.Family) throws {
        let type: UInt8 = family == .v4 ? 11 : 3
        for quotedType in UInt8.min...UInt8.max {
            let bytes = error(type, 0, family: family, quoting: quote(family, type: quotedType))
            switch quotedType {
            case EchoMessage.Kind.request.type(in: family),
                EchoMessage.Kind.reply.type(in: family):
                guard case .error(let read) = try parse(bytes, family) else {
                    Issue.record("type \(quotedType)")
                    continue
                }
                #expect(read.quote.kind.type(in: family) == quotedType)
            default:
                #expect(throws: PacketError.unsupported) { try parse(bytes, family) }
            }
        }
    }

    @Test(arguments: [0x0001, 0x2001, 0x1fff, 0x00b9] as [UInt16])
    func `does not take a later fragment's payload for an ICMP header`(fragment: UInt16) {
        let bytes = error(11, 0, family: .v4, quoting: quote(.v4, fragment: fragment))
        #expect(throws: PacketError.unsupported) { try parse(bytes, .v4) }
    }

    @Test(arguments: [0x0000, 0x2000, 0x4000] as [UInt16])
    func `reads a first or whole fragment`(fragment: UInt16) {
        let bytes = error(11, 0, family: .v4, quoting: quote(.v4, fragment: fragment))
        #expect(throws: Never.self) { try parse(bytes, .v4) }
    }

    @Test func `does not read errors about other protocols`() {
        for number: UInt8 in [6, 47, 50, 58] {
            let bytes = error(3, 13, family: .v4, quoting: quote(.v4, protocol: number))
            #expect(throws: PacketError.unsupported) { try parse(bytes, .v4) }
        }
        for number: UInt8 in [1, 6, 44, 50, 51, 59] {
            let bytes = error(1, 1, family: .v6, quoting: quote(.v6, protocol: number))
            #expect(throws: PacketError.unsupported) { try parse(bytes, .v6) }
        }
    }

    @Test func `calls a quoted header that contradicts itself malformed`() {
        var wrongVersion = quote(.v4)
        wrongVersion[0] = 0x65
        #expect(throws: PacketError.malformed(.version)) {
            try parse(error(11, 0, family: .v4, quoting: wrongVersion), .v4)
        }
        #expect(throws: PacketError.malformed(.version)) {
            try parse(error(3, 0, family: .v6, quoting: quote(.v4, payload: 56)), .v6)
        }
        for length: UInt8 in 0..<5 {
            var short = quote(.v4)
            short[0] = 0x40 | length
            #expect(throws: PacketError.malformed(.headerLength)) {
                try parse(error(11, 0, family: .v4, quoting: short), .v4)
            }
        }
    }
}

extension Array {
    fileprivate func suffix(while predicate: (Element) -> Bool) -> ArraySlice<Element> {
        var start = endIndex
        while start > startIndex, predicate(self[start - 1]) { start -= 1 }
        return self[start...]
    }
}
