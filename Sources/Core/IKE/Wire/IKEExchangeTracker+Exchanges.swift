import NetworkPrimitives
import PacketFormats

// Requests and answers of one IKE SA, RFC 7296 §2.1 to §2.3.
extension IKEExchangeTracker {
    /// Whether a notify alone from the initiator belongs to the IKE_AUTH that was just answered.
    private static let verdictInterval = Duration.seconds(5)

    mutating func follow(_ message: IKEMessage, _ arrival: Arrival) {
        let header = message.header
        var association = association(of: header, arrival)
        if header.exchange == .ikeSAInit || header.exchange == .ikeSessionResume {
            note(setup: message, of: &association, arrival)
        }
        noteEndpoint(of: header, &association, arrival)
        if header.isResponse {
            answer(message, in: &association, arrival)
        } else {
            ask(message, in: &association, arrival)
        }
        associations[header.initiatorSPI] = association
    }

    // MARK: - Setup

    /// RFC 7296 §1.2: proposals and a public key there, one proposal or an error back.
    private mutating func note(
        setup message: IKEMessage, of association: inout ObservedAssociation, _ arrival: Arrival
    ) {
        let datagram = arrival.datagram
        let nat = NATDetection(
            of: message, from: datagram.ip.source, datagram.sourcePort,
            to: datagram.ip.destination, datagram.destinationPort)
        guard var pair = pairs[arrival.pair] else { return }
        defer { pairs[arrival.pair] = pair }
        pair.note(message, arrival.direction, nat: nat)
        guard message.header.isResponse else {
            pair.report.initiator = arrival.direction
            if !message.proposals.isEmpty {
                association.offered = message.proposals
                pair.report.offered = message.proposals
            }
            pair.report.offeredGroup = message.keyExchange?.group ?? pair.report.offeredGroup
            if case .chosen = association.setup { return }
            association.setup = .asked
            return
        }
        if let chosen = message.proposals.first {
            association.setup = .chosen
            association.size = SealedSize(chosen: chosen)
            pair.report.chosen = chosen
            pair.report.refusal = nil
        } else if let error = message.notifies.first(where: \.kind.isError) {
            // Whoever repeats a request late may get an error on top of the answer.
            if case .chosen = association.setup { return }
            if case .refused = association.setup {
            } else if error.wantedGroup != nil {
                pair.report.groupChanges &+= 1
            }
            association.setup = .refused(error)
            pair.report.refusal = error
        } else if message.notify(.cookie) != nil {
            pair.report.cookies &+= 1
        }
    }

    /// RFC 7296 §2.23: peers behind a NAT may come from anywhere, and go on from there.
    private mutating func noteEndpoint(
        of header: IKEHeader, _ association: inout ObservedAssociation, _ arrival: Arrival
    ) {
        guard arrival.datagram.hasNonESPMarker else {
            association.wasOnPort500 = true
            return
        }
        if association.wasOnPort500 { pairs[arrival.pair]?.report.floated = true }
        let endpoint = ObservedAssociation.Endpoint(
            address: arrival.datagram.ip.source, port: arrival.datagram.sourcePort)
        let before =
            header.isFromInitiator
            ? association.initiatorEndpoint : association.responderEndpoint
        if let before, before != endpoint {
            pairs[arrival.pair]?.report[arrival.direction].rebindings &+= 1
        }
        if header.isFromInitiator {
            association.initiatorEndpoint = endpoint
        } else {
            association.responderEndpoint = endpoint
        }
    }

    // MARK: - Requests

    private mutating func ask(
        _ message: IKEMessage, in association: inout ObservedAssociation, _ arrival: Arrival
    ) {
        let (header, now) = (message.header, arrival.now)
        let isInitiator = header.isFromInitiator
        if let index = association.index(of: header, isInitiator: isInitiator),
            !isAnotherAttempt(message, association[isInitiator][index], arrival)
        {
            `repeat`(message, &association[isInitiator][index], arrival)
            return
        }
        var exchange = ObservedExchange(
            message, between: arrival.pair, arrival.direction,
            isEncapsulated: arrival.datagram.hasNonESPMarker, fingerprint: arrival.fingerprint,
            at: now)
        if let encrypted = message.encrypted, encrypted.fragment == nil {
            exchange.lacksChildSA = association.size.lacksChildSA(encrypted.length)
            noteVerdict(of: header, encrypted, &association, at: now)
            if header.exchange == .informational, encrypted.firstInside == .none {
                pairs[arrival.pair]?.report[arrival.direction].liveness.note(now)
            }
        }
        pairs[arrival.pair]?.report[arrival.direction].requests &+= 1
        if let oldest = association.append(exchange, isInitiator: isInitiator) {
            settle(oldest, at: now)
        }
    }

