import Diagnosis
import IKE
import KernelState
import NetworkPrimitives
import TunnelHealth

extension FactSource {
    /// What is known of the tunnel's IKE.
    var ike: IKEFacts {
        var facts = IKEFacts()
        let ike = report.ike
        facts.isInUse = isIKEInUse
        facts.daemon = ike.daemon?.version
        facts.connection = ike.daemon?.connection?.name ?? ike.daemon?.association?.connection
        facts.child = ike.daemon?.connection?.children.first?.name
        if let reason = ike.reason {
            facts.port500 = .unknown(reason: reason)
            facts.port4500 = .unknown(reason: reason)
            facts.failure = .unknown(reason: reason)
            facts.flow = .unknown(reason: reason)
            return facts
        }
        if ike.ports.count == 2 {
            (facts.port500, facts.port500Evidence) = port(ike.ports[0])
            (facts.port4500, facts.port4500Evidence) = port(ike.ports[1])
            let pings = report.path.outsideReplies
            facts.port500Place = ike.probe?.port500.place(beside: pings)
            facts.port4500Place = ike.probe?.port4500.place(beside: pings)
        }
        facts.flow = flow
        facts.isFarEndReached = isFarEndReached
        facts.failure = failure
        facts.isEstablished = isEstablished
        if let offered = ike.wire?.offered, !offered.isEmpty {
            facts.offered = .known(offered.map(\.description))
        }
        facts.accepted = .known(ike.accepted)
        if let id = ike.daemon?.association?.localID ?? ike.daemon?.connection?.localID {
            facts.localID = .known(id)
        } else {
            facts.localID = .unknown(reason: "no key daemon told it")
        }
        fillRekeySettings(&facts)
        return facts
    }

    private func port(_ verdict: PortVerdict) -> (Fact<IKEFacts.Port>, String) {
        let age = report.ike.probeAge ?? .zero
        switch verdict.state {
        case .open: return (.known(.open, age: age), verdict.reason)
        case .filtered: return (.known(.filtered, age: age), verdict.reason)
        case .unreachable: return (.known(.unreachable, age: age), verdict.reason)
        case .unknown: return (.unknown(reason: verdict.reason), verdict.reason)
        }
    }

    /// Whether ESP flows: by the last packets of both directions, and faster where the counters show that
    /// what leaves draws nothing.
    private var flow: Fact<IKEFacts.Flow> {
        if let (from, to) = growth.ends(over: .seconds(4), atLeast: .seconds(3)),
            report.capture.reason == nil
        {
            let arrived = to.capturedInbound - from.capturedInbound
            let left = to.capturedOutbound - from.capturedOutbound
            if arrived == 0, left >= 3 { return .known(.oneWay(missing: .inbound)) }
            if arrived > 0, left > 0 { return .known(.flowing) }
        }
        return switch report.ike.flow {
        case .flowing: .known(.flowing)
        case .oneWay(let missing): .known(.oneWay(missing: missing))
        case .absent: .known(.absent)
        case .unknown(let reason): .unknown(reason: reason)
        }
    }

    private var isFarEndReached: Fact<Bool> {
        guard report.state == .down else {
            return .unknown(reason: "the inside answers, or was not asked")
        }
        guard let from = growth.whenDown, let to = growth.samples.last else {
            return .unknown(reason: "the inside has only now fallen silent")
        }
        if to.hopProbesAnswered > from.hopProbesAnswered { return .known(true) }
        // A router that answers now and then, or never, proves nothing by its silence; one probe may have been
        // on its way when the tunnel fell silent.
        let unanswered = from.hopProbesSent - min(from.hopProbesAnswered, from.hopProbesSent)
        guard from.hopProbesAnswered > 0, unanswered <= max(1, from.hopProbesSent / 10) else {
            return .unknown(
                reason: "no router inside the tunnel answers hop-limited probes reliably")
        }
        guard let asked = growth.samples.first(where: { $0.hopProbesSent > from.hopProbesSent }),
            to.at - asked.at >= .seconds(1)
        else { return .unknown(reason: "no hop-limited probe was sent since") }
        return .known(false)
    }

    private var failure: Fact<IKEFacts.FailureSeen?> {
        let ike = report.ike
        if let failure = ike.verdict.failure.flatMap({ IKEFacts.Failure(rawValue: $0.rawValue) }),
            let origin = ike.verdict.origin
        {
            let evidence: [String] =
                switch origin {
                case .daemon: ike.daemon?.evidence ?? []
                case .wire: ike.wire?.evidence ?? []
                case .providerLog: []
                case .probe: ike.evidence
                }
            return .known(.init(failure, origin: origin.rawValue, evidence: evidence))
        }
        let hasAssociations = report.kernel.associations.value.map { !$0.isEmpty }
        let isHeard = ike.daemon?.isHeard == true || ike.wire?.lastSeen != nil
        if hasAssociations != true, !isHeard, isEstablished.value != true {
            return .unknown(
                reason: ike.verdict.reason
                    ?? "nobody watched a negotiation: no IKE was seen, no key daemon was heard")
        }
        return .known(nil)
    }

    private var isEstablished: Fact<Bool> {
        let ike = report.ike
        if let daemon = ike.daemon, daemon.reason == nil {
            return .known(daemon.association?.state == "ESTABLISHED")
        }
        if let established = ike.wire?.established { return .known(established) }
        return .unknown(reason: ike.daemon?.reason ?? "no key daemon was asked")
    }
}
