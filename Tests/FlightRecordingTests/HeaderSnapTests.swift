import FlightRecording
import NetworkPrimitives
import PacketFormats
import Testing

/// What no recording may hold: every octet that is somebody's is 0xee in these packets.
@Suite struct HeaderSnapTests {
    private static let secret = [UInt8](repeating: 0xee, count: 600)

    private static func ipv4(_ number: UInt8, _ payload: [UInt8], fragment: UInt8 = 0) -> [UInt8] {
        let length = 20 + payload.count
        return [
            0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, fragment, 64, number, 0, 0,
            198, 51, 100, 1, 203, 0, 113, 10,
        ] + payload
    }

    private static func ipv6(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0x60, 0, 0, 0, UInt8(payload.count >> 8), UInt8(payload.count & 255), number, 64]
            + [UInt8](repeating: 1, count: 32) + payload
    }

    private static func udp(_ port: Int, _ payload: [UInt8]) -> [UInt8] {
        let length = 8 + payload.count
        return [
            UInt8(port >> 8), UInt8(port & 255), UInt8(port >> 8), UInt8(port & 255),
            UInt8(length >> 8), UInt8(length & 255), 0, 0,
        ] + payload
    }

    private static func ike(
        version: UInt8 = 0x20, first: UInt8, _ payloads: [UInt8]
    ) -> [UInt8] {
        let length = 28 + payloads.count
        return [UInt8](repeating: 1, count: 16) + [first, version, 34, 8, 0, 0, 0, 0]
            + [0, 0, UInt8(length >> 8), UInt8(length & 255)] + payloads
    }

    private static let ethernet: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

    private static func kept(_ packet: [UInt8]) -> [UInt8]? {
        let type: [UInt8] = packet[0] >> 4 == 6 ? [0x86, 0xdd] : [0x08, 0x00]
        let frame = ethernet + type + packet
        return frame.withRawSpan { span in
            let decoded = FrameDecoder().decode(
                span, linkType: .ethernet, wireLength: frame.count)
            return HeaderSnap.length(of: decoded, in: span).map { Array(frame.prefix($0)) }
        }
    }

    /// Header octets, packet, and how many octets are kept behind Ethernet.
    private static let cases: [(String, [UInt8], Int)] = [
        ("ESP", ipv4(50, [1, 2, 3, 4, 0, 0, 0, 9] + [7, 7, 7, 7, 7, 7, 7, 7] + secret), 36),
        ("ESP in IPv6", ipv6(50, [1, 2, 3, 4, 0, 0, 0, 9, 7, 7, 7, 7, 7, 7, 7, 7] + secret), 56),
        (
            "ESP in UDP",
            ipv4(17, udp(4500, [1, 2, 3, 4, 0, 0, 0, 9] + [7, 7, 7, 7, 7, 7, 7, 7] + secret)), 44
        ),
        (
            "IKE, encrypted",
            ipv4(17, udp(500, ike(first: 46, [35, 0, 1, 0] + secret))), 20 + 8 + 28 + 4
        ),
        (
            "IKE, an encrypted fragment",
            ipv4(
                17, udp(4500, [0, 0, 0, 0] + ike(first: 53, [35, 0, 1, 0, 0, 1, 0, 2] + secret))),
            20 + 8 + 4 + 28 + 8
        ),
        (
            "IKE_SA_INIT",
            ipv4(
                17,
                udp(500, ike(first: 34, [40, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 6, 9, 9]))),
            20 + 8 + 28 + 18
        ),
        (
            "IKE, an identity in clear",
            ipv4(
                17, udp(500, ike(first: 41, [35, 0, 0, 8, 0, 0, 64, 0, 39, 0, 0, 12] + secret))),
            20 + 8 + 28 + 8
        ),
        (
            "IKEv1", ipv4(17, udp(500, ike(version: 0x10, first: 1, [4, 0, 0, 80] + secret))),
            20 + 8 + 28
        ),
        ("an echo", ipv4(1, [8, 0, 0, 0, 1, 2, 3, 4] + secret), 28),
        ("an echo of ICMPv6", ipv6(58, [128, 0, 0, 0, 1, 2, 3, 4] + secret), 48),
        (
            "an ICMP error",
            ipv4(
                1,
                [3, 4, 0, 0, 0, 0, 5, 0] + ipv4(6, [1, 2, 3, 4, 5, 6, 7, 8] + secret).prefix(300)),
            28 + 28
        ),
        (
            "an error of ICMPv6",
            ipv6(58, [2, 0, 0, 0, 0, 0, 5, 0] + ipv6(6, [1, 2, 3, 4, 5, 6, 7, 8] + secret)),
            48 + 48
        ),
        (
            "TCP",
            ipv4(
                6,
                [1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0x60, 2, 0, 9, 0, 0, 0, 0, 2, 4, 5, 0xb4]
                    + secret), 20 + 24
        ),
        ("a later fragment", ipv4(50, secret, fragment: 9), 20),
        ("a NAT keepalive", ipv4(17, udp(4500, [0xff])), 29),
        (
            "a later fragment behind a whole one",
            ipv6(44, [44, 0, 0, 0, 0, 0, 0, 1] + [60, 0, 0, 9, 0, 0, 0, 2] + secret), 40 + 8 + 8
        ),
        (
            "a NAT keepalive behind an authentication header",
            ipv4(51, [17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2] + udp(4500, [0xff])), 20 + 12 + 9
        ),
        (
            "a NAT keepalive behind a fragment header and options",
            ipv6(
                44,
                [60, 0, 0, 0, 0, 0, 0, 1] + [17, 0, 1, 4, 0, 0, 0, 0] + udp(4500, [0xff])),
            40 + 8 + 8 + 9
        ),
    ]

    @Test(arguments: 0..<15)
    func `headers are kept and nothing behind them`(number: Int) throws {
        let (name, packet, length) = Self.cases[number]
        let kept = try #require(Self.kept(packet), "\(name)")
        #expect(kept.count == 14 + length, "\(name)")
        #expect(!kept.contains(0xee), "\(name)")
        // What is kept reads as the same kind of packet, and never as a malformed one.
        kept.withRawSpan { span in
            let decoded = FrameDecoder().decode(
                span, linkType: .ethernet, wireLength: 14 + packet.count)
            if case .unreadable(let fault) = decoded { Issue.record("\(name): \(fault)") }
            if case .other = decoded { Issue.record("\(name): other") }
        }
    }

    @Test func `all cases are run`() { #expect(Self.cases.count == 18) }

    @Test func `packets of others have no place in a recording`() {
        #expect(Self.kept(Self.ipv4(17, Self.udp(53, Self.secret))) == nil)
        #expect(Self.kept(Self.ipv4(47, Self.secret)) == nil)
    }

    @Test func `packets that the capture cut are kept as far as they go`() {
        for (name, packet, length) in Self.cases {
            let type: [UInt8] = packet[0] >> 4 == 6 ? [0x86, 0xdd] : [0x08, 0x00]
            let frame = Self.ethernet + type + packet
            for count in 0...min(frame.count, 14 + length + 10) {
                let cut = Array(frame.prefix(count))
                cut.withRawSpan { span in
                    let decoded = FrameDecoder().decode(
                        span, linkType: .ethernet, wireLength: frame.count)
                    let kept = HeaderSnap.length(of: decoded, in: span)
                    #expect(kept ?? 0 <= min(count, 14 + length), "\(name), \(count) octets")
                }
            }
        }
    }
}
