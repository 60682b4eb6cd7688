/// One tunnel as the latest status has it, and what the looks before came to.
struct WatchedTunnel: Sendable {
    /// A finding in short.
    struct Remark: Equatable, Sendable {
        var id: String
        var severity: String
        var summary: String
        var remedy: [String]
        var explains: [String]
    }

    let name: String
    private(set) var verdict = "unknown"
    private(set) var state = "unknown"
    private(set) var stateSince: String?
    private(set) var stateReason: String?
    private(set) var isFlapping = false
    private(set) var place = ""
    private(set) var findings: [Remark] = []
    private(set) var unexplained: String?
    private(set) var inside = WatchStrip()
    private(set) var outside = WatchStrip()
    /// Packets per second of ESP since the look before; nil while there are no two.
    private(set) var espRates: (inbound: Double, outbound: Double)?
    private(set) var senders: Int64?
    private(set) var replayWindow: Int64?
    private(set) var checks: String?
    private var espTotals: (inbound: Double, outbound: Double, at: Double)?

    init(name: String) { self.name = name }

    /// Takes an entry of `tunnels`.
    ///
    /// - Parameters:
    ///   - entry: the entry.
    ///   - seconds: the time of the look on any clock, for rates.
    mutating func take(_ entry: JSONValue, at seconds: Double) {
        verdict = entry["verdict"]?.text ?? "unknown"
        state = entry["state"]?.text ?? "unknown"
        stateSince = entry["state_since"]?.text
        stateReason = entry["state_reason"]?.text
        if case .bool(let flag)? = entry["flapping"] { isFlapping = flag }
        place = [
            entry["local"]?.text ?? "?", "->", entry["remote"]?.text ?? "?",
            entry["kind"]?.text.flatMap { $0 == "unknown" ? nil : $0 },
            entry["tunnel_interface"]?.text,
        ].compactMap { $0 }.joined(separator: " ")
        unexplained = entry["diagnosis"]?["unexplained"]?.text
        findings = (entry["findings"]?.elements ?? []).compactMap(Self.remark)
        for row in entry["probes"]?.elements ?? [] where row["style"]?.text == "request" {
            let totals = WatchStrip.Totals(
                received: row.count("received"), lost: row.count("lost"),
                meanSeconds: row["rtt_seconds"]?["mean"]?.double)
            if row["path"]?.text == "inside" {
                inside.take(totals)
            } else {
                outside.take(totals)
            }
        }
        takeTraffic(entry, at: seconds)
    }

    private static func remark(_ finding: JSONValue) -> Remark? {
        guard let id = finding["id"]?.text else { return nil }
        return Remark(
            id: id, severity: finding["severity"]?.text ?? "",
            summary: finding["summary"]?.text ?? "",
            remedy: (finding["remedy"]?.elements ?? []).compactMap(\.text),
            explains: (finding["explains"]?.elements ?? []).compactMap(\.text))
    }

    private mutating func takeTraffic(_ entry: JSONValue, at seconds: Double) {
        let streams = entry["streams"]?.elements ?? []
        func packets(_ direction: String) -> Double {
            streams.filter { $0["direction"]?.text == direction }
                .reduce(0) { $0 + Double($1.count("packets")) }
        }
        let now = (inbound: packets("inbound"), outbound: packets("outbound"), at: seconds)
        if let before = espTotals, seconds > before.at, now.inbound >= before.inbound,
            now.outbound >= before.outbound
        {
            let span = seconds - before.at
            espRates = (
                (now.inbound - before.inbound) / span, (now.outbound - before.outbound) / span
            )
        } else if espTotals != nil {
            espRates = nil
        }
        espTotals = entry["streams"]?.elements == nil ? nil : now
        senders = streams.filter { $0["direction"]?.text == "inbound" }
            .compactMap { $0["senders"]?["active_60s"]?.wholeNumber }.max()
        replayWindow =
            (entry["kernel"]?["sas"]?.elements ?? [])
            .first { $0["direction"]?.text == "inbound" }?["replay_window"]?.wholeNumber
        let report = entry["provider_checks"]
        checks = nil
        if let rate = report?["per_second"]?.double, let style = report?["style"]?.text {
            let answered = report?["answered_ratio"]?.double
                .map { ", \(FigureText.percent($0)) answered" }
            checks = "\(FigureText.rate(rate)) \(style)\(answered ?? "")"
        }
    }
}

extension JSONValue {
    /// A count that is not negative; 0 for any other value.
    fileprivate func count(_ key: String) -> UInt64 {
        self[key]?.wholeNumber.flatMap { UInt64(exactly: $0) } ?? 0
    }

    /// A number; nil for any other value.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
