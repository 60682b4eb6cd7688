import ESPAnalysis
import NetworkPrimitives
import PacketFormats
import PacketSizes

/// What passing packets showed of a tunnel's packet sizes, as members of `path_mtu`.
struct PacketSizesJSON {
    /// What is captured of the tunnel.
    var capture: TunnelCapture

    /// The members, in order.
    var members: [(key: String, value: JSONValue)] {
        [
            ("syn_mss", directions { segments($0) }),
            ("outer_fragments", directions { fragments($0) }),
            ("largest_outer_bytes", largest),
            ("packet_too_big_seen", tooBig),
        ]
    }

    private func directions(_ value: (TrafficDirection) -> JSONValue) -> JSONValue {
        var object = JSONObject()
        for direction in TrafficDirection.allCases {
            object.put(direction.rawValue, value(direction))
        }
        return object.value
    }

    // MARK: - Segment sizes

    private func segments(_ direction: TrafficDirection) -> JSONValue {
        let counts = capture.inside.sizes[direction]
        let obstacle = capture.inside.obstacle(toSegments: direction)
        // What was counted stays true when the device is gone.
        let isKnown = obstacle == nil || counts.seen > 0
        func count(_ number: UInt64) -> JSONValue? {
            isKnown ? .integer(Int64(clamping: number)) : nil
        }
        let unseen = obstacle ?? "no SYN was seen"
        let silent = counts.seen == 0 ? unseen : "no SYN said one"
        var object = JSONObject()
        object.put("seen", count(counts.seen), orBecause: unseen)
        object.put("over_limit", count(counts.overLimit), orBecause: unseen)
        object.put("malformed", count(counts.malformed), orBecause: unseen)
        object.put("truncated", count(counts.truncated), orBecause: unseen)
        object.put(
            "largest", counts.largest.map { .integer(Int64($0)) }, orBecause: silent)
        for (name, family) in [("ipv4", counts.v4), ("ipv6", counts.v6)] {
            var part = JSONObject()
            part.put("limit", family.limit)
            part.put("seen", count(family.seen), orBecause: unseen)
            part.put("over_limit", count(family.overLimit), orBecause: unseen)
            part.put("over_present_limit", count(family.overPresentLimit), orBecause: unseen)
            part.put("forwarded_over_limit", count(family.forwardedOverLimit), orBecause: unseen)
            part.put("without_option", count(family.withoutOption), orBecause: unseen)
            part.put(
                "largest", family.largest.map { .integer(Int64($0)) },
                orBecause: family.seen == 0 ? unseen : "no SYN said one")
            object.put(name, part.value)
        }
        object.put(
            "example", counts.example.map { json($0) },
            orBecause: counts.seen == 0 ? unseen : "none is over the limit")
        return object.value
    }

    private func json(_ example: SegmentSizeCounts.Example) -> JSONValue {
        var object = JSONObject()
        object.put("source", .string(example.source.description))
        object.put("source_port", Int(example.segment.sourcePort))
        object.put("destination", .string(example.destination.description))
        object.put("destination_port", Int(example.segment.destinationPort))
        object.put(
            "mss", example.segment.maximumSegmentSize.map { .integer(Int64($0)) },
            orBecause: "it says none")
        object.put("syn_ack", .bool(example.segment.isAcknowledgment))
        object.put(
            "forwarded", example.isForwarded.map(JSONValue.bool),
            orBecause: "this host's addresses were not known then")
        object.put("at", .string(capture.inside.wallTime(example.at).description))
        return object.value
    }

    // MARK: - Outer packets

    private func fragments(_ direction: TrafficDirection) -> JSONValue {
        let traffic = capture.traffic[direction]
        let later = traffic.laterFragments
        let reason = capture.isKnown ? "" : capture.reason ?? "not known"
        func count(_ number: UInt64) -> JSONValue? {
            capture.isKnown || traffic.packets > 0 ? .integer(Int64(clamping: number)) : nil
        }
        var object = JSONObject()
        object.put("first", count(traffic.fragments &- later), orBecause: reason)
        object.put("later", count(later), orBecause: reason)
        return object.value
    }

    private var largest: JSONValue {
        var object = JSONObject()
        for direction in TrafficDirection.allCases {
            let largest = capture.traffic[direction].largestBytes
            object.put(
                direction.rawValue,
                largest > 0 ? .integer(Int64(clamping: largest)) : nil,
                orBecause: capture.isKnown
                    ? "no packet was seen" : capture.reason ?? "not known")
        }
        return object.value
    }

    private var tooBig: JSONValue {
        let record = capture.inside.sizes.tooBig
        let obstacle = capture.inside.wanReason
        let isKnown = obstacle == nil || record.seen > 0 || record.suspicious > 0
        let none = obstacle ?? "none arrived"
        func count(_ number: UInt64) -> JSONValue? {
            isKnown ? .integer(Int64(clamping: number)) : nil
        }
        var object = JSONObject()
        object.put("messages", count(record.seen), orBecause: none)
        object.put("suspicious", count(record.suspicious), orBecause: none)
        let latest = record.latest
        object.put(
            "mtu_bytes", (latest?.mtu).map { .integer(Int64($0)) },
            orBecause: latest == nil ? none : "the router does not say it")
        object.put(
            "least_mtu_bytes", record.leastMTU.map { .integer(Int64($0)) },
            orBecause: latest == nil ? none : "no router says it")
        object.put(
            "router", (latest?.router.description).map(JSONValue.string), orBecause: none)
        object.put(
            "packet_bytes", (latest?.packetLength).map { .integer(Int64($0)) }, orBecause: none)
        object.put(
            "at", latest.map { .string(capture.inside.wallTime($0.at).description) },
            orBecause: none)
        return object.value
    }
}

extension JSONValue {
    /// An object with more members behind its own.
    func appending(_ more: [(key: String, value: JSONValue)]) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members + more)
    }
}