    /// An IKE_SA_INIT with a cookie or another group has the number of the one before.
    private func isAnotherAttempt(
        _ message: IKEMessage, _ exchange: ObservedExchange, _ arrival: Arrival
    ) -> Bool {
        message.header.exchange == .ikeSAInit && exchange.fingerprint != arrival.fingerprint
    }

    private mutating func `repeat`(
        _ message: IKEMessage, _ exchange: inout ObservedExchange, _ arrival: Arrival
    ) {
        defer { exchange.last = max(exchange.last, arrival.now) }
        if let fragment = message.encrypted?.fragment {
            // The first fragment stands for all of them.
            guard !exchange.note(fragment), fragment.number == 1 else { return }
        }
        guard arrival.now - exchange.last >= ObservedExchange.copyInterval else {
            pairs[arrival.pair]?.report[arrival.direction].copies &+= 1
            return
        }
        exchange.sendings += 1
        exchange.isEncapsulated = arrival.datagram.hasNonESPMarker
        pairs[arrival.pair]?.report[arrival.direction].retransmissions &+= 1
    }

    /// An initiator that does not believe the responder says so at once (RFC 7296 §2.21.2).
    private func noteVerdict(
        of header: IKEHeader, _ encrypted: IKEMessage.Encrypted,
        _ association: inout ObservedAssociation, at now: MonotonicInstant
    ) {
        guard header.isFromInitiator, header.exchange == .informational,
            encrypted.firstInside == .notify, association.size.isOneNotify(encrypted.length),
            let answered = association.authenticatedAt, now - answered <= Self.verdictInterval
        else { return }
        association.outcome = .responderRefused
    }

    // MARK: - Answers

    private mutating func answer(
        _ message: IKEMessage, in association: inout ObservedAssociation, _ arrival: Arrival
    ) {
        let header = message.header
        let isAskerInitiator = !header.isFromInitiator
        guard let index = association.index(of: header, isInitiator: isAskerInitiator) else {
            pairs[arrival.pair]?.report[arrival.direction].unasked &+= 1
            return
        }
        let exchange = association[isAskerInitiator][index]
        // Repeated, or a further fragment.
        guard exchange.answer == nil else { return }
        let answer = kind(of: message, association)
        association[isAskerInitiator][index].answer = answer
        decide(exchange, answer, &association, arrival)
    }

    private func kind(
        of message: IKEMessage, _ association: ObservedAssociation
    ) -> ObservedExchange.Answer {
        guard let encrypted = message.encrypted, encrypted.fragment == nil else { return .plain }
        if encrypted.firstInside == .notify, association.size.isOneNotify(encrypted.length) {
            return .oneNotify
        }
        return association.size.lacksChildSA(encrypted.length) ? .withoutChildSA : .plain
    }

    /// What an answer says of the SA.
    private mutating func decide(
        _ exchange: ObservedExchange, _ answer: ObservedExchange.Answer,
        _ association: inout ObservedAssociation, _ arrival: Arrival
    ) {
        switch (exchange.type, answer) {
        case (.ikeSAInit, _), (.ikeSessionResume, _): break
        case (.ikeAuth, .oneNotify): association.outcome = .authenticationRefused
        case (.ikeAuth, _):
            association.authenticatedAt = arrival.now
            // An initiator that wants no child SA, or that EAP is to follow for, does not get one.
            association.outcome =
                answer == .withoutChildSA && !exchange.lacksChildSA ? .childRefused : .going
        case (.createChildSA, .oneNotify):
            association.outcome = .rekeyRefused
            association.refusedInARow += 1
            pairs[arrival.pair]?.report.rekeysRefused &+= 1
        case (.createChildSA, _):
            association.outcome = .going
            association.refusedInARow = 0
            pairs[arrival.pair]?.report.rekeys.note(arrival.now)
        default:
            if case .undecided = association.outcome { association.outcome = .going }
        }
    }
}
