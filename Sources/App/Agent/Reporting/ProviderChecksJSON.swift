import NetworkPrimitives
import ProviderChecks

extension ProviderChecksReport {
    /// The value of `provider_checks` (interface page §6).
    var json: JSONValue {
        let unknown = "not known"
        var object = JSONObject()
        object.put("per_second", perSecond.map(JSONValue.number), orBecause: reason ?? unknown)
        object.put(
            "style", style.map { .string($0.rawValue) }, orBecause: styleReason ?? unknown)
        object.put(
            "direction", direction.map { .string($0.rawValue) },
            orBecause: directionReason ?? unknown)
        object.put("direction_inferred", isDirectionInferred)
        func put(_ key: String, _ value: Double?) {
            object.put(key, value.map(JSONValue.number), orBecause: answeredReason ?? unknown)
        }
        put("answered_ratio", answered?.ratio)
        put("answered_low", answered?.low)
        put("answered_high", answered?.high)
        var places = JSONObject()
        places.put("tunnel", answeredBy.tunnel)
        places.put("wan", answeredBy.wan)
        places.put("other_tunnel", answeredBy.otherTunnel)
        object.put("answered_by", places.value)
        object.put(
            "retry_ratio", retryRatio.map(JSONValue.number), orBecause: retryReason ?? unknown)
        object.put("retries", retries.json)
        object.put(
            "predicted_state", predictedState.map { .string($0.rawValue) },
            orBecause: predictedReason ?? unknown)
        object.put(
            "predicted_because",
            predictedState == nil ? nil : predictedReason.map(JSONValue.string),
            orBecause: predictedReason ?? unknown)
        object.put(
            "steered_away", isSteeredAway.map(JSONValue.bool),
            orBecause: "too little other traffic was seen to tell")
        object.put(
            "unanswered_because", obstacle.map { .string($0.rawValue) },
            orBecause: obstacleReason ?? unknown)
        object.put(
            "unanswered_detail", obstacleDetail.map(JSONValue.string),
            orBecause: obstacleReason ?? unknown)
        object.put(
            "unanswered_example", missing.map(\.json),
            orBecause: obstacleReason ?? "no answer is missing regularly")
        object.put("targets", .array(targets.map(\.json)))
        object.put("sources", sources)
        var all = JSONObject()
        for style in Style.allCases { all.put(style.rawValue, (totals[style] ?? Totals()).json) }
        object.put("totals", all.value)
        return object.value
    }

    private var sources: JSONValue {
        var object = JSONObject()
        object.put("count", senderCount)
        object.put("more", isSenderCountBound)
        object.put("addresses", .array(senders.map { .string($0.description) }))
        return object.value
    }
}

extension ProviderChecksReport.Totals {
    fileprivate var json: JSONValue { .object(counts.members) }

    fileprivate var counts: JSONObject {
        var object = JSONObject()
        object.put("answered", answered)
        object.put("unanswered", unanswered)
        object.put("late", late)
        object.put("unjudged", unjudged)
        return object
    }
}

extension ProviderChecksReport.Target {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("address", address.description)
        object.put("style", style.rawValue)
        object.append(totals.counts)
        return object.value
    }
}

extension ProviderChecksReport.MissingAnswer {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("style", style.rawValue)
        object.put("source", source.description)
        object.put("destination", destination.description)
        object.put("hop_limit", hopLimit)
        object.put("answered", answered.count)
        object.put("checks", answered.total)
        object.put("late", isLate)
        return object.value
    }
}

extension ProviderChecksReport.Retries {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("singles", singles)
        object.put("pairs", pairs)
        object.put("bursts", bursts)
        object.put("crowded", crowded)
        object.put("surges", surges)
        object.put("alarming", isAlarming)
        return object.value
    }
}
