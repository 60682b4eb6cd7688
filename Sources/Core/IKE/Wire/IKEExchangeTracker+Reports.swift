public import NetworkPrimitives

extension IKEExchangeTracker {
    /// The most requests without an answer that a report names.
    private static let openLimit = 16

    /// What is known of every pair of hosts, the one with most messages first.
    public mutating func reports(at now: MonotonicInstant) -> [IKEWireReport] {
        settleOverdue(at: now)
        return pairs.keys.map { report(of: $0, at: now) }.sorted {
            let (left, right) = ($0.messages, $1.messages)
            if left != right { return left > right }
            return $0.order < $1.order
        }
    }

    /// What is known of one pair, nil when it was not seen.
    ///
    /// Without `local` it is the pair with `remote` that was seen last.
    public mutating func report(
        local: IPAddress?, remote: IPAddress, at now: MonotonicInstant
    ) -> IKEWireReport? {
        settleOverdue(at: now)
        if let local {
            let key = HostPair(local, remote)
            return pairs[key] == nil ? nil : report(of: key, at: now)
        }
        let candidates = pairs.filter { $0.key.low == remote || $0.key.high == remote }
        let latest = candidates.max {
            $0.value.report.lastSeen ?? .zero < $1.value.report.lastSeen ?? .zero
        }
        return latest.map { report(of: $0.key, at: now) }
    }

    /// Counts what is too late to be answered, before any report: an SA that moved to other addresses has
    /// exchanges that count between the former ones.
    private mutating func settleOverdue(at now: MonotonicInstant) {
        for spi in associations.keys {
            guard var association = associations[spi] else { continue }
            for isInitiator in [true, false] {
                for index in association[isInitiator].indices {
                    let exchange = association[isInitiator][index]
                    guard exchange.isOverdue(at: now), !exchange.isCountedUnanswered else {
                        continue
                    }
                    settle(exchange, at: now)
                    association[isInitiator][index].isCountedUnanswered = true
                }
            }
            associations[spi] = association
        }
    }

    private mutating func report(of key: HostPair, at now: MonotonicInstant) -> IKEWireReport {
        let spis = associations.filter { $0.value.pair == key }
            .sorted { $0.value.lastSeen < $1.value.lastSeen }.map(\.key)
        var report = pairs[key]?.report ?? IKEWireReport()
        for association in spis.compactMap({ associations[$0] }) {
            for isInitiator in [true, false] {
                let asked = association[isInitiator].filter {
                    $0.pair == key && $0.direction == .outbound
                }
                Self.notePorts(of: asked, &report, at: now)
            }
        }
        // Counted once: the counts stay with the pair.
        pairs[key]?.report = report
        Self.conclude(spis.compactMap { associations[$0] }, &report, at: now)
        return report
    }

    /// Which of the far host's ports answer, by the latest exchange on each.
    private static func notePorts(
        of exchanges: [ObservedExchange], _ report: inout IKEWireReport,
        at now: MonotonicInstant
    ) {
        for exchange in exchanges where exchange.answer != nil || exchange.isSilent(at: now) {
            if exchange.isEncapsulated {
                report.answered4500 = exchange.answer != nil
            } else {
                report.answered500 = exchange.answer != nil
            }
        }
    }

    /// What the SAs of a pair come to, the one seen last being right.
    private static func conclude(
        _ associations: [ObservedAssociation], _ report: inout IKEWireReport,
        at now: MonotonicInstant
    ) {
        for association in associations {
            for isInitiator in [true, false] {
                let direction = association.direction(ofInitiator: isInitiator)
                report.open += association[isInitiator].filter { $0.answer == nil }.map {
                    IKEWireReport.OpenExchange(
                        type: $0.type, direction: direction, sendings: $0.sendings,
                        since: $0.first, isOnPort4500: $0.isEncapsulated)
                }
            }
        }
        report.open.sort { $0.since < $1.since }
        report.open = Array(report.open.suffix(openLimit))
        for association in associations.reversed() {
            let verdict = WireVerdict(association, report, at: now)
            guard verdict.isDecided else { continue }
            report.failure = verdict.failure
            report.likelyFailure = verdict.likelyFailure
            report.evidence = verdict.evidence
            report.established = association.isEstablished
            if case .unseen = association.setup, report.initiator == nil {
                report.initiator = association.initiatorDirection
            }
            return
        }
    }
}

extension IKEWireReport {
    /// Messages of both directions.
    public var messages: UInt64 { outbound.messages &+ inbound.messages }

    /// A text that orders reports of as many messages.
    fileprivate var order: String { "\(local?.description ?? "") \(remote?.description ?? "")" }
}

extension ObservedAssociation {
    /// Whether it got as far as answering under its keys; nil when that is not decided.
    fileprivate var isEstablished: Bool? {
        switch outcome {
        case .going, .childRefused, .rekeyRefused: return true
        case .authenticationRefused, .responderRefused: return false
        case .undecided: break
        }
        if case .refused = setup { return false }
        return nil
    }
}
