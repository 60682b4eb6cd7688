import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

extension FrameSample: CustomTestStringConvertible {
    var testDescription: String { name }
}

@Suite struct FrameDecoderTests {
    @Test(arguments: FrameSample.all)
    func `reads every kind of frame`(sample: FrameSample) {
        expect(decode(sample.octets, sample.link), is: sample, captured: sample.octets.count)
    }

    @Test(arguments: FrameSample.all)
    func `a capture that ends early is truncated up to the headers' end and harmless after it`(
        sample: FrameSample
    ) {
        let whole = sample.octets
        for count in whole.indices {
            let frame = decode(Array(whole[..<count]), sample.link, wire: whole.count)
            if count >= sample.headers.count {
                expect(frame, is: sample, captured: count)
            } else {
                let fault = fault(of: frame)
                #expect(
                    fault?.rawValue.hasPrefix("truncated") == true,
                    "\(count) of \(whole.count): \(frame)")
            }
        }
    }

    @Test(arguments: FrameSample.all)
    func `a frame that was too short on the wire is malformed, not truncated`(sample: FrameSample) {
        let whole = sample.headers + sample.rest
        for count in whole.indices {
            let frame = decode(Array(whole[..<count]), sample.link)
            let statesLength =
                sample.name != "IPv4 to be segmented, total length 0"
                && !["ARP", "802.3 with LLC"].contains(sample.name)
            if count < sample.headers.count || statesLength {
                let fault = fault(of: frame)
                #expect(
                    fault?.rawValue.hasPrefix("malformed") == true,
                    "\(count) of \(whole.count): \(frame)")
            } else {
                expect(frame, is: sample, captured: count)
            }
        }
    }

    @Test(arguments: FrameSample.all.filter { !$0.name.contains("total length 0") })
    func `octets after the packet change nothing`(sample: FrameSample) {
        for count in [1, 4, 18, 1500] {
            let padded = sample.octets + [UInt8](repeating: 0xff, count: count)
            expect(decode(padded, sample.link), is: sample, captured: padded.count)
        }
    }

    @Test(arguments: FrameSample.all)
    func `a wire length below the captured one is not believed`(sample: FrameSample) {
        for wire in [Int.min, -1, 0, 1, sample.octets.count - 1] {
            expect(
                decode(sample.octets, sample.link, wire: wire), is: sample,
                captured: sample.octets.count)
        }
    }

    @Test func `says all that the headers say`() {
        guard
            case .esp(let v4) = decode(
                FrameSample.ethernet + FrameSample.ipv4(50, payload: 48) + FrameSample.espHeader
                    + FrameSample.data(40), .ethernet),
            case .esp(let v6) = decode(
                FrameSample.ipv6(50, payload: 48) + FrameSample.espHeader + FrameSample.data(40),
                .rawIP)
        else {
            Issue.record("not ESP")
            return
        }
        #expect(
            v4.ip
                == IPHeader(
                    source: .v4(0xc633_6401), destination: .v4(0xcb00_710a), hopLimit: 57,
                    trafficClass: 0xb8, identification: 0x1234, dontFragment: true, length: 68,
                    protocolNumber: 50))
        #expect(v4.spi.rawValue == 0xc0de_0001)
        #expect(v4.sequence == 12345)
        #expect(v4.payload == 42..<82)
        #expect(
            v6.ip
                == IPHeader(
                    source: .v6(0x2001_0db8_0000_0000_0000_0000_0000_0001),
                    destination: .v6(0x2001_0db8_0000_0000_0000_0000_0000_0002), hopLimit: 57,
                    trafficClass: 0xb8, dontFragment: true, length: 88, protocolNumber: 50))
    }

    @Test func `marks fragments, and takes an atomic one for a whole packet`() {
        func isFragment(_ fragment: UInt16, v6: Bool) -> Bool? {
            let packet =
                v6
                ? FrameSample.ipv6(44, payload: 16) + [50, 0] + [0, UInt8(fragment)] + [0, 0, 0, 9]
                : FrameSample.ipv4(50, payload: 8, fragment: fragment)
            switch decode(packet + FrameSample.espHeader, .rawIP) {
            case .esp(let datagram): return datagram.ip.isFragment
            case .laterFragment(let header, _): return header.isFragment
            default: return nil
            }
        }
        #expect(isFragment(0, v6: false) == false)
        #expect(isFragment(0x8000, v6: false) == false, "the reserved bit")
        #expect(isFragment(0x2000, v6: false) == true)
        #expect(isFragment(0x0001, v6: false) == true)
        #expect(isFragment(0, v6: true) == false)
        #expect(isFragment(6, v6: true) == false, "the reserved bits")
        #expect(isFragment(1, v6: true) == true)
        #expect(isFragment(8, v6: true) == true)
    }

    @Test func `a packet to be segmented is as long as its frame`() {
        let packet = FrameSample.ipv4(50, payload: 0, length: 0) + FrameSample.espHeader
        guard case .esp(let datagram) = decode(packet, .rawIP, wire: 70_000) else {
            Issue.record("not ESP")
            return
        }
        #expect(datagram.ip.length == 70_000)
    }

    @Test func `names the ports and the lengths of UDP`() {
        let marked =
            FrameSample.ipv4(17, payload: 40) + FrameSample.udp(4500, 61_234, payload: 32)
            + [0, 0, 0, 0] + FrameSample.data(28)
        guard case .ike(let ike) = decode(marked, .rawIP) else {
            Issue.record("not IKE")
            return
        }
        #expect(ike.sourcePort == 4500)
        #expect(ike.destinationPort == 61_234)
        #expect(ike.hasNonESPMarker)
        #expect(ike.payload == 32..<60)
        #expect(ike.length == 28)
        let plain =
            FrameSample.ipv4(17, payload: 36) + FrameSample.udp(500, 500, payload: 28)
            + FrameSample.data(28)
        guard case .ike(let ike) = decode(plain, .rawIP) else {
            Issue.record("not IKE")
            return
        }
        #expect(!ike.hasNonESPMarker)
        #expect(ike.payload == 28..<56)
    }

    @Test func `names each way of being wrong`() {
        let esp = FrameSample.espHeader
        func ip(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var packet = FrameSample.ipv4(50, payload: 48) + esp + FrameSample.data(40)
            change(&packet)
            return packet
        }
        func udp(_ payload: [UInt8], length: UInt8? = nil) -> [UInt8] {
            var packet =
                FrameSample.ipv4(17, payload: 8 + payload.count)
                + FrameSample.udp(4500, 4500, payload: payload.count) + payload
            if let length { packet[25] = length }
            return packet
        }
        let tag: [UInt8] = [0x81, 0, 0, 1]
        let untagged = Array(FrameSample.ethernet.dropLast(2))
        let cases: [(FrameFault, LinkKind, [UInt8])] = [
            (.malformedIPVersion, .rawIP, ip { $0[0] = 0x55 }),
            (.malformedIPVersion, .ipv6, ip { _ in }),
            (.malformedIPVersion, .ethernet, FrameSample.ethernet6 + ip { _ in }),
            (.malformedIPHeaderLength, .rawIP, ip { $0[0] = 0x44 }),
            (.malformedIPLength, .rawIP, ip { $0[3] = 19 }),
            (.malformedIPLength, .rawIP, ip { $0[3] = 69 }),
            (
                .malformedIPLength, .rawIP,
                ip {
                    $0[0] = 0x4f; $0[3] = 59
                }
            ),
            (.malformedSPI, .rawIP, ip { $0.replaceSubrange(20..<24, with: [0, 0, 0, 0]) }),
            (.malformedESP, .rawIP, FrameSample.ipv4(50, payload: 7) + FrameSample.data(7)),
            (.malformedESP, .rawIP, udp([])),
            (.malformedESP, .rawIP, udp([0xfe])),
            (.malformedESP, .rawIP, udp([0xff, 0xff])),
            (.malformedESP, .rawIP, udp([0, 0, 0])),
            (.malformedESP, .rawIP, udp([1, 2, 3, 4, 5, 6, 7])),
            (.malformedUDPLength, .rawIP, udp(esp, length: 7)),
            (.malformedUDPLength, .rawIP, udp(esp, length: 17)),
            (.malformedUDPLength, .rawIP, udp(esp, length: 0)),
            (.malformedUDPLength, .rawIP, FrameSample.ipv4(17, payload: 7) + FrameSample.data(7)),
            (
                .malformedPPPoELength, .pppoe,
                [0x11, 0, 0, 1, 0, 71, 0, 0x21] + ip { _ in }
            ),
            (
                .malformedIPLength, .pppoe,
                [0x11, 0, 0, 1, 0, 69, 0, 0x21] + ip { _ in }
            ),
            (.malformedLink, .pppoe, [0x11, 0, 0, 1, 0, 1, 0, 0x21] + ip { _ in }),
            (
                .malformedExtensionHeader, .rawIP,
                FrameSample.ipv6(60, payload: 16) + [50, 2, 1, 4, 0, 0, 0, 0] + esp
            ),
            (
                .malformedExtensionHeader, .rawIP,
                FrameSample.ipv4(51, payload: 20)
                    + [50, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] + esp
            ),
            (.unsupportedLink, .unsupported, ip { _ in }),
            (
                .unsupportedTagDepth, .ethernet,
                untagged + Array(repeatElement(tag, count: 5).joined()) + [8, 0] + ip { _ in }
            ),
            (
                .unsupportedExtensionDepth, .rawIP,
                FrameSample.ipv6(60, payload: 72 + 8)
                    + (0..<9).flatMap { [$0 == 8 ? 50 : 60, 0, 1, 4, 0, 0, 0, 0] as [UInt8] }
                    + esp
            ),
            (
                .unsupportedExtensionDepth, .rawIP,
                FrameSample.ipv4(51, payload: 9 * 12 + 8)
                    + (0..<9).flatMap {
                        [$0 == 8 ? 50 : 51, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as [UInt8]
                    } + esp
            ),
        ]
        for (expected, link, octets) in cases {
            #expect(fault(of: decode(octets, link)) == expected, "\(link): \(octets)")
        }
    }

    @Test func `reserved SPIs are ESP`() {
        for spi: UInt8 in [1, 255] {
            let packet = FrameSample.ipv4(50, payload: 8) + [0, 0, 0, spi, 0, 0, 0, 1]
            guard case .esp(let datagram) = decode(packet, .rawIP) else {
                Issue.record("SPI \(spi)")
                continue
            }
            #expect(datagram.spi.rawValue == UInt32(spi))
        }
    }

    @Test func `any octets are safe`() {
        // Half of them samples with a few octets changed: pure noise hardly gets past the link.
        var generator = SeededGenerator(seed: 3)
        let samples = FrameSample.all
        var counts = FrameCounts()
        let rounds = 1_000_000
        for round in 0..<rounds {
            var octets: [UInt8]
            let link: LinkKind
            if round & 1 == 0 {
                let sample = samples[Int(generator.below(Int64(samples.count)))]
                octets = sample.octets
                link = sample.link
                for _ in 0..<(1 + generator.below(3)) {
                    // An octet from elsewhere in the frame reaches more than a random one.
                    let other = octets[Int(generator.below(Int64(octets.count)))]
                    octets[Int(generator.below(Int64(octets.count)))] =
                        generator.chance(0.5)
                        ? other : UInt8(truncatingIfNeeded: generator.next())
                }
                if generator.chance(0.05), octets.count >= 4 {
                    let start = Int(generator.below(Int64(octets.count - 3)))
                    octets.replaceSubrange(start..<(start + 4), with: [0, 0, 0, 0])
                }
                octets.removeLast(Int(generator.below(Int64(octets.count + 1)) / 4))
            } else {
                octets = (0..<generator.below(64)).map { _ in
                    UInt8(truncatingIfNeeded: generator.next())
                }
                link = LinkKind.allCases[Int(generator.below(Int64(LinkKind.allCases.count)))]
            }
            let wire = octets.count + Int(generator.below(3)) * 30
            let frame = decode(octets, link, wire: wire)
            counts.count(frame)
            switch frame {
            case .esp(let datagram): #expect(datagram.payload.upperBound <= octets.count)
            case .ike(let datagram): #expect(datagram.payload.upperBound <= octets.count)
            case .icmp(_, let payload): #expect(payload.upperBound <= octets.count)
            default: break
            }
        }
        #expect(counts.frames == UInt64(rounds))
        for fault in FrameFault.allCases { #expect(counts[fault] > 0, "\(fault) never happened") }
    }
}

@Suite struct FrameCountsTests {
    @Test func `counts each kind and each fault by itself`() {
        var counts = FrameCounts()
        for sample in FrameSample.all { counts.count(decode(sample.octets, sample.link)) }
        func expected(_ kinds: FrameSample.Kind...) -> UInt64 {
            UInt64(FrameSample.all.count { kinds.contains($0.kind) })
        }
        #expect(counts.esp == expected(.esp, .espInUDP))
        #expect(counts.espFragments == 2)
        #expect(counts.ike == expected(.ike))
        #expect(counts.natKeepalives == expected(.keepalive))
        #expect(counts.icmp == expected(.icmp))
        #expect(counts.laterFragments == expected(.laterFragment))
        #expect(counts.other == expected(.other, .tcp))
        #expect(counts.unreadable == 0)
        for (index, fault) in FrameFault.allCases.enumerated() {
            for _ in 0...index { counts.count(.unreadable(fault)) }
        }
        for (index, fault) in FrameFault.allCases.enumerated() {
            #expect(counts[fault] == UInt64(index + 1), "\(fault)")
        }
        let cases = FrameFault.allCases.count
        #expect(counts.unreadable == UInt64(cases * (cases + 1) / 2))
        #expect(counts.frames == counts.unreadable + UInt64(FrameSample.all.count))

        var twice = counts
        twice.add(counts)
        #expect(twice.frames == 2 * counts.frames)
        #expect(twice.espFragments == 4)
        #expect(twice[.malformedSPI] == 2 * counts[.malformedSPI])
    }
}

@Suite struct LinkKindTests {
    @Test func `knows LINKTYPE_ and DLT_ numbers`() {
        let numbers: [(UInt32, LinkKind)] = [
            (1, .ethernet), (101, .rawIP), (12, .rawIP), (14, .rawIP), (228, .ipv4), (229, .ipv6),
            (0, .loopback), (108, .loopback), (113, .linuxCooked), (276, .linuxCooked2), (9, .ppp),
            (50, .ppp), (51, .pppoe), (105, .unsupported), (253, .unsupported),
            (.max, .unsupported),
        ]
        for (number, kind) in numbers { #expect(LinkKind(linkType: number) == kind, "\(number)") }
    }
}

private func decode(_ octets: [UInt8], _ link: LinkKind, wire: Int? = nil) -> DecodedFrame {
    octets.withRawSpan {
        FrameDecoder().decode($0, linkType: link, wireLength: wire ?? octets.count)
    }
}

private func fault(of frame: DecodedFrame) -> FrameFault? {
    guard case .unreadable(let fault) = frame else { return nil }
    return fault
}

/// Expects `frame` to be the sample, of which `captured` octets were there.
private func expect(
    _ frame: DecodedFrame, is sample: FrameSample, captured: Int,
    at location: SourceLocation = #_sourceLocation
) {
    let start = sample.headers.count
    let end = min(start + sample.rest.count, captured)
    func check(_ condition: Bool) {
        #expect(condition, "\(sample.name), \(captured): \(frame)", sourceLocation: location)
    }
    switch (frame, sample.kind) {
    case (.esp(let datagram), .esp), (.esp(let datagram), .espInUDP):
        check(datagram.encapsulation == (sample.kind == .esp ? .esp : .udp))
        check(datagram.spi.rawValue == 0xc0de_0001 && datagram.sequence == 12345)
        // A packet of unstated length reaches to the frame's end.
        check(datagram.payload == start..<end)
        check(datagram.ip.source == sample.source)
        check(datagram.ip.protocolNumber == (sample.kind == .esp ? 50 : 17))
    case (.ike(let datagram), .ike):
        check(datagram.payload == start..<end && datagram.length == sample.rest.count)
        check(datagram.ip.source == sample.source)
    case (.icmp(let header, let payload), .icmp):
        check(payload == start..<end && header.source == sample.source)
    case (.tcp(let header, let payload, let length), .tcp):
        check(payload == start..<end && header.source == sample.source)
        check(length == sample.rest.count)
    case (.natKeepalive(let header, let payload), .keepalive):
        // The sample's one octet is among its headers: it is needed to tell what the frame is.
        check(payload == (start - 1)..<start)
        check(header.source == sample.source && header.hopLimit == 57)
    case (.laterFragment(let header, let payload), .laterFragment):
        check(payload == start..<end && header.source == sample.source && header.hopLimit == 57)
    case (.other, .other): break
    default: check(false)
    }
}
