import KernelState
import NetworkPrimitives

extension RoutingRule {
    /// One entry of `rules`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("family", family == .v4 ? "ipv4" : "ipv6")
        object.put("priority", priority)
        object.put("action", action.name)
        object.put(
            "table", table == 0 ? nil : .integer(Int64(table)), orBecause: "it names no table")
        object.put("inverted", isInverted)
        object.put(
            "source", (source?.description).map(JSONValue.string), orBecause: "it takes any")
        object.put(
            "destination", (destination?.description).map(JSONValue.string),
            orBecause: "it takes any")
        object.put("mark", mark)
        object.put("mark_mask", markMask)
        object.put(
            "input_interface", inputInterface.map(JSONValue.string), orBecause: "it takes any")
        object.put(
            "output_interface", outputInterface.map(JSONValue.string), orBecause: "it takes any")
        object.put("protocol", `protocol`)
        return object.value
    }
}

extension RoutingRule.Action {
    fileprivate var name: String {
        switch self {
        case .lookUp: "lookup"
        case .goTo(let priority): "goto \(priority)"
        case .nothing: "nop"
        case .blackhole: "blackhole"
        case .unreachable: "unreachable"
        case .prohibit: "prohibit"
        case .other(let number): "\(number)"
        }
    }
}

extension NamespaceReadings.NextHop {
    /// One entry of `neighbours`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("address", address.description)
        object.put(
            "interface", device.map(JSONValue.string), orBecause: "the device is gone")
        let missing = "the kernel has not looked for it yet"
        object.put(
            "state", (neighbor.value ?? nil).map { .string($0.reachability.rawValue) },
            orBecause: neighbor.reason ?? missing)
        object.put(
            "link_address",
            (neighbor.value ?? nil).flatMap { $0.linkAddress.isEmpty ? nil : $0.linkAddressText }
                .map(JSONValue.string), orBecause: neighbor.reason ?? "it is not known")
        return object.value
    }
}

extension NeighborState {
    /// `02:00:00:00:00:01`.
    var linkAddressText: String {
        linkAddress.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

extension FirewallReading {
    /// The value of `nftables`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("tables", tables)
        object.put("chains", chains)
        object.put("rules", rules)
        object.put("truncated", isCut)
        object.put("base_chains", .array(baseChains.map(\.json)))
        object.put("relevant_rules", .array(relevant.map(\.json)))
        return object.value
    }
}

extension FirewallReading.BaseChain {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("family", family)
        object.put("table", table)
        object.put("name", name)
        object.put("type", type)
        object.put("hook", hook)
        object.put("priority", priority.map(JSONValue.integer), orBecause: "nft does not say")
        object.put("policy", policy)
        return object.value
    }
}

extension FirewallReading.Rule {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("family", family)
        object.put("table", table)
        object.put("chain", chain)
        object.put("handle", handle.map(JSONValue.integer), orBecause: "nft does not say")
        object.put("about", .array(topics.map { .string($0.rawValue) }))
        object.put("verdict", verdict.rawValue)
        object.put("packets", packets.map(JSONValue.integer), orBecause: "it has no counter")
        object.put("bytes", bytes.map(JSONValue.integer), orBecause: "it has no counter")
        object.put("comment", comment.map(JSONValue.string), orBecause: "it has none")
        return object.value
    }
}
