import NetworkPrimitives

/// Whether the inside loses what the underlay loses at the same moments.
///
/// No statistics are needed for a cause: the tunnel's packets go over the underlay. It is the moments that
/// must fit, which losses that have nothing to do with each other do not: at 30 % each, a third of the
/// inside's would have no neighbour.
struct UnderlayCoincidence: Equatable {
    /// Changes for the worse.
    var changes = 0
    /// Those that came while the underlay lost probes.
    var changesDuring = 0
    /// Probes of the inside that were lost.
    var lostInside = 0
    /// Those that were lost beside one of the underlay.
    var lostTogether = 0
    /// The share of the time in which the underlay lost probes, 0...1.
    var covered = 0.0

    /// Probes of both paths leave at different moments of a second.
    static let neighborhood = 1.2
    /// A change of state is of the probe that decides it.
    static let slack = 2.0

    /// Compares; nil where the underlay lost nothing.
    init?(_ history: FlapHistory, since start: MonotonicInstant, _ now: MonotonicInstant) {
        func seconds(_ instant: MonotonicInstant) -> Double { (instant - start).seconds }
        let outside = history.underlayLosses.entries(from: start, through: now)
            .map { seconds($0.start)...seconds($0.end) }
        guard let first = outside.first else { return nil }
        let inside = history.insideLosses.entries(from: start, through: now)
            .map { seconds($0.start) }
        let worse = history.worsenings.entries(from: start, through: now)
            .map { seconds($0.start) }
        changes = worse.count
        changesDuring = TimeWindows(around: outside, lead: Self.slack, tail: Self.slack)
            .hits(worse)
        lostInside = inside.count
        let near = TimeWindows(
            around: outside, lead: Self.neighborhood, tail: Self.neighborhood)
        lostTogether = near.hits(inside)
        covered = near.coveredShare(
            from: min(first.lowerBound, inside.first ?? first.lowerBound), to: seconds(now))
    }

    /// Whether they do: three changes at least and nine tenths of both, and not all the time.
    var isCoincident: Bool {
        changes >= 3 && 10 * changesDuring >= 9 * changes && lostInside >= 3
            && 10 * lostTogether >= 9 * lostInside && covered <= 0.8
    }
}
