import ESPAnalysis
import NetworkPrimitives
import PacketFormats

extension SendersReport {
    /// The document `tunnelprobe.senders/1` (interface page §6).
    ///
    /// `tunnel` and `senders` are those of the principal stream; `streams` has them for every one.
    var json: JSONValue {
        var document = JSONObject()
        document.put("schema", "tunnelprobe.senders/1")
        let absence = reason ?? "no ESP stream was seen"
        document.put(
            "tunnel", (tunnel ?? principal?.tunnel).map(JSONValue.string),
            orBecause: principal?.unknownBecause ?? absence)
        document.put(
            "senders", principal.map { .array($0.sendersJSON) }, orBecause: absence)
        document.put("streams", .array(streams.map(\.tableJSON)))
        return document.value
    }
}

extension CapturedStream {
    /// One entry of the document's `streams`.
    fileprivate var tableJSON: JSONValue {
        var stream = JSONObject()
        let unplaced = unknownBecause ?? "not known"
        stream.put("tunnel", tunnel.map(JSONValue.string), orBecause: unplaced)
        stream.put("sources", .array(report.sources.map { .string($0.description) }))
        stream.put("destination", report.id.destination.description)
        stream.put("direction", direction.map { .string($0.rawValue) }, orBecause: unplaced)
        stream.put("encapsulation", report.id.encapsulation.rawValue)
        stream.put("spi", report.id.spi.description)
        stream.put("packets", report.packets)
        stream.put("count", report.senders.json)
        stream.put("senders", .array(sendersJSON))
        return stream.value
    }

    /// The entries of `senders`, those with most packets first.
    fileprivate var sendersJSON: [JSONValue] {
        report.topSenders.map { sender in
            var object = JSONObject()
            let unknown = report.unidentifiableBecause ?? "not identifiable"
            object.put("sender", sender.name)
            object.put("share", sender.share)
            object.put(
                "per_second", sender.perSecond.map(JSONValue.number),
                orBecause: "there is no time between its first packet and its last")
            object.put("ttl", sender.hopLimit)
            object.put("packets", sender.packets)
            object.put("lost", sender.lost, orBecause: unknown)
            object.put("reordered", sender.reordered, orBecause: unknown)
            object.put("first_seen", wallTime(sender.firstArrival).description)
            object.put("last_seen", wallTime(sender.lastArrival).description)
            object.put("highest_sequence", sender.highestSequence)
            return object.value
        }
    }
}
