import Diagnosis
import ESPAnalysis
import NetworkPrimitives
import PacketFormats
import PacketSizes

/// What of the finding catalogue passing packets show of a tunnel's packet sizes.
enum PacketSizeFindings {
    static func findings(of capture: TunnelCapture, _ plan: TunnelPlan) -> [Finding] {
        [mssNotClamped(capture.inside, plan), espFragmented(capture)].compactMap { $0 }
    }

    private static let guide =
        "Verify MTU is set correctly: MTU and MSS in the provider's troubleshooting guide."

    /// Forwarded SYNs that leave are seen behind this host's rules, so nothing on it lowers them any
    /// more; those that arrive may still be lowered, and this host's own have its routes' MTU.
    private static func mssNotClamped(_ inside: InsideReport, _ plan: TunnelPlan) -> Finding? {
        let counts = inside.sizes.outbound
        guard let example = counts.recentExample(at: inside.takenAt), example.isForwarded == true,
            let size = example.segment.maximumSegmentSize
        else { return nil }
        let family = example.source.family
        let part = counts[family]
        let isV4 = family == .v4
        let device = plan.tunnelInterface ?? "DEVICE"
        let table = isV4 ? "ip" : "ip6"
        return Finding(
            id: .mssNotClamped, severity: .warning, confidence: 1,
            summary: "TCP connections through the tunnel ask for segments that do not fit.",
            evidence: [
                "\(part.overPresentLimit) of \(part.seen) \(isV4 ? "IPv4" : "IPv6") SYNs that left "
                    + "through the tunnel have an MSS over \(part.limit), "
                    + "\(part.forwardedOverLimit) of them forwarded; the largest is "
                    + "\(part.largest ?? Int(size))",
                "the latest goes from \(example.source) port \(example.segment.sourcePort) to "
                    + "\(example.destination) port \(example.segment.destinationPort) with \(size)",
            ],
            remedy: [
                "\(table)tables -t mangle -A FORWARD -o \(device) -p tcp --tcp-flags SYN,RST SYN "
                    + "-j TCPMSS --set-mss \(part.limit)",
                "\(table)tables -t mangle -A FORWARD -i \(device) -p tcp --tcp-flags SYN,RST SYN "
                    + "-j TCPMSS --set-mss \(part.limit)  # for connections from the other side",
            ], guide: guide)
    }

    private static func espFragmented(_ capture: TunnelCapture) -> Finding? {
        let streams = capture.streams.filter { $0.report.fragments > 0 }
        guard !streams.isEmpty else { return nil }
        let evidence = streams.prefix(4).map { stream in
            "\(stream.report.fragments) of \(stream.report.packets) packets "
                + "\(stream.direction == .outbound ? "to" : "from") the provider are first fragments "
                + "(SPI \(stream.report.id.spi))"
        }
        return Finding(
            id: .espFragmented, severity: .warning, confidence: 1,
            summary: "Packets of the tunnel are fragmented on their way.",
            evidence: Array(evidence),
            remedy: [
                "set the MTU of the tunnel's device, and the MSS, to what path_mtu recommends: "
                    + "probe now says it"
            ], guide: guide)
    }
}
