import KernelState
import Testing

@Suite struct NamedCountersTests {
    private func listing(_ text: String) -> NamedCounters {
        NamedCounters(listing: Array(text.utf8).span.bytes)
    }

    private func table(_ text: String) -> NamedCounters {
        NamedCounters(table: Array(text.utf8).span.bytes)
    }

    @Test func `names of xfrm_stat that this program does not know are kept`() {
        let counters = listing(
            "XfrmInError             \t0\nXfrmInStateSeqError     \t18446744073709551615\n"
                + "XfrmOfTomorrow\t7\n")
        #expect(
            counters.counters.map(\.name) == [
                "XfrmInError", "XfrmInStateSeqError", "XfrmOfTomorrow",
            ])
        #expect(counters["XfrmInStateSeqError"] == .max)
        #expect(counters["XfrmOfTomorrow"] == 7)
        #expect(counters["XfrmInNoPols"] == nil)
        #expect(counters.malformedLines == 0)
    }

    @Test func `lines that are no counters are counted and left out`() {
        let counters = listing("A 1\nB\nC x\nD 1 2\nE 18446744073709551616\n\nF-1 2\nG 3")
        #expect(counters.counters == [.init("A", 1), .init("G", 3)])
        #expect(counters.malformedLines == 5)
    }

    @Test func `tables of snmp and netstat are read in pairs of lines`() {
        let counters = table(
            "Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 1234\n"
                + "Icmp: InMsgs OutEchoReps\nIcmp: 3 4\nTcp: MaxConn InSegs\nTcp: -1 9\n")
        #expect(counters["IpInReceives"] == 1234)
        #expect(counters["IcmpOutEchoReps"] == 4)
        // No limit is no count.
        #expect(counters["TcpMaxConn"] == nil)
        #expect(counters["TcpInSegs"] == 9)
        #expect(counters.malformedLines == 0)
        let delivery = counters.filtered(NamedCounters.concernsDelivery)
        #expect(delivery["TcpInSegs"] == nil)
        #expect(delivery["IpInReceives"] == 1234)
    }

    @Test func `a table whose lines do not belong together is left out`() {
        #expect(table("Ip: A B\nIcmp: 1 2\n").malformedLines == 1)
        #expect(table("Ip: A B\nIp: 1\n").malformedLines == 1)
        #expect(table("Ip: A B").malformedLines == 1)
        #expect(table("Ip A\nIp 1\n").malformedLines == 1)
        #expect(table("Ip: A B\nIp: 1\nIcmp: C\nIcmp: 2\n")["IcmpC"] == 2)
    }

    @Test func `names are bounded in number and length`() {
        let many = (0..<2000).map { "N\($0) 1\n" }.joined()
        #expect(listing(many).counters.count == NamedCounters.nameLimit)
        let long = String(repeating: "a", count: 65)
        #expect(listing("\(long) 1\n").malformedLines == 1)
    }

    @Test func `any octets are read without a trap`() {
        var random = SeededGenerator(state: 7)
        for _ in 0..<2000 {
            let octets = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                [UInt8(ascii: ":"), 0x0a, 0x20, 0x2d, 0x31, 0x41, 0xff, 0].randomElement(
                    using: &random)!
            }
            _ = NamedCounters(listing: octets.span.bytes)
            _ = NamedCounters(table: octets.span.bytes)
            _ = SystemSetting.value(parsing: octets.span.bytes)
        }
    }

    @Test func `a ledger goes on where a namespace made anew begins at 0`() {
        var ledger = CounterLedger(names: ["XfrmInError"])
        #expect(ledger.totals == [.init("XfrmInError", 0)])
        ledger.note(listing("XfrmInError 5\nXfrmNew 2\n"))
        ledger.note(listing("XfrmInError 1\nXfrmNew 2\n"))
        #expect(ledger.totals == [.init("XfrmInError", 6), .init("XfrmNew", 2)])
        ledger.note(NamedCounters())
        #expect(ledger.totals == [.init("XfrmInError", 6), .init("XfrmNew", 2)])
    }

    @Test(
        arguments: [
            ("1\n", 1), ("0", 0), ("-1\n", -1), ("1000\n", 1000), ("", nil), ("\n", nil),
            ("-\n", nil),
            ("1 2\n", nil), ("x\n", nil), ("1\n2\n", nil), ("9223372036854775808\n", nil),
        ] as [(String, Int?)])
    func `a sysctl is one number`(text: String, value: Int?) {
        #expect(SystemSetting.value(parsing: Array(text.utf8).span.bytes) == value)
    }
}
