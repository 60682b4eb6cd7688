import Diagnosis
import ESPAnalysis
import NetworkPrimitives

/// What of the finding catalogue streams show, of a file or of a running agent.
enum StreamFindings {
    /// The most streams that a finding names.
    private static let namedStreams = 10

    /// The path reorders packets of single senders; nil where no stream says so.
    static func pathReordering(of streams: [CapturedStream]) -> Finding? {
        let seen = evidence(.pathReordering, in: streams)
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
            remedy.append(
                "set the receiver's replay window to \(window) or more; strongSwan: replay_window "
                    + "of the child in swanctl.conf, then swanctl --load-conns and a rekey")
        }
        return Finding(
            id: .pathReordering, severity: .warning,
            confidence: affected.map { $0.report.senders.confidence ?? 1 }.max() ?? 1,
            summary: "The path reorders packets of single senders.", evidence: seen, remedy: remedy)
    }

    /// Old packets come again; nil where no stream says so.
    static func replaySuspected(in streams: [CapturedStream]) -> Finding? {
        let seen = evidence(.replaySuspected, in: streams)
        guard !seen.isEmpty else { return nil }
        return Finding(
            id: .replaySuspected, severity: .warning, confidence: 0.9,
            summary: "Byte-identical ESP packets return late.", evidence: seen,
            remedy: [
                "find out who sends them again: a loop on the way, a mirror port that is forwarded, "
                    + "or an attacker",
                "with several senders on the SA a replay window cannot stay on to reject them; "
                    + "inner protocols must",
            ])
    }

    private static func evidence(
        _ kind: StreamVerdict.Kind, in streams: [CapturedStream]
    ) -> [String] {
        streams.compactMap { stream in
            stream.report.verdicts.first { $0.kind == kind }
                .map { "\(stream.report.id.text): \($0.evidence)" }
        }.prefix(namedStreams).map { $0 }
    }
}
