import IKE
import NetworkPrimitives

/// The IKE between two hosts for people.
struct IKEWireText {
    var palette: TextPalette

    /// The lines of a conversation of a file.
    func render(_ conversation: IKEConversation) -> [String] {
        let report = conversation.report
        let tunnel = conversation.tunnel.map { "  tunnel \($0)" } ?? ""
        let title = "IKE \(name(.outbound, report)) and \(name(.inbound, report))"
        return ["\(palette.paint(title, .strong))\(tunnel)  \(state(report))"]
            + facts(report).map { "  " + $0 } + report.evidence.map { "  - " + $0 }
    }

    /// How it stands, in a few words.
    func state(_ report: IKEWireReport) -> String {
        if let failure = report.failure { return "fails: \(failure.rawValue)" }
        if let failure = report.likelyFailure { return "likely fails: \(failure.rawValue)" }
        if report.outbound.ikev1 + report.inbound.ikev1 == report.messages { return "IKEv1" }
        return report.established == true ? "established" : "no exchange was completed"
    }

    private func name(_ direction: TrafficDirection, _ report: IKEWireReport) -> String {
        (direction == .outbound ? report.local : report.remote)?.description ?? "?"
    }

    private func facts(_ report: IKEWireReport) -> [String] {
        var lines = [traffic(report)]
        var setup: [String] = []
        if let initiator = report.initiator { setup.append("\(name(initiator, report)) initiates") }
        if let chosen = report.chosen {
            setup.append("chosen \(chosen)")
        } else if !report.offered.isEmpty {
            setup.append("offered " + report.offered.map(\.description).joined(separator: ", "))
        }
        if report.cookies > 0 { setup.append(FigureText.count(report.cookies, "cookie")) }
        if report.groupChanges > 0 {
            setup.append(FigureText.count(report.groupChanges, "change") + " of group")
        }
        if let gateway = report.redirectedTo { setup.append("redirected to \(gateway)") }
        if !setup.isEmpty { lines.append(setup.joined(separator: "; ")) }
        var path: [String] = []
        if report.floated { path.append("from port 500 to 4500") }
        if report.natLocal == true { path.append("a NAT before \(name(.outbound, report))") }
        if report.natRemote == true {
            path.append("a NAT before \(name(.inbound, report)), or it pretends one")
        }
        let rebindings = report.outbound.rebindings + report.inbound.rebindings
        if rebindings > 0 { path.append(FigureText.count(rebindings, "NAT rebinding")) }
        if !path.isEmpty { lines.append(path.joined(separator: "; ")) }
        var rhythms = [rhythm("rekey", report.rekeys)]
        if report.rekeysRefused > 0 { rhythms.append("\(report.rekeysRefused) refused") }
        for direction in [TrafficDirection.outbound, .inbound] {
            let counts = report[direction]
            rhythms.append(rhythm("liveness check", counts.liveness, of: name(direction, report)))
            rhythms.append(rhythm("keepalive", counts.keepalives, of: name(direction, report)))
        }
        let said = rhythms.compactMap { $0 }
        if !said.isEmpty { lines.append(said.joined(separator: "; ")) }
        return lines
    }

    private func traffic(_ report: IKEWireReport) -> String {
        let (near, far) = (report.outbound, report.inbound)
        var parts = [
            FigureText.count(report.messages, "message"),
            FigureText.count(near.requests + far.requests, "request"),
        ]
        let counts = [
            (near.retransmissions + far.retransmissions, "sent again"),
            (near.unanswered + far.unanswered, "not answered"),
            (UInt64(report.open.count), "still open"),
            (near.fragments + far.fragments, "fragments"),
            (near.ipFragments + far.ipFragments, "in IP fragments"),
            (near.truncated + far.truncated, "cut by the capture"),
            (near.malformed + far.malformed, "malformed"),
            (near.ikev1 + far.ikev1, "of IKEv1"),
        ]
        parts += counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return parts.joined(separator: ", ")
    }

    private func rhythm(_ noun: String, _ rhythm: IKERhythm, of host: String? = nil) -> String? {
        guard rhythm.count > 0 else { return nil }
        let whose = host.map { " of \($0)" } ?? ""
        let interval = rhythm.interval.map { " every \(FigureText.duration($0))" } ?? ""
        return FigureText.count(rhythm.count, noun) + whose + interval
    }
}
