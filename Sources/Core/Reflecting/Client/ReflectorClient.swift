public import NetworkPrimitives
public import PacketFormats

/// The agent's side of one run against a reflector.
///
/// It says hello, proves its address, sends its probes and has as many sent back, and asks for the
/// receipt. Nothing is believed that does not carry the key's tag and this run's names.
public struct ReflectorClient: Sendable {
    /// How a run is made.
    public struct Settings: Sendable {
        /// The family of the reflector's address.
        public var family: IPAddress.Family
        /// The address that datagrams and probes leave from; nil while not known.
        public var source: IPAddress?
        /// Probes of each kind, each way; at most 64.
        public var probes = 10
        /// From one probe of a kind to the next.
        public var spacing = Duration.milliseconds(40)

        /// The settings of a run over one family.
        public init(family: IPAddress.Family, source: IPAddress?) {
            self.family = family
            self.source = source
        }
    }

    /// Something to send.
    public enum Action: Sendable {
        /// A datagram to the reflector's port.
        case datagram([UInt8])
        /// An ICMP message to the reflector's address; `failedToSend` where the kernel refuses it.
        case probe(kind: EchoMessage.Kind, message: [UInt8])
    }

    /// The random octets that a run begins with.
    public static let randomByteCount = 18

    private enum Phase: Equatable {
        /// Waits for the challenge.
        case greeting
        /// Waits to hear that the run has begun.
        case beginning(cookie: UInt128)
        /// Sends probes; the next one is that of `slot`.
        case probing(slot: Int)
        /// Waits for what is under way.
        case settling
        /// Waits for the receipt.
        case asking
        case finished
    }

    private let settings: Settings
    private let keys: ReflectionKeys
    private let nonce: UInt128
    private let identifiers: UInt16
    private var phase = Phase.greeting
    private var due: MonotonicInstant
    private var attempts = 0
    private var counter: UInt32 = 0
    private var run: UInt64 = 0
    /// When the datagrams of this phase were sent, by counter.
    private var pending: [(counter: UInt32, at: MonotonicInstant)] = []
    private var rejection: String?
    private var tally = DeliveryTally()

    /// What is known so far; whole when the run is finished.
    public private(set) var report = ReflectionReport()

    /// Prepares a run that begins at `start`.
    ///
    /// - Precondition: `random` has `randomByteCount` octets.
    public init(
        keys: ReflectionKeys, settings: Settings, random: [UInt8], start: MonotonicInstant
    ) {
        precondition(random.count == Self.randomByteCount, "too little or too much chance")
        precondition((1...64).contains(settings.probes), "too few or too many probes")
        self.keys = keys
        self.settings = settings
        nonce = random[..<16].reduce(0) { $0 << 8 | UInt128($1) }
        // The four identifiers are this and the next three.
        identifiers = random[16...].reduce(0) { $0 << 8 | UInt16($1) } & ~3
        due = start
    }

    /// Whether nothing more is sent or awaited.
    public var isFinished: Bool { phase == .finished }

    /// When `advance` has something to do; nil when the run is finished.
    public var deadline: MonotonicInstant? { isFinished ? nil : due }

    /// Does what is due.
    public mutating func advance(to now: MonotonicInstant, into actions: inout [Action]) {
        while due <= now, !isFinished {
            switch phase {
            case .greeting: tell(.hello, at: now, &actions)
            case .beginning(let cookie):
                tell(.begin(cookie: cookie, identifiers: identifiers), at: now, &actions)
            case .probing(let slot): probe(slot, at: now, &actions)
            case .settling: enter(.asking, at: now)
            case .asking: tell(.ask(isLast: true), at: now, &actions)
            case .finished: return
            }
        }
    }

    /// Ends the run with what is known.
    public mutating func abandon(because reason: String, at now: MonotonicInstant) {
        guard !isFinished else { return }
        finish(because: reason, at: now)
    }

    // MARK: - What happens

    /// Takes a datagram from the reflector's address and port.
    public mutating func receive(
        _ datagram: RawSpan, at now: MonotonicInstant, into actions: inout [Action]
    ) {
        // What is neither ours nor genuine may come from anybody, and says nothing.
        let message: ControlMessage
        do throws(ControlMessageError) {
            message = try ControlMessage(parsing: datagram)
        } catch {
            return
        }
        guard !message.body.isFromAgent, message.nonce == nonce,
            let question = pending.first(where: { $0.counter == message.counter }),
            message.isAuthentic(datagram, keys)
        else { return }
        switch (message.body, phase) {
        case (.challenge(let cookie), .greeting):
            note(roundTrip: now - question.at)
            enter(.beginning(cookie: cookie), at: now)
        case (.begun(let admission), .beginning):
            note(roundTrip: now - question.at)
            begin(message.run, admission, at: now)
        case (.receipt(let receipt), .asking) where message.run == run:
            note(roundTrip: now - question.at)
            tally.receipt = receipt
            finish(because: nil, at: now)
        default: return
        }
        advance(to: now, into: &actions)
    }

