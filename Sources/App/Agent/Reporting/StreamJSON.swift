import ESPAnalysis
import NetworkPrimitives
import PacketFormats

extension CapturedStream {
    /// One entry of `streams` (interface page §6).
    ///
    /// Beyond the page's keys: `tunnel`, when and how fast packets came, collisions, copies that are
    /// blamed on nobody, outages, and the forecasts by packet length and for a window of each sender's
    /// own.
    var json: JSONValue {
        var stream = JSONObject()
        let unplaced = unknownBecause ?? "not known"
        stream.put("sources", .array(report.sources.map { .string($0.description) }))
        stream.put("destination", report.id.destination.description)
        stream.put(
            "direction", direction.map { .string($0.rawValue) }, orBecause: unplaced)
        stream.put("tunnel", tunnel.map(JSONValue.string), orBecause: unplaced)
        stream.put("encapsulation", report.id.encapsulation.rawValue)
        stream.put("spi", report.id.spi.description)
        stream.put("packets", report.packets)
        stream.put("bytes", report.bytes)
        stream.put("fragments", report.fragments)
        stream.put("first_seen", firstSeen.description)
        stream.put("last_seen", lastSeen.description)
        stream.put(
            "per_second", packetsPerSecond.map(JSONValue.number),
            orBecause: "there is no time between its first packet and its last")
        stream.put("starts_with_sa", report.startsAtBirth)
        stream.put("duplicates", report.duplicates.json)
        stream.put("collisions", report.collisions)
        stream.put("senders", report.senders.json)
        stream.put("reordering", report.reorderingJSON)
        stream.put("lost_packets", report.lostPackets, orBecause: report.unidentifiable)
        stream.put("outage_packets", report.outagePackets, orBecause: report.unidentifiable)
        stream.put("replay_windows", .array(report.windows.map(\.json)))
        stream.put(
            "replay_windows_per_sender",
            report.windowsPerSender.map { .array($0.map(\.json)) },
            orBecause: report.unidentifiable)
        stream.put("length_classes", .array(report.lengthClasses.map(\.json)))
        stream.put("verdicts", .array(report.verdicts.map(\.json)))
        return stream.value
    }
}

extension StreamReport {
    /// Why what is said of single senders is nil.
    fileprivate var unidentifiable: String {
        unidentifiableBecause ?? senders.reason ?? "not identifiable"
    }

    fileprivate var reorderingJSON: JSONValue {
        var object = JSONObject()
        object.put("out_of_order", reordering.outOfOrder)
        object.put(
            "stream_ratio", reordering.streamRatio.map(JSONValue.number),
            orBecause: "no packet but copies was seen")
        object.put("sender_packets", reordering.senderPackets, orBecause: unidentifiable)
        object.put(
            "sender_ratio", reordering.senderRatio.map(JSONValue.number), orBecause: unidentifiable)
        let nothing =
            reordering.senderPackets == nil ? unidentifiable : "no packet was seen to be reordered"
        object.put("extent_max", reordering.maximumExtent, orBecause: nothing)
        object.put(
            "late_seconds_max", reordering.maximumLateness.map { .number($0.seconds) },
            orBecause: nothing)
        return object.value
    }
}

extension DuplicateCounts {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("network", network)
        object.put("capture", capture)
        object.put("replay", replay)
        object.put("undecided", undecided)
        return object.value
    }
}

extension SenderCount {
    /// The object `senders` of a stream.
    var json: JSONValue {
        var object = JSONObject()
        let unknown = reason ?? "not known"
        object.put("at_least", atLeast)
        object.put("estimate", estimate, orBecause: unknown)
        object.put("active_60s", activeLastMinute, orBecause: unknown)
        object.put("range_high", rangeHigh, orBecause: unknown)
        object.put("growing", isGrowing)
        object.put("method", method.map { .string($0.rawValue) }, orBecause: unknown)
        object.put(
            "iv_family", family.map { .string($0.rawValue) },
            orBecause: method == .counters ? "the senders were told apart by counters" : unknown)
        object.put("confidence", confidence.map(JSONValue.number), orBecause: unknown)
        return object.value
    }
}

extension ReplayWindowForecast {
    /// One entry of `replay_windows`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("window", window)
        object.put("too_old", tooOld)
        object.put("already_seen", alreadySeen)
        object.put("number_zero", zero)
        object.put("would_drop", wouldDrop)
        object.put("ratio", ratio)
        return object.value
    }
}

extension LengthClassForecast {
    /// One entry of `length_classes`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("shortest_bytes", lengths.lowerBound)
        object.put("longest_bytes", lengths.upperBound)
        object.put("packets", packets)
        object.put("replay_windows", .array(windows.map(\.json)))
        return object.value
    }
}

extension StreamVerdict {
    /// One entry of `verdicts`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("id", kind.rawValue)
        object.put("grade", grade.rawValue)
        object.put("evidence", evidence)
        return object.value
    }
}

extension JSONObject {
    /// A count, or null with the reason why it is not known.
    mutating func put(
        _ key: String, _ count: (some BinaryInteger)?, orBecause reason: @autoclosure () -> String
    ) {
        put(key, count.map { .integer(Int64(clamping: $0)) }, orBecause: reason())
    }
}
