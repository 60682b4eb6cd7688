import NetworkPrimitives
import NetworkSimulation
import Testing

@Suite struct IPPrefixTests {
    @Test(
        arguments: [
            "0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32", "::/0", "2001:db8::/32",
            "::1/128", "fe80::/10",
        ])
    func `reads back what it writes`(text: String) {
        #expect(IPPrefix(text)?.description == text)
    }

    @Test(
        arguments: [
            "", "/", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
            "10.0.0.1/24", "2001:db8::1/64", "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0/8 ",
            "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/00", "::/-0", "10.0.0.0/0x8",
            "10.0.0.0/99999999999999999999", "10.0/8",
        ])
    func `rejects what is no block, host bits included`(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `contains exactly the addresses whose leading bits agree`() {
        var generator = SeededGenerator(seed: 4632)
        for _ in 0..<2000 {
            let bits = UInt32(truncatingIfNeeded: generator.next())
            let length = Int(generator.below(33))
            let prefix = IPPrefix(.v4(bits), length: length)
            let other = bits ^ (1 << UInt32(generator.below(32)))
            let changed = (bits ^ other).leadingZeroBitCount
            #expect(prefix.contains(.v4(bits)))
            #expect(prefix.contains(.v4(other)) == (changed >= length))
            #expect(!prefix.contains(.v6(UInt128(bits))))

            let wide = UInt128(generator.next()) << 64 | UInt128(generator.next())
            let wideLength = Int(generator.below(129))
            let block = IPPrefix(.v6(wide), length: wideLength)
            let wideOther = wide ^ (1 << UInt128(generator.below(128)))
            #expect(block.contains(.v6(wide)))
            #expect(
                block.contains(.v6(wideOther))
                    == ((wide ^ wideOther).leadingZeroBitCount >= wideLength))
            #expect(IPPrefix(block.description) == block)
            #expect(IPPrefix(prefix.description) == prefix)
        }
    }

    @Test(
        arguments: [
            ("192.0.2.0/24", "192.0.2.1"), ("192.0.2.8/30", "192.0.2.9"),
            ("192.0.2.8/31", "192.0.2.8"), ("192.0.2.8/32", "192.0.2.8"), ("0.0.0.0/0", "0.0.0.1"),
            ("2001:db8::/64", "2001:db8::1"), ("2001:db8::2/127", "2001:db8::2"),
            ("2001:db8::2/128", "2001:db8::2"),
        ])
    func `names the first address a host can have`(text: String, host: String) throws {
        #expect(try #require(IPPrefix(text)).firstHost.description == host)
    }

    @Test(
        arguments: [
            ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"), ("10.0.0.0/31", "10.0.0.1", "10.0.0.0"),
            ("10.0.0.4/30", "10.0.0.5", "10.0.0.6"), ("10.0.0.4/30", "10.0.0.6", "10.0.0.5"),
            ("10.0.0.4/30", "10.0.0.4", nil), ("10.0.0.4/30", "10.0.0.7", nil),
            ("10.0.0.0/31", "10.0.0.2", nil), ("10.0.0.0/29", "10.0.0.1", nil),
            ("10.0.0.0/32", "10.0.0.0", nil), ("2001:db8::/127", "2001:db8::", "2001:db8::1"),
            ("2001:db8::/127", "2001:db8::1", "2001:db8::"), ("2001:db8::/64", "2001:db8::1", nil),
            ("10.0.0.0/31", "::1", nil),
        ] as [(String, String, String?)])
    func `names the other end of a point-to-point block`(
        block: String, address: String, other: String?
    ) throws {
        let prefix = try #require(IPPrefix(block))
        let end = try #require(IPAddress(address))
        #expect(prefix.otherHost(than: end)?.description == other)
    }

    @Test func `traps on a length that the family cannot have`() async {
        await #expect(processExitsWith: .failure) { _ = IPPrefix(.v4(0), length: 33) }
        await #expect(processExitsWith: .failure) { _ = IPPrefix(.v6(0), length: -1) }
    }
}
