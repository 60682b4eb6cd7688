import IKE
import NetworkPrimitives

extension IKELogReport {
    /// `ike_log` of the document `tunnelprobe.analysis/1`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("file", file)
        object.put("gzip", isGzipped)
        object.put("bytes", octets)
        object.put("records", tally.records)
        object.put("truncated", tally.isTruncated)
        object.put(
            "damage", damage.map(JSONValue.string), orBecause: "the whole file could be read")
        object.put("unreadable_lines", tally.unreadableLines)
        object.put(
            "first_unreadable", tally.firstUnreadable?.json, orBecause: "every line could be read")
        object.put("records_without_time", tally.recordsWithoutTime)
        object.put("records_without_message", tally.recordsWithoutMessage)
        object.put("cut_texts", tally.cutTexts)
        object.put(
            "renamed_keys", .array(tally.renamedKeys.map(\.json)))
        object.put(
            "unknown_keys",
            .object(tally.unknownKeys.map { ($0.key, .integer(Int64(clamping: $0.records))) }))
        object.put("keys_left_out", tally.otherKeys)
        putTimes(&object)
        object.put("levels", Self.counts(digest.levels.map { ($0.level, $0.records) }))
        object.put("kinds", digest.kinds.json)
        object.put("failures", digest.failures.json)
        object.put(
            "by_peer", .array(digest.peers.enumerated().map { json(of: $1, tunnel: tunnels[$0]) }))
        object.put("records_of_other_peers", digest.recordsOfOtherPeers)
        object.put("events", .array(digest.events.map { json(of: $0) }))
        object.put("events_left_out", digest.eventsLeftOut)
        return object.value
    }

    private func putTimes(_ object: inout JSONObject) {
        let formats = tally.timeFormats
        let format = formats.count > 1 ? "mixed" : formats.keys.first?.rawValue
        object.put(
            "time_format", format.map(JSONValue.string), orBecause: Self.noTime)
        object.put(
            "time_formats",
            Self.counts(
                ProviderTimeFormat.allCases.compactMap { format in
                    formats[format].map { (format.rawValue, $0) }
                }))
        object.put("from", digest.first.map { .string($0.description) }, orBecause: Self.noTime)
        object.put("to", digest.last.map { .string($0.description) }, orBecause: Self.noTime)
    }

    private static let noTime = "no record has a time"
    private static let noAddress = "the records have no such address"

    fileprivate static func counts(_ counts: [(String, UInt64)]) -> JSONValue {
        .object(counts.map { ($0.0, .integer(Int64(clamping: $0.1))) })
    }

    private func json(of peer: ProviderLogPeer, tunnel: String?) -> JSONValue {
        var object = JSONObject()
        object.put(
            "tunnel", tunnel.map(JSONValue.string), orBecause: tunnelsUnknownBecause)
        object.put(
            "local", peer.local.map { .string($0.description) }, orBecause: Self.noAddress)
        object.put(
            "remote", peer.remote.map { .string($0.description) }, orBecause: Self.noAddress)
        object.put("records", peer.records)
        object.put("from", peer.first.map { .string($0.description) }, orBecause: Self.noTime)
        object.put("to", peer.last.map { .string($0.description) }, orBecause: Self.noTime)
        object.put("kinds", peer.kinds.json)
        object.put("failures", peer.failures.json)
        let none =
            peer.failures.isEmpty
            ? "the log names no failure" : "the log says after it that an SA was established"
        object.put("failure", peer.failure.map { .string($0.rawValue) }, orBecause: none)
        object.put("failure_event", peer.failureEvent.map { json(of: $0) }, orBecause: none)
        object.put("cipher_suites", .array(peer.cipherSuites.map(JSONValue.string)))
        return object.value
    }

    private func json(of event: ProviderLogEvent) -> JSONValue {
        let record = event.record
        var object = JSONObject()
        object.put(
            "at", record.time.map { .string($0.description) },
            orBecause: "the record has no time that could be read")
        object.put("line", record.line)
        object.put("level", record.level)
        object.put("kind", event.meaning.kind.rawValue)
        object.put(
            "failure", event.meaning.failure.map { .string($0.rawValue) },
            orBecause: "its text names none")
        object.put(
            "notify", event.meaning.notify.map(JSONValue.string), orBecause: "its text names none")
        let absence = "the record has none"
        object.put("local", record.local.map { .string($0.description) }, orBecause: absence)
        object.put("local_port", record.localPort.map { .integer(Int64($0)) }, orBecause: absence)
        object.put("remote", record.remote.map { .string($0.description) }, orBecause: absence)
        object.put(
            "remote_port", record.remotePort.map { .integer(Int64($0)) }, orBecause: absence)
        object.put(
            "tunnel", tunnel(of: record).map(JSONValue.string), orBecause: tunnelsUnknownBecause)
        object.put("message", record.message)
        return object.value
    }
}

extension Timeline {
    /// `timeline` of the document.
    var json: JSONValue {
        .array(
            entries.map { entry in
                var object = JSONObject()
                object.put("at", entry.at.description)
                object.put("source", entry.source.rawValue)
                object.put("kind", entry.kind)
                object.put("text", entry.text)
                object.put(
                    "tunnel", entry.tunnel.map(JSONValue.string),
                    orBecause: "no tunnel of the configuration has its addresses")
                object.put(
                    "spi", entry.spi.map { .string($0.description) },
                    orBecause: "the source names none")
                object.put(
                    "failure", entry.failure.map { .string($0.rawValue) },
                    orBecause: "it is none that is known")
                return object.value
            })
    }
}

extension ProviderLogTally.Trouble {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("line", line)
        object.put("problem", reason)
        return object.value
    }
}

extension RenamedKey {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("key", key)
        object.put("taken_as", field.rawValue)
        object.put("by", isByValue ? "value" : "name")
        return object.value
    }
}

extension [ProviderLogMessage.Kind: UInt64] {
    fileprivate var json: JSONValue {
        IKELogReport.counts(
            ProviderLogMessage.Kind.allCases.compactMap { kind in
                self[kind].map { (kind.rawValue, $0) }
            })
    }
}

extension [IKEFailure: UInt64] {
    fileprivate var json: JSONValue {
        IKELogReport.counts(
            IKEFailure.allCases.compactMap { failure in
                self[failure].map { (failure.rawValue, $0) }
            })
    }
}
