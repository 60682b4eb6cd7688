/// The keys that one kind of table knows, to tell what an unknown one was meant to be.
struct TableSchema {
    /// How the table is written, like `[agent]`.
    let headerText: String
    /// Its keys, in the order of the sample file.
    let keys: [String]

    static let root = TableSchema(
        headerText: "the top of the file", keys: ["agent", "defaults", "tunnel"])

    static let agent = TableSchema(
        headerText: "[agent]",
        keys: [
            "listen", "web_config", "state_dir", "control_socket", "log_level", "discover",
            "charon_log", "retention", "retention_size", "slo",
        ])

    private static let probingKeys = [
        "interval", "reply_interval", "timeout", "dscp", "degraded_minimum", "ike_probe",
        "ike_initiate", "payload_bytes", "pmtu_interval", "reply_path_interval", "capture",
        "capture_buffer", "replay_windows",
    ]

    static let defaults = TableSchema(headerText: "[defaults]", keys: probingKeys)

    static let tunnel = TableSchema(
        headerText: "[[tunnel]]",
        keys: [
            "name", "role", "remote", "local", "wan_interface", "tunnel_interface",
            "inside_source", "inside_target", "inside_beyond", "reflector", "reflector_key_file",
            "fwmark", "netns", "vici_socket", "expect",
        ] + probingKeys)

    static let expect = TableSchema(
        headerText: "a table like [tunnel.expect], or dotted keys like expect.health_check_style",
        keys: ["health_check_style", "health_check_direction", "health_check_target"])

    /// What is wrong with a key that the table does not know, and what would be right.
    func judge(unknown key: String) -> (problem: String, allowed: String?) {
        if Self.probingKeys.contains(key) {
            return ("unknown key here; it belongs in [defaults] or [[tunnel]]", nil)
        }
        if let home = [Self.agent, .tunnel].first(where: { $0.keys.contains(key) }) {
            return ("unknown key here; it belongs in \(home.headerText)", nil)
        }
        if Self.expect.keys.contains(key) {
            return ("unknown key here; it is \"expect.\(key)\" in [[tunnel]]", nil)
        }
        if let near = nearest(to: key) {
            return ("unknown key; did you mean \"\(near)\"?", nil)
        }
        return ("unknown key", keys.joined(separator: ", "))
    }

    /// The key that was probably meant: the nearest one, when no more than a third of it is wrong.
    private func nearest(to key: String) -> String? {
        let typed = Array(key.utf8)
        guard typed.count <= 64 else { return nil }
        let ranked = keys.map { (key: $0, distance: editDistance(typed, Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, best.key.utf8.count / 3)
        else { return nil }
        return best.key
    }
}

/// How many octets must be put in, taken out, replaced or swapped with their neighbour to make one
/// text of the other (optimal string alignment).
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in 1...left.count {
        var row = [i]
        for j in 1...right.count {
            var distance = min(
                last[j] + 1, row[j - 1] + 1, last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1))
            if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                distance = min(distance, beforeLast[j - 2] + 1)
            }
            row.append(distance)
        }
        (beforeLast, last) = (last, row)
    }
    return last[right.count]
}
