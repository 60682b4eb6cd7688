import KernelState
import Configuration
import Diagnosis
import EchoProbing
import NetworkPrimitives
import TunnelHealth

extension StatusReport {
    /// The document `tunnelprobe.status/1` (interface page §6).
    ///
    /// - Parameter isVerbose: adds `samples`, every single probe, to each row of `probes`.
    /// - Returns: the document.
    func json(isVerbose: Bool = false) -> JSONValue {
        var agent = JSONObject()
        agent.put("version", self.agent.version)
        agent.put("hostname", self.agent.hostname)
        agent.put("uptime_seconds", self.agent.uptime)
        var document = JSONObject()
        document.put("schema", "tunnelprobe.status/1")
        document.put("generated_at", generatedAt.description)
        document.put("agent", agent.value)
        document.put("verdict", verdict.rawValue)
        document.put("findings", .array(findings.map(\.json)))
        document.put("tunnels", .array(tunnels.map { $0.json(isVerbose: isVerbose) }))
        return document.value
    }
}

extension TunnelReport {
    /// One entry of `tunnels`.
    func json(isVerbose: Bool) -> JSONValue {
        var tunnel = JSONObject()
        func known(_ key: String) -> String { plan.unknown[key] ?? "not known" }
        tunnel.put("name", plan.name)
        tunnel.put(
            "local", (plan.local?.description).map(JSONValue.string), orBecause: known("local"))
        tunnel.put(
            "remote", .string(plan.remote?.description ?? plan.configuration.remote.description))
        tunnel.put(
            "wan_interface", plan.wanInterface.map(JSONValue.string),
            orBecause: known("wan_interface"))
        tunnel.put(
            "tunnel_interface", plan.tunnelInterface.map(JSONValue.string),
            orBecause: known("tunnel_interface"))
        tunnel.put("role", plan.configuration.role.rawValue)
        tunnel.put("kind", plan.kind.rawValue)
        tunnel.put("verdict", verdict.rawValue)
        tunnel.put("state", state.rawValue)
        tunnel.put("state_reason", stateReason.map(JSONValue.string) ?? .null)
        tunnel.put("state_source", stateSource.rawValue)
        tunnel.put("state_since", stateSince.description)
        tunnel.put("flapping", isFlapping)
        tunnel.put("flap_ratio", flapRatio)
        tunnel.put("flap_penalty", flapPenalty)
        tunnel.put("changes_1h", changesLastHour)
        tunnel.put("changes_24h", changesLastDay)
        tunnel.put("waiting_for", .array(plan.waitingFor.map(JSONValue.string)))
        tunnel.put("probes", .array(rows.map { $0.json(isVerbose: isVerbose) }))
        tunnel.put("capture", capture.json)
        tunnel.put(
            "streams", capture.isKnown ? .array(capture.streams.map(\.json)) : nil,
            orBecause: capture.reason ?? "not known")
        tunnel.put("kernel", kernel.json, orBecause: kernel.reason ?? "not known")
        tunnel.put("rekeys", rekeys.json)
        tunnel.put("flapping_analysis", flapping.json, orBecause: TunnelFlapping.unwatched)
        tunnel.put("ike", ike.json, orBecause: ike.reason ?? "not known")
        tunnel.put(
            "path_mtu", path.mtuJSON.appending(PacketSizesJSON(capture: capture).members))
        tunnel.put("reply_path", path.repliesJSON(reflection))
        tunnel.put("provider_checks", checks.json)
        tunnel.put("findings", .array(findings.map(\.json)))
        tunnel.put("diagnosis", diagnosis.json)
        return tunnel.value
    }
}

extension TunnelCapture {
    /// The value of `capture`: where ESP is captured, and whether all of it is seen.
    var json: JSONValue {
        var object = JSONObject()
        object.put("running", reason == nil)
        object.put("reason", reason.map(JSONValue.string) ?? .null)
        object.put(
            "interface", place.map { .string($0.device) }, orBecause: reason ?? "not known")
        var unknown = ""
        var isComplete: Bool?
        switch completeness {
        case .unknown(let reason): unknown = reason
        case .complete: isComplete = true
        case .incomplete: isComplete = false
        }
        object.put("complete", isComplete.map(JSONValue.bool), orBecause: unknown)
        object.put(
            "compared", completeness.interval.map(\.json), orBecause: unknown)
        return object.value
    }
}

extension CompletenessCheck.Interval {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("seconds", length)
        object.put("captured_packets", captured)
        object.put("kernel_packets", kernel)
        object.put("dropped_packets", drops)
        return object.value
    }
}

