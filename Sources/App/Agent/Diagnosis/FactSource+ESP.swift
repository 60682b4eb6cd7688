import Diagnosis
import ESPAnalysis
import NetworkPrimitives

extension FactSource {
    /// Its ESP on the wire.
    var esp: ESPFacts {
        let capture = report.capture
        var facts = ESPFacts()
        if let reason = capture.reason, !capture.isKnown {
            facts.lack(reason)
        } else {
            // What leaves is reordered elsewhere, and meets another host's window.
            facts.fill(from: capture.streams.filter { $0.direction == .inbound })
            if let last = capture.principal(.inbound)?.report.lastArrival {
                facts.lastInbound = .known(max(.zero, now - last))
            } else {
                facts.lastInbound = .unknown(reason: "no ESP of it was captured inbound")
            }
            fillGrowth(&facts)
        }
        fillGaps(&facts)
        return facts
    }

    private func fillGrowth(_ facts: inout ESPFacts) {
        if let (from, to) = growth.ends(over: Self.recentSpan) {
            let span = to.at - from.at
            facts.recentInbound = .known(
                Growth(Self.growth(from.capturedInbound, to.capturedInbound), in: span))
        }
        guard let (from, to) = growth.ends(over: Self.longSpan) else { return }
        let span = to.at - from.at
        facts.recentReordered = .known(Growth(Self.growth(from.reordered, to.reordered), in: span))
        facts.recentReplays = .known(Growth(Self.growth(from.replays, to.replays), in: span))
        guard to.window != nil, from.window == to.window else {
            facts.expectedDrops = .unknown(reason: "the replay window changed meanwhile")
            return
        }
        let least = Self.growth(from.expected.lowerBound, to.expected.lowerBound)
        let most = Self.growth(from.expected.upperBound, to.expected.upperBound)
        facts.expectedDrops = .known(
            .init(
                least: min(least, most), most: max(least, most),
                copies: Self.growth(from.copies, to.copies),
                packets: Self.growth(from.capturedInbound, to.capturedInbound)))
    }

    private static func growth(_ old: UInt64, _ new: UInt64) -> UInt64 { new > old ? new - old : 0 }

    private func fillGaps(_ facts: inout ESPFacts) {
        let capture = report.capture
        guard let place = capture.place, let remote = report.plan.remote else {
            facts.gaps = .unknown(reason: capture.reason ?? "it is not captured")
            return
        }
        let gap = CaptureGap(
            of: capture, on: place.device, remote: remote,
            offload: CaptureGap.Offload(family: remote.family))
        if let gap {
            facts.gaps = .known(gap.evidence)
            facts.gapSummary = gap.summary
            facts.gapRemedies = gap.remedy
        } else if case .unknown(let reason) = capture.completeness {
            facts.gaps = .unknown(reason: reason)
        } else {
            facts.gaps = .known([])
        }
    }
}
