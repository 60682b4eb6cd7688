import NetworkPrimitives
import PacketFormats
import TunnelHealth

extension AnalysisReport {
    /// The document `tunnelprobe.analysis/1` (interface page §6).
    var json: JSONValue {
        var document = JSONObject()
        document.put("schema", "tunnelprobe.analysis/1")
        let isCapture = file != nil
        let noCapture = "no capture was given"
        document.put("file", file.map(JSONValue.string), orBecause: noCapture)
        document.put(
            "format", format.map(JSONValue.string),
            orBecause: isCapture ? "the file is no capture" : noCapture)
        document.put("bytes", isCapture ? JSONValue(octets) : nil, orBecause: noCapture)
        document.put("truncated", isTruncated)
        document.put(
            "damage", damage?.json,
            orBecause: isCapture ? "the whole file could be read" : noCapture)
        document.put("packets", isCapture ? JSONValue(packets) : nil, orBecause: noCapture)
        document.put("packets_by_kind", isCapture ? frames.json : nil, orBecause: noCapture)
        let none = isCapture ? "there is no packet in it" : noCapture
        document.put(
            "first_packet_at", firstPacket.map { .string($0.description) }, orBecause: none)
        document.put("last_packet_at", lastPacket.map { .string($0.description) }, orBecause: none)
        var backward = JSONObject()
        backward.put("packets", backwardStamps.packets)
        backward.put("largest_seconds", backwardStamps.largest)
        document.put(
            "backward_stamps", isCapture ? backward.value : nil, orBecause: noCapture)
        document.put(
            "capture_drops", captureDrops,
            orBecause: isCapture ? "the file does not say" : noCapture)
        document.put("unfollowed_packets", unfollowedPackets)
        document.put("verdict", verdict.rawValue)
        document.put("streams", .array(streams.map(\.json)))
        document.put("rekeys", .array(rekeys.map(\.json)))
        document.put("unlisted_rekeys", unlistedRekeys)
        document.put("ike", .array(ike.map(\.json)))
        document.put("findings", .array(findings.map(\.json)))
        document.put("ike_log", ikeLog?.json, orBecause: "no log was given: --ike-log FILE")
        let timeline = timeline
        document.put("timeline", timeline.json)
        document.put("timeline_left_out", timeline.leftOut)
        return document.value
    }
}

extension JSONValue {
    /// A count.
    fileprivate init(_ count: UInt64) { self = .integer(Int64(clamping: count)) }
}

extension AnalysisReport.Damage {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("offset_bytes", offset)
        object.put("problem", problem)
        return object.value
    }
}

extension FrameCounts {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("esp", esp)
        object.put("ike", ike)
        object.put("nat_keepalive", natKeepalives)
        object.put("icmp", icmp)
        object.put("later_fragment", laterFragments)
        object.put("other", other)
        object.put(
            "unreadable",
            .object(
                FrameFault.allCases.filter { self[$0] > 0 }.map {
                    (
                        key: $0.words(joinedBy: "_"),
                        value: .integer(Int64(clamping: self[$0]))
                    )
                }))
        return object.value
    }
}

extension FrameFault {
    /// The case's name as words in lower case, like "truncated_esp" or "malformed_ip_length".
    func words(joinedBy separator: String) -> String {
        var words: [String] = []
        var isInAcronym = false
        // The only acronym with a small letter in it.
        let name = Array(rawValue.split(separator: "PPPoE").joined(separator: "Pppoe"))
        for (index, character) in name.enumerated() {
            // A capital begins a word, unless it goes on with an acronym.
            let isFollowedBySmall =
                index + 1 < name.count && name[index + 1].isLowercase
            if words.isEmpty || (character.isUppercase && (!isInAcronym || isFollowedBySmall)) {
                words.append("")
            }
            words[words.count - 1].append(character)
            isInAcronym = character.isUppercase
        }
        return words.joined(separator: separator).lowercased()
    }
}
