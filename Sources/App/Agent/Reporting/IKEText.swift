import IKE
import NetworkPrimitives

/// What is known of a tunnel's IKE, for people: one line, and more of them for a closer look.
struct IKEText {
    var ike: TunnelIKE

    /// The line of the usual report.
    var summary: String {
        if let reason = ike.reason { return reason }
        var parts = zip(["UDP 500", "4500"], ike.ports).map { "\($0) \($1.state.rawValue)" }
        switch ike.flow {
        case .flowing: parts.append("ESP flows")
        case .oneWay(let missing): parts.append("ESP goes one way: nothing \(missing.rawValue)")
        case .absent: parts.append("no ESP")
        case .unknown: break
        }
        if let failure = ike.verdict.failure {
            parts.append("fails: \(failure.words) (\(ike.verdict.origin?.rawValue ?? ""))")
        }
        if let accepted = ike.accepted.first {
            let more = ike.accepted.count > 1 ? " and \(ike.accepted.count - 1) more" : ""
            parts.append("peer accepts \(accepted)\(more)")
        }
        return parts.joined(separator: ", ")
    }

    /// The lines of a closer look, without indentation.
    var details: [String] {
        guard ike.reason == nil else { return [] }
        var lines = ike.evidence
        if let reason = ike.verdict.reason { lines.append("no IKE failure is shown: \(reason)") }
        if case .unknown(let reason) = ike.flow { lines.append("ESP: not known, \(reason)") }
        if let probe = ike.probe, let age = ike.probeAge {
            lines.append(
                "IKE was probed \(Int(age.seconds)) s ago with \(FigureText.count(UInt64(max(0, probe.sent)), "packet"))"
            )
        }
        if let reason = ike.daemon?.reason { lines.append("key daemon: \(reason)") }
        return lines
    }
}

extension IKEFailure {
    /// In words.
    var words: String {
        switch self {
        case .noResponse: "the peer does not answer"
        case .noProposal: "no common proposal"
        case .authentication: "authentication"
        case .identity: "an identity"
        case .temporaryFailure: "TEMPORARY_FAILURE"
        case .childRefused: "the child SA is refused"
        }
    }
}
