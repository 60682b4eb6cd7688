public import NetworkPrimitives

/// The history of some tunnels over a time.
public struct HistoryReport: Equatable, Sendable {
    /// The first moment.
    public var from: WallTime
    /// The last moment.
    public var to: WallTime
    /// The objective of the burn rates, in percent.
    public var objective: Double
    /// The tunnels by name.
    public var tunnels: [TunnelHistory]
    /// What happened to the agent itself.
    public var hostEvents: [HistoryEvent]

    /// Reads and joins a history.
    ///
    /// - Parameters:
    ///   - source: where it is read from.
    ///   - times: the first and the last moment.
    ///   - names: which tunnels; empty for all that anything is kept of.
    ///   - objective: the objective of the burn rates, in percent.
    ///   - watchedUntil: the last sign of life of the agent; nil for one that runs.
    /// - Throws: what reading fails with.
    public init<Source: HistorySource>(
        _ source: Source, _ times: ClosedRange<WallTime>, of names: [String] = [],
        objective: Double, watchedUntil: WallTime? = nil
    ) throws(Source.Failure) {
        from = times.lowerBound
        to = times.upperBound
        self.objective = objective
        // Findings that stand since before the first moment were raised before it.
        let events = try source.events(
            times.lowerBound + (.zero - Self.lookBack)...times.upperBound, of: nil)
        hostEvents = events.filter { $0.tunnel == nil && times.contains($0.at) }
        var tunnels: [TunnelHistory] = []
        let known = try source.tunnels()
        for name in names.isEmpty ? known : names {
            let start = times.lowerBound + (.zero - Self.lookBack)
            tunnels.append(
                TunnelHistory(
                    name, times, events: events.filter { $0.tunnel == nil || $0.tunnel == name },
                    minutes: try source.minutes(times, of: name),
                    initial: try source.state(of: name, before: start), objective: objective,
                    watchedUntil: watchedUntil))
        }
        self.tunnels = tunnels
    }

    /// How long before the first moment events are looked at.
    static let lookBack = Duration.seconds(86_400)
}

/// The history of one tunnel.
public struct TunnelHistory: Equatable, Sendable {
    /// What one hour or day came to.
    public struct Availability: Equatable, Sendable {
        /// When it began, or when the report does.
        public var from: WallTime
        /// When it ended, or when the report does.
        public var to: WallTime
        /// How long each state lasted.
        public var lengths: StateLengths
        /// Probes that the state comes from.
        public var sent: Int
        /// Those of them that were lost.
        public var lost: Int
    }

    /// Its name.
    public var name: String
    /// Its states.
    public var timeline: StateTimeline
    /// Hour by hour.
    public var hours: [Availability]
    /// Day by day, in UTC.
    public var days: [Availability]
    /// All of the time.
    public var total: StateLengths
    /// The times over which the provider's alerts are evaluated; both must be under the objective.
    static let burnWindows = [Duration.seconds(300), .seconds(3600)]
    /// The burn rates of five minutes and of an hour.
    public var burnRates: [BurnRate]
    /// Whether the provider would alert: both windows are under the objective; nil where one is not known.
    public var isAlerting: Bool?
    /// When it was unhealthy, and why.
    public var episodes: [Episode]
    /// What stood when.
    public var findings: [FindingSpan]
    /// Its rekeys.
    public var rekeys: [(at: WallTime, entry: RekeyEntry)]
    /// Everything else that happened to it: paths, routes, recordings.
    public var events: [HistoryEvent]

    /// Joins what is known of a tunnel.
    public init(
        _ name: String, _ times: ClosedRange<WallTime>, events: [HistoryEvent],
        minutes: [HistoryMinute], initial: String?, objective: Double, watchedUntil: WallTime?
    ) {
        self.name = name
        let start = times.lowerBound + (.zero - HistoryReport.lookBack)
        let whole = StateTimeline(
            of: events, tunnel: name, start...times.upperBound, initial: initial,
            watchedUntil: watchedUntil)
        timeline = whole.clipped(times)
        total = timeline.lengths(times)
        hours = Self.availability(timeline, times, minutes, .seconds(3600))
        days = Self.availability(timeline, times, minutes, .seconds(86_400))
        burnRates = Self.burnWindows.map {
            BurnRate(of: whole, $0, until: times.upperBound, objective: objective)
        }
        let missed = burnRates.map { $0.isMissed(objective) }
        isAlerting = missed.contains(nil) ? nil : missed.allSatisfy { $0 == true }
        let own = events.filter { $0.tunnel == name }
        // An agent that ends takes what stood with it.
        findings = FindingSpan.spans(of: events, until: times.upperBound)
            .filter { $0.last > times.lowerBound }
        rekeys = own.compactMap { event in
            if case .rekeyed(let entry) = event.kind, times.contains(event.at) {
                (event.at, entry)
            } else {
                nil
            }
        }
        episodes = Episode.episodes(
            of: timeline, findings, rekeys.map(\.at), until: times.upperBound)
        self.events = own.filter { event in
            guard times.contains(event.at) else { return false }
            switch event.kind {
            case .stateChanged, .findingRaised, .findingCleared, .rekeyed: return false
            default: return true
            }
        }
    }

    private static func availability(
        _ timeline: StateTimeline, _ times: ClosedRange<WallTime>, _ minutes: [HistoryMinute],
        _ bucket: Duration
    ) -> [Availability] {
        let length = Int64(bucket.components.seconds) * 1_000_000_000
        var start = times.lowerBound.nanoseconds
        var rows: [Availability] = []
        var index = 0
        let sorted = minutes.sorted { $0.at < $1.at }
        while start < times.upperBound.nanoseconds {
            let boundary = (start / length + (start >= 0 ? 1 : 0)) * length
            let end = min(boundary, times.upperBound.nanoseconds)
            let span = WallTime(nanoseconds: start)...WallTime(nanoseconds: end)
            var row = Availability(
                from: span.lowerBound, to: span.upperBound, lengths: timeline.lengths(span),
                sent: 0, lost: 0)
            while index < sorted.count, sorted[index].at.nanoseconds < end {
                row.sent += sorted[index].sent
                row.lost += sorted[index].lost
                index += 1
            }
            rows.append(row)
            start = end
        }
        return rows
    }

    /// Two histories are equal when all of their parts are.
    public static func == (left: TunnelHistory, right: TunnelHistory) -> Bool {
        left.name == right.name && left.timeline == right.timeline && left.hours == right.hours
            && left.days == right.days && left.burnRates == right.burnRates
            && left.episodes == right.episodes && left.findings == right.findings
            && left.rekeys.map(\.at) == right.rekeys.map(\.at)
            && left.rekeys.map(\.entry) == right.rekeys.map(\.entry)
            && left.events == right.events
    }

    /// The mean time from the end of one episode to the next; nil without one.
    public var meanTimeBetween: Duration? {
        episodes.isEmpty ? nil : total.healthy / episodes.count
    }

    /// The mean length of episodes that are over; nil without one.
    public var meanTimeToRecover: Duration? {
        let ended = episodes.filter { !$0.isOngoing }
        guard !ended.isEmpty else { return nil }
        return ended.reduce(Duration.zero) { $0 + $1.length } / ended.count
    }

    /// The longest time that it was healthy without a break.
    public var longestStable: Duration {
        timeline.segments.filter { $0.state == "healthy" }.map(\.length).max() ?? .zero
    }
}
