import Diagnosis

extension Diagnosis {
    /// The value of `diagnosis`: what every rule said, and why a sick tunnel has no cause.
    var json: JSONValue {
        var object = JSONObject()
        object.put(
            "unexplained", unexplained.map(JSONValue.string),
            orBecause: "a cause stands among the findings, or nothing is wrong")
        object.put(
            "checked",
            .array(
                checks.map { check in
                    var entry = JSONObject()
                    entry.put("id", check.id.rawValue)
                    entry.put("result", check.judgement.name)
                    entry.put("reasons", .array(check.judgement.reasons.map(JSONValue.string)))
                    return entry.value
                }))
        return object.value
    }
}
