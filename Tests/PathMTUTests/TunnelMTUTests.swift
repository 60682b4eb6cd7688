import NetworkPrimitives
import PathMTU
import Testing

@Suite struct TunnelMTUTests {
    static let gcm = TunnelOverhead.esp(
        ESPOverhead(suite: ESPSuite(ivByteCount: 8, icvByteCount: 16, alignment: 4), family: .v4))

    static func measured(_ bytes: Int, provenDistance: Int? = nil) -> PathMTUReport {
        var report = PathMTUReport(unknown: "")
        report.bytes = bytes
        report.reason = nil
        report.provenDistance = provenDistance
        return report
    }

    static func tunnel(
        outside: Int? = 1500, inside: Int? = 1446, device: Int? = 1446, route: Int? = nil,
        overhead: TunnelOverhead = gcm
    ) -> TunnelMTU {
        TunnelMTU(
            outside: outside.map { measured($0) }, inside: inside.map { measured($0) },
            deviceMTU: device, routeMTU: route, overhead: overhead)
    }

    @Test func `recommends 1400 and 1360 wherever that fits`() {
        let tunnel = Self.tunnel()
        #expect(tunnel.fitting == 1446)
        #expect(tunnel.overhead == 54 && tunnel.greatestOverhead == 57)
        #expect(tunnel.verdict == .consistent)
        #expect(tunnel.isDeviceTooLarge == false)
        #expect(tunnel.recommendedMTU == 1400)
        #expect(tunnel.recommendedMSSIPv4 == 1360 && tunnel.recommendedMSSIPv6 == 1340)
    }

    @Test func `recommends what fits below 1400`() throws {
        let suite = try ESPOverheadTests.suite("cbc(aes)", nil, "hmac(sha384)", 192)
        let overhead = TunnelOverhead.esp(
            ESPOverhead(suite: suite, family: .v6, isUDPEncapsulated: true))
        let tunnel = Self.tunnel(inside: 1390, device: 1390, overhead: overhead)
        #expect(tunnel.recommendedMTU == 1390)
        #expect(tunnel.recommendedMSSIPv4 == 1350 && tunnel.recommendedMSSIPv6 == 1330)
        let narrow = Self.tunnel(outside: 1300, inside: 1246, device: 1246)
        #expect(narrow.recommendedMTU == 1246)
        #expect(narrow.recommendedMSSIPv4 == 1206 && narrow.recommendedMSSIPv6 == nil)
    }

    @Test func `finds a device whose packets the path does not carry whole`() {
        let fragmenting = Self.tunnel(outside: 1480, inside: 1446, device: 1446)
        #expect(fragmenting.fitting == 1426)
        #expect(fragmenting.isDeviceTooLarge == true)
        #expect(fragmenting.verdict == .outerFragmentation(bytes: 20))
        #expect(fragmenting.recommendedMTU == 1400)
        let dropping = Self.tunnel(outside: 1480, inside: 1426, device: 1446)
        #expect(dropping.isDeviceTooLarge == true)
        #expect(dropping.verdict == .consistent)
        // The narrower of device and route counts.
        #expect(Self.tunnel(outside: 1480, device: 1446, route: 1400).isDeviceTooLarge == false)
        #expect(Self.tunnel(outside: 1480, device: nil, route: nil).isDeviceTooLarge == nil)
    }

    @Test func `tells packets that die inside from those that the device keeps`() {
        #expect(
            Self.tunnel(inside: 1380, device: 1446).verdict == .insideDropsEarlier(bytes: 66))
        #expect(
            Self.tunnel(inside: 1380, device: 1500).verdict == .insideDropsEarlier(bytes: 66))
        #expect(Self.tunnel(inside: 1380, device: 1446).recommendedMTU == 1380)
        let kept = Self.tunnel(inside: 1380, device: 1380)
        #expect(kept.verdict == .consistent)
        #expect(kept.recommendedMTU == 1400, "the device's own limit is no reason to keep it")
        let unclear = Self.tunnel(inside: 1380, device: nil)
        #expect(unclear.verdict == nil)
        #expect(unclear.verdictReason == "the tunnel device's MTU is not known")
        #expect(unclear.recommendedMTU == 1380)
    }

    @Test func `blames nothing inside where the outside is measured in part`() {
        let tunnel = TunnelMTU(
            outside: Self.measured(1480, provenDistance: 5), inside: Self.measured(1380),
            deviceMTU: 1446, routeMTU: nil, overhead: Self.gcm)
        #expect(tunnel.verdict == nil)
        #expect(tunnel.verdictReason == "the outside path is measured up to hop 5 only")
    }

    @Test func `says what is missing`() {
        let unknown = TunnelMTU(
            outside: PathMTUReport(unknown: "time limit"), inside: nil, deviceMTU: 1500,
            routeMTU: nil, overhead: Self.gcm)
        #expect(unknown.verdict == nil && unknown.recommendedMTU == nil)
        #expect(unknown.isDeviceTooLarge == nil && unknown.fitting == nil)
        #expect(unknown.verdictReason == "outside MTU unknown: time limit")
        #expect(
            unknown.recommendationReason
                == "outside MTU unknown: time limit; inside MTU unknown: not measured yet")
        #expect(unknown.overhead == 54)
        let other = Self.tunnel(overhead: .unknown(reason: "no SA"))
        #expect(other.overhead == nil && other.overheadReason == "no SA")
        #expect(other.verdictReason == "overhead unknown: no SA")
        // What passes inside stands for itself.
        #expect(other.recommendedMTU == 1400)
        let tiny = Self.tunnel(outside: 50)
        #expect(tiny.verdictReason == "the outside path carries no packet of this tunnel")
    }
}
