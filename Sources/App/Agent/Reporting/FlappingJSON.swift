import Flapping
import NetworkPrimitives

extension TunnelFlapping {
    /// The value of `flapping_analysis`: episodes, and what they go with.
    var json: JSONValue? {
        guard let analysis else { return nil }
        var object = JSONObject()
        object.put("watched_seconds", analysis.watched)
        object.put("episodes", analysis.episodes.count)
        object.put(
            "latest_episodes",
            .array(
                analysis.episodes.suffix(Self.shownEpisodes).map {
                    .string(wallTime($0).description)
                }))
        object.put(
            "period_seconds", (analysis.period?.seconds).map { .number($0.rounded()) },
            orBecause: "the episodes have no rhythm, or are under six")
        object.put(
            "period_strength", (analysis.period?.strength).map(JSONValue.number),
            orBecause: "the episodes have no rhythm, or are under six")
        object.put(
            "rekey_rhythm", analysis.rekeyRhythm.map(\.json),
            orBecause: "under three rekeys, or no episode")
        object.put(
            "cause", (analysis.cause?.rawValue).map(JSONValue.string),
            orBecause: analysis.reason ?? "not known")
        object.put(
            "confidence", analysis.confidence.map(JSONValue.number), orBecause: "no cause is named")
        object.put("tested", .array(analysis.candidates.map(\.json)))
        object.put("rekey_costs", costs.json)
        object.put("reason", analysis.reason.map(JSONValue.string) ?? .null)
        return object.value
    }

    private static let shownEpisodes = 20
}

extension FlapAnalysis.Candidate {
    fileprivate var json: JSONValue {
        let untested = "nothing was compared: \(explanation)"
        var object = JSONObject()
        object.put("candidate", cause.rawValue)
        object.put("verdict", verdict.rawValue)
        object.put("k", hits, orBecause: untested)
        object.put("n", episodes)
        object.put("covered", covered.map(JSONValue.number), orBecause: untested)
        object.put("lift", lift.map(JSONValue.number), orBecause: untested)
        object.put("p", chance.map(JSONValue.number), orBecause: untested)
        object.put(
            "p_corrected", correctedChance.map(JSONValue.number),
            orBecause: chance == nil
                ? untested : "a test of the last hour, corrected for its windows alone")
        object.put("explanation", explanation)
        return object.value
    }
}

extension FlapAnalysis.RekeyRhythm {
    fileprivate var json: JSONValue {
        let short = "too few episodes can be followed for so long"
        var object = JSONObject()
        object.put("interval_seconds", interval)
        object.put(
            "autocorrelation", atInterval.map(JSONValue.number), orBecause: short)
        object.put(
            "autocorrelation_half", atHalf.map(JSONValue.number), orBecause: short)
        return object.value
    }
}

extension RekeyCosts {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("rekeys", rekeys)
        object.put("disturbed", disturbed)
        object.put("lost_after", lostAfter)
        object.put("lost_elsewhere", lostElsewhere)
        object.put(
            "longest_seconds", disturbed == 0 ? nil : .number(longest.seconds),
            orBecause: "no probe was lost after a rekey")
        return object.value
    }
}
