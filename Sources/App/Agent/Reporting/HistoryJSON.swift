import History
import NetworkPrimitives

extension HistoryReport {
    /// The document `tunnelprobe.history/1` (interface page §6).
    var json: JSONValue {
        var document = JSONObject()
        document.put("schema", "tunnelprobe.history/1")
        document.put("from", from.description)
        document.put("to", to.description)
        document.put("slo_percent", objective)
        document.put("tunnels", .array(tunnels.map { .string($0.name) }))
        document.put("timeline", .array(tunnels.flatMap(\.timelineJSON)))
        document.put("availability", .array(tunnels.flatMap(\.availabilityJSON)))
        document.put("burn_rate", burnRate)
        document.put("episodes", .array(tunnels.flatMap(\.episodesJSON)))
        document.put("rekeys", .array(tunnels.flatMap(\.rekeysJSON)))
        document.put("findings", .array(tunnels.flatMap(\.findingsJSON)))
        document.put("totals", .array(tunnels.map(\.totalsJSON)))
        document.put(
            "events", .array((tunnels.flatMap(\.events) + hostEvents).map(\.json)))
        return document.value
    }

    /// The worst tunnel's rates, and each tunnel's.
    private var burnRate: JSONValue {
        var object = JSONObject()
        for (index, name) in ["5m", "1h"].enumerated() {
            object.put(
                name,
                tunnels.compactMap { $0.burnRates[index].rate }.max().map(JSONValue.number),
                orBecause: "nothing was judged in that time")
        }
        object.put(
            "tunnels",
            .array(
                tunnels.map { tunnel in
                    var entry = JSONObject()
                    entry.put("tunnel", tunnel.name)
                    for (index, name) in ["5m", "1h"].enumerated() {
                        entry.put(
                            name, tunnel.burnRates[index].rate.map(JSONValue.number),
                            orBecause: "nothing was judged in that time")
                        entry.put(
                            "sli_\(name)", tunnel.burnRates[index].indicator.map(JSONValue.number),
                            orBecause: "nothing was judged in that time")
                    }
                    entry.put(
                        "alert", tunnel.isAlerting.map(JSONValue.bool),
                        orBecause: "a window has nothing that was judged")
                    return entry.value
                }))
        return object.value
    }
}

extension TunnelHistory {
    fileprivate var timelineJSON: [JSONValue] {
        timeline.segments.map { segment in
            var object = JSONObject()
            object.put("tunnel", name)
            object.put("state", segment.state)
            object.put("from", segment.from.description)
            object.put("to", segment.to.description)
            object.put("seconds", segment.length)
            return object.value
        }
    }

    fileprivate var availabilityJSON: [JSONValue] {
        [("hour", hours), ("day", days)].flatMap { span, rows in
            rows.map { row in
                var object = JSONObject()
                object.put("tunnel", name)
                object.put("span", span)
                object.put("from", row.from.description)
                object.put("to", row.to.description)
                object.put(lengths: row.lengths)
                object.put("probes_sent", row.sent)
                object.put("probes_lost", row.lost)
                return object.value
            }
        }
    }

    fileprivate var episodesJSON: [JSONValue] {
        episodes.map { episode in
            var object = JSONObject()
            object.put("tunnel", name)
            object.put("from", episode.from.description)
            object.put(
                "to", episode.isOngoing ? nil : .string(episode.to.description),
                orBecause: "it goes on")
            object.put("seconds", episode.length)
            object.put("worst_state", episode.worst)
            object.put("rekeys_before", episode.rekeysBefore)
            object.put(
                "causes",
                .array(
                    episode.causes.map { cause in
                        var entry = JSONObject()
                        entry.put("id", cause.id)
                        entry.put("severity", cause.severity)
                        entry.put("summary", cause.summary)
                        entry.put("remedy", .array(cause.remedy.map(JSONValue.string)))
                        return entry.value
                    }))
            return object.value
        }
    }

