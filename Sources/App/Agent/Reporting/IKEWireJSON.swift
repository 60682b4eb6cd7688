import IKE
import NetworkPrimitives

extension IKEWireReport {
    /// The report's keys and values.
    ///
    /// - Parameter wall: an instant on the wall clock.
    /// - Returns: an object to which more may be added.
    func object(wall: (MonotonicInstant) -> WallTime) -> JSONObject {
        var object = JSONObject()
        object.put(
            "hosts", .array(TrafficDirection.sides.map { host($0) }))
        object.put(
            "initiator", initiator.flatMap(address).map { .string($0.description) },
            orBecause: "no IKE_SA_INIT was seen")
        object.put("associations", associations)
        object.put(
            "established", established.map(JSONValue.bool),
            orBecause: "no exchange after IKE_SA_INIT was seen to be answered or refused")
        object.put("offered", .array(offered.map { .string($0.description) }))
        object.put(
            "offered_group", offeredGroup.map { .string($0.description) },
            orBecause: "no IKE_SA_INIT request was seen")
        object.put(
            "chosen", chosen.map { .string($0.description) },
            orBecause: "no IKE_SA_INIT was seen to be answered with a proposal")
        object.put(
            "refused", refusal.map { .string($0.kind.description) },
            orBecause: "no cleartext error answered the last IKE_SA_INIT")
        object.put(
            "wanted_group", refusal?.wantedGroup.map { .string($0.description) },
            orBecause: "the last IKE_SA_INIT was not answered with INVALID_KE_PAYLOAD")
        object.put("cookies", cookies)
        object.put("group_changes", groupChanges)
        object.put(
            "redirected_to", redirectedTo.map(JSONValue.string),
            orBecause: "no REDIRECT was seen")
        let unasked = "no request to that port was seen to be answered or to stay without answer"
        object.put("answered_500", answered500.map(JSONValue.bool), orBecause: unasked)
        object.put("answered_4500", answered4500.map(JSONValue.bool), orBecause: unasked)
        object.put("floated_to_4500", floated)
        object.put("rekeys", Self.value(rekeys))
        object.put("rekeys_refused", rekeysRefused)
        object.put(
            "retransmission_ratio", retransmissionRatio.map(JSONValue.number),
            orBecause: "no request was seen")
        object.put("open", .array(open.map { value($0, wall: wall) }))
        object.put(
            "last_seen", lastSeen.map { .string(wall($0).description) },
            orBecause: "nothing was seen")
        let none = "nothing that was seen proves one"
        object.put("failure", failure.map { .string($0.rawValue) }, orBecause: none)
        object.put(
            "likely_failure", likelyFailure.map { .string($0.rawValue) },
            orBecause: "no encrypted message looks like one")
        object.put("evidence", .array(evidence.map(JSONValue.string)))
        return object
    }

    private func address(_ direction: TrafficDirection) -> IPAddress? {
        direction == .outbound ? local : remote
    }

    private func host(_ direction: TrafficDirection) -> JSONValue {
        let counts = self[direction]
        let isLocal = direction == .outbound
        var object = JSONObject()
        object.put(
            "address", address(direction).map { .string($0.description) },
            orBecause: "no packet was seen")
        object.put(
            "side", isLocalKnown ? .string(isLocal ? "local" : "remote") : nil,
            orBecause: "neither address is known to be near")
        object.put("messages", counts.messages)
        object.put("requests", counts.requests)
        object.put("unanswered", counts.unanswered)
        object.put("retransmissions", counts.retransmissions)
        object.put("unasked_answers", counts.unasked)
        object.put("fragments", counts.fragments)
        object.put("ip_fragments", counts.ipFragments)
        object.put("copies", counts.copies)
        object.put("rebindings", counts.rebindings)
        object.put("ikev1", counts.ikev1)
        object.put("truncated", counts.truncated)
        object.put("malformed", counts.malformed)
        object.put("keepalives", Self.value(counts.keepalives))
        object.put("liveness_checks", Self.value(counts.liveness))
        object.put(
            "behind_nat", (isLocal ? natLocal : natRemote).map(JSONValue.bool),
            orBecause: "no NAT detection hash told")
        object.put("notifies", .array((notifies[direction] ?? []).map(JSONValue.string)))
        object.put("vendors", .array((vendors[direction] ?? []).map(JSONValue.string)))
        return object.value
    }

    private func value(_ open: OpenExchange, wall: (MonotonicInstant) -> WallTime) -> JSONValue {
        var object = JSONObject()
        object.put("exchange", open.type.description)
        object.put("from", address(open.direction)?.description ?? "")
        object.put("port", open.isOnPort4500 ? 4500 : 500)
        object.put("sendings", open.sendings)
        object.put("since", wall(open.since).description)
        return object.value
    }

    private static func value(_ rhythm: IKERhythm) -> JSONValue {
        var object = JSONObject()
        object.put("count", rhythm.count)
        object.put(
            "interval_seconds", rhythm.interval.map { .number($0.seconds) },
            orBecause: "it was not seen twice")
        return object.value
    }
}

extension TrafficDirection {
    /// The near host first.
    fileprivate static let sides: [TrafficDirection] = [.outbound, .inbound]
}

extension IKEConversation {
    /// An entry of `ike` in `tunnelprobe.analysis/1`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("tunnel", tunnel.map(JSONValue.string), orBecause: unknownBecause ?? "")
        object.append(report.object { clock.wallTime($0) })
        return object.value
    }
}
