import Diagnosis
import ESPAnalysis
import NetworkPrimitives

extension ESPFacts {
    /// The most streams that a finding names.
    private static let namedStreams = 10

    /// Takes what the analysis says of streams, of a file or of a tunnel.
    mutating func fill(from streams: [CapturedStream]) {
        reordering = .known(Self.statements(.pathReordering, in: streams))
        replays = .known(Self.statements(.replaySuspected, in: streams))
        guard let newest = streams.max(by: { $0.report.lastArrival < $1.report.lastArrival })
        else {
            let reason = "no ESP of it was captured inbound"
            (manySenders, windows) = (.unknown(reason: reason), .unknown(reason: reason))
            (senders, sufficientWindow) = (.unknown(reason: reason), .unknown(reason: reason))
            return
        }
        let report = newest.report
        manySenders = .known(Self.statements(.multiSender, in: [newest]).first)
        if let estimate = report.senders.estimate {
            senders = .known(
                Senders(
                    atLeast: report.senders.atLeast, estimate: estimate,
                    method: report.senders.method?.rawValue, confidence: report.senders.confidence))
        } else {
            senders = .unknown(reason: report.senders.reason ?? "senders cannot be told apart yet")
        }
        windows = .known(
            report.windows.map {
                WindowPrediction(window: $0.window, drops: $0.wouldDrop, packets: $0.packets)
            })
        // A window has to hold what each of them reorders.
        let affected = streams.filter { $0.says(.pathReordering) }
        let readings = (affected.isEmpty ? [newest] : affected)
            .map { ReplayWindowReading($0.report).sufficientWindow }
        sufficientWindow = .known(readings.contains(nil) ? nil : readings.compactMap { $0 }.max())
    }

    /// Nothing is known of streams, and why.
    mutating func lack(_ reason: String) {
        (recentInbound, lastInbound) = (.unknown(reason: reason), .unknown(reason: reason))
        (senders, manySenders) = (.unknown(reason: reason), .unknown(reason: reason))
        (windows, sufficientWindow) = (.unknown(reason: reason), .unknown(reason: reason))
        (expectedDrops, reordering) = (.unknown(reason: reason), .unknown(reason: reason))
        (recentReordered, recentReplays) = (.unknown(reason: reason), .unknown(reason: reason))
        replays = .unknown(reason: reason)
    }

    private static func statements(
        _ kind: StreamVerdict.Kind, in streams: [CapturedStream]
    ) -> [Statement] {
        streams.lazy.compactMap { stream -> Statement? in
            guard let verdict = stream.report.verdicts.first(where: { $0.kind == kind }) else {
                return nil
            }
            return Statement(
                isProven: verdict.grade == .proven,
                evidence: "\(stream.report.id.text): \(verdict.evidence)",
                confidence: stream.report.senders.confidence)
        }.prefix(namedStreams).map { $0 }
    }
}
