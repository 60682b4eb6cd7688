import KernelState
import NetworkPrimitives

extension SecurityPolicy {
    /// One entry of `policies`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("direction", direction.name)
        object.put("source", source.description)
        object.put("destination", destination.description)
        object.put("protocol", `protocol`)
        put(sourcePort, as: "source_port", into: &object)
        put(destinationPort, as: "destination_port", into: &object)
        object.put("mark", mark)
        object.put("mark_mask", markMask)
        // 0 is what the kernel says for none, and what the document's readers compare with.
        object.put("if_id", interfaceID ?? 0)
        object.put("index", index)
        object.put("priority", priority)
        object.put("action", allows ? "allow" : "block")
        object.put("templates", .array(templates.map(\.json)))
        return object.value
    }

    private func put(_ port: PortMatch, as key: String, into object: inout JSONObject) {
        object.put(
            key, port.mask == 0 ? nil : .integer(Int64(port.port)), orBecause: "it takes every port"
        )
    }
}

extension SecurityPolicy.Direction {
    /// The name as ip-xfrm(8) has it.
    var name: String {
        switch self {
        case .in: "in"
        case .out: "out"
        case .forward: "fwd"
        case .socket: "socket"
        }
    }
}

extension SecurityPolicy.Template {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("source", source.description)
        object.put("destination", destination.description)
        object.put("protocol", `protocol`.name)
        object.put("mode", mode.name)
        object.put("reqid", requestID)
        object.put("optional", isOptional)
        return object.value
    }
}

extension ProbeCoverage {
    /// One entry of `coverage`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("probe", probe.rawValue)
        object.put("source", source) { .string($0.description) }
        object.put("destination", destination) { .string($0.description) }
        object.put("protocol", `protocol`)
        object.put(
            "covered", isCovered.map(JSONValue.bool),
            orBecause: source.reason ?? destination.reason ?? "the addresses are of two families")
        object.put("lookups", .array(lookups.map(\.json)))
        return object.value
    }
}

extension ProbeCoverage.Lookup {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("direction", question.direction.name)
        object.put("source", question.source.description)
        object.put("destination", question.destination.description)
        object.put("mark", question.mark)
        object.put("if_id", question.interfaceID ?? 0)
        object.put("decision", decision.name)
        object.put(
            "policy_index", decision.policy.map { .integer(Int64($0.index)) },
            orBecause: "no policy matches")
        return object.value
    }
}

extension SelectorCoverage.Decision {
    /// What becomes of the packet, in one word.
    var name: String {
        switch self {
        case .protected: "protected"
        case .inClear: "clear"
        case .blocked: "blocked"
        case .unmatched: "unmatched"
        }
    }
}