extension ProbeRow {
    /// One entry of `probes`.
    func json(isVerbose: Bool) -> JSONValue {
        var row = JSONObject()
        row.put("path", role.path.rawValue)
        row.put("style", role.style.rawValue)
        row.put("sent", counts.sent)
        row.put("received", counts.received)
        row.put("lost", counts.lost)
        row.put("inconclusive", counts.inconclusive)
        row.put("in_flight", counts.inFlight)
        row.put("late_replies", counts.lateReplies)
        row.put("retries", counts.retries)
        row.put(
            "failed",
            .tally(ProbeCounts.FailureReason.allCases.map { ($0.rawValue, counts.failed[$0]) }))
        row.put(
            "rejected",
            .tally(ProbeCounts.RejectionReason.allCases.map { ($0.rawValue, counts.rejected[$0]) }))
        row.put(
            "icmp_errors",
            .tally(
                counts.icmpErrors.sorted { $0.key < $1.key }.map { ($0.key.description, $0.value) })
        )
        row.put("duplicates", counts.duplicates)
        row.put("reordered", counts.reordered)
        row.put("identifier_rotations", counts.identifierRotations)
        row.put("fresh_identifier_recoveries", counts.freshIdentifierRecoveries)
        row.put("unstamped_round_trips", counts.unstampedRoundTrips)
        row.put(
            "loss_ratio", isCutOff ? nil : counts.lossRatio.map(JSONValue.number),
            orBecause: unknown("no probe is decided yet"))
        row.put("reason", reason.map(JSONValue.string) ?? .null)
        row.put(
            "rtt_seconds", isCutOff ? nil : roundTrips.summary.map(\.json),
            orBecause: unknown("no probe was answered yet"))
        row.put(
            "local_delay_seconds", isCutOff ? nil : localDelays.summary.map(\.delayJSON),
            orBecause: unknown("the kernel gave no transmit stamp yet"))
        if role.style == .reply { row.put("hops", .array(hops.map(\.json))) }
        if isVerbose {
            row.put("samples", .array(outcomes.map(\.json)))
        }
        return row.value
    }

    /// Why a derived figure of this row is not known, `otherwise` where nothing special is to say.
    private func unknown(_ otherwise: String) -> String {
        isCutOff ? "time limit" : reason ?? otherwise
    }
}

extension JSONValue {
    /// An object of counters.
    fileprivate static func tally(_ counters: [(String, UInt64?)]) -> JSONValue {
        .object(counters.map { (key: $0.0, value: .integer(Int64(clamping: $0.1 ?? 0))) })
    }
}

extension RoundTripStatistics.Summary {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("min", minimum)
        object.put("mean", mean)
        object.put("p50", median)
        object.put("p95", percentile95)
        object.put("p99", percentile99)
        object.put("max", maximum)
        object.put("variation", variation)
        return object.value
    }

    fileprivate var delayJSON: JSONValue {
        var object = JSONObject()
        object.put("p50", median)
        object.put("max", maximum)
        return object.value
    }
}

extension TimedOutcome {
    /// One entry of `samples`.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        let identifier = String(outcome.identifier, radix: 16)
        object.put("sequence", outcome.sequence)
        object.put(
            "identifier", "0x" + String(repeating: "0", count: 4 - identifier.count) + identifier)
        object.put("sent_at", sentAt.nanosecondText)
        object.put(
            "rtt_seconds", (outcome.roundTrip?.seconds).map(JSONValue.number),
            orBecause: "not answered in time")
        object.put("outcome", outcome.result.rawValue)
        object.put("retry", outcome.isRetry)
        if let hopLimit = outcome.hopLimit { object.put("hop_limit", hopLimit) }
        return object.value
    }
}

extension WallTime {
    /// RFC 3339 in UTC with nanoseconds.
    fileprivate var nanosecondText: String {
        let fraction = String(nanoseconds % 1_000_000_000)
        let padded = String(repeating: "0", count: 9 - fraction.count) + fraction
        return "\(description.prefix(19)).\(padded)Z"
    }
}

extension ReplyPairProber.Hop {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.put("hop", distance)
        object.put(
            "address", (responder?.description).map(JSONValue.string),
            orBecause: isTarget
                ? "the target itself is at this hop or nearer" : "no router answered from this hop")
        object.put("controls_sent", controlsSent)
        object.put("controls_answered", controlsAnswered)
        object.put("tests_sent", testsSent)
        object.put("tests_answered", testsAnswered)
        return object.value
    }
}

extension Finding {
    /// One entry of `findings`.
    var json: JSONValue {
        var object = JSONObject()
        object.put("id", id.rawValue)
        object.put("severity", severity.rawValue)
        object.put("confidence", confidence)
        object.put("summary", summary)
        object.put("evidence", .array(evidence.map(JSONValue.string)))
        object.put("remedy", .array(remedy.map(JSONValue.string)))
        object.put("guide", guide.map(JSONValue.string), orBecause: "beyond the guide")
        object.put("explains", .array(explained.map { .string($0.id.rawValue) }))
        object.put("explained", .array(explained.map(\.json)))
        return object.value
    }
}
