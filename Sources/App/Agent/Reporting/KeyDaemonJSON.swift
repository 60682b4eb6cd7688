import IKE
import NetworkPrimitives

extension KeyDaemonReport {
    /// The value of `ike.daemon`.
    var daemonJSON: JSONValue {
        var object = JSONObject()
        let unasked = reason ?? "the daemon does not tell"
        object.put("available", reason == nil)
        object.put("reason", reason.map(JSONValue.string) ?? .null)
        object.put("version", version.map(JSONValue.string), orBecause: unasked)
        object.put(
            "source", (source?.rawValue).map(JSONValue.string), orBecause: unasked)
        object.put(
            "failure", (failure?.rawValue).map(JSONValue.string),
            orBecause: isHeard
                ? "what was heard last is no failure"
                : reason ?? "nothing was negotiated since the daemon is listened to")
        object.put("evidence", .array(evidence.map(JSONValue.string)))
        object.put(
            "configured_but_down", reason == nil ? .bool(isConfiguredButDown) : nil,
            orBecause: unasked)
        let unconfigured = reason ?? "the daemon has no connection to this endpoint"
        object.put("connection", (connection?.name).map(JSONValue.string), orBecause: unconfigured)
        object.put("identities", connection.map { $0.identities }, orBecause: unconfigured)
        object.put("lifetimes", connection.map { $0.lifetimes }, orBecause: unconfigured)
        object.put("dpd", connection.map { $0.deadPeerDetection }, orBecause: unconfigured)
        object.put(
            "children", connection.map { .array($0.children.map(\.json)) }, orBecause: unconfigured)
        object.put(
            "ike_sa", association.map { $0.json },
            orBecause: reason ?? "the daemon has no IKE SA with this endpoint")
        return object.value
    }
}

extension KeyDaemonConnection {
    fileprivate var identities: JSONValue {
        var object = JSONObject()
        object.put("local", localID.map(JSONValue.string), orBecause: "none is configured")
        object.put("remote", remoteID.map(JSONValue.string), orBecause: "none is configured")
        return object.value
    }

    fileprivate var lifetimes: JSONValue {
        var object = JSONObject()
        object.put(
            "ike_rekey_seconds", (rekeyAfter?.seconds).map(JSONValue.number),
            orBecause: "it is never rekeyed")
        object.put(
            "child_rekey_seconds",
            (children.compactMap(\.rekeyAfter).min()?.seconds).map(JSONValue.number),
            orBecause: "it is never rekeyed")
        return object.value
    }

    fileprivate var deadPeerDetection: JSONValue {
        var object = JSONObject()
        object.put("delay_seconds", .number(deadPeerDelay?.seconds ?? 0))
        object.put("enabled", deadPeerDelay != nil)
        let actions = Set(children.compactMap(\.deadPeerAction))
        object.put(
            "action", actions.count == 1 ? actions.first.map(JSONValue.string) : nil,
            orBecause: actions.isEmpty ? "the daemon does not tell" : "its child SAs differ")
        object.put(
            "restarts",
            .bool(deadPeerDelay != nil && children.contains { $0.deadPeerAction == "start" }))
        return object.value
    }
}

extension KeyDaemonConnection.Child {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("name", name)
        object.put("mode", mode.map(JSONValue.string), orBecause: "the daemon does not tell")
        object.put(
            "rekey_seconds", (rekeyAfter?.seconds).map(JSONValue.number),
            orBecause: "it is never rekeyed")
        object.put(
            "dpd_action", deadPeerAction.map(JSONValue.string),
            orBecause: "the daemon does not tell")
        object.put(
            "close_action", closeAction.map(JSONValue.string),
            orBecause: "the daemon does not tell")
        object.put("local_selectors", .array(localSelectors.map(JSONValue.string)))
        object.put("remote_selectors", .array(remoteSelectors.map(JSONValue.string)))
        return object.value
    }
}

extension KeyDaemonAssociation {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("state", state.map(JSONValue.string), orBecause: "the daemon does not tell")
        object.put("initiator", isInitiator)
        object.put("proposal", proposal)
        object.put(
            "local_id", localID.map(JSONValue.string), orBecause: "the daemon does not tell")
        object.put(
            "remote_id", remoteID.map(JSONValue.string), orBecause: "the daemon does not tell")
        object.put(
            "age_seconds", (age?.seconds).map(JSONValue.number), orBecause: "it is not up yet")
        object.put(
            "rekey_in_seconds", (rekeyIn?.seconds).map(JSONValue.number),
            orBecause: "it is not to be rekeyed")
        object.put("children", .array(children.map(\.json)))
        return object.value
    }
}

extension KeyDaemonAssociation.Child {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("name", name)
        object.put("state", state.map(JSONValue.string), orBecause: "the daemon does not tell")
        object.put(
            "inbound_spi", inboundSPI.map { .string("\($0)") }, orBecause: "it has none yet")
        object.put(
            "outbound_spi", outboundSPI.map { .string("\($0)") }, orBecause: "it has none yet")
        object.put("cipher", cipher.map(JSONValue.string), orBecause: "none is chosen yet")
        object.put("esn", usesExtendedNumbers)
        object.put(
            "rekey_in_seconds", (rekeyIn?.seconds).map(JSONValue.number),
            orBecause: "it is not to be rekeyed")
        object.put(
            "ends_in_seconds", (endsIn?.seconds).map(JSONValue.number), orBecause: "it does not end"
        )
        return object.value
    }
}