    fileprivate var rekeysJSON: [JSONValue] {
        rekeys.map { at, rekey in
            var object = JSONObject()
            object.put("tunnel", name)
            object.put("at", at.description)
            object.put("spi", rekey.spi)
            object.put(
                "former_spi", rekey.formerSPI.map(JSONValue.string), orBecause: "it was not seen")
            object.put(
                "convergence_seconds", rekey.convergenceSeconds.map(JSONValue.number),
                orBecause: "it was not measured")
            object.put(
                "probes_sent", rekey.probesSent.map { .integer(Int64($0)) },
                orBecause: "not known")
            object.put(
                "probes_lost", rekey.probesLost.map { .integer(Int64($0)) },
                orBecause: "not known")
            return object.value
        }
    }

    fileprivate var findingsJSON: [JSONValue] {
        findings.map { finding in
            var object = JSONObject()
            object.put("tunnel", name)
            object.put("id", finding.id)
            object.put("severity", finding.severity)
            object.put("summary", finding.summary)
            object.put("first", finding.first.description)
            object.put("last", finding.last.description)
            object.put("standing", finding.isStanding)
            object.put("times", finding.times)
            object.put("seconds", finding.total)
            object.put(
                "explained_by", finding.explainedBy.map(JSONValue.string),
                orBecause: "nothing explains it")
            object.put("evidence", .array(finding.evidence.map(JSONValue.string)))
            object.put("remedy", .array(finding.remedy.map(JSONValue.string)))
            return object.value
        }
    }

    fileprivate var totalsJSON: JSONValue {
        var object = JSONObject()
        object.put("tunnel", name)
        object.put(lengths: total)
        object.put("episodes", episodes.count)
        object.put(
            "mean_seconds_between", (meanTimeBetween?.seconds).map(JSONValue.number),
            orBecause: "there was no episode")
        object.put(
            "mean_seconds_to_recover", (meanTimeToRecover?.seconds).map(JSONValue.number),
            orBecause: "no episode ended")
        object.put("longest_stable_seconds", longestStable)
        return object.value
    }
}

extension JSONObject {
    fileprivate mutating func put(lengths: StateLengths) {
        put("healthy_seconds", lengths.healthy)
        put("degraded_seconds", lengths.degraded)
        put("down_seconds", lengths.down)
        put("unknown_seconds", lengths.unknown)
        put("not_watched_seconds", lengths.notWatched)
        put(
            "availability_ratio", lengths.availability.map(JSONValue.number),
            orBecause: "nothing was judged in that time")
        put(
            "healthy_ratio", lengths.healthyShare.map(JSONValue.number),
            orBecause: "nothing was judged in that time")
    }
}

extension HistoryEvent {
    /// One entry of `events`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("at", at.description)
        object.put("tunnel", tunnel.map(JSONValue.string), orBecause: "it is the agent's own")
        object.put("kind", HistoryCoding.name(of: kind))
        object.put("text", words)
        return object.value
    }

    /// What happened, for people.
    var words: String {
        switch kind {
        case .agentStarted(let version): "the agent \(version) began to watch"
        case .agentStopped: "the agent ended"
        case .stateChanged(let change): "\(change.from) -> \(change.to)"
        case .findingRaised(let finding): "\(finding.id): \(finding.summary)"
        case .findingCleared(let id): "\(id) is over"
        case .rekeyed(let rekey): "rekeyed to \(rekey.spi)"
        case .pathMTUChanged(let change):
            "path MTU \(change.path): \(change.from.map(String.init) ?? "not known") -> "
                + (change.to.map(String.init) ?? "not known")
                + (change.isBlackHole == true ? ", larger packets vanish" : "")
        case .replyPathChanged(let change):
            "Echo Replies \(change.path): \(change.from) -> \(change.to)"
                + (change.afterHop.map { " after hop \($0)" } ?? "")
        case .routeChanged(let text): text
        case .configurationLoaded(let succeeded, let summary):
            succeeded ? summary : "configuration refused: \(summary)"
        case .captureSaved(let file, let reason): "recorded \(file): \(reason)"
        case .other("agent_lost"): "the agent was lost: killed, or the power went"
        case .other(let kind): kind.split(separator: "_").joined(separator: " ")
        }
    }
}
