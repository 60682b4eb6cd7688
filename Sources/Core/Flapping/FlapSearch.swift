import NetworkPrimitives

/// The search for the cause of one tunnel's unhealthy episodes.
struct FlapSearch {
    private let history: FlapHistory
    private let now: MonotonicInstant
    private let wall: WallTime
    /// The time that is looked at: nothing that matters was forgotten of it.
    private let watched: ObservedTime
    private let episodes: [MonotonicInstant]

    static let hour = Duration.seconds(3600)

    init(_ history: FlapHistory, _ now: MonotonicInstant, _ wall: WallTime) {
        self.history = history
        self.now = now
        self.wall = wall
        watched = history.watched.since(
            max(now - FlapHistory.reach, history.worsenings.knownSince))
        episodes = Self.episodes(history.worsenings.entries.map(\.start), in: watched)
    }

    private static func episodes(
        _ times: [MonotonicInstant], in watched: ObservedTime
    ) -> [MonotonicInstant] {
        guard let origin = watched.spans.first?.start else { return [] }
        let seen = times.filter(watched.contains)
        return Episodes.beginnings(seen.map { ($0 - origin).seconds }).map {
            origin + .nanoseconds(Int64(($0 * 1e9).rounded()))
        }
    }

    func analysis(
        _ unobservable: [FlapCause: String], using generator: inout some RandomNumberGenerator
    ) -> FlapAnalysis {
        var candidates: [FlapAnalysis.Candidate] = []
        for cause in FlapCause.allCases {
            if let reason = unobservable[cause] {
                candidates.append(candidate(cause, .unobservable, reason))
            } else if cause == .timeOfDay {
                candidates.append(timeOfDay(using: &generator))
            } else if let log = history.log(of: cause) {
                candidates.append(overDays(cause, log, using: &generator))
            }
        }
        correct(&candidates)
        for index in candidates.indices where unobservable[candidates[index].cause] == nil {
            addShortTerm(&candidates[index])
        }
        var analysis = FlapAnalysis(
            watched: watched.length, episodes: episodes,
            period: FlapPeriod(of: episodes.map(watched.position)),
            rekeyRhythm: rekeyRhythm, candidates: candidates,
            rekeyLosses: unobservable[.rekeys] == nil
                ? shortTerm(history.insideLosses, .rekeys) : nil)
        if let best = Self.best(candidates) {
            analysis.cause = best.cause
            analysis.confidence = Self.confidence(best)
        }
        return analysis
    }

    // MARK: - Over days

    private func overDays(
        _ cause: FlapCause, _ log: OccurrenceLog, using generator: inout some RandomNumberGenerator
    ) -> FlapAnalysis.Candidate {
        let watched = watched.since(log.knownSince)
        let occurrences = log.entries.filter { entry in
            watched.spans.contains { $0.start <= entry.end && entry.start <= $0.end }
        }
        guard !occurrences.isEmpty else {
            return candidate(
                cause, .absent, "none was seen in \(DurationText.short(watched.length))")
        }
        let test = CorrelationTest(
            episodes.filter(watched.contains).map(watched.position),
            against: occurrences.map {
                watched.position(of: $0.start)...watched.position(of: $0.end)
            }, reach: cause.reach, in: watched.length, using: &generator)
        var result = candidate(
            cause, .insufficient, FlapText.explanation(of: test, cause), test.episodes)
        guard test.verdict != .insufficient else { return result }
        result.hits = test.hits
        result.covered = test.covered
        result.lift = test.lift
        result.chance = test.chance
        result.verdict =
            switch test.verdict {
            case .correlated: .correlated
            // The specification asks for no more than twice as many; a handful by chance proves nothing.
            case .reversed: test.isSurelyReversed ? .reversed : .uncorrelated
            case .insufficient: .insufficient
            case .inconclusive: .inconclusive
            case .uncorrelated: .uncorrelated
            }
        return result
    }

    private func timeOfDay(
        using generator: inout some RandomNumberGenerator
    ) -> FlapAnalysis.Candidate {
        let test = TimeOfDayTest(
            episodes.map { (wall + ($0 - now)).unixSeconds }, watched: watched.length,
            span: watched.span, using: &generator)
        switch test.verdict {
        case .insufficient(let reason):
            return candidate(.timeOfDay, .insufficient, reason)
        case .correlated, .uncorrelated:
            var result = candidate(
                .timeOfDay, test.verdict == .correlated ? .correlated : .uncorrelated,
                FlapText.explanation(of: test, episodes.count))
            result.hits = test.hits
            result.covered = 2 * TimeOfDayTest.reach / TimeOfDayTest.day
            result.lift = Double(test.hits) / Double(episodes.count) / (result.covered ?? 1)
            result.chance = test.chance
            return result
        }
    }

