import NetworkPrimitives

/// What one IKE SA, as it was seen from outside, says about a failure.
struct WireVerdict {
    /// Whether it says anything, be it that all is well.
    private(set) var isDecided = true
    private(set) var failure: IKEFailure?
    private(set) var likelyFailure: IKEFailure?
    private(set) var evidence: [String] = []

    /// How long a refusal that names another group may wait for the next attempt.
    private static let retryInterval = Duration.seconds(3)

    init(
        _ association: ObservedAssociation, _ report: IKEWireReport, at now: MonotonicInstant
    ) {
        let names = Names(report)
        if let (isInitiator, exchange) = association.latestRequest, exchange.isSilent(at: now) {
            silence(association, exchange, association.direction(ofInitiator: isInitiator), names)
            return
        }
        let initiator = association.initiatorDirection
        if case .refused(let notify) = association.setup {
            refusal(notify, association, initiator, names, at: now)
            return
        }
        outcome(association, initiator, names)
    }

    /// What sentences call the two hosts.
    private struct Names {
        let local: String
        let remote: String

        init(_ report: IKEWireReport) {
            local = report.local?.description ?? "the near host"
            remote = report.remote?.description ?? "the far host"
        }

        func sender(_ direction: TrafficDirection) -> String {
            direction == .outbound ? local : remote
        }

        func receiver(_ direction: TrafficDirection) -> String {
            sender(direction.reversed)
        }
    }

    private mutating func silence(
        _ association: ObservedAssociation, _ exchange: ObservedExchange,
        _ direction: TrafficDirection, _ names: Names
    ) {
        failure = .noResponse
        let port = exchange.isEncapsulated ? 4500 : 500
        let times = exchange.sendings == 1 ? "once" : "\(exchange.sendings) times"
        evidence.append(
            "\(names.sender(direction)) sent \(exchange.type) to port \(port) of "
                + "\(names.receiver(direction)) \(times) and got no answer")
        if exchange.isEncapsulated, association.wasOnPort500, case .chosen = association.setup,
            association.authenticatedAt == nil
        {
            evidence.append("IKE_SA_INIT was answered on port 500 before")
        }
    }

    private mutating func refusal(
        _ notify: IKENotify, _ association: ObservedAssociation, _ initiator: TrafficDirection,
        _ names: Names, at now: MonotonicInstant
    ) {
        let offered = association.offered.map(\.description).joined(separator: ", ")
        let peer = names.receiver(initiator)
        switch notify.kind {
        case .noProposalChosen:
            failure = .noProposal
            evidence.append("\(peer) answered IKE_SA_INIT with NO_PROPOSAL_CHOSEN")
            evidence.append("offered: \(offered)")
        case .invalidKEPayload:
            // The next attempt has the group that is wanted, if there is one.
            guard now - association.lastSeen >= Self.retryInterval else {
                isDecided = false
                return
            }
            failure = .noProposal
            let group = notify.wantedGroup.map(\.description) ?? "a group that it does not name"
            evidence.append(
                "\(peer) answered IKE_SA_INIT with INVALID_KE_PAYLOAD and wants \(group), which was "
                    + "not tried then")
            evidence.append("offered: \(offered)")
        default:
            evidence.append("\(peer) answered IKE_SA_INIT with \(notify.kind)")
        }
    }

    private mutating func outcome(
        _ association: ObservedAssociation, _ initiator: TrafficDirection, _ names: Names
    ) {
        let responder = names.receiver(initiator)
        switch association.outcome {
        case .undecided: isDecided = false
        case .going: break
        case .authenticationRefused:
            likelyFailure = .authentication
            evidence.append(
                "\(responder) answered IKE_AUTH with one encrypted notify and nothing else, as it does "
                    + "for AUTHENTICATION_FAILED")
        case .responderRefused:
            likelyFailure = .authentication
            evidence.append(
                "\(names.sender(initiator)) answered the proof of \(responder) in IKE_AUTH with one "
                    + "encrypted notify and nothing else, as it does for AUTHENTICATION_FAILED")
        case .childRefused:
            likelyFailure = .childRefused
            evidence.append(
                "\(responder) answered IKE_AUTH, and the answer is too short to hold a child SA")
        case .rekeyRefused:
            if association.refusedInARow > 1 { likelyFailure = .temporaryFailure }
            let times =
                association.refusedInARow == 1
                ? "once" : "\(association.refusedInARow) times in a row"
            evidence.append(
                "CREATE_CHILD_SA was answered \(times) with one encrypted notify and nothing else, as "
                    + "for TEMPORARY_FAILURE or NO_PROPOSAL_CHOSEN")
        }
    }
}
