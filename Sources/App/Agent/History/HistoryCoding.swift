import History
import JSONText
import NetworkPrimitives

/// Events and minutes as the texts that the event store keeps.
///
/// What an older or a newer version wrote is read as far as it goes: keys that are missing are not known,
/// kinds that are not known stay events of another kind.
enum HistoryCoding {
    /// The kind's name in the store.
    static func name(of kind: HistoryEvent.Kind) -> String {
        switch kind {
        case .agentStarted: "agent_started"
        case .agentStopped: "agent_stopped"
        case .stateChanged: "state_changed"
        case .findingRaised: "finding_raised"
        case .findingCleared: "finding_cleared"
        case .rekeyed: "rekeyed"
        case .pathMTUChanged: "path_mtu_changed"
        case .replyPathChanged: "reply_path_changed"
        case .routeChanged: "route_changed"
        case .configurationLoaded: "configuration_loaded"
        case .captureSaved: "capture_saved"
        case .other(let kind): kind
        }
    }

    /// All there is to say of an event, on one line.
    static func body(of kind: HistoryEvent.Kind) -> String {
        String(decoding: value(of: kind).encoded(indented: false), as: UTF8.self)
    }

    /// An event read back.
    static func event(at: WallTime, tunnel: String, kind: String, body: String) -> HistoryEvent {
        HistoryEvent(
            at: at, tunnel: tunnel.isEmpty ? nil : tunnel,
            parsed(body).flatMap { Self.kind(named: kind, $0) } ?? .other(kind: kind))
    }

    /// A minute as text.
    static func body(of minute: HistoryMinute) -> String {
        var object = JSONObject()
        for (key, value) in [
            ("s", minute.sent), ("l", minute.lost), ("os", minute.outsideSent),
            ("ol", minute.outsideLost), ("h", minute.healthy), ("dg", minute.degraded),
            ("dn", minute.down), ("u", minute.unknown),
        ] where value != 0 { object.put(key, value) }
        return String(decoding: object.value.encoded(indented: false), as: UTF8.self)
    }

    /// A minute read back; what cannot be read is a minute of which nothing is known.
    static func minute(at: WallTime, tunnel: String, body: String) -> HistoryMinute {
        var minute = HistoryMinute(at: at, tunnel: tunnel)
        guard let value = parsed(body) else { return minute }
        minute.sent = value.whole("s") ?? 0
        minute.lost = value.whole("l") ?? 0
        minute.outsideSent = value.whole("os") ?? 0
        minute.outsideLost = value.whole("ol") ?? 0
        minute.healthy = value.whole("h") ?? 0
        minute.degraded = value.whole("dg") ?? 0
        minute.down = value.whole("dn") ?? 0
        minute.unknown = value.whole("u") ?? 0
        return minute
    }

    // MARK: - Values

    private static func parsed(_ text: String) -> JSONValue? {
        do throws(JSONError) {
            return try Array(text.utf8).withRawSpan { (bytes) throws(JSONError) in
                try JSONValue(parsing: bytes, valueLimit: 4096)
            }
        } catch {
            // A damaged row is an event of a kind that is not known; the store has a checksum of pages.
            return nil
        }
    }

    private static func value(of kind: HistoryEvent.Kind) -> JSONValue {
        var object = JSONObject()
        func known(_ key: String, _ text: String?) { if let text { object.put(key, text) } }
        switch kind {
        case .agentStarted(let version): object.put("version", version)
        case .agentStopped, .other: break
        case .stateChanged(let change):
            object.put("from", change.from)
            object.put("to", change.to)
            object.put("source", change.source)
            known("reason", change.reason)
        case .findingRaised(let finding):
            object.put("id", finding.id)
            object.put("severity", finding.severity)
            object.put("confidence", finding.confidence)
            object.put("summary", finding.summary)
            object.put("evidence", .array(finding.evidence.map(JSONValue.string)))
            object.put("remedy", .array(finding.remedy.map(JSONValue.string)))
            object.put("explains", .array(finding.explains.map(JSONValue.string)))
            known("explained_by", finding.explainedBy)
        case .findingCleared(let id): object.put("id", id)
        case .rekeyed(let rekey):
            object.put("spi", rekey.spi)
            known("former_spi", rekey.formerSPI)
            if let seconds = rekey.convergenceSeconds { object.put("convergence_seconds", seconds) }
            if let sent = rekey.probesSent { object.put("probes_sent", sent) }
            if let lost = rekey.probesLost { object.put("probes_lost", lost) }
        case .pathMTUChanged(let change):
            object.put("path", change.path)
            if let from = change.from { object.put("from", from) }
            if let to = change.to { object.put("to", to) }
            if let isBlackHole = change.isBlackHole { object.put("black_hole", isBlackHole) }
        case .replyPathChanged(let change):
            object.put("path", change.path)
            object.put("from", change.from)
            object.put("to", change.to)
            if let hop = change.afterHop { object.put("after_hop", hop) }
        case .routeChanged(let text): object.put("text", text)
        case .configurationLoaded(let succeeded, let summary):
            object.put("succeeded", succeeded)
            object.put("summary", summary)
        case .captureSaved(let file, let reason):
            object.put("file", file)
            object.put("reason", reason)
        }
        return object.value
    }

    private static func kind(named name: String, _ value: JSONValue) -> HistoryEvent.Kind? {
        func text(_ key: String) -> String { value[key]?.text ?? "" }
        func texts(_ key: String) -> [String] { (value[key]?.elements ?? []).compactMap(\.text) }
        switch name {
        case "agent_started": return .agentStarted(version: text("version"))
        case "agent_stopped": return .agentStopped
        case "state_changed":
            return .stateChanged(
                StateChange(
                    from: text("from"), to: text("to"), source: text("source"),
                    reason: value["reason"]?.text))
        case "finding_raised":
            return .findingRaised(
                FindingRecord(
                    id: text("id"), severity: text("severity"),
                    confidence: value["confidence"]?.double ?? 0, summary: text("summary"),
                    evidence: texts("evidence"), remedy: texts("remedy"),
                    explains: texts("explains"), explainedBy: value["explained_by"]?.text))
        case "finding_cleared": return .findingCleared(id: text("id"))
        case "rekeyed":
            return .rekeyed(
                RekeyEntry(
                    spi: text("spi"), formerSPI: value["former_spi"]?.text,
                    convergenceSeconds: value["convergence_seconds"]?.double,
                    probesSent: value.whole("probes_sent"), probesLost: value.whole("probes_lost")))
        case "path_mtu_changed":
            return .pathMTUChanged(
                PathMTUChange(
                    path: text("path"), from: value.whole("from"), to: value.whole("to"),
                    isBlackHole: value["black_hole"]?.flag))
        case "reply_path_changed":
            return .replyPathChanged(
                ReplyPathChange(
                    path: text("path"), from: text("from"), to: text("to"),
                    afterHop: value.whole("after_hop")))
        case "route_changed": return .routeChanged(text("text"))
        case "configuration_loaded":
            return .configurationLoaded(
                succeeded: value["succeeded"]?.flag ?? false, summary: text("summary"))
        case "capture_saved":
            return .captureSaved(file: text("file"), reason: text("reason"))
        default: return nil
        }
    }
}

extension JSONValue {
    /// A flag; nil for any other value.
    var flag: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// A whole number that fits.
    fileprivate func whole(_ key: String) -> Int? {
        self[key]?.wholeNumber.flatMap { Int(exactly: $0) }
    }
}
