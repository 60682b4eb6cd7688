import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", 0), ("255.255.255.255", 0xffff_ffff), ("192.0.2.1", 0xc000_0201),
            ("1.2.3.4", 0x0102_0304), ("10.252.0.0", 0x0afc_0000), ("127.0.0.1", 0x7f00_0001),
        ] as [(String, UInt32)])
    func `reads and writes dotted decimal`(text: String, bits: UInt32) {
        #expect(IPAddress(text) == .v4(bits))
        #expect(IPAddress.v4(bits).description == text)
    }

    /// The examples of RFC 4291 §2.2 and RFC 5952 §4 and §5, and the corners between them.
    @Test(
        arguments: [
            ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
            ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
            ("FF01:0:0:0:0:0:0:101", "ff01::101"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"),
            ("0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"),
            ("::FFFF:8190:3426", "::ffff:129.144.52.38"),
            // RFC 5952 §4.1: no leading zeros.
            ("2001:0db8::0001", "2001:db8::1"),
            // §4.2.1: shortened as far as possible.
            ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8::0:1", "2001:db8::1"),
            // §4.2.2: one group of zeros is not shortened.
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            // §4.2.3: the longest run, the first on a tie.
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:0:0:0:0:0", "1::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ])
    func `writes IPv6 in the recommended form`(text: String, recommended: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == recommended)
        #expect(IPAddress(recommended) == address)
    }

    @Test(
        arguments: [
            "", " ", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.1000", "01.2.3.4",
            "1.2.3.04", "1.2.3.-4", "+1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..3.4", "1.2.3.",
            "0x1.2.3.4",
            "1.2.3.٤", "١.2.3.4", "1.2.3.4/32",
            ":", ":::", "1:::2", "1::2::3", ":1::2", "1::2:", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8", "12345::", "g::", "::g",
            "fe80::1%eth0", "[::1]", "::1 ", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "::01.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4", "::1:2:3:4:5:6:1.2.3.4", "::-1", "::+1", "::/0", "1.2:3::",
        ])
    func `rejects what is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `reads back what it writes, for random addresses with runs of zeros`() {
        var generator = SeededGenerator(seed: 4291)
        for _ in 0..<5000 {
            let v4 = IPAddress.v4(UInt32(truncatingIfNeeded: generator.next()))
            #expect(IPAddress(v4.description) == v4)
            #expect(IPAddress(octets: v4.octets) == v4)
            var bits: UInt128 = 0
            for _ in 0..<8 {
                let group = generator.chance(0.5) ? 0 : UInt128(generator.next() & 0xffff)
                bits = bits << 16 | group
            }
            let v6 = IPAddress.v6(bits)
            #expect(IPAddress(v6.description) == v6)
            #expect(IPAddress(octets: v6.octets) == v6)
            // RFC 5952 §4.3: lower case; and never more than one "::".
            #expect(v6.description == v6.description.lowercased())
            #expect(!v6.description.contains(":::"))
        }
    }

    @Test func `rejects octets of any other count`() {
        for count in 0...20 {
            let address = IPAddress(octets: [UInt8](repeating: 1, count: count))
            #expect((address != nil) == (count == 4 || count == 16))
        }
    }

    @Test(
        arguments: [
            ("0.0.0.0", "unspecified"), ("::", "unspecified"),
            ("127.0.0.1", "loopback"), ("127.255.255.255", "loopback"), ("::1", "loopback"),
            ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"),
            ("255.255.255.255", "multicast"), ("ff02::1", "multicast"),
            ("169.254.0.1", "link-local"), ("fe80::1", "link-local"), ("febf::1", "link-local"),
            ("192.0.2.1", ""), ("128.0.0.1", ""), ("223.255.255.255", ""), ("240.0.0.1", ""),
            ("169.253.255.255", ""), ("2001:db8::1", ""), ("fec0::1", ""), ("fe7f::1", ""),
        ])
    func `knows the special blocks`(text: String, block: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isUnspecified == (block == "unspecified"))
        #expect(address.isLoopback == (block == "loopback"))
        #expect(address.isMulticast == (block == "multicast"))
        #expect(address.isLinkLocal == (block == "link-local"))
    }
}
