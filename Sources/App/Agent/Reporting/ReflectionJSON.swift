import KernelState
import NetworkPrimitives
import Reflecting

extension TunnelReflection {
    /// The value of `reply_path.reflector`; nil without a configured reflector.
    var json: JSONValue? {
        guard let place else { return nil }
        let missing = report.reason ?? "not known"
        var object = JSONObject()
        object.put("available", report.isComplete)
        object.put("reason", report.reason.map(JSONValue.string) ?? .null)
        object.put(
            "address", (place.address?.description).map(JSONValue.string), orBecause: missing)
        object.put("port", Int(place.port))
        object.put(
            "path", (place.path.value?.rawValue).map(JSONValue.string),
            orBecause: place.path.reason ?? missing)
        object.put(
            "rtt_seconds", (report.roundTrip?.seconds).map(JSONValue.number), orBecause: missing)
        object.put(
            "observed_address", (report.observed?.address.description).map(JSONValue.string),
            orBecause: missing)
        object.put(
            "observed_port", (report.observed?.port).map { .integer(Int64($0)) },
            orBecause: missing)
        object.put(
            "observed_probe_source",
            (report.observedProbeSource?.description).map(JSONValue.string),
            orBecause: report.reason ?? "no probe arrived there")
        object.put("nat", report.isTranslated.map(JSONValue.bool), orBecause: missing)
        object.put("forward", report.forward.json(missing))
        object.put("reverse", report.reverse.json(missing))
        object.put(
            "measured_at",
            report.endedAt.map { .string((wall + ($0 - now)).description) }, orBecause: missing)
        return object.value
    }
}

extension ReflectionReport.Direction {
    /// The value of `forward` or `reverse`.
    fileprivate func json(_ missing: String) -> JSONValue {
        var object = JSONObject()
        object.put("verdict", verdict.rawValue)
        object.put(
            "confidence", confidence.map(JSONValue.number),
            orBecause: reason ?? "the verdict is \(verdict.rawValue)")
        object.put("reason", reason.map(JSONValue.string) ?? .null)
        object.put("replies", replies.json(missing))
        object.put("requests", requests.json(missing))
        return object.value
    }
}

extension ReflectionReport.Delivery {
    /// The value of `replies` or `requests`.
    fileprivate func json(_ missing: String) -> JSONValue {
        let nothing = received == 0 ? "none arrived" : missing
        var object = JSONObject()
        object.put("sent", sent.map { .integer(Int64($0)) }, orBecause: missing)
        object.put("received", received.map { .integer(Int64($0)) }, orBecause: missing)
        object.put(
            "delivered_ratio", ratio.map(JSONValue.number),
            orBecause: sent == 0 && received != nil ? "none was sent" : missing)
        object.put("duplicates", duplicates.map { .integer(Int64($0)) }, orBecause: missing)
        object.put("reordered", reordered.map { .integer(Int64($0)) }, orBecause: missing)
        object.put(
            "hop_limit", (hopLimits?.upperBound).map { .integer(Int64($0)) }, orBecause: nothing)
        object.put("likely_hops", likelyHops.map { .integer(Int64($0)) }, orBecause: nothing)
        return object.value
    }
}
