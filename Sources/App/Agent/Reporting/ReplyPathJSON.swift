import NetworkPrimitives
import Reflecting
import ReplyPath

extension TunnelPath {
    /// The value of `reply_path` (interface page §6): where Echo Replies die, on each path.
    ///
    /// `reflection` is what the tunnel's reflector told.
    func repliesJSON(_ reflection: TunnelReflection) -> JSONValue {
        var object = JSONObject()
        object.put("outside", outsideReplies.json(outsideCaptureReason, wallTime))
        object.put("inside", insideReplies.json(insideCaptureReason, wallTime))
        object.put(
            "reflector", reflection.json, orBecause: reflection.report.reason ?? "not known")
        return object.value
    }
}

extension ReplyPathReport {
    /// The value of `outside` or `inside`.
    ///
    /// - Parameters:
    ///   - captureReason: why answers were not captured; nil when they were.
    ///   - wallTime: an instant on the wall clock.
    /// - Returns: the value.
    fileprivate func json(
        _ captureReason: String?, _ wallTime: (MonotonicInstant) -> WallTime
    ) -> JSONValue {
        let unblocked = "the verdict is \(verdict.rawValue)"
        var object = JSONObject()
        object.put("verdict", verdict.rawValue)
        object.put(
            "blocked_after_hop", blockedAfterHop.map { .integer(Int64($0)) }, orBecause: unblocked)
        object.put(
            "blocked_after_address", (blockedAfterAddress?.description).map(JSONValue.string),
            orBecause: verdict == .blocked
                ? blockedAfterHop == 0
                    ? "they die before the first hop" : "no router answered from that hop"
                : unblocked)
        object.put(
            "likely_hops", likelyHops.map { .array($0.map { .integer(Int64($0)) }) },
            orBecause: unblocked)
        object.put(
            "place", (place?.rawValue).map(JSONValue.string),
            orBecause: verdict == .blocked ? "the likely hops are of several owners" : unblocked)
        object.put("may_be_provider_edge", mayBeProviderEdge)
        object.put(
            "refused_by", (refusedBy?.description).map(JSONValue.string),
            orBecause: verdict == .blocked ? "no router said that it refuses them" : unblocked)
        object.put(
            "drops_all_icmp", dropsAllICMP.map(JSONValue.bool), orBecause: reason ?? unblocked)
        object.put(
            "last_hop_request", lastHopRequest.map { .integer(Int64($0)) },
            orBecause: unanswered("Echo Request", \.requestsSent))
        object.put(
            "last_hop_reply", lastHopReply.map { .integer(Int64($0)) },
            orBecause: unanswered("Echo Reply", \.repliesSent))
        object.put(
            "confidence", confidence.map(JSONValue.number), orBecause: reason ?? unblocked)
        object.put("reason", reason.map(JSONValue.string) ?? .null)
        object.put(
            "open_probability", openProbability.map(JSONValue.number),
            orBecause: reason ?? "it was said outright, nothing was weighed")
        object.put(
            "blocked_after_probabilities",
            .array(blockedAfterProbabilities.map(JSONValue.number)))
        object.put(
            "target_hop", targetHop.map { .integer(Int64($0)) },
            orBecause: reason ?? "the target did not answer")
        object.put("checksums", checksums)
        object.put("ignored_answers", ignoredAnswers)
        // Without a capture, a firewall of this host may have hidden answers.
        object.put("captured", captureReason == nil && endedAt != nil)
        object.put("capture_reason", (captureReason ?? uncaptured).map(JSONValue.string) ?? .null)
        object.put("hops", .array(hops.map(\.json)))
        object.put(
            "measured_at", endedAt.map { .string(wallTime($0).description) },
            orBecause: reason ?? "the ladder is not over")
        return object.value
    }

    /// Why nothing was captured where nothing was measured; nil where something was.
    private var uncaptured: String? { endedAt == nil ? reason ?? "the ladder is not over" : nil }

    /// Why there is no last hop of a style.
    private func unanswered(_ style: String, _ sent: KeyPath<Hop, Int>) -> String {
        hops.contains { $0[keyPath: sent] > 0 }
            ? "no hop answered an \(style)" : reason ?? "no \(style) was sent"
    }
}

extension ReplyPathReport.Hop {
    /// One entry of `hops`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("hop", distance)
        object.put("target", isTarget)
        object.put("requests_sent", requestsSent)
        object.put("requests_answered", requestsAnswered)
        object.put("replies_sent", repliesSent)
        object.put("replies_answered", repliesAnswered)
        object.put("udp_sent", datagramsSent)
        object.put("udp_answered", datagramsAnswered)
        object.put("request_routers", .array(requestRouters.map { .string($0.description) }))
        object.put("reply_routers", .array(replyRouters.map { .string($0.description) }))
        object.put(
            "filtered_by", (filteredBy?.description).map(JSONValue.string),
            orBecause: "no router said that it filters")
        return object.value
    }
}
