import KernelState
import NetworkPrimitives

extension TunnelKernel {
    /// The value of `kernel`; nil when nothing is known.
    var json: JSONValue? {
        guard reason == nil else { return nil }
        var object = JSONObject()
        object.put("available", associations.value != nil)
        object.put("route_based", isRouteBased) { .bool($0) }
        object.put("sas", associations) { .array($0.map(\.json)) }
        object.put("policies", policies) { .array($0.map(\.json)) }
        object.put("xfrm_errors", readings.transformErrors) { $0.json }
        putTotals(into: &object)
        object.put("device", device) { $0.json }
        object.put("coverage", coverage) { .array($0.map(\.json)) }
        object.put("sysctls", sysctls)
        object.put("snmp", readings.delivery) { $0.json }
        object.put("rules", readings.rules) { .array($0.map(\.json)) }
        putNextHop(into: &object)
        object.put("nftables", readings.firewall) { $0.json }
        object.put("conntrack", readings.tracking) { tracking in
            var object = JSONObject()
            object.put("count", tracking.count)
            object.put("limit", tracking.limit)
            return object.value
        }
        return object.value
    }

    private func putTotals(into object: inout JSONObject) {
        let unread = associations.reason ?? "SAs are not followed yet"
        let totals = reading?.totals
        object.put(
            "rekeys", totals.map { .integer(Int64(clamping: $0.rekeys)) }, orBecause: unread)
        object.put(
            "mapping_changes",
            reading.map { .integer(Int64($0.changes.count { $0.kind == .mappingChanged })) },
            orBecause: unread)
        object.put("totals", totals.map(\.json), orBecause: unread)
        object.put("events", reading.map { .bool($0.eventsReason == nil) }, orBecause: unread)
    }

    private func putNextHop(into object: inout JSONObject) {
        object.put(
            "neighbours", nextHop.map { .array([$0.json]) },
            orBecause: "no route to the endpoint is known")
    }

    /// Sysctls of the namespace by path under net, and of devices.
    private var sysctls: JSONValue {
        var object = JSONObject()
        for path in SystemSetting.ofNamespace {
            object.put(
                path, readings.settings[path] ?? .unknown(reason: NamespaceReadings.notYet)
            ) { .integer(Int64($0)) }
        }
        var devices = JSONObject()
        for device in ["all", "default"] + settingDevices {
            guard let settings = readings.deviceSettings[device] else { continue }
            devices.put(
                device,
                .object([
                    (key: "ipv4", value: settings.v4.json(SystemSetting.perDevice)),
                    (key: "ipv6", value: settings.v6.json(SystemSetting.perDeviceV6)),
                ]))
        }
        object.put("devices", devices.value)
        return object.value
    }
}

extension TunnelTotals {
    /// The value of `totals`: what SAs came to over all rekeys since the tunnel is watched.
    fileprivate var json: JSONValue {
        .object(
            TrafficDirection.allCases.map { (key: $0.rawValue, value: json(self[$0])) })
    }

    private func json(_ totals: AssociationTotals) -> JSONValue {
        var object = JSONObject()
        object.put("packets", totals.packets)
        object.put("bytes", totals.bytes)
        object.put(
            "drops",
            .object([
                (key: "replay_window", value: .integer(Int64(clamping: totals.replayWindow))),
                (key: "replay", value: .integer(Int64(clamping: totals.replay))),
                (key: "integrity", value: .integer(Int64(clamping: totals.integrityFailed))),
            ]))
        object.put("lower_bound", lowerBoundReason != nil)
        object.put(
            "lower_bound_because", lowerBoundReason.map(JSONValue.string),
            orBecause: "every packet was counted")
        return object.value
    }
}

extension [String: Reading<Int>] {
    fileprivate func json(_ order: [String]) -> JSONValue {
        var object = JSONObject()
        for name in order {
            guard let reading = self[name] else { continue }
            object.put(name, reading) { .integer(Int64($0)) }
        }
        return object.value
    }
}

extension JSONObject {
    /// What is known, or null with the reason why it is not.
    mutating func put<Value>(
        _ key: String, _ reading: Reading<Value>, _ json: (Value) -> JSONValue
    ) {
        put(key, reading.value.map(json), orBecause: reading.reason ?? "not known")
    }
}

extension NamedCounters {
    /// The counters by name, in the kernel's order.
    fileprivate var json: JSONValue {
        .object(counters.map { (key: $0.name, value: .integer(Int64(clamping: $0.value))) })
    }
}

extension LinkState {
    /// The value of `device`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("name", name)
        object.put("index", index)
        object.put("kind", kind.name)
        object.put(
            "mtu_bytes", mtu.map { .integer(Int64($0)) }, orBecause: "the kernel does not say")
        object.put("up", isUp)
        object.put("running", isRunning)
        object.put("state", "\(operationalState)")
        object.put(
            "if_id", interfaceID.map { .integer(Int64($0)) },
            orBecause: kind == .xfrm ? "it has none" : "it is no XFRM interface")
        object.put("in_key", inKey.map { .integer(Int64($0)) }, orBecause: "it has none")
        object.put("out_key", outKey.map { .integer(Int64($0)) }, orBecause: "it has none")
        object.put(
            "local", (local?.description).map(JSONValue.string), orBecause: "it takes any")
        object.put(
            "remote", (remote?.description).map(JSONValue.string), orBecause: "it takes any")
        object.put(
            "received_packets", receivedPackets.map { .integer(Int64(clamping: $0)) },
            orBecause: "the kernel does not say")
        object.put(
            "sent_packets", transmittedPackets.map { .integer(Int64(clamping: $0)) },
            orBecause: "the kernel does not say")
        return object.value
    }
}

extension LinkKind {
    /// The kernel's name for it; empty for a physical device.
    var name: String {
        switch self {
        case .vti: "vti"
        case .vti6: "vti6"
        case .xfrm: "xfrm"
        case .gre: "gre"
        case .gretap: "gretap"
        case .ip6gre: "ip6gre"
        case .ip6gretap: "ip6gretap"
        case .other(let name): name
        }
    }
}
