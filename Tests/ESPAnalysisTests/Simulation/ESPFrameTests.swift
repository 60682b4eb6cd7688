import ESPSimulation
import NetworkPrimitives
import Testing

@Suite struct ESPFrameTests {
    private let packet = SimulatedESPPacket(
        arrival: 0, sequence: 0x0102_0304, hopLimit: 57, identification: 0x1234,
        initializationVector: 0xa1a2_a3a4_a5a6_a7a8, identity: 0xb1b2_b3b4_b5b6_b7b8, sender: 0,
        index: 0)

    @Test func `an IPv4 frame is what RFC 791 and RFC 4303 say`() {
        let octets = ESPFrame { $0.length = 44 }.octets(of: packet)
        #expect(octets.count == 14 + 44)
        #expect(Array(octets[12..<24]) == [8, 0, 0x45, 0, 0, 44, 0x12, 0x34, 0, 0, 57, 50])
        #expect(Array(octets[26..<34]) == [198, 51, 100, 1, 203, 0, 113, 10])
        var sum = stride(from: 14, to: 34, by: 2).reduce(0) {
            $0 + Int(octets[$1]) << 8 + Int(octets[$1 + 1])
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        #expect(sum == 0xffff)
        #expect(
            Array(octets[34...]) == [
                0xc0, 0xde, 0, 1, 1, 2, 3, 4, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xb1,
                0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8,
            ])
    }

    @Test func `lengths fit in every shape`() {
        let links: [(ESPFrame.Link, Int)] = [
            (.plainEthernet, 14), (.ethernet(tags: [0x88a8_0064, 0x8100_0007]), 22),
            (.pppoe(tags: [0x8100_0007], session: 9), 26), (.cooked, 16), (.cooked2, 20),
            (.raw, 0), (.loopback, 4),
        ]
        for (link, size) in links {
            for length in [100, 141, 1400] {
                let v4 = ESPFrame {
                    $0.link = link
                    $0.length = length
                    $0.encapsulation = .udp
                    $0.optionLength = 8
                }.octets(of: packet)
                #expect(v4.count == size + length)
                // The UDP length, after 28 octets of IPv4 and the ports.
                #expect(Int(v4[size + 32]) << 8 + Int(v4[size + 33]) == length - 28)
                let v6 = ESPFrame {
                    $0.link = link
                    $0.length = length
                    $0.source = .v6(1)
                    $0.destination = .v6(2)
                    $0.extensionHeaders = [0, 60]
                }.octets(of: packet)
                #expect(v6.count == size + length)
                #expect(Int(v6[size + 4]) << 8 + Int(v6[size + 5]) == length - 40)
                #expect(Array(v6[(size + 56)..<(size + 60)]) == [0xc0, 0xde, 0, 1])
            }
        }
    }

    @Test func `a payload is the packet's own`() {
        let frame = ESPFrame { $0.length = 100 }
        var other = packet
        other.identity += 1
        #expect(frame.octets(of: packet) == frame.octets(of: packet))
        #expect(frame.octets(of: packet).suffix(50) != frame.octets(of: other).suffix(50))
    }

    @Test func `capture files begin and continue as their formats say`() {
        var pcap = SimulatedPcapFile(linkType: 101, order: .big, nanoseconds: false, snapLength: 3)
        pcap.append([1, 2, 3, 4], at: 1_500_000_999_999_999)
        #expect(
            pcap.octets == [
                0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
                101,
                0, 0x16, 0xe3, 0x60, 0, 0x0f, 0x42, 0x3f, 0, 0, 0, 3, 0, 0, 0, 4, 1, 2, 3,
            ])
        var pcapng = SimulatedPcapngFile(order: .little)
        #expect(pcapng.octets.count == 28)
        #expect(pcapng.addInterface(linkType: 1, exponent: 6) == 0)
        #expect(pcapng.octets.count == 28 + 20)
        #expect(pcapng.addInterface(linkType: 276, name: "any", exponent: 9) == 1)
        #expect(pcapng.octets.count == 28 + 20 + 20 + 8 + 8 + 4)
        pcapng.append([1, 2, 3, 4, 5], interface: 1, at: 0x0000_0001_0000_0002)
        #expect(
            Array(pcapng.octets.suffix(40)) == [
                6, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0,
                1, 2, 3, 4, 5, 0, 0, 0, 40, 0, 0, 0,
            ])
    }
}
