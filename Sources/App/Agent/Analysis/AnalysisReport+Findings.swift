import Diagnosis
import ESPAnalysis
import NetworkPrimitives
import PacketFormats

extension AnalysisReport {
    /// What of the finding catalogue the file shows, the most severe first.
    var findings: [Finding] {
        var facts = TunnelFacts(TunnelIdentity(name: file ?? "a capture"))
        facts.esp.fill(from: streams)
        return [
            PathReordering.judge(facts).finding, ReplaySuspected.judge(facts).finding,
            captureIncomplete,
        ].compactMap { $0 }
    }

    private var captureIncomplete: Finding? {
        guard packets > 0 else { return nil }
        var seen: [String] = []
        if let captureDrops, captureDrops > 0 {
            seen.append("the capturing host dropped \(captureDrops) packets, as the file says")
        }
        if isTruncated { seen.append("the file's last record is cut") }
        if let damage { seen.append("the file cannot be read from octet \(damage.offset) on") }
        let short = FrameFault.allCases.filter(\.isTruncation).reduce(0) { $0 + frames[$1] }
        if short > 0 {
            seen.append(
                "\(FigureText.count(short, "packet")) cut too short by the capture's snapshot length"
            )
        }
        var remedy: [String] = []
        var summary = "Not every packet was analysed: figures are bounds."
        if !seen.isEmpty {
            summary = "The file does not hold every packet: figures are bounds."
            remedy.append("capture again: \(Self.captureCommand)")
        }
        if unfollowedPackets > 0 {
            seen.append(
                "\(FigureText.count(unfollowedPackets, "packet")) of streams beyond those followed: "
                    + "very many tunnels, or forged SPIs")
            remedy.append("keep one tunnel: tcpdump -r FILE -w ONE 'host ADDRESS'")
        }
        guard !seen.isEmpty else { return nil }
        return Finding(
            id: .captureIncomplete, severity: .info, confidence: 1, summary: summary,
            evidence: seen, remedy: remedy)
    }

    /// How to make a file that can be analysed.
    static let captureCommand =
        "tcpdump -i INTERFACE -s 128 -B 65536 -w FILE 'esp or udp port 4500'"
}

extension StreamID {
    /// The stream for people, like `0xc0de0001 to 203.0.113.10`.
    var text: String { "\(spi) to \(destination)" }
}

extension FrameFault {
    /// Whether the capture is to blame and not the packet.
    fileprivate var isTruncation: Bool {
        switch self {
        case .truncatedLink, .truncatedIP, .truncatedUDP, .truncatedESP: true
        default: false
        }
    }
}
