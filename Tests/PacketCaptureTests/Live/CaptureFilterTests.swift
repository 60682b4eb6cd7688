import CPcap
import NetworkPrimitives
import PacketCapture
import Testing

/// What a filter's expressions compile to and which frames they admit.
@Suite struct CaptureFilterTests {
    private static let ethernetLink = DLT_EN10MB

    /// A compiled expression.
    private final class Program {
        private var program = bpf_program()
        var instructionCount: Int { Int(program.bf_len) }

        init(_ expression: String, link: CInt = ethernetLink) throws {
            let handle = try #require(pcap_open_dead(link, 262_144))
            defer { pcap_close(handle) }
            let result = pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN)
            try #require(
                result == 0, "\(String(cString: pcap_geterr(handle))) in \(expression)")
        }

        deinit { pcap_freecode(&program) }

        func admits(_ frame: [UInt8]) -> Bool {
            var header = pcap_pkthdr()
            header.caplen = UInt32(frame.count)
            header.len = UInt32(frame.count)
            return pcap_offline_filter(&program, &header, frame) != 0
        }
    }

    private static let ours = ("198.51.100.1", "203.0.113.10")
    private static let others = ("192.0.2.1", "203.0.113.10")

    private static func v4(
        _ number: UInt8, _ payload: [UInt8], between ends: (String, String) = ours,
        fragmentOffset: UInt16 = 0
    ) -> [UInt8] {
        ethernet(
            0x0800,
            packet(
                from: ends.0, to: ends.1, protocolNumber: number, payload,
                fragmentOffset: fragmentOffset))
    }

    private static func v6(
        _ source: String, _ number: UInt8, _ payload: [UInt8]
    ) -> [UInt8] {
        ethernet(
            0x86dd,
            packet(from: source, to: "2001:db8::1", protocolNumber: number, payload))
    }

    @Test func `says in words what it takes`() {
        let filter = CaptureFilter(endpoints: [.v4(0xc633_6402), .v4(0xc633_6401)])
        #expect(
            filter.expression()
                == "(ip and (ip[9] = 50 or udp port 4500 or (ip[9] = 17 and ip[6:2] & 0x1fff != 0))"
                + " and (src host (198.51.100.1 or 198.51.100.2)"
                + " or dst host (198.51.100.1 or 198.51.100.2)))")
        #expect(!filter.expression(.anyone).contains("host"))
        #expect(filter.expression(isEthernet: false) == filter.expression())
        #expect(!filter.expression().contains("vlan"))
    }

    @Test func `takes ESP of the endpoints in either direction, and nobody else's`() throws {
        let program = try Program(CaptureFilter.anything.expression())
        #expect(program.admits(Self.v4(50, esp(1))))
        #expect(program.admits(Self.v4(50, esp(1), between: (Self.ours.1, Self.ours.0))))
        #expect(!program.admits(Self.v4(50, esp(1), between: Self.others)))
        #expect(program.admits(Self.v4(17, udp(from: 4500, to: 4500, esp(1)))))
        #expect(program.admits(Self.v4(17, udp(from: 4500, to: 31_337, esp(1)))))
        #expect(!program.admits(Self.v4(17, udp(from: 53, to: 53, esp(1)))))
        #expect(
            !program.admits(Self.v4(17, udp(from: 4500, to: 4500, esp(1)), between: Self.others)))
        #expect(!program.admits(Self.v4(1, [8, 0, 0, 0])))
        #expect(!program.admits(Self.v4(17, udp(from: 500, to: 500, []))))
        #expect(!program.admits(Self.v6("2001:db8::9", 50, esp(1))))
        let anyone = try Program(CaptureFilter.anything.expression(.anyone))
        #expect(anyone.admits(Self.v4(50, esp(1), between: Self.others)))
        #expect(anyone.admits(Self.v6("2001:db8::9", 50, esp(1))))
        #expect(!anyone.admits(Self.v4(6, esp(1), between: Self.others)))
    }

    /// A TCP header with these flags.
    private static func tcp(_ flags: UInt8) -> [UInt8] {
        [UInt8](repeating: 0, count: 12) + [0x50, flags] + [UInt8](repeating: 0, count: 6)
    }

    @Test func `of a tunnel's inside it takes echo messages and SYNs, and no other packet`() throws
    {
        let filter = CaptureFilter(everybodys: [.echo, .openingSegments], .inbound)
        for link in [Self.ethernetLink, DLT_RAW] {
            let program = try Program(filter.expression(isEthernet: false), link: link)
            func admits(_ frame: [UInt8]) -> Bool {
                program.admits(link == DLT_RAW ? Array(frame.dropFirst(14)) : frame)
            }
            for type: UInt8 in [0, 8] { #expect(admits(Self.v4(1, [type, 0, 0, 0]))) }
            for type: UInt8 in [3, 5, 11, 128] { #expect(!admits(Self.v4(1, [type, 0, 0, 0]))) }
            for type: UInt8 in [128, 129] {
                #expect(admits(Self.v6("2001:db8::9", 58, [type, 0, 0, 0])))
            }
            for type: UInt8 in [0, 1, 8, 135] {
                #expect(!admits(Self.v6("2001:db8::9", 58, [type, 0, 0, 0])))
            }
            for flags: UInt8 in [0x02, 0x12, 0xc2] {
                #expect(admits(Self.v4(6, Self.tcp(flags))))
                #expect(admits(Self.v6("2001:db8::9", 6, Self.tcp(flags))))
            }
            for flags: UInt8 in [0, 0x10, 0x18, 0x11, 0x14] {
                #expect(!admits(Self.v4(6, Self.tcp(flags))))
                #expect(!admits(Self.v6("2001:db8::9", 6, Self.tcp(flags))))
            }
            #expect(!admits(Self.v4(6, Self.tcp(2), fragmentOffset: 0x00b9)))
            #expect(!admits(Self.v4(50, esp(1))))
            #expect(!admits(Self.v4(17, udp(from: 2, to: 2, esp(1)))))
            #expect(!admits(Self.v6("2001:db8::9", 44, esp(1))))
        }
    }

    @Test func `takes what says that a packet was too big, and no other error`() throws {
        let filter = CaptureFilter(everybodys: [.packetTooBig], .inbound)
        let program = try Program(filter.expression())
        #expect(program.admits(Self.v4(1, [3, 4, 0, 0])))
        for head: [UInt8] in [[3, 3], [3, 13], [11, 0], [4, 4], [0, 4], [8, 0]] {
            #expect(!program.admits(Self.v4(1, head + [0, 0])))
        }
        #expect(program.admits(Self.v6("2001:db8::9", 58, [2, 0, 0, 0])))
        #expect(!program.admits(Self.v6("2001:db8::9", 58, [3, 0, 0, 0])))
    }

    @Test func `every kind of traffic compiles behind tags as well`() throws {
        for kind in CaptureFilter.Traffic.allCases {
            let filter = CaptureFilter(
                traffic: [kind], endpoints: [.v4(1), .v6(1)], looksBehindTags: true)
            _ = try Program(filter.expression())
        }
    }

    @Test func `takes fragments, the later ones too`() throws {
        let program = try Program(CaptureFilter.anything.expression())
        // The first fragment has MF and offset 0, the later ones have an offset and no ports.
        for offset in [0x2000, 0x20b9, 0x00b9] as [UInt16] {
            #expect(program.admits(Self.v4(50, esp(1), fragmentOffset: offset)))
        }
        #expect(program.admits(Self.v4(17, esp(1), fragmentOffset: 0x00b9)))
        #expect(!program.admits(Self.v4(17, esp(1), between: Self.others, fragmentOffset: 0x00b9)))
    }

    @Test func `takes IPv6 whose first header is ESP, UDP, a fragment or an extension`() throws {
        let provider = "2001:db8:ffff::7"
        let filter = CaptureFilter(endpoints: [try #require(IPAddress(provider))])
        let program = try Program(filter.expression())
        for number in [50, 0, 43, 44, 60] as [UInt8] {
            #expect(program.admits(Self.v6(provider, number, esp(1))), "\(number)")
            #expect(!program.admits(Self.v6("2001:db8:ffff::8", number, esp(1))), "\(number)")
        }
        #expect(program.admits(Self.v6(provider, 17, udp(from: 4500, to: 4500, esp(1)))))
        for number in [6, 58, 59] as [UInt8] {
            #expect(!program.admits(Self.v6(provider, number, esp(1))), "\(number)")
        }
        #expect(!program.admits(Self.v4(50, esp(1))))
    }

    @Test func `takes ICMP and IKE where asked`() throws {
        let program = try Program(
            CaptureFilter(traffic: [.ike, .icmp], endpoints: [CaptureFilter.provider]).expression())
        #expect(program.admits(Self.v4(1, [8, 0, 0, 0])))
        #expect(!program.admits(Self.v4(1, [8, 0, 0, 0], between: Self.others)))
        #expect(program.admits(Self.v4(17, udp(from: 500, to: 500, esp(1)))))
        let marked = [UInt8](repeating: 0, count: 4) + esp(1)
        #expect(program.admits(Self.v4(17, udp(from: 4500, to: 4500, marked))))
        #expect(program.admits(Self.v4(17, udp(from: 4500, to: 4500, [0xff]))))
        #expect(!program.admits(Self.v4(17, udp(from: 4500, to: 4500, esp(1)))), "ESP in UDP")
        #expect(!program.admits(Self.v4(50, esp(1))))
    }

    @Test func `takes echo messages of the wanted peers, and errors of anyone`() throws {
        let us = try #require(IPAddress("203.0.113.10"))
        var filter = CaptureFilter(traffic: [.icmp], endpoints: [us])
        filter.echoPeers = [CaptureFilter.provider]
        let program = try Program(filter.expression())
        for type in [0, 8, 3, 11, 12] as [UInt8] {
            #expect(program.admits(Self.v4(1, [type, 0, 0, 0])), "\(type)")
            let isError = type != 0 && type != 8
            #expect(
                program.admits(Self.v4(1, [type, 0, 0, 0], between: Self.others)) == isError,
                "\(type)")
        }
        #expect(
            program.admits(Self.v4(1, [8, 0, 0, 0], between: ("203.0.113.10", "198.51.100.1"))))
        // A later fragment of a long answer has no type.
        #expect(program.admits(Self.v4(1, [0x55, 0, 0, 0], fragmentOffset: 0x00b9)))
        #expect(!program.admits(Self.v4(1, [8, 0, 0, 0], between: ("192.0.2.1", "192.0.2.2"))))
    }

    @Test func `takes IPv6 echo messages of the wanted peers, and errors of anyone`() throws {
        let peer = "2001:db8:ffff::7"
        let stranger = "2001:db8:ffff::8"
        let us = try #require(IPAddress("2001:db8::1"))
        var filter = CaptureFilter(traffic: [.icmp], endpoints: [us])
        filter.echoPeers = [try #require(IPAddress(peer))]
        let program = try Program(filter.expression())
        for type in [1, 2, 3, 128, 129] as [UInt8] {
            #expect(program.admits(Self.v6(peer, 58, [type, 0, 0, 0])), "\(type)")
            #expect(
                program.admits(Self.v6(stranger, 58, [type, 0, 0, 0])) == (type < 128), "\(type)")
        }
    }

    @Test func `takes IKE and no ESP over IPv6`() throws {
        let provider = "2001:db8:ffff::1"
        let program = try Program(
            CaptureFilter(
                traffic: [.ike], endpoints: [try #require(IPAddress(provider))]
            ).expression())
        let marked = [UInt8](repeating: 0, count: 4) + esp(1)
        #expect(program.admits(Self.v6(provider, 17, udp(from: 500, to: 500, esp(1)))))
        #expect(program.admits(Self.v6(provider, 17, udp(from: 4500, to: 4500, marked))))
        #expect(program.admits(Self.v6(provider, 17, udp(from: 4500, to: 4500, [0xff]))))
        #expect(!program.admits(Self.v6(provider, 17, udp(from: 4500, to: 4500, esp(1)))))
    }

    @Test func `looks behind one tag, two tags and PPPoE at a mirror port`() throws {
        var filter = CaptureFilter.anything
        let plain = try Program(filter.expression())
        filter.looksBehindTags = true
        let program = try Program(filter.expression())
        let bare = packet(
            from: Self.ours.0, to: Self.ours.1, protocolNumber: 50, esp(1))
        let other = packet(
            from: Self.ours.0, to: Self.ours.1, protocolNumber: 6, esp(1))
        let session: [UInt8] = [0x11, 0, 0, 1, 0, UInt8(2 + bare.count), 0, 0x21]
        for (name, wrap): (String, ([UInt8]) -> [UInt8]) in [
            ("VLAN", { ethernet(0x8100, tag(100, 0x0800, $0)) }),
            ("QinQ", { ethernet(0x88a8, tag(7, 0x8100, tag(100, 0x0800, $0))) }),
            ("PPPoE", { ethernet(0x8864, session + $0) }),
        ] {
            #expect(program.admits(wrap(bare)), "\(name)")
            #expect(!program.admits(wrap(other)), "\(name)")
            #expect(!plain.admits(wrap(bare)), "\(name)")
        }
        #expect(program.admits(ethernet(0x0800, bare)))
        #expect(!program.admits(ethernet(0x0800, other)))
        #expect(!program.admits(Self.v4(50, esp(1), between: Self.others)))
    }

    @Test(arguments: [DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_PPP])
    func `compiles for every link type`(link: CInt) throws {
        let filter = CaptureFilter(
            traffic: Set(CaptureFilter.Traffic.allCases),
            endpoints: [CaptureFilter.provider, .v6(1)], looksBehindTags: true)
        for precision in CaptureFilter.Precision.allCases {
            let program = try Program(
                filter.expression(precision, isEthernet: link == DLT_EN10MB), link: link)
            #expect(program.instructionCount > 1)
        }
    }

    @Test func `names hundreds of endpoints within the kernel's limit`() throws {
        // Addresses without a common prefix, half of either family: the worst case.
        let endpoints = (0..<300).map { number -> IPAddress in
            let mixed = UInt64(number) &* 0x9e37_79b9_7f4a_7c15
            return number % 2 == 0
                ? .v4(UInt32(truncatingIfNeeded: mixed >> 16))
                : .v6(UInt128(mixed) << 64 | UInt128(mixed.byteSwapped))
        }
        let filter = CaptureFilter(endpoints: Set(endpoints), looksBehindTags: true)
        let program = try Program(filter.expression())
        #expect(program.instructionCount <= 4096, "\(program.instructionCount)")
        for endpoint in endpoints {
            let local = endpoint.family == .v4 ? "203.0.113.10" : "2001:db8::1"
            let frame = ethernet(
                endpoint.family == .v4 ? 0x0800 : 0x86dd,
                packet(
                    from: local, to: endpoint.description, protocolNumber: 50, esp(1)))
            #expect(program.admits(frame), "\(endpoint)")
        }
        #expect(!program.admits(Self.v4(50, esp(1))))
    }

    @Test func `nothing wanted is nothing taken`() throws {
        for filter in [
            CaptureFilter(endpoints: []),
            CaptureFilter(traffic: [], endpoints: [CaptureFilter.provider]),
            CaptureFilter(endpoints: [], looksBehindTags: true),
        ] {
            #expect(try !Program(filter.expression()).admits(espFrame(1)))
        }
    }
}