    /// Holm's correction: the smallest chance times the number of tests, the next times one less.
    private func correct(_ candidates: inout [FlapAnalysis.Candidate]) {
        let tested = candidates.indices.filter { candidates[$0].chance != nil }
            .sorted { (candidates[$0].chance ?? 1) < (candidates[$1].chance ?? 1) }
        var highest = 0.0
        for (place, index) in tested.enumerated() {
            let corrected = (candidates[index].chance ?? 1) * Double(tested.count - place)
            highest = max(highest, min(1, corrected))
            candidates[index].correctedChance = highest
            if candidates[index].verdict == .correlated, highest >= FlapAnalysis.familyChance {
                candidates[index].verdict = .uncorrelated
            }
        }
    }

    // MARK: - Within the hour

    private func addShortTerm(_ candidate: inout FlapAnalysis.Candidate) {
        guard candidate.verdict != .correlated, candidate.verdict != .reversed,
            !episodes.isEmpty
        else { return }
        if candidate.cause == .underlayLoss,
            let test = UnderlayCoincidence(history, since: shortStart(history.underlayLosses), now),
            test.isCoincident
        {
            candidate.verdict = .likely
            candidate.hits = test.changesDuring
            candidate.episodes = test.changes
            candidate.covered = test.covered
            candidate.lift = nil
            candidate.chance = nil
            candidate.correctedChance = nil
            candidate.explanation = FlapText.explanation(of: test)
            return
        }
        let tests = [
            (shortTerm(history.worsenings, candidate.cause), "changes for the worse"),
            (shortTerm(history.insideLosses, candidate.cause), "losses inside"),
        ]
        for case (let test?, let what) in tests where test.isCorrelated {
            candidate.verdict = .likely
            candidate.hits = test.hits
            candidate.episodes = test.clusters
            candidate.covered = test.covered
            candidate.lift =
                test.covered > 0
                ? Double(test.hits) / Double(test.clusters) / test.covered : nil
            candidate.chance = test.chance
            candidate.correctedChance = nil
            candidate.explanation = FlapText.explanation(of: test, candidate.cause, what)
            return
        }
    }

    /// Since when, within the last hour, everything of a log is known.
    private func shortStart(_ log: OccurrenceLog) -> MonotonicInstant {
        max(now - Self.hour, max(watched.spans.last?.start ?? now, log.knownSince))
    }

    private func shortTerm(_ bad: OccurrenceLog, _ cause: FlapCause) -> ShortTermTest? {
        guard let lead = cause.shortLead, let log = history.log(of: cause),
            !watched.spans.isEmpty
        else { return nil }
        let start = max(shortStart(log), bad.knownSince)
        func seconds(_ log: OccurrenceLog) -> [Double] {
            log.entries(from: start, through: now).map { ($0.start - start).seconds }
        }
        return ShortTermTest(
            seconds(bad), against: seconds(log), lead: lead, until: (now - start).seconds)
    }

    // MARK: - What it comes to

    private var rekeyRhythm: FlapAnalysis.RekeyRhythm? {
        let positions = history.rekeys.entries.filter { watched.contains($0.start) }
            .map { watched.position(of: $0.start) }
        guard positions.count >= 3, !episodes.isEmpty else { return nil }
        let gaps = zip(positions.dropFirst(), positions).map { $0 - $1 }.sorted()
        let interval = gaps[gaps.count / 2]
        let beginnings = episodes.map(watched.position)
        func correlation(_ lag: Double) -> Double? {
            FlapPeriod.autocorrelation(of: beginnings, at: lag, in: watched.length)
        }
        return FlapAnalysis.RekeyRhythm(
            interval: interval, atInterval: correlation(interval), atHalf: correlation(interval / 2)
        )
    }

    /// The cause: one that days show before one of the last hour, then the one that explains most.
    ///
    /// The time of day comes last: it is no cause, but when one acts.
    private static func best(
        _ candidates: [FlapAnalysis.Candidate]
    ) -> FlapAnalysis.Candidate? {
        func rank(_ candidate: FlapAnalysis.Candidate) -> (Int, Int, Double) {
            (
                candidate.cause == .timeOfDay ? 0 : 1, candidate.verdict == .correlated ? 1 : 0,
                Double(candidate.hits ?? 0) / Double(max(candidate.episodes, 1))
            )
        }
        return candidates.filter { $0.verdict == .correlated || $0.verdict == .likely }
            .max { rank($0) < rank($1) }
    }

    /// How sure a cause is: by what simulations say of false alarms, and by the share it explains.
    private static func confidence(_ candidate: FlapAnalysis.Candidate) -> Double {
        let hits = candidate.hits ?? 0
        let share = Double(hits) / Double(max(candidate.episodes, 1))
        if candidate.verdict == .likely {
            return hits >= 5 && share == 1 ? 0.8 : hits >= 4 ? 0.75 : 0.65
        }
        return share >= 0.6 && hits >= 5 ? 0.95 : hits >= 5 ? 0.9 : 0.85
    }

    private func candidate(
        _ cause: FlapCause, _ verdict: FlapAnalysis.Candidate.Verdict, _ explanation: String,
        _ episodes: Int? = nil
    ) -> FlapAnalysis.Candidate {
        FlapAnalysis.Candidate(
            cause: cause, verdict: verdict, episodes: episodes ?? self.episodes.count, hits: nil,
            covered: nil, lift: nil, chance: nil, correctedChance: nil, explanation: explanation)
    }
}
