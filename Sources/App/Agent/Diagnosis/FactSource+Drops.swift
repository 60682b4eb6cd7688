import Diagnosis
import KernelState
import NetworkPrimitives

extension FactSource {
    /// Over how long a time drops are recent.
    static let recentSpan = Duration.seconds(10)
    /// Over how long a time counters are kept.
    static let longSpan = Duration.seconds(300)

    /// Fills in what the kernel dropped, and lately.
    func fillDrops(_ kernel: inout KernelFacts) {
        let reason = report.kernel.associations.reason ?? "its counters were read once so far"
        if let totals = report.kernel.reading?.totals.inbound {
            kernel.totalDrops = .known(Self.drops(from: AssociationTotals(), to: totals, in: .zero))
        } else {
            kernel.totalDrops = .unknown(reason: reason)
        }
        kernel.recentDrops = drops(over: Self.recentSpan, reason)
        kernel.longerDrops = drops(over: Self.longSpan, reason)
        kernel.lastRefusal = lastRefusal(reason)
        kernel.transformErrors = transformErrors
    }

    private func drops(over span: Duration, _ reason: String) -> Fact<KernelFacts.Drops> {
        guard let (from, to) = growth.ends(over: span), let before = from.inbound,
            let after = to.inbound
        else { return .unknown(reason: reason) }
        return .known(
            Self.drops(from: before, to: after, in: to.at - from.at), age: now - to.at)
    }

    private static func drops(
        from old: AssociationTotals, to new: AssociationTotals, in span: Duration
    ) -> KernelFacts.Drops {
        func growth(_ path: KeyPath<AssociationTotals, UInt64>) -> Growth {
            let (old, new) = (old[keyPath: path], new[keyPath: path])
            return Growth(new > old ? new - old : 0, in: span)
        }
        var drops = KernelFacts.Drops()
        drops.replayWindow = growth(\.replayWindow)
        drops.replay = growth(\.replay)
        drops.integrity = growth(\.integrityFailed)
        drops.packets = growth(\.packets)
        return drops
    }

    /// When the replay windows last refused a packet, by the samples that are kept.
    private func lastRefusal(_ reason: String) -> Fact<Duration?> {
        guard growth.samples.count >= 2 else { return .unknown(reason: reason) }
        var later: CounterSample?
        for sample in growth.samples.reversed() {
            guard let counts = sample.inbound else { return .unknown(reason: reason) }
            if let later, let last = later.inbound,
                last.replay + last.replayWindow > counts.replay + counts.replayWindow
            {
                return .known(now - later.at)
            }
            later = sample
        }
        return .known(nil)
    }

    private var transformErrors: Fact<[String: Growth]> {
        guard let (from, to) = growth.ends(over: Self.recentSpan),
            let before = from.transformErrors, let after = to.transformErrors
        else {
            return .unknown(
                reason: report.kernel.readings.transformErrors.reason
                    ?? "XFRM's error counters were read once so far")
        }
        var grown: [String: Growth] = [:]
        for (name, count) in after {
            let old = before[name] ?? 0
            if count > old { grown[name] = Growth(count - old, in: to.at - from.at) }
        }
        return .known(grown, age: now - to.at)
    }
}
