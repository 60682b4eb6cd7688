public import NetworkPrimitives

/// Why a tunnel is unhealthy again and again, as far as it can be told.
public struct FlapAnalysis: Equatable, Sendable {
    /// What one possible cause came to.
    public struct Candidate: Equatable, Sendable {
        /// What it comes to.
        public enum Verdict: String, Sendable {
            /// Episodes follow it, over days.
            case correlated
            /// What is bad follows it within seconds, in the last hour.
            case likely
            /// It follows the episodes.
            case reversed
            /// Too few episodes or occurrences.
            case insufficient
            /// It happens so often that nothing can be told.
            case inconclusive
            /// Nothing speaks for it.
            case uncorrelated
            /// It did not happen.
            case absent
            /// It cannot be seen from here.
            case unobservable
        }

        /// What it is.
        public var cause: FlapCause
        /// What it came to.
        public var verdict: Verdict
        /// Episodes.
        public var episodes: Int
        /// Episodes that go with it; nil where nothing was compared.
        public var hits: Int?
        /// The share of the time in which an episode would, by chance, 0...1; nil where nothing was compared.
        public var covered: Double?
        /// Episodes that go with it, as a multiple of what chance gives; nil where not known.
        public var lift: Double?
        /// The chance of as much by accident; nil where nothing was compared.
        public var chance: Double?
        /// The same, corrected for the number of causes that were tested (Holm).
        public var correctedChance: Double?
        /// What it rests on, a part of a sentence.
        public var explanation: String

        /// What it came to, a sentence.
        public var sentence: String {
            let what = cause.plural.prefix(1).uppercased() + cause.plural.dropFirst()
            switch verdict {
            case .correlated, .likely:
                return explanation.prefix(1).uppercased() + explanation.dropFirst() + "."
            case .reversed: return "\(what) come after the episodes: \(explanation)."
            case .insufficient: return "\(what) cannot be told yet: \(explanation)."
            case .inconclusive: return "\(what) cannot be told: \(explanation)."
            case .uncorrelated: return "\(what) do not go with it: \(explanation)."
            case .absent: return "\(what) are excluded: \(explanation)."
            case .unobservable: return "\(what) cannot be seen from here: \(explanation)."
            }
        }
    }

    /// The time that was looked at, in seconds.
    public var watched: Double
    /// The beginnings of episodes, oldest first: changes for the worse, merged if under 300 s apart.
    public var episodes: [MonotonicInstant]
    /// Their rhythm; nil for none.
    public var period: FlapPeriod?
    /// How episodes repeat at the interval of rekeys and at half of it; nil where that is not known.
    public var rekeyRhythm: RekeyRhythm?
    /// Every cause that was looked at.
    public var candidates: [Candidate]
    /// The cause; nil for none found.
    public var cause: FlapCause?
    /// How sure that is, 0...1; nil without a cause.
    public var confidence: Double?
    /// Whether probes are lost within seconds of rekeys and hardly otherwise, whatever the state.
    public var rekeyLosses: ShortTermTest?

    /// How episodes repeat at the interval of rekeys.
    public struct RekeyRhythm: Equatable, Sendable {
        /// The median time between rekeys in seconds.
        public var interval: Double
        /// The autocorrelation of episodes at that lag; nil where they cannot be followed so long.
        public var atInterval: Double?
        /// The same at half of it.
        public var atHalf: Double?
    }

    /// The candidate that is the cause.
    public var found: Candidate? { candidates.first { $0.cause == cause } }

    /// Why no cause is named; nil where one is.
    public var reason: String? {
        guard cause == nil else { return nil }
        guard !episodes.isEmpty else { return "no unhealthy episode was seen" }
        let tried = candidates.map { "\($0.cause.plural) (\($0.explanation))" }
        return "no cause found among " + tried.joined(separator: ", ")
    }

    /// Names rekeys where counting shows what statistics cannot yet: they lose probes, and nothing else does.
    ///
    /// - Parameter costs: what rekeys cost, of the same moment.
    public mutating func adopt(_ costs: RekeyCosts) {
        guard cause == nil, !episodes.isEmpty, costs.isDisruption,
            let index = candidates.firstIndex(where: {
                $0.cause == .rekeys && $0.verdict != .unobservable && $0.verdict != .reversed
            })
        else { return }
        candidates[index].verdict = .likely
        candidates[index].explanation = FlapText.explanation(of: costs)
        cause = .rekeys
        confidence = costs.disturbed >= 6 ? 0.8 : costs.disturbed >= 4 ? 0.75 : 0.65
    }

    /// The chance of any false cause, over all that are tested.
    static let familyChance = 0.05
}

extension FlapHistory {
    /// Looks for the cause of unhealthy episodes.
    ///
    /// - Parameters:
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock, for the time of day.
    ///   - unobservable: causes that cannot be seen from here, and why.
    ///   - generator: for shifts.
    /// - Returns: the cause, or why each possible one is excluded.
    public func analysis(
        at now: MonotonicInstant, wall: WallTime, unobservable: [FlapCause: String] = [:],
        using generator: inout some RandomNumberGenerator
    ) -> FlapAnalysis {
        var history = self
        history.advance(to: now)
        return FlapSearch(history, now, wall).analysis(unobservable, using: &generator)
    }
}
