import KernelState
import NetworkPrimitives
import PathMTU

extension TunnelPath {
    /// The value of `path_mtu` (interface page §6): each path's MTU, and what to set.
    var mtuJSON: JSONValue {
        var object = JSONObject()
        object.put("outside", outsideMTU.json(wallTime))
        object.put("inside", insideMTU.json(wallTime))
        let mtu = tunnelMTU
        object.putBytes(
            "esp_overhead_bytes", mtu.overhead, orBecause: mtu.overheadReason ?? "not known")
        object.putBytes(
            "esp_overhead_max_bytes", mtu.greatestOverhead,
            orBecause: mtu.overheadReason ?? "not known")
        object.putBytes("device_mtu_bytes", deviceMTU.value, orBecause: deviceMTU.because)
        object.putBytes("route_mtu_bytes", routeMTU.value, orBecause: routeMTU.because)
        object.putBytes(
            "fitting_bytes", mtu.fitting,
            orBecause: outsideMTU.reason ?? mtu.overheadReason ?? "not known")
        let apart = mtu.verdictReason ?? "not known"
        object.put(
            "agreement", (mtu.verdict?.name).map(JSONValue.string), orBecause: apart)
        object.putBytes("difference_bytes", mtu.verdict?.difference, orBecause: apart)
        object.put(
            "device_too_large", mtu.isDeviceTooLarge.map(JSONValue.bool),
            orBecause: deviceMTU.reason ?? mtu.recommendationReason ?? "not known")
        let unset = mtu.recommendationReason ?? "not known"
        object.putBytes("recommended_mtu_bytes", mtu.recommendedMTU, orBecause: unset)
        object.putBytes("recommended_mss_bytes", mtu.recommendedMSSIPv4, orBecause: unset)
        object.putBytes(
            "recommended_mss6_bytes", mtu.recommendedMSSIPv6,
            orBecause: mtu.recommendedMTU == nil
                ? unset : "IPv6 needs 1280 bytes, and they do not fit")
        return object.value
    }
}

extension PathMTUReport {
    /// The value of `outside` or `inside`.
    fileprivate func json(_ wallTime: (MonotonicInstant) -> WallTime) -> JSONValue {
        let unknown = reason ?? "not known"
        var object = JSONObject()
        object.putBytes("bytes", bytes, orBecause: unknown)
        object.put("black_hole", isBlackHole.map(JSONValue.bool), orBecause: unknown)
        let nowhere = limitingLinkReason ?? (bytes == nil ? unknown : "nothing limits the path")
        object.put(
            "limiting_hop", (limitingLink?.distance).map { .integer(Int64($0)) },
            orBecause: limitingLink == nil
                ? nowhere : limitingLinkReason ?? "only the router's address is known")
        object.put(
            "limiting_address", (limitingLink?.router?.description).map(JSONValue.string),
            orBecause: limitingLink.map { link in
                link.distance == 0 ? "this host itself" : "the router there does not answer"
            } ?? nowhere)
        object.put(
            "limiting_hops",
            (limitingDistances ?? limitingLink?.distance.map { $0...$0 })
                .map { .array($0.map { .integer(Int64($0)) }) },
            orBecause: nowhere)
        object.put("may_be_on_way_back", limitingLink?.mayBeOnTheWayBack ?? false)
        object.putBytes(
            "at_least_bytes", atLeast ?? bytes,
            orBecause: bytes == nil ? unknown : "the exact size is known")
        object.put(
            "proven_hop", provenDistance.map { .integer(Int64($0)) },
            orBecause: bytes ?? atLeast == nil
                ? unknown : "the whole path is: the target itself answered")
        object.put("probes", probesSent)
        object.put("hop_probes", hopProbesSent)
        object.put("rounds", rounds)
        object.put("suspicious_messages", suspiciousMessages)
        object.put(
            "measured_at", endedAt.map { .string(wallTime($0).description) }, orBecause: unknown)
        return object.value
    }
}

extension TunnelMTU.Verdict {
    /// The word for it.
    fileprivate var name: String {
        switch self {
        case .consistent: "consistent"
        case .insideDropsEarlier: "inside_drops_earlier"
        case .outerFragmentation: "outer_fragmentation"
        }
    }

    /// What should pass inside, by the outside path and the device, less what does, in octets.
    fileprivate var difference: Int {
        switch self {
        case .consistent: 0
        case .insideDropsEarlier(let bytes): bytes
        case .outerFragmentation(let bytes): -bytes
        }
    }
}

extension Reading {
    /// Why it is not known.
    var because: String { reason ?? "not known" }
}

extension JSONObject {
    /// A number of octets, or null with the reason why it is not known.
    fileprivate mutating func putBytes(
        _ key: String, _ count: Int?, orBecause reason: @autoclosure () -> String
    ) {
        put(key, count.map { .integer(Int64($0)) }, orBecause: reason())
    }
}
