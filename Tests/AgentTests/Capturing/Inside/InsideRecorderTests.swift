import NetworkPrimitives
import PacketFormats
import PacketSizes
import ProviderChecks
import Testing

@testable import Agent

/// Frames of tunnels' insides in, checks and sizes out.
@Suite struct InsideRecorderTests {
    private static let xfrm1 = CapturePlace(device: "xfrm1")
    private static let xfrm2 = CapturePlace(device: "xfrm2")
    private static let wan = CapturePlace(device: "wan0")

    private static func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000)
    }

    /// A recorder of tunnels that are all captured, on a host with these addresses.
    private static func recorder(
        _ plans: [TunnelPlan], own: Set<IPAddress> = [ip("10.253.0.2"), ip("203.0.113.10")],
        selectors: [InsideFacts.Selector] = []
    ) -> InsideRecorder {
        var recorder = InsideRecorder(seed: 7)
        let plan = InsidePlan(for: plans)
        recorder.adopt(plan, at: at(0))
        recorder.note(capturing: Set(plan.places.keys))
        var facts = InsideFacts()
        facts.ownAddresses = own
        facts.outboundSPIs = [SPI(rawValue: 0xc0de_0001)]
        facts.selectors = selectors
        recorder.note(
            Dictionary(uniqueKeysWithValues: plans.map { ($0.name, facts) }), at: at(0))
        return recorder
    }

    private static func feed(
        _ frame: [UInt8], _ place: CapturePlace, _ direction: TrafficDirection,
        at milliseconds: Int64 = 10, into recorder: inout InsideRecorder
    ) throws {
        let number = try #require(recorder.place(place))
        _ = frame.withRawSpan {
            recorder.receive(
                $0, link: place == wan ? .ethernet : .rawIP, wireLength: frame.count,
                arrival: at(milliseconds), at: number, direction)
        }
    }

    private static func reports(
        _ recorder: InsideRecorder, at milliseconds: Int64 = 10_000
    ) -> [String: InsideReport] {
        recorder.reports(at: at(milliseconds), wall: WallTime(nanoseconds: 0)) { _ in nil }
    }

    // MARK: - Sizes

    @Test func `SYNs of a tunnel's device are that tunnel's, by direction`() throws {
        var recorder = Self.recorder([.inside("cf-1"), .inside("cf-2", device: "xfrm2")])
        let out = InsideFrame.segment("10.1.0.5", "93.184.216.34", size: 1460)
        try Self.feed(out, Self.xfrm1, .outbound, into: &recorder)
        let back = InsideFrame.segment("93.184.216.34", "10.1.0.5", size: 1360, flags: 0x12)
        try Self.feed(back, Self.xfrm1, .inbound, into: &recorder)
        try Self.feed(
            InsideFrame.segment("2001:db8::5", "2001:db8:1::1", size: 1440), Self.xfrm2, .outbound,
            into: &recorder)
        let reports = Self.reports(recorder)
        let first = try #require(reports["cf-1"]?.sizes)
        #expect(first.outbound.seen == 1 && first.outbound.overLimit == 1)
        #expect(first.outbound.example?.isForwarded == true)
        #expect(first.inbound.seen == 1 && first.inbound.overLimit == 0)
        #expect(reports["cf-2"]?.sizes.outbound.v6.overLimit == 1)
        #expect(reports["cf-2"]?.sizes.inbound.seen == 0)
    }

    @Test func `whether this host forwards is not said before its addresses are known`() throws {
        var recorder = Self.recorder([.inside()], own: [])
        let frame = InsideFrame.segment("10.253.0.2", "93.184.216.34", size: 1460)
        try Self.feed(frame, Self.xfrm1, .outbound, into: &recorder)
        let counts = Self.reports(recorder)["cf-1"]?.sizes.outbound
        #expect(counts?.overLimit == 1 && counts?.v4.forwardedOverLimit == 0)
        #expect(counts?.example != nil && counts?.example?.isForwarded == nil)
    }

    @Test func `decrypted SYNs of a policy-based tunnel are those of its selectors`() throws {
        let selector = InsideFacts.Selector(
            source: IPPrefix(ip("10.9.0.0"), length: 16),
            destination: IPPrefix(ip("10.1.0.0"), length: 16))
        var recorder = Self.recorder([.inside(device: nil)], selectors: [selector])
        for (source, destination) in [
            ("10.9.0.1", "10.1.0.5"), ("192.0.2.7", "10.1.0.5"), ("10.9.0.1", "203.0.113.10"),
        ] {
            try Self.feed(
                InsideFrame.ethernet(InsideFrame.segment(source, destination, size: 1460)),
                Self.wan, .inbound, into: &recorder)
        }
        let report = Self.reports(recorder)["cf-1"]
        #expect(report?.sizes.inbound.seen == 1)
        #expect(report?.deviceReason?.contains("policy-based") == true)
        // Of a route-based tunnel nothing inside is seen there.
        var other = Self.recorder([.inside()], selectors: [selector])
        try Self.feed(
            InsideFrame.ethernet(InsideFrame.segment("10.9.0.1", "10.1.0.5", size: 1460)),
            Self.wan, .inbound, into: &other)
        #expect(Self.reports(other)["cf-1"]?.sizes.inbound.seen == 0)
    }

    @Test func `a limit that the path gives counts from there on`() throws {
        var recorder = Self.recorder([.inside()])
        let frame = InsideFrame.segment("10.1.0.5", "93.184.216.34", size: 1400)
        try Self.feed(frame, Self.xfrm1, .outbound, into: &recorder)
        recorder.note(["cf-1": SegmentSizeLimits(v4: 1406, v6: 1386)])
        try Self.feed(frame, Self.xfrm1, .outbound, into: &recorder)
        let counts = Self.reports(recorder)["cf-1"]?.sizes.outbound
        #expect(counts?.overLimit == 1 && counts?.v4.limit == 1406 && counts?.seen == 2)
    }

    // MARK: - Packet Too Big

    /// "Fragmentation needed" about an ESP packet of this host's.
    private static func tooBig(spi: UInt8, mtu: UInt16 = 1400) -> [UInt8] {
        let quote =
            [0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 63, 50, 0, 0]
            + ip("203.0.113.10").octets + ip("198.51.100.1").octets
            + [0xc0, 0xde, 0, spi, 0, 0, 0, 9]
        var message: [UInt8] = [3, 4, 0, 0, 0, 0]
        message.append(bigEndian: mtu)
        message += quote
        let sum = ~message.withRawSpan { InternetChecksum.sum($0) }
        (message[2], message[3]) = (UInt8(sum >> 8), UInt8(sum & 255))
        return InsideFrame.ethernet(InsideFrame.packet("192.0.2.1", "203.0.113.10", 1, message))
    }

    @Test func `a router's Packet Too Big is told once, and what it quotes must have left here`()
        throws
    {
        var recorder = Self.recorder([.inside("cf-1"), .inside("cf-2", remote: "198.51.100.2")])
        try Self.feed(Self.tooBig(spi: 1), Self.wan, .inbound, into: &recorder)
        var changed = recorder.advance(to: Self.at(100))
        #expect(changed == ["cf-1"])
        try Self.feed(Self.tooBig(spi: 1), Self.wan, .inbound, into: &recorder)
        try Self.feed(Self.tooBig(spi: 2), Self.wan, .inbound, into: &recorder)
        changed = recorder.advance(to: Self.at(200))
        #expect(changed.isEmpty)
        let record = Self.reports(recorder)["cf-1"]?.sizes.tooBig
        #expect(record?.seen == 2 && record?.suspicious == 1)
        #expect(record?.latest?.router == ip("192.0.2.1") && record?.latest?.mtu == 1400)
        #expect(Self.reports(recorder)["cf-2"]?.sizes.tooBig.seen == 0)
    }

    @Test func `an SPI of a rekey ago may still be quoted`() throws {
        var recorder = Self.recorder([.inside()])
        var facts = InsideFacts()
        facts.ownAddresses = [ip("10.253.0.2")]
        facts.outboundSPIs = [SPI(rawValue: 0xc0de_0002)]
        recorder.note(["cf-1": facts], at: Self.at(1))
        for spi: UInt8 in [1, 2, 3] {
            try Self.feed(Self.tooBig(spi: spi), Self.wan, .inbound, into: &recorder)
        }
        let record = Self.reports(recorder)["cf-1"]?.sizes.tooBig
        #expect(record?.seen == 2 && record?.suspicious == 1)
    }

    // MARK: - Checks

    /// Reply-style checks that this host turns round: in by the tunnel, out by `place`.
    private static func turnRound(
        by place: CapturePlace?, into recorder: inout InsideRecorder
    ) throws {
        for number in 0..<30 {
            let identifier = UInt16(1000 + number * 17)
            let time = Int64(number * 300)
            func echo(_ hopLimit: UInt8) -> [UInt8] {
                InsideFrame.echo(
                    "203.0.113.10", "172.64.240.\(number + 1)", isReply: true,
                    identifier: identifier, hopLimit: hopLimit)
            }
            try feed(echo(64), xfrm1, .inbound, at: time, into: &recorder)
            if let place {
                let answer = place == wan ? InsideFrame.ethernet(echo(63)) : echo(63)
                try feed(answer, place, .outbound, at: time + 1, into: &recorder)
            }
            _ = recorder.advance(to: at(time + 200))
        }
        _ = recorder.advance(to: at(12_000))
    }

    @Test func `checks that are turned round beside the tunnel are answered`() throws {
        var recorder = Self.recorder([.inside()])
        try Self.turnRound(by: Self.wan, into: &recorder)
        let checks = try #require(Self.reports(recorder, at: 12_000)["cf-1"]?.checks)
        #expect(checks.style == .reply && checks.direction == .unidirectional)
        #expect(checks.answered?.ratio == 1)
    }

    @Test func `checks that leave by another tunnel of this host are answered too`() throws {
        var recorder = Self.recorder([.inside("cf-1"), .inside("cf-2", device: "xfrm2")])
        try Self.turnRound(by: Self.xfrm2, into: &recorder)
        let checks = try #require(Self.reports(recorder, at: 12_000)["cf-1"]?.checks)
        #expect(checks.answered?.ratio == 1)
        // To the other tunnel that was nothing out of its own device.
        #expect(Self.reports(recorder, at: 12_000)["cf-2"]?.checks.style == nil)
    }

    @Test func `checks that nobody turns round are unanswered`() throws {
        var recorder = Self.recorder([.inside()])
        try Self.turnRound(by: nil, into: &recorder)
        let checks = try #require(Self.reports(recorder, at: 12_000)["cf-1"]?.checks)
        #expect(checks.style == .reply && checks.answered?.ratio == 0)
    }

    @Test func `checks of a policy-based tunnel arrive at the WAN`() throws {
        var recorder = Self.recorder([.inside(device: nil), .inside("cf-2")])
        for number in 0..<30 {
            let echo = InsideFrame.echo(
                "203.0.113.10", "172.64.240.\(number + 1)", isReply: true,
                identifier: UInt16(1000 + number * 17))
            try Self.feed(
                InsideFrame.ethernet(echo), Self.wan, .inbound, at: Int64(number * 300),
                into: &recorder)
            _ = recorder.advance(to: Self.at(Int64(number * 300 + 200)))
        }
        _ = recorder.advance(to: Self.at(12_000))
        let reports = Self.reports(recorder, at: 12_000)
        #expect(reports["cf-1"]?.checks.style == .reply)
        #expect(reports["cf-1"]?.checks.answered?.ratio == 0)
        // A tunnel with a device has its checks there.
        #expect(reports["cf-2"]?.checks.style == nil)
    }

    @Test func `policy-based tunnels that share a WAN cannot be told apart`() throws {
        var recorder = Self.recorder([
            .inside("cf-1", device: nil), .inside("cf-2", device: nil, remote: "198.51.100.2"),
        ])
        try Self.feed(
            InsideFrame.ethernet(
                InsideFrame.echo("203.0.113.10", "172.64.240.1", isReply: true, identifier: 7)),
            Self.wan, .inbound, at: 0, into: &recorder)
        _ = recorder.advance(to: Self.at(12_000))
        for name in ["cf-1", "cf-2"] {
            let checks = try #require(Self.reports(recorder, at: 12_000)[name]?.checks)
            #expect(checks.reason?.contains("share the WAN") == true)
            #expect(checks.totals.isEmpty)
        }
    }

    @Test func `probes of agents and reflectors are no checks`() throws {
        var recorder = Self.recorder([.inside()])
        for number in 0..<30 {
            let echo = InsideFrame.echo(
                "203.0.113.10", "172.64.240.\(number + 1)", isReply: true,
                identifier: UInt16(1000 + number * 17),
                payload: [0x54, 0x50, 0x52, 0x50, 1] + [UInt8](repeating: 9, count: 51))
            try Self.feed(
                echo, Self.xfrm1, .inbound, at: Int64(number * 300), into: &recorder)
        }
        _ = recorder.advance(to: Self.at(12_000))
        #expect(Self.reports(recorder, at: 12_000)["cf-1"]?.checks.style == nil)
    }

    @Test func `a WAN that is not captured makes no check unanswered`() throws {
        var recorder = Self.recorder([.inside()])
        recorder.note(capturing: [Self.xfrm1])
        try Self.turnRound(by: nil, into: &recorder)
        let checks = try #require(Self.reports(recorder, at: 12_000)["cf-1"]?.checks)
        #expect(checks.style == .reply && checks.answered == nil)
    }

    @Test func `counters go on when the configuration changes`() throws {
        var recorder = Self.recorder([.inside()])
        let frame = InsideFrame.segment("10.1.0.5", "93.184.216.34", size: 1460)
        try Self.feed(frame, Self.xfrm1, .outbound, into: &recorder)
        try Self.turnRound(by: Self.wan, into: &recorder)
        recorder.adopt(
            InsidePlan(for: [.inside("cf-0", device: "xfrm2"), .inside(device: "xfrm9")]),
            at: Self.at(13_000))
        #expect(recorder.place(Self.xfrm1) == nil)
        try Self.feed(
            frame, CapturePlace(device: "xfrm9"), .outbound, at: 13_001, into: &recorder)
        let report = try #require(Self.reports(recorder, at: 13_002)["cf-1"])
        #expect(report.sizes.outbound.seen == 2)
        #expect(report.checks.totals[.reply]?.answered == 30)
    }

    @Test func `a check that waits for its answer waits on while the configuration changes`() throws
    {
        var recorder = Self.recorder([.inside(), .inside("cf-2", device: "xfrm2")])
        func check(_ hopLimit: UInt8) -> [UInt8] {
            InsideFrame.echo(
                "203.0.113.10", "172.64.240.1", isReply: true, identifier: 9, hopLimit: hopLimit)
        }
        try Self.feed(check(64), Self.xfrm1, .inbound, at: 10, into: &recorder)
        try Self.feed(check(64), Self.xfrm2, .inbound, at: 11, into: &recorder)
        // Another order, another tunnel before them, and one of them is gone.
        recorder.adopt(
            InsidePlan(for: [.inside("cf-0", device: "xfrm0"), .inside()]), at: Self.at(12))
        try Self.feed(
            InsideFrame.ethernet(check(63)), Self.wan, .outbound, at: 13, into: &recorder)
        _ = recorder.advance(to: Self.at(3_000))
        let reports = Self.reports(recorder, at: 3_000)
        #expect(reports["cf-1"]?.checks.totals[.reply]?.answered == 1)
        #expect(reports["cf-0"]?.checks.totals.isEmpty == true)
    }

    @Test func `takes any octets from any device`() throws {
        var recorder = Self.recorder([.inside(), .inside("policy", device: nil)])
        var generator = SystemRandomNumberGenerator()
        let samples = [
            InsideFrame.segment("10.1.0.5", "93.184.216.34", size: 1460), Self.tooBig(spi: 1),
            InsideFrame.echo("2001:db8::1", "2001:db8::2", isReply: true, identifier: 1),
        ]
        for round in 0..<5000 {
            var octets = samples[round % samples.count]
            for _ in 0..<3 {
                octets[Int.random(in: octets.indices, using: &generator)] = .random(in: 0...255)
            }
            octets = Array(octets.prefix(Int.random(in: 0...octets.count, using: &generator)))
            for place in [Self.xfrm1, Self.wan] {
                for direction in TrafficDirection.allCases {
                    try Self.feed(octets, place, direction, into: &recorder)
                }
            }
        }
        #expect(recorder.frames.frames == 20_000)
    }
}
