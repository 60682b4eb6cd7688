import NetworkPrimitives

/// The exchange with one port: what was sent last, and what came of it.
struct PortProbe: Sendable {
    /// Two SPIs and a nonce.
    static let randomByteCount = 2 * 4 + 32

    /// What is to be done.
    enum Due: Hashable {
        case nothing
        case send
        /// The last try was not answered.
        case silence
        /// A request with a hop limit.
        case climb
    }

    /// What a message led to.
    enum Step: Hashable {
        /// It answers nothing of this probe.
        case ignored
        /// It contradicts what was asked.
        case malformed
        case finished
        /// The request is to be sent again as it stands now.
        case again
        /// The second offer is to be sent.
        case others
    }

    private(set) var report: IKEProbeReport.Port
    private(set) var deadline: MonotonicInstant?
    private(set) var isFinished = false

    private var message: IKEProbeMessage?
    private let nextSPI: UInt64
    /// Sendings of the present request.
    private var tries = 0
    private var rejections = 0
    private var sentAt: MonotonicInstant?
    private var hasFollowedGroup = false
    private var isBegun = false
    /// How far requests get, once the port stayed silent.
    private var ladder: PortLadder?

    init(
        number: UInt16, remote: IPAddress, source: Result<IKEProbeSource, UnprobedPort>,
        random: [UInt8]
    ) {
        report = IKEProbeReport.Port(number: number)
        func word(_ index: Int) -> UInt32 {
            random[index * 4..<index * 4 + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        nextSPI = IKEProbeMessage.spi(word(1))
        switch source {
        case .success(let source):
            message = IKEProbeMessage(
                initiatorSPI: IKEProbeMessage.spi(word(0)), proposals: ProviderProposals.supported,
                group: ProviderProposals.groups[0], nonce: Array(random[8...]),
                from: (source.address, source.port), to: (remote, number))
        case .failure(let unprobed):
            report.reason = unprobed.reason
            isFinished = true
        }
    }

    /// Whether the port stayed silent and it is being asked how far requests get.
    var isClimbing: Bool { ladder != nil }

    func due(at now: MonotonicInstant) -> Due {
        guard !isFinished else { return .nothing }
        guard isBegun else { return .send }
        guard let deadline, deadline <= now else { return .nothing }
        if isClimbing { return .climb }
        return tries < 2 ? .send : .silence
    }

    /// The request's octets; it is taken to be sent now.
    mutating func transmit(at now: MonotonicInstant, _ settings: IKEProber.Settings) -> [UInt8] {
        guard let message else { preconditionFailure("a port that is not probed") }
        isBegun = true
        if tries == 0 { sentAt = now }
        tries += 1
        report.sent += 1
        deadline = now + (tries < 2 ? settings.retryAfter : settings.patience)
        return message.datagram
    }

    /// Takes an answer from the right address and port.
    mutating func take(
        _ answer: IKEMessage, at now: MonotonicInstant, mayOfferOthers: Bool
    ) -> Step {
        guard !isFinished, let message, answer.header.initiatorSPI == message.initiatorSPI,
            answer.isIKEv1 || (answer.header.isResponse && !answer.header.isFromInitiator),
            answer.header.messageID == 0
        else { return .ignored }
        // An answer of another version is one too: the port is open (RFC 7296 §2.5).
        guard answer.header.majorVersion == 2 else {
            note(now)
            finish()
            return .finished
        }
        if let proposal = answer.proposals.first {
            guard answer.proposals.count == 1, isOffered(proposal) else { return .malformed }
            note(now)
            report.chosen = proposal
            report.isChosenOfOthers = message.proposals == ProviderProposals.others
            finish()
            return .finished
        }
        note(now)
        if let cookie = answer.notify(.cookie) {
            // RFC 7296 §2.6: 1 to 64 octets. Once: whoever asks again is not asked again.
            guard message.cookie == nil, (1...64).contains(cookie.content.count) else {
                return .ignored
            }
            report.askedForCookie = true
            return again { $0.cookie = cookie.content }
        }
        guard let refusal = answer.notifies.first(where: { $0.kind.isError }) else {
            finish()
            return .finished
        }
        report.refusals.append(refusal)
        if let group = refusal.wantedGroup, !hasFollowedGroup,
            IKEProbeMessage.hasPublicValue(of: group), isOffered(group)
        {
            hasFollowedGroup = true
            return again { $0.group = group }
        }
        if refusal.kind == .noProposalChosen, mayOfferOthers,
            message.proposals == ProviderProposals.supported
        {
            let spi = nextSPI
            _ = again {
                // The peer has forgotten the first attempt: this is another.
                $0.initiatorSPI = spi
                $0.proposals = ProviderProposals.others
                $0.group = ProviderProposals.otherOfferGroup
            }
            return .others
        }
        finish()
        return .finished
    }

    mutating func take(_ rejection: IKEProbeReport.Rejection, at now: MonotonicInstant) {
        guard !isFinished, report.answers == 0 else { return }
        if isClimbing, rejection.isHopLimitExceeded {
            if ladder?.take(rejection.sender) == true { deadline = now }
            return
        }
        report.rejection = rejection
        rejections += 1
        report.state = .unreachable
        // One error may be of a moment: the second try is made all the same.
        if rejections >= 2 { finish() }
    }

    /// The last try was not answered: of a port that is silent it is asked how far requests to it get.
    mutating func concludeSilence() {
        guard report.state == .unknown else { return finish() }
        report.state = .filtered
        ladder = PortLadder()
    }

    /// The next request of the ladder and its hop limit; nil when that is over.
    mutating func climb(at now: MonotonicInstant) -> (octets: [UInt8], hopLimit: UInt8)? {
        guard let message, let hopLimit = ladder?.next() else {
            finish()
            return nil
        }
        deadline = now + PortLadder.patience
        return (message.datagram, hopLimit)
    }

    mutating func sendFailed(_ reason: String) {
        if !isClimbing { report.sent -= 1 }
        if report.state == .unknown { report.reason = reason }
        finish()
    }

    mutating func abandon(_ reason: String) {
        guard !isFinished else { return }
        if report.state == .unknown { report.reason = reason }
        finish()
    }

    /// Ends it where no further packet may be sent.
    mutating func stop() {
        if report.state == .unknown { report.reason = "the limit of packets is reached" }
        finish()
    }

    private mutating func note(_ now: MonotonicInstant) {
        report.state = .open
        report.answers += 1
        if report.roundTrip == nil, let sentAt { report.roundTrip = now - sentAt }
    }

    private mutating func again(_ change: (inout IKEProbeMessage) -> Void) -> Step {
        guard var message else { return .finished }
        change(&message)
        self.message = message
        tries = 0
        return .again
    }

    private mutating func finish() {
        report.ladder = ladder?.report
        isFinished = true
        deadline = nil
    }

    private func isOffered(_ group: IKEGroup) -> Bool {
        message?.proposals.contains { proposal in
            proposal.transforms(of: .keyExchange).contains { $0.number == group.rawValue }
        } ?? false
    }

    /// RFC 7296 §3.3.6: one transform of each kind that was offered.
    private func isOffered(_ chosen: IKEProposal) -> Bool {
        guard let offer = message?.proposals.first(where: { $0.number == chosen.number }) else {
            return false
        }
        return !chosen.transforms.isEmpty && chosen.transforms.allSatisfy(offer.transforms.contains)
            && Set(chosen.transforms.map(\.kind)).count == chosen.transforms.count
    }
}
