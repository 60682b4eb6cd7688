import Diagnosis
import Flapping
import NetworkPrimitives
import Rekeying

extension FactSource {
    /// Its rekeys, and what its flapping goes with.
    var rekeys: RekeyFacts {
        var facts = RekeyFacts()
        facts.latest = .known(
            report.rekeys.records.map { record in
                RekeyFacts.Rekey(
                    age: now - record.installedAt,
                    convergence: record.convergence, probesSent: record.probes?.sent,
                    probesLost: record.probes?.lost,
                    packetsForDeleted: record.packetsForDeletedSPI)
            })
        guard let analysis = report.flapping.analysis else {
            facts.costs = .unknown(reason: TunnelFlapping.unwatched)
            facts.correlation = .unknown(reason: TunnelFlapping.unwatched)
            return facts
        }
        if let reason = report.flapping.unobservable[.rekeys] {
            facts.costs = .unknown(reason: reason)
        } else {
            facts.costs = .known(costs(report.flapping.costs))
        }
        facts.correlation = .known(correlation(analysis))
        return facts
    }

    private func costs(_ costs: RekeyCosts) -> RekeyFacts.Costs {
        RekeyFacts.Costs(
            rekeys: costs.rekeys, disturbed: costs.disturbed, lostAfter: costs.lostAfter,
            lostElsewhere: costs.lostElsewhere, longest: costs.longest, span: costs.span,
            isDisruption: costs.isDisruption)
    }

    private func correlation(_ analysis: FlapAnalysis) -> RekeyFacts.Correlation {
        var evidence: [String] = []
        if let found = analysis.found {
            evidence.append(found.sentence)
        } else if !analysis.episodes.isEmpty {
            evidence += analysis.candidates.map(\.sentence)
        }
        if let period = analysis.period {
            evidence.append(
                "The \(analysis.episodes.count) episodes come every \(Int(period.seconds.rounded())) s "
                    + "(strength \(period.strength.rounded(toDigits: 2))).")
        }
        return RekeyFacts.Correlation(
            cause: analysis.cause.flatMap { RekeyFacts.Cause(rawValue: $0.rawValue) },
            confidence: analysis.confidence, evidence: evidence,
            episodes: analysis.episodes.count)
    }
}

extension Double {
    fileprivate func rounded(toDigits digits: Int) -> Double {
        let factor = digits == 2 ? 100.0 : 10
        return (self * factor).rounded() / factor
    }
}
