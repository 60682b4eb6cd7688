import NetworkPrimitives
import PacketFormats

/// One frame as it stands on the wire, and what it is.
struct FrameSample: Sendable {
    var name: String
    var link: LinkKind
    /// Octets up to the end of the last header that must be read.
    var headers: [UInt8]
    /// What follows: it may be cut off by the capture without harm.
    var rest: [UInt8]
    /// Octets after the packet that the link adds: padding, or a checksum.
    var trailer: [UInt8] = []
    var kind: Kind
    var source: IPAddress = .v4(0xc633_6401)

    enum Kind: Sendable { case esp, espInUDP, ike, keepalive, icmp, tcp, laterFragment, other }

    var octets: [UInt8] { headers + rest + trailer }
}

extension FrameSample {
    static let ethernet: [UInt8] = [
        0x02, 0, 0, 0, 0, 2,  // destination
        0x02, 0, 0, 0, 0, 1,  // source
        0x08, 0x00,  // EtherType: IPv4
    ]
    static let ethernet6: [UInt8] = ethernet.dropLast(2) + [0x86, 0xdd]

    /// 0x0102…, which no header test mistakes for something else.
    static func data(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 + 1) }
    }

    /// An IPv4 header before `payload` octets.
    static func ipv4(
        _ number: UInt8, payload: Int, options: [UInt8] = [], fragment: UInt16 = 0x4000,
        length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? 20 + options.count + payload
        return [
            UInt8(0x45 + options.count / 4),  // version 4, header length in words
            0xb8,  // DSCP EF
            UInt8(length >> 8), UInt8(length & 255),  // total length
            0x12, 0x34,  // identification
            UInt8(fragment >> 8), UInt8(fragment & 255),  // flags and fragment offset
            57,  // TTL
            number,  // protocol
            0, 0,  // header checksum: not judged
            198, 51, 100, 1,  // source
            203, 0, 113, 10,  // destination
        ] + options
    }

    /// An IPv6 header before `payload` octets, extension headers among them.
    static func ipv6(_ next: UInt8, payload: Int) -> [UInt8] {
        [
            0x6b, 0x80, 0, 0,  // version 6, traffic class 0xb8, flow label 0
            UInt8(payload >> 8), UInt8(payload & 255),  // payload length
            next,  // next header
            57,  // hop limit
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  // source 2001:db8::1
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,  // destination 2001:db8::2
        ]
    }

    static let espHeader: [UInt8] = [
        0xc0, 0xde, 0x00, 0x01,  // SPI
        0x00, 0x00, 0x30, 0x39,  // sequence number 12345
    ]

    static func udp(_ source: UInt16, _ destination: UInt16, payload: Int) -> [UInt8] {
        [
            UInt8(source >> 8), UInt8(source & 255), UInt8(destination >> 8),
            UInt8(destination & 255),
            UInt8((payload + 8) >> 8), UInt8((payload + 8) & 255),  // length
            0, 0,  // checksum: none
        ]
    }

    /// Every kind of frame that the decoder reads.
    static let all: [FrameSample] = links + internet + transports

    private static let esp4 = ipv4(50, payload: 8 + 40) + espHeader
    private static let esp6 = ipv6(50, payload: 8 + 40) + espHeader
    private static let address6 = IPAddress.v6(0x2001_0db8_0000_0000_0000_0000_0000_0001)

    private static func esp(
        _ name: String, _ link: LinkKind, _ header: [UInt8], trailer: [UInt8] = []
    ) -> FrameSample {
        FrameSample(
            name: name, link: link, headers: header + esp4, rest: data(40), trailer: trailer,
            kind: .esp)
    }

    private static let links: [FrameSample] = [
        esp("Ethernet", .ethernet, ethernet),
        esp(
            "Ethernet with padding and checksum", .ethernet, ethernet, trailer: [0, 0, 9, 9, 9, 9]),
        FrameSample(
            name: "Ethernet, IPv6", link: .ethernet, headers: ethernet6 + esp6, rest: data(40),
            kind: .esp, source: address6),
        esp(
            "802.1Q", .ethernet,
            ethernet.dropLast(2) + [
                0x81, 0x00, 0x00, 0x64,  // 802.1Q, VLAN 100
                0x08, 0x00,
            ]),
        esp(
            "QinQ, four tags of three kinds", .ethernet,
            ethernet.dropLast(2) + [
                0x88, 0xa8, 0x00, 0x0a,  // 802.1ad, VLAN 10
                0x91, 0x00, 0x00, 0x0b,  // old QinQ, VLAN 11
                0x81, 0x00, 0x00, 0x0c,  // 802.1Q, VLAN 12
                0x81, 0x00, 0x00, 0x0d,  // 802.1Q, VLAN 13
                0x08, 0x00,
            ]),
        esp(
            "PPPoE in a VLAN", .ethernet,
            ethernet.dropLast(2) + [
                0x81, 0x00, 0x00, 0x07,  // 802.1Q, VLAN 7
                0x88, 0x64,  // PPPoE session
                0x11, 0x00,  // version 1, type 1, code 0
                0x12, 0x34,  // session
                0, 70,  // length: PPP protocol and packet
                0x00, 0x21,  // PPP: IPv4
            ], trailer: [0, 0, 0, 0]),
        FrameSample(
            name: "PPPoE, IPv6", link: .ethernet,
            headers: ethernet.dropLast(2) + [
                0x88, 0x64, 0x11, 0x00, 0x12, 0x34,  // PPPoE session
                0, 90,  // length
                0x00, 0x57,  // PPP: IPv6
            ] + esp6, rest: data(40), kind: .esp, source: address6),
        esp("PPPoE without Ethernet", .pppoe, [0x11, 0x00, 0x12, 0x34, 0, 70, 0x00, 0x21]),
        esp("PPP framed like HDLC", .ppp, [0xff, 0x03, 0x00, 0x21]),
        esp("PPP with a short protocol field", .ppp, [0x21]),
        esp("raw IP", .rawIP, []),
        FrameSample(
            name: "raw IP, IPv6", link: .rawIP, headers: esp6, rest: data(40), kind: .esp,
            source: address6),
        esp("IPv4 link type", .ipv4, []),
        FrameSample(
            name: "IPv6 link type", link: .ipv6, headers: esp6, rest: data(40), kind: .esp,
            source: address6),
        esp("loopback of a little-endian host", .loopback, [2, 0, 0, 0]),
        esp("loopback of a big-endian host", .loopback, [0, 0, 0, 2]),
        FrameSample(
            name: "loopback, IPv6 of macOS", link: .loopback, headers: [30, 0, 0, 0] + esp6,
            rest: data(40), kind: .esp, source: address6),
        esp(
            "SLL", .linuxCooked,
            [
                0, 0,  // packet type: to us
                0, 1,  // ARPHRD_ETHER
                0, 6,  // address length
                2, 0, 0, 0, 0, 1, 0, 0,  // address
                0x08, 0x00,  // protocol
            ]),
        esp(
            "SLL with a VLAN tag", .linuxCooked,
            [
                0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0,
                0x81, 0x00, 0x00, 0x64,  // 802.1Q, VLAN 100
                0x08, 0x00,
            ]),
        esp("SLL2", .linuxCooked2, cooked2(0x0800)),
        esp("SLL2 with a VLAN tag", .linuxCooked2, cooked2(0x8100) + [0x00, 0x64, 0x08, 0x00]),
        FrameSample(
            name: "SLL2, IPv6", link: .linuxCooked2, headers: cooked2(0x86dd) + esp6,
            rest: data(40), kind: .esp, source: address6),
    ]

    private static func cooked2(_ type: UInt16) -> [UInt8] {
        [
            UInt8(type >> 8), UInt8(type & 255),  // protocol
            0, 0,  // reserved
            0, 0, 0, 3,  // interface index
            0, 1,  // ARPHRD_ETHER
            0,  // packet type: to us
            6,  // address length
            2, 0, 0, 0, 0, 1, 0, 0,  // address
        ]
    }

    private static let internet: [FrameSample] = [
        FrameSample(
            name: "IPv4 options", link: .rawIP,
            headers: ipv4(50, payload: 48, options: [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])
                + espHeader, rest: data(40), kind: .esp),
        FrameSample(
            name: "IPv4 to be segmented, total length 0", link: .ethernet,
            headers: ethernet + ipv4(50, payload: 0, length: 0) + espHeader, rest: data(40),
            kind: .esp),
        FrameSample(
            name: "first fragment", link: .rawIP,
            headers: ipv4(50, payload: 48, fragment: 0x2000) + espHeader, rest: data(40),
            kind: .esp),
        FrameSample(
            name: "later fragment", link: .rawIP,
            headers: ipv4(50, payload: 48, fragment: 0x2006), rest: data(48), kind: .laterFragment),
        FrameSample(
            name: "last fragment", link: .rawIP,
            headers: ipv4(17, payload: 48, fragment: 0x0006), rest: data(48), kind: .laterFragment),
        FrameSample(
            name: "authentication header before ESP", link: .rawIP,
            headers: ipv4(51, payload: 24 + 48) + [
                50,  // next header: ESP
                4,  // length: six words
                0, 0,  // reserved
                0, 0, 1, 0,  // SPI
                0, 0, 0, 1,  // sequence number
            ] + data(12) + espHeader, rest: data(40), kind: .esp),
        FrameSample(
            name: "IPv6 with four extension headers", link: .rawIP,
            headers: ipv6(0, payload: 8 + 16 + 8 + 8 + 48) + [
                43, 0, 1, 4, 0, 0, 0, 0,  // hop-by-hop options: PadN
                60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // routing, 16 octets
                44, 0, 1, 4, 0, 0, 0, 0,  // destination options: PadN
                50, 0, 0, 0, 0, 0, 0, 9,  // fragment: offset 0, none follow
            ] + espHeader, rest: data(40), kind: .esp, source: address6),
        FrameSample(
            name: "IPv6 with as many extension headers as are read", link: .rawIP,
            headers: ipv6(60, payload: 64 + 48)
                + (1...8).flatMap { [$0 == 8 ? 50 : 60, 0, 1, 4, 0, 0, 0, 0] as [UInt8] }
                + espHeader, rest: data(40), kind: .esp, source: address6),
        FrameSample(
            name: "IPv6 first fragment", link: .rawIP,
            headers: ipv6(44, payload: 8 + 48) + [
                50, 0, 0, 1, 0, 0, 0, 9,  // fragment: offset 0, more follow
            ] + espHeader, rest: data(40), kind: .esp, source: address6),
        FrameSample(
            name: "IPv6 later fragment", link: .rawIP,
            headers: ipv6(44, payload: 8 + 48) + [
                50, 0, 0x00, 0x30, 0, 0, 0, 9,  // fragment: offset 48, the last
            ], rest: data(48), kind: .laterFragment, source: address6),
    ]

    private static func overUDP(
        _ name: String, _ source: UInt16, _ destination: UInt16, _ head: [UInt8], rest: Int,
        _ kind: Kind
    ) -> FrameSample {
        FrameSample(
            name: name, link: .rawIP,
            headers: ipv4(17, payload: 8 + head.count + rest)
                + udp(source, destination, payload: head.count + rest) + head,
            rest: data(rest), trailer: [0, 0], kind: kind)
    }

    private static let transports: [FrameSample] = [
        overUDP("ESP in UDP", 4500, 4500, espHeader, rest: 40, .espInUDP),
        overUDP("ESP in UDP to a mapped port", 4500, 61_234, espHeader, rest: 40, .espInUDP),
        overUDP("ESP in UDP from a mapped port", 61_234, 4500, espHeader, rest: 40, .espInUDP),
        overUDP("IKE on port 4500", 4500, 4500, [0, 0, 0, 0], rest: 28, .ike),
        overUDP("IKE on port 500", 500, 500, [], rest: 28, .ike),
        overUDP("IKE from a mapped port to 500", 1024, 500, [], rest: 28, .ike),
        overUDP("IKE from 500 to a mapped port", 500, 1024, [], rest: 28, .ike),
        overUDP("IKE from 500 to 4500", 500, 4500, [0, 0, 0, 0], rest: 28, .ike),
        overUDP("IKE from 4500 to 500", 4500, 500, [], rest: 28, .ike),
        overUDP("NAT keepalive", 4500, 4500, [0xff], rest: 0, .keepalive),
        overUDP("DNS", 53, 1024, [], rest: 28, .other),
        FrameSample(
            name: "ICMP", link: .rawIP, headers: ipv4(1, payload: 16), rest: data(16), kind: .icmp),
        FrameSample(
            name: "ICMPv6", link: .rawIP, headers: ipv6(58, payload: 16), rest: data(16),
            kind: .icmp, source: address6),
        FrameSample(
            name: "TCP", link: .rawIP, headers: ipv4(6, payload: 20), rest: data(20), kind: .tcp),
        FrameSample(
            name: "TCP over IPv6", link: .rawIP, headers: ipv6(6, payload: 20), rest: data(20),
            kind: .tcp, source: address6),
        FrameSample(
            name: "ARP", link: .ethernet, headers: ethernet.dropLast(2) + [0x08, 0x06],
            rest: data(28), kind: .other),
        FrameSample(
            name: "802.3 with LLC", link: .ethernet, headers: ethernet.dropLast(2) + [0, 38],
            rest: data(38), kind: .other),
        FrameSample(
            name: "PPPoE, link control", link: .ethernet,
            headers: ethernet.dropLast(2) + [
                0x88, 0x64, 0x11, 0, 0, 1, 0, 10,  // PPPoE session
                0xc0, 0x21,  // PPP: LCP
            ], rest: data(8), kind: .other),
    ]
}
