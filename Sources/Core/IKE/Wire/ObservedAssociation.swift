import NetworkPrimitives

/// One IKE SA as it was seen from outside.
struct ObservedAssociation: Sendable {
    /// The most requests of one side that are remembered.
    private static let memory = 8

    /// How the IKE_SA_INIT exchange went.
    enum Setup: Sendable {
        /// It was not seen.
        case unseen
        /// A request, and no decision yet.
        case asked
        /// The responder chose a proposal.
        case chosen
        /// It refused.
        case refused(IKENotify)
    }

    /// What is known of how the SA fares after that.
    enum Outcome: Sendable {
        /// Nothing yet.
        case undecided
        /// Exchanges are answered.
        case going
        /// IKE_AUTH was answered with one notify alone.
        case authenticationRefused
        /// The initiator answered the responder's proof with one notify alone.
        case responderRefused
        /// IKE_AUTH was answered without a child SA.
        case childRefused
        /// CREATE_CHILD_SA was answered with one notify alone.
        case rekeyRefused
    }

    /// Where somebody sends from.
    struct Endpoint: Equatable, Sendable {
        var address: IPAddress
        var port: UInt16
    }

    /// The pair of hosts it is between.
    var pair: HostPair
    /// Which way the packets of its initiator go in that pair.
    var initiatorDirection: TrafficDirection
    var setup = Setup.unseen
    var outcome = Outcome.undecided
    var offered: [IKEProposal] = []
    var size = SealedSize(chosen: nil)
    var lastSeen: MonotonicInstant
    /// Whether a message was seen without the non-ESP marker.
    var wasOnPort500 = false
    /// Where initiator and responder sent from last, with the non-ESP marker.
    var initiatorEndpoint: Endpoint?
    var responderEndpoint: Endpoint?
    /// CREATE_CHILD_SA requests in a row that one notify alone answered.
    var refusedInARow = 0
    /// When IKE_AUTH was answered by more than one notify.
    var authenticatedAt: MonotonicInstant?
    /// The last requests of the initiator and of the responder.
    private var initiatorRequests: [ObservedExchange] = []
    private var responderRequests: [ObservedExchange] = []

    init(pair: HostPair, initiatorDirection: TrafficDirection, at now: MonotonicInstant) {
        self.pair = pair
        self.initiatorDirection = initiatorDirection
        lastSeen = now
    }

    /// The requests of one side that are remembered, the oldest first.
    subscript(isInitiator: Bool) -> [ObservedExchange] {
        get { isInitiator ? initiatorRequests : responderRequests }
        set {
            if isInitiator { initiatorRequests = newValue } else { responderRequests = newValue }
        }
    }

    /// Which way the packets of one side go.
    func direction(ofInitiator isInitiator: Bool) -> TrafficDirection {
        isInitiator ? initiatorDirection : initiatorDirection.reversed
    }

    /// Takes a request in among those remembered.
    ///
    /// - Returns: the oldest, if it had to make room.
    mutating func append(
        _ exchange: ObservedExchange, isInitiator: Bool
    ) -> ObservedExchange? {
        let isFull = self[isInitiator].count >= Self.memory
        let oldest = isFull ? self[isInitiator].removeFirst() : nil
        self[isInitiator].append(exchange)
        return oldest
    }

    /// The place of the request with a message's number; of an IKE_SA_INIT that was tried again under
    /// the same number, the latest.
    func index(of header: IKEHeader, isInitiator: Bool) -> Int? {
        self[isInitiator].lastIndex {
            $0.messageID == header.messageID && $0.type == header.exchange
        }
    }

    /// The request that was sent last, and whether the initiator did.
    var latestRequest: (isInitiator: Bool, exchange: ObservedExchange)? {
        switch (initiatorRequests.last, responderRequests.last) {
        case (let mine?, let other?): mine.last < other.last ? (false, other) : (true, mine)
        case (let mine?, nil): (true, mine)
        case (nil, let other?): (false, other)
        case (nil, nil): nil
        }
    }
}

/// Two hosts, in no order.
struct HostPair: Hashable, Sendable {
    let low: IPAddress
    let high: IPAddress

    init(_ one: IPAddress, _ other: IPAddress) {
        // Any order will do that is always the same.
        let isInOrder = one.octets.lexicographicallyPrecedes(other.octets)
        (low, high) = isInOrder ? (one, other) : (other, one)
    }
}

extension TrafficDirection {
    /// The other direction.
    var reversed: TrafficDirection { self == .inbound ? .outbound : .inbound }
}
