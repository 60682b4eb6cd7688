import KernelState
import NetworkPrimitives
import Testing

@Suite struct LinkStateTests {
    private func link(_ octets: [UInt8]) throws -> LinkState {
        try parse(octets) { (span) throws(KernelMessageError) in try LinkState(parsing: span) }
            .get()
    }

    /// `struct ifinfomsg` and a name.
    private func message(
        index: UInt32 = 7, flags: UInt32 = 0x41, _ name: String
    ) -> MessageBuilder {
        MessageBuilder().uint8(0).uint8(0).uint16(1).uint32(index).uint32(flags).uint32(0)
            .attribute(3) { $0.text(name) }
    }

    @Test func `reads what ip link showed for a VTI`() throws {
        let vti = try link(CapturedMessage.vtiLink)
        #expect(vti.name == "ipsec0")
        #expect(vti.index == 10)
        #expect(vti.kind == .vti)
        #expect(vti.mtu == 1400)
        #expect(vti.isUp)
        #expect(vti.isRunning)
        #expect(vti.operationalState == .unknown)
        #expect(vti.local == IPAddress("203.0.113.10"))
        #expect(vti.remote == IPAddress("198.51.100.1"))
        #expect((vti.inKey, vti.outKey) == (42, 42))
        #expect(vti.parentIndex == 9)
        #expect((vti.receivedPackets, vti.transmittedPackets) == (0, 5))
    }

    @Test func `reads a VTI over IPv6 and both kinds of GRE`() throws {
        let vti = try link(CapturedMessage.vti6Link)
        #expect(vti.kind == .vti6)
        #expect(vti.local == IPAddress("2001:db8:1::10"))
        #expect(vti.remote == IPAddress("2001:db8:2::1"))
        #expect(vti.outKey == 43)
        #expect(vti.parentIndex == nil)
        let gre = try link(CapturedMessage.greLink)
        #expect(gre.kind == .gre)
        #expect(gre.remote == IPAddress("198.51.100.9"))
        #expect((gre.inKey, gre.outKey) == (7, 7))
        let ip6gre = try link(CapturedMessage.ip6greLink)
        #expect(ip6gre.kind == .ip6gre)
        #expect(ip6gre.remote == IPAddress("2001:db8:2::9"))
        #expect((ip6gre.inKey, ip6gre.outKey) == (5, 6))
    }

    @Test func `any address and key 0 of a fallback device are none`() throws {
        let fallback = try link(CapturedMessage.fallbackLink)
        #expect(fallback.name == "ip_vti0")
        #expect(fallback.kind == .vti)
        #expect(!fallback.isUp)
        #expect(fallback.operationalState == .down)
        #expect((fallback.local, fallback.remote) == (nil, nil))
        #expect((fallback.inKey, fallback.outKey) == (nil, nil))
    }

    @Test func `reads an XFRM interface, detail before kind too`() throws {
        let detail: (MessageBuilder) -> MessageBuilder = {
            $0.attribute(2) { $0.attribute(1) { $0.uint32(3) }.attribute(2) { $0.uint32(77) } }
        }
        let kind: (MessageBuilder) -> MessageBuilder = { $0.attribute(1) { $0.text("xfrm") } }
        for information in [{ detail(kind($0)) }, { kind(detail($0)) }] {
            let xfrm = try link(
                message("ipsec1").attribute(18, information).attribute(16) { $0.uint8(6) }.octets)
            #expect(xfrm.kind == .xfrm)
            #expect(xfrm.interfaceID == 77)
            #expect(xfrm.parentIndex == 3)
            #expect(xfrm.operationalState == .up)
        }
    }

    @Test func `a GRE key counts only with its flag, and can be 0 then`() throws {
        func gre(_ flags: UInt16) throws -> LinkState {
            try link(
                message("gre9").attribute(18) {
                    $0.attribute(1) { $0.text("gre") }.attribute(2) {
                        $0.attribute(2) { $0.bigEndian16(flags) }
                            .attribute(3) { $0.bigEndian16(flags) }
                            .attribute(4) { $0.bigEndian32(0) }
                            .attribute(5) { $0.bigEndian32(9) }
                    }
                }.octets)
        }
        let plain = try gre(0)
        #expect((plain.inKey, plain.outKey) == (nil, nil))
        let keyed = try gre(0x2000)
        #expect((keyed.inKey, keyed.outKey) == (0, 9))
    }

    @Test func `counters and MTU that were not sent are unknown`() throws {
        let bare = try link(message(flags: 0, "x").octets)
        #expect(bare.mtu == nil)
        #expect(bare.receivedPackets == nil)
        #expect(!bare.isUp)
        #expect(bare.kind == .other(""))
    }

    @Test func `a device without a name is malformed`() {
        let octets = MessageBuilder().zeros(16).octets
        #expect(
            parse(octets) { (span) throws(KernelMessageError) in try LinkState(parsing: span) }
                == .failure(.badLength(field: "IFLA_IFNAME", length: 0)))
    }
}
