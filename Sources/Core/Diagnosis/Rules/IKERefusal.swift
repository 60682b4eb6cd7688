import NetworkPrimitives

/// What the rules about a refused negotiation have in common.
enum IKERefusal {
    /// The failure that stands, or why the rule says something else.
    static func failure(
        _ facts: TunnelFacts, lacking what: String
    ) -> Result<IKEFacts.FailureSeen, Refused> {
        if let reason = facts.observerReason {
            return .failure(.init(.notApplicable(because: reason)))
        }
        if let reason = facts.noIKEReason {
            return .failure(.init(.notApplicable(because: reason)))
        }
        switch facts.ike.failure {
        case .unknown(let reason): return .failure(.init(.unknown(missing: [reason])))
        case .known(nil, _):
            if facts.ike.isEstablished.value == true {
                return .failure(.init(.excluded(because: ["an IKE SA is up"])))
            }
            guard facts.ike.isInUse else {
                return .failure(
                    .init(.unknown(missing: ["nothing shows that IKE is to negotiate this tunnel"]))
                )
            }
            return .failure(.init(.excluded(because: ["no refused negotiation was seen"])))
        case .known(let failure?, _):
            guard failure.failure != .noResponse else {
                return .failure(
                    .init(.unknown(missing: ["the peer answers nothing, so \(what) is not known"])))
            }
            return .success(failure)
        }
    }

    /// A judgement that ends the rule.
    struct Refused: Error {
        var judgement: Judgement
        init(_ judgement: Judgement) { self.judgement = judgement }
    }

    /// What is said where another failure stands.
    static func other(_ failure: IKEFacts.FailureSeen) -> Judgement {
        .excluded(because: ["the negotiation fails otherwise: \(failure.failure.rawValue)"])
    }
}
