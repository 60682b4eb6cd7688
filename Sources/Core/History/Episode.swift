public import NetworkPrimitives

/// A time in which a tunnel was unhealthy without a break.
public struct Episode: Equatable, Sendable {
    /// When it began, or when the report does.
    public var from: WallTime
    /// When it ended, or the last moment of the report.
    public var to: WallTime
    /// Whether it goes on.
    public var isOngoing: Bool
    /// `degraded` or `down`.
    public var worst: String
    /// What stood during it and nothing else explained: what to fix first in front.
    public var causes: [FindingSpan]
    /// Rekeys within three minutes before it, which the provider's servers may take to know new SAs.
    public var rekeysBefore: Int

    /// How long it lasted.
    public var length: Duration { .nanoseconds(max(0, to.nanoseconds - from.nanoseconds)) }

    /// The episodes of a timeline.
    static func episodes(
        of timeline: StateTimeline, _ findings: [FindingSpan], _ rekeys: [WallTime],
        until end: WallTime
    ) -> [Episode] {
        var episodes: [Episode] = []
        var isOpen = false
        for segment in timeline.segments {
            guard segment.isUnhealthy else {
                isOpen = false
                continue
            }
            if isOpen {
                episodes[episodes.count - 1].to = segment.to
                if segment.state == "down" { episodes[episodes.count - 1].worst = "down" }
            } else {
                episodes.append(
                    Episode(
                        from: segment.from, to: segment.to, isOngoing: false, worst: segment.state,
                        causes: [], rekeysBefore: 0))
                isOpen = true
            }
        }
        return episodes.map { episode in
            var episode = episode
            episode.isOngoing = isOpen && episode.to == end
            episode.causes = findings.filter {
                $0.explainedBy == nil && $0.severity != "info" && $0.first <= episode.to
                    && $0.last >= episode.from
            }.sorted { left, right in
                left.isCritical == right.isCritical
                    ? left.first < right.first : left.isCritical
            }
            let start = episode.from + (.zero - .seconds(180))
            episode.rekeysBefore = rekeys.count { $0 >= start && $0 <= episode.from + .seconds(2) }
            return episode
        }
    }
}

/// From when to when a finding stood, over all its times.
public struct FindingSpan: Equatable, Sendable {
    /// The catalogue's id.
    public var id: String
    /// The worst severity it had.
    public var severity: String
    /// What it said last.
    public var summary: String
    /// What was seen last.
    public var evidence: [String]
    /// What to do.
    public var remedy: [String]
    /// What explained it last; nil for nothing.
    public var explainedBy: String?
    /// When it was raised first.
    public var first: WallTime
    /// When it was cleared last, or the last moment.
    public var last: WallTime
    /// Whether it stands.
    public var isStanding: Bool
    /// How often it was raised.
    public var times: Int
    /// How long it stood in all.
    public var total: Duration

    /// Whether the tunnel fails because of it.
    public var isCritical: Bool { severity == "critical" }

    /// The spans of a tunnel's events, in the order in which they were raised first.
    static func spans(of events: [HistoryEvent], until end: WallTime) -> [FindingSpan] {
        var spans: [FindingSpan] = []
        var raised: [String: WallTime] = [:]
        for event in events.sorted(by: { $0.at < $1.at }) where event.at <= end {
            switch event.kind {
            case .findingRaised(let record):
                let place = spans.firstIndex { $0.id == record.id }
                let isNew = raised[record.id] == nil
                if isNew { raised[record.id] = event.at }
                guard let place else {
                    spans.append(FindingSpan(record, at: event.at))
                    continue
                }
                spans[place].take(record, isNew: isNew)
            case .findingCleared(let id):
                guard let since = raised.removeValue(forKey: id),
                    let place = spans.firstIndex(where: { $0.id == id })
                else { continue }
                spans[place].end(since, at: event.at, isStanding: false)
            case .agentStopped, .other("agent_lost"):
                for (id, since) in raised {
                    guard let place = spans.firstIndex(where: { $0.id == id }) else { continue }
                    spans[place].end(since, at: event.at, isStanding: false)
                }
                raised = [:]
            default: break
            }
        }
        for (id, since) in raised {
            guard let place = spans.firstIndex(where: { $0.id == id }) else { continue }
            spans[place].end(since, at: end, isStanding: true)
        }
        return spans
    }

    private init(_ record: FindingRecord, at: WallTime) {
        id = record.id
        severity = record.severity
        summary = record.summary
        evidence = record.evidence
        remedy = record.remedy
        explainedBy = record.explainedBy
        first = at
        last = at
        isStanding = false
        times = 1
        total = .zero
    }

    private mutating func take(_ record: FindingRecord, isNew: Bool) {
        if isNew { times += 1 }
        if Self.rank(record.severity) < Self.rank(severity) { severity = record.severity }
        summary = record.summary
        evidence = record.evidence
        remedy = record.remedy
        explainedBy = record.explainedBy
    }

    private mutating func end(_ since: WallTime, at: WallTime, isStanding: Bool) {
        total += .nanoseconds(max(0, at.nanoseconds - since.nanoseconds))
        last = max(last, at)
        self.isStanding = isStanding
    }

    private static func rank(_ severity: String) -> Int {
        switch severity {
        case "critical": 0
        case "warning": 1
        default: 2
        }
    }
}
