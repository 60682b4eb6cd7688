import IKE
import NetworkPrimitives

extension TunnelIKE {
    /// The value of `ike` (interface page §6); nil when nothing is known.
    var json: JSONValue? {
        guard reason == nil else { return nil }
        var object = JSONObject()
        for (name, port) in zip(["udp_500", "udp_4500"], ports) {
            object.put(name, port.state.rawValue)
            object.put("\(name)_reason", port.reason)
        }
        object.put("esp", flow.name)
        var missing: String?
        var flowReason = "ESP is \(flow.name)"
        switch flow {
        case .oneWay(let direction): missing = direction.rawValue
        case .unknown(let reason): flowReason = reason
        case .flowing, .absent: break
        }
        object.put(
            "esp_missing_direction", missing.map(JSONValue.string), orBecause: flowReason)
        let names = accepted.map(JSONValue.string)
        object.put(
            "peer_accepts", names.isEmpty && !isRefused ? nil : .array(names),
            orBecause: "the peer chose nothing that was seen")
        object.put(
            "failure", (verdict.failure?.rawValue).map(JSONValue.string),
            orBecause: verdict.reason ?? "no failure was seen")
        object.put(
            "failure_origin", (verdict.origin?.rawValue).map(JSONValue.string),
            orBecause: verdict.reason ?? "no failure was seen")
        object.put("evidence", .array(evidence.map(JSONValue.string)))
        object.put("probe", probe.map { $0.json(age: probeAge) }, orBecause: unprobed)
        object.put(
            "wire", wire?.object { wall + ($0 - now) }.value, orBecause: unwired)
        object.put("daemon", daemon?.daemonJSON, orBecause: "no key daemon was asked")
        object.put("nat", nat)
        return object.value
    }

    /// Whether a peer answered and took nothing.
    private var isRefused: Bool {
        probe?.ports.contains { !$0.refusals.isEmpty } ?? false || wire?.refusal != nil
    }

    /// A sentence for each thing that the judgement rests on.
    var evidence: [String] {
        var lines = zip(["UDP 500", "UDP 4500"], ports).map { "\($0): \($1.reason)" }
        for port in probe?.ports ?? [] { lines += port.evidence }
        return lines + (wire?.evidence ?? []) + (daemon?.evidence ?? [])
    }

    private var nat: JSONValue {
        var object = JSONObject()
        let unknown = "no NAT detection was seen on the wire"
        object.put("local", (wire?.natLocal).map(JSONValue.bool), orBecause: unknown)
        object.put("remote", (wire?.natRemote).map(JSONValue.bool), orBecause: unknown)
        return object.value
    }
}

extension IKEProbeReport.Port {
    /// A sentence for each thing that the peer said.
    fileprivate var evidence: [String] {
        var lines: [String] = []
        if askedForCookie { lines.append("UDP \(number): the peer asked a probe for a cookie") }
        for refusal in refusals {
            let wanted = refusal.wantedGroup.map { ", it wants \($0)" } ?? ""
            lines.append("UDP \(number): the peer answered a probe with \(refusal.kind)\(wanted)")
        }
        if let chosen {
            lines.append(
                "UDP \(number): the peer chose \(chosen) for a probe"
                    + (isChosenOfOthers ? ", which the provider does not list" : ""))
        }
        return lines
    }

    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("port", number)
        object.put("state", state.rawValue)
        object.put("reason", reason.map(JSONValue.string) ?? .null)
        object.put("sent", sent)
        object.put("answers", answers)
        object.put(
            "rtt_seconds", (roundTrip?.seconds).map(JSONValue.number),
            orBecause: reason ?? "not answered")
        object.put(
            "chosen", (chosen?.description).map(JSONValue.string),
            orBecause: reason ?? "the peer chose nothing")
        object.put("refusals", .array(refusals.map { .string($0.kind.description) }))
        object.put(
            "wanted_group",
            (refusals.compactMap(\.wantedGroup).last?.description).map(JSONValue.string),
            orBecause: "the peer asked for no other group")
        object.put("cookie", askedForCookie)
        object.put(
            "icmp_error", (rejection?.kind).map(JSONValue.string), orBecause: "no ICMP error came")
        object.put(
            "icmp_sender", (rejection?.sender?.description).map(JSONValue.string),
            orBecause: "no ICMP error came")
        object.put(
            "hop_ladder", ladder.map(\.json),
            orBecause: state == .filtered ? "not begun" : "only of a port that stays silent")
        return object.value
    }
}

extension PortLadderReport {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("sent", sent)
        object.put("complete", isComplete)
        object.put("last_hop", rungs.last?.hop ?? 0)
        object.put(
            "last_router", (rungs.last?.router?.description).map(JSONValue.string),
            orBecause: rungs.isEmpty ? "no router answered" : "the kernel did not say")
        object.put(
            "hops",
            .array(
                rungs.map {
                    var rung = JSONObject()
                    rung.put("hop", $0.hop)
                    rung.put(
                        "router", ($0.router?.description).map(JSONValue.string),
                        orBecause: "the kernel did not say")
                    return rung.value
                }))
        return object.value
    }
}

extension IKEProbeReport {
    fileprivate func json(age: Duration?) -> JSONValue {
        var object = JSONObject()
        object.put("age_seconds", (age?.seconds).map(JSONValue.number), orBecause: "not ended")
        object.put("sent", sent)
        object.put("ports", .array(ports.map(\.json)))
        object.put("ignored", ignored.total)
        object.put(
            "offered", .array(ProviderProposals.supported.map { .string($0.description) }))
        object.put("offered_as_of", ProviderProposals.date)
        return object.value
    }
}