    /// Takes an echo message that a raw socket received; `payload` is what follows the ICMP header.
    public mutating func receive(_ echo: ReceivedEcho, payload: RawSpan) {
        guard run != 0, let mark = ProbeMark(parsing: payload), mark.run == run,
            ProbeMark.isAuthentic(payload, keys)
        else { return }
        tally.take(mark, echo)
    }

    /// Takes that the kernel refused a probe.
    ///
    /// - Parameters:
    ///   - kind: what it was.
    ///   - isRefusedHere: whether this host's own firewall refused it.
    ///   - reason: in words.
    public mutating func failedToSend(
        _ kind: EchoMessage.Kind, isRefusedHere: Bool, because reason: String
    ) {
        tally.failedToSend(kind, isRefusedHere: isRefusedHere, because: reason)
    }

    /// Takes that a datagram did not come through: an ICMP error, or a refusal of the kernel.
    ///
    /// Anybody can forge the former, so it ends nothing; where no answer comes, it tells why.
    public mutating func rejected(because reason: String) { rejection = reason }
}

// MARK: - The run

extension ReflectorClient {
    /// How often a datagram is sent before the answer is given up.
    private static let attemptLimit = 6

    /// How long an answer may take before the question is repeated the first time.
    ///
    /// Doubled each time, to a second at most where a round trip is no longer.
    private var patience: Duration {
        guard let roundTrip = report.roundTrip else { return .milliseconds(300) }
        return max(.milliseconds(200), roundTrip * 4)
    }

    private mutating func enter(_ next: Phase, at now: MonotonicInstant) {
        phase = next
        due = now
        attempts = 0
        pending = []
    }

    private mutating func tell(
        _ body: ControlMessage.Body, at now: MonotonicInstant, _ actions: inout [Action]
    ) {
        guard attempts < Self.attemptLimit else {
            finish(because: silence, at: now)
            return
        }
        let message = message(body)
        pending.append((message.counter, now))
        actions.append(.datagram(message.sealed(keys)))
        due = now + min(patience * (1 << attempts), max(patience, .seconds(1)))
        attempts += 1
    }

    private mutating func message(_ body: ControlMessage.Body) -> ControlMessage {
        counter += 1
        return ControlMessage(nonce: nonce, run: run, counter: counter, body: body)
    }

    private var silence: String {
        if let rejection { return "the reflector cannot be reached: \(rejection)" }
        switch phase {
        case .greeting:
            return "no answer: UDP to it is filtered, no `probe reflect` runs there, or its key is "
                + "another one"
        case .asking: return "the run was made, but no receipt came"
        default: return "the reflector answered once and then no more"
        }
    }

    private mutating func begin(
        _ name: UInt64, _ admission: ControlMessage.Admission, at now: MonotonicInstant
    ) {
        guard !admission.isBusy else {
            finish(because: "the reflector has no room for another run", at: now)
            return
        }
        run = name
        report.observed = admission.observed
        if let source = settings.source {
            report.isTranslated = source != admission.observed.address
        }
        enter(.probing(slot: 0), at: now)
    }

    private mutating func note(roundTrip: Duration) {
        report.roundTrip = min(report.roundTrip ?? roundTrip, roundTrip)
    }

    /// Sends one probe of each kind, and has one of each sent back.
    private mutating func probe(
        _ slot: Int, at now: MonotonicInstant, _ actions: inout [Action]
    ) {
        // By turns, so that neither kind always follows the other.
        let kinds: [EchoMessage.Kind] =
            slot % 2 == 0 ? [.reply, .request] : [.request, .reply]
        for kind in kinds {
            let mark = ProbeMark(
                origin: ProbeMark.Origin(kind, isFromAgent: true), index: UInt16(slot), run: run)
            let octets = mark.message(
                identifiers: identifiers, family: settings.family, keys)
            tally.sent(kind)
            actions.append(.probe(kind: kind, message: octets))
            let order = message(.send(kind: kind, index: UInt16(slot)))
            actions.append(.datagram(order.sealed(keys)))
        }
        if slot + 1 < settings.probes {
            phase = .probing(slot: slot + 1)
            due = now + settings.spacing
        } else {
            phase = .settling
            due = now + patience
        }
    }

    private mutating func finish(because reason: String?, at now: MonotonicInstant) {
        phase = .finished
        pending = []
        report.endedAt = now
        tally.conclude(because: reason, into: &report)
    }
}
