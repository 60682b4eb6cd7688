import Diagnosis
import ESPAnalysis
import Foundation
import Metrics
import NetworkPrimitives
import PacketFormats
import PacketSizes
import Testing

@testable import Agent

/// What passing packets showed of packet sizes, in JSON, text and metrics.
@Suite struct PacketSizesReportingTests {
    private static let local = ip("203.0.113.10")
    private static let remote = ip("198.51.100.1")
    private static let spi = SPI(rawValue: 0xc0de_0001)

    /// A SYN of a client behind this host.
    private static func send(
        _ size: UInt16, _ direction: TrafficDirection, into watch: inout PacketSizeWatch
    ) {
        let segment: [UInt8] =
            [0xc3, 0x50, 1, 0xbb] + [UInt8](repeating: 0, count: 8) + [0x60, 2]
            + [0, 0, 0, 0, 0, 0, 2, 4, UInt8(size >> 8), UInt8(size & 255)]
        let (source, destination) = (ip("10.1.0.5"), ip("93.184.216.34"))
        let header = IPHeader(
            source: direction == .outbound ? source : destination,
            destination: direction == .outbound ? destination : source, hopLimit: 64, length: 44,
            protocolNumber: 6)
        segment.withRawSpan {
            watch.receiveSegment(header, $0, length: segment.count, direction, at: at(20))
        }
    }

    private static func report(_ watch: PacketSizeWatch) -> StatusReport {
        var report = StatusReport.fresh
        var capture = TunnelCapture()
        capture.reason = nil
        capture.traffic.inbound.packets = 10
        capture.traffic.inbound.fragments = 7
        capture.traffic.inbound.laterFragments = 4
        capture.traffic.inbound.largestBytes = 1500
        capture.inside.deviceReason = nil
        capture.inside.wanReason = nil
        capture.inside.sizes = watch.report
        capture.inside.takenAt = at(30)
        capture.inside.wall = StatusReport.moment
        report.tunnels[0].capture = capture
        return report
    }

    /// Two SYNs out, one of them too large, one in, and a router that said 1400.
    private static var seen: StatusReport {
        var watch = PacketSizeWatch(
            settings: .init(
                ownAddresses: [local], local: local, remote: remote, outboundSPIs: [spi]))
        send(1360, .outbound, into: &watch)
        send(1460, .outbound, into: &watch)
        send(1360, .inbound, into: &watch)
        let quote = QuotedESP(
            source: local, destination: remote, length: 1500, encapsulation: .esp, spi: spi)
        watch.receive(
            PacketTooBig(mtu: 1400, quote: quote), from: ip("192.0.2.1"), at: at(25))
        return report(watch)
    }

    private static func pathMTU(_ report: StatusReport) throws -> [String: Any] {
        let bytes = report.json().encoded(indented: true)
        let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        let tunnel = try #require((document?["tunnels"] as? [[String: Any]])?.first)
        return try #require(tunnel["path_mtu"] as? [String: Any])
    }

