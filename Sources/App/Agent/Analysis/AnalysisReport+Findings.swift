import Diagnosis
import ESPAnalysis
import NetworkPrimitives
import PacketFormats

extension AnalysisReport {
    /// What of the finding catalogue the file shows, the most severe first.
    var findings: [Finding] {
        [pathReordering, replaySuspected, captureIncomplete].compactMap { $0 }
    }

    /// The most streams that a finding names.
    private static let namedStreams = 10

    private func evidence(
        _ kind: StreamVerdict.Kind, _ sentence: (CapturedStream, StreamVerdict) -> String
    ) -> [String] {
        streams.compactMap { stream in
            stream.report.verdicts.first { $0.kind == kind }.map { sentence(stream, $0) }
        }.prefix(Self.namedStreams).map { $0 }
    }

    private var pathReordering: Finding? {
        let seen = evidence(.pathReordering) { "\($0.report.id.text): \($1.evidence)" }
        guard !seen.isEmpty else { return nil }
        let affected = streams.filter { $0.says(.pathReordering) }
        var remedy = [
            "look for load balancing by packet on the way (ECMP, bonded links) and have it go by flow"
        ]
        // A single sender's reordering is what a larger window is for.
        let readings = affected.map { ReplayWindowReading($0.report) }
        if readings.allSatisfy({ $0.sufficientWindow != nil }),
            let window = readings.compactMap(\.sufficientWindow).max()
        {
            remedy.append("set the receiver's replay window to \(window) or more")
        }
        return Finding(
            id: .pathReordering, severity: .warning,
            confidence: affected.map { $0.report.senders.confidence ?? 1 }.max() ?? 1,
            summary: "The path reorders packets of single senders.", evidence: seen, remedy: remedy)
    }

    private var replaySuspected: Finding? {
        let seen = evidence(.replaySuspected) { "\($0.report.id.text): \($1.evidence)" }
        guard !seen.isEmpty else { return nil }
        let isProven = streams.contains { stream in
            stream.report.verdicts.contains { $0.kind == .replaySuspected && $0.grade == .proven }
        }
        return Finding(
            id: .replaySuspected, severity: .warning, confidence: isProven ? 0.99 : 0.9,
            summary: "Byte-identical ESP packets return late.", evidence: seen,
            remedy: [
                "find out who sends them again: a loop on the way, a mirror port that is forwarded, "
                    + "or an attacker",
                "with several senders on the SA a replay window cannot stay on to reject them; "
                    + "inner protocols must",
            ])
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
        if unfollowedPackets > 0 {
            seen.append("\(unfollowedPackets) packets are of streams beyond those followed")
        }
        guard !seen.isEmpty else { return nil }
        return Finding(
            id: .captureIncomplete, severity: .info, confidence: 1,
            summary: "The file does not hold every packet: figures are bounds.", evidence: seen,
            remedy: ["capture again: tcpdump -s 128 -B 65536 -w FILE 'esp or udp port 4500'"])
    }
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
