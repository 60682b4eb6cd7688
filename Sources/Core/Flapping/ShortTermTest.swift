/// Whether something bad follows occurrences of something else within seconds, in an hour or less.
///
/// For what shows within minutes, where `CorrelationTest` has too few episodes. What is bad comes in
/// clusters (within ten seconds of each other), of which at most one counts for each occurrence. Of four
/// windows, 4 to 30 s, the most telling decides, and its chance is multiplied by four.
///
/// *False alarms*, simulated: 0 of 10 000 runs with random, periodic and bursty flapping and rekeys every
/// 15 s to 15 min; 0.4 % where both have nearly the same period by chance, which is the worst there is.
public struct ShortTermTest: Equatable, Sendable {
    /// Clusters of what is bad.
    public var clusters: Int
    /// Occurrences that such a cluster followed.
    public var hits: Int
    /// Clusters that began as shortly before an occurrence.
    public var hitsBefore: Int
    /// Occurrences.
    public var occurrences: Int
    /// The window after an occurrence in seconds.
    public var window: Double
    /// The share of the time that lies in the windows, 0...1.
    public var covered: Double
    /// The chance of as many hits by independent clusters, times the windows that were tried.
    public var chance: Double

    static let windows = [4.0, 8, 15, 30]
    static let chanceLimit = 0.05
    static let clusterGap = 10.0

    /// Tests clusters against occurrences; nil with fewer than three of either.
    ///
    /// - Parameters:
    ///   - times: when something bad began, in order, in seconds.
    ///   - occurrences: when something happened, in order, in seconds.
    ///   - lead: how much earlier than noticed it may have happened.
    ///   - end: the current time in seconds.
    init?(_ times: [Double], against occurrences: [Double], lead: Double, until end: Double) {
        let clusters = Episodes.beginnings(times, gap: Self.clusterGap)
        guard clusters.count >= 3, occurrences.count >= 3 else { return nil }
        // Only the time in which both go on: quiet hours before would make any meeting remarkable.
        let gaps = zip(occurrences.dropFirst(), occurrences).map { $0 - $1 }.sorted()
        let start = min(occurrences[0] - lead, clusters[0])
        let last = max(
            occurrences[occurrences.count - 1] + min(gaps[gaps.count / 2], 60),
            clusters[clusters.count - 1])
        let tests = Self.windows.map { window in
            ShortTermTest(clusters, occurrences, lead, window, from: start, to: min(last, end))
        }
        let best =
            tests.filter(\.isCorrelated).min { $0.chance < $1.chance }
            ?? tests.min { $0.chance < $1.chance }
        guard let best else { return nil }
        self = best
    }

    private init(
        _ clusters: [Double], _ occurrences: [Double], _ lead: Double, _ window: Double,
        from start: Double, to end: Double
    ) {
        let moments = occurrences.map { $0...$0 }
        covered = TimeWindows(around: moments, lead: lead, tail: window)
            .coveredShare(from: start, to: end)
        hitsBefore = TimeWindows(before: moments, from: window + lead, until: lead).hits(clusters)
        var hit: Set<Int> = []
        for cluster in clusters {
            let latest = occurrences.lastIndex { $0 - lead <= cluster }
            if let latest, cluster <= occurrences[latest] + window { hit.insert(latest) }
        }
        hits = hit.count
        self.clusters = clusters.count
        self.occurrences = occurrences.count
        self.window = window
        chance = min(
            1,
            BinomialTail.probability(of: hit.count, in: clusters.count, at: min(1, covered))
                * Double(Self.windows.count))
    }

    /// Whether it follows them.
    public var isCorrelated: Bool {
        hits >= 3 && Double(hits) >= 0.75 * Double(clusters)
            && Double(hits) >= 0.5 * Double(occurrences) && covered <= 0.5
            && chance < Self.chanceLimit && hits > 2 * hitsBefore
    }
}