    private static func member(_ object: [String: Any], _ keys: String...) throws -> [String: Any] {
        try keys.reduce(object) { try #require($0[$1] as? [String: Any]) }
    }

    @Test func `SYNs by direction, with an example`() throws {
        let path = try Self.pathMTU(Self.seen)
        let outbound = try Self.member(path, "syn_mss", "outbound")
        #expect(outbound["seen"] as? Int == 2 && outbound["over_limit"] as? Int == 1)
        #expect(outbound["largest"] as? Int == 1460 && outbound["malformed"] as? Int == 0)
        let v4 = try Self.member(outbound, "ipv4")
        #expect(v4["limit"] as? Int == 1360 && v4["forwarded_over_limit"] as? Int == 1)
        let v6 = try Self.member(outbound, "ipv6")
        #expect(v6["limit"] as? Int == 1340 && v6["seen"] as? Int == 0)
        #expect(v6["largest"] is NSNull && v6["largest_reason"] as? String == "no SYN was seen")
        let example = try Self.member(outbound, "example")
        #expect(example["source"] as? String == "10.1.0.5")
        #expect(example["destination_port"] as? Int == 443 && example["mss"] as? Int == 1460)
        #expect(example["forwarded"] as? Bool == true)
        #expect(example["at"] as? String == "2026-11-22T11:59:50.123Z")
        let inbound = try Self.member(path, "syn_mss", "inbound")
        #expect(inbound["example"] is NSNull)
        #expect(inbound["example_reason"] as? String == "none is over the limit")
    }

    @Test func `outer packets, and what routers say of them`() throws {
        let path = try Self.pathMTU(Self.seen)
        let fragments = try Self.member(path, "outer_fragments", "inbound")
        #expect(fragments["first"] as? Int == 3 && fragments["later"] as? Int == 4)
        let largest = try Self.member(path, "largest_outer_bytes")
        #expect(largest["inbound"] as? Int == 1500 && largest["outbound"] is NSNull)
        #expect(largest["outbound_reason"] as? String == "no packet was seen")
        let tooBig = try Self.member(path, "packet_too_big_seen")
        #expect(tooBig["messages"] as? Int == 1 && tooBig["suspicious"] as? Int == 0)
        #expect(tooBig["mtu_bytes"] as? Int == 1400 && tooBig["router"] as? String == "192.0.2.1")
        #expect(tooBig["packet_bytes"] as? Int == 1500)
        #expect(tooBig["at"] as? String == "2026-11-22T11:59:55.123Z")
    }

    @Test func `what is not captured is null and says why`() throws {
        let path = try Self.pathMTU(.fresh)
        for direction in ["inbound", "outbound"] {
            let counts = try Self.member(path, "syn_mss", direction)
            #expect(counts["seen"] is NSNull && counts["over_limit"] is NSNull)
            #expect((counts["seen_reason"] as? String)?.isEmpty == false)
            #expect(try Self.member(path, "outer_fragments", direction)["first"] is NSNull)
        }
        #expect(try Self.member(path, "packet_too_big_seen")["messages"] is NSNull)
        #expect(try Self.member(path, "largest_outer_bytes")["inbound"] is NSNull)
    }

    @Test func `of a policy-based tunnel only what arrives is known`() throws {
        var report = Self.report(PacketSizeWatch())
        report.tunnels[0].capture.inside.isPolicyBased = true
        report.tunnels[0].capture.inside.deviceReason = "it has none"
        let counts = try Self.member(try Self.pathMTU(report), "syn_mss")
        #expect(try Self.member(counts, "inbound")["seen"] as? Int == 0)
        let outbound = try Self.member(counts, "outbound")
        #expect(outbound["seen"] is NSNull)
        #expect((outbound["seen_reason"] as? String)?.contains("encrypted") == true)
    }

    @Test func `what was counted stays when the device is gone`() throws {
        var report = Self.seen
        report.tunnels[0].capture.inside.deviceReason = "cf0 is gone"
        let counts = try Self.member(try Self.pathMTU(report), "syn_mss", "outbound")
        #expect(counts["seen"] as? Int == 2 && counts["largest"] as? Int == 1460)
    }

    @Test func `the text says what is wrong, and nothing of what was not seen`() {
        let lines = PacketSizesText(capture: Self.seen.tunnels[0].capture).lines
        #expect(lines.map(\.name) == ["SYN out", "SYN in", "outer", "routers"])
        #expect(lines.map(\.word) == ["TOO LARGE:", "", "FRAGMENTED:", "TOO BIG:"])
        #expect(
            lines[0].text
                == "1 of 2 SYNs with an MSS over 1360, the largest 1460; like 10.1.0.5:50000 to "
                + "93.184.216.34:443, forwarded")
        #expect(lines[1].text == "1 SYN, none with an MSS over 1360, the largest 1360")
        #expect(lines[3].text == "192.0.2.1 says of an outer packet of 1500: no more than 1400 fit")
        #expect(PacketSizesText(capture: TunnelCapture()).lines.isEmpty)
        let text = StatusText(palette: TextPalette(isColored: false)).render(Self.seen)
        #expect(text.contains("SYN out  TOO LARGE: 1 of 2 SYNs"))
    }

    @Test func `SYNs that are not clamped and fragments are findings`() {
        func stand(_ capture: TunnelCapture) -> [Finding] {
            var report = Self.seen.tunnels[0]
            report.plan = .inside()
            report.capture = capture
            let source = FactSource(
                report: report, growth: CounterGrowth(), now: .zero, wall: WallTime(nanoseconds: 0))
            return Diagnosis(of: source.facts).findings.filter {
                $0.id == .mssNotClamped || $0.id == .espFragmented
            }
        }
        func findings(_ capture: TunnelCapture) -> [String] { stand(capture).map(\.id.rawValue) }
        var capture = Self.seen.tunnels[0].capture
        #expect(findings(capture) == ["mss-not-clamped"])
        let finding = stand(capture)[0]
        #expect(finding.evidence[0].hasPrefix("1 of 2 IPv4 SYNs"))
        #expect(finding.remedy[0].contains("-o xfrm1") && finding.remedy[0].contains("1360"))
        var stream = CapturedStream.bare()
        stream.direction = .inbound
        stream.report.fragments = 5
        capture.streams = [stream]
        capture.inside.takenAt = at(20 + 3600)
        #expect(findings(capture) == ["esp-fragmented"])
        #expect(findings(TunnelCapture()).isEmpty)
        // What this host sends itself is bounded by its routes, not by a clamp.
        var watch = PacketSizeWatch(settings: .init(ownAddresses: [ip("10.1.0.5")]))
        Self.send(1460, .outbound, into: &watch)
        #expect(findings(Self.report(watch).tunnels[0].capture).isEmpty)
    }

    @Test func `every series is there from the first scrape, and follows`() {
        func values(_ report: StatusReport) -> [String: String] {
            let text = String(
                decoding: MetricExposition.render(
                    PacketSizesMetrics(report: report).families, as: .prometheusText),
                as: UTF8.self)
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                $0.split(separator: " ").map(String.init)
            }
            return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
        }
        let fresh = values(.fresh)
        #expect(fresh.count == 6 && fresh.values.allSatisfy { $0 == "0" })
        let name = "tunnelprobe_tcp_mss_over_limit_total"
        #expect(fresh["\(name){tunnel=\"fresh\",direction=\"outbound\"}"] == "0")
        let seen = values(Self.seen)
        #expect(seen["\(name){tunnel=\"fresh\",direction=\"outbound\"}"] == "1")
        #expect(seen["\(name){tunnel=\"fresh\",direction=\"inbound\"}"] == "0")
        #expect(
            seen["tunnelprobe_packet_too_big_total{tunnel=\"fresh\",kind=\"valid\"}"] == "1")
    }
}
