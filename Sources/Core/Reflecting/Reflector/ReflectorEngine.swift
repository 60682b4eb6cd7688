public import NetworkPrimitives
public import PacketFormats

/// The reflector: answers agents that hold its key, counts their probes, and sends some back.
///
/// It sends only when a datagram has come, at most one packet for it, and no longer one; to the
/// address that the datagram came from, and nothing but a challenge before that address has proven
/// that it receives. What fails authentication is dropped without a word.
public struct ReflectorEngine: Sendable {
    /// How much a reflector does at most.
    public struct Settings: Sendable {
        /// Runs that are kept at a time.
        public var runs = 256
        /// Runs of one agent's address that are kept at a time.
        public var runsPerAgent = 64
        /// How long a run may last.
        public var lifetime = Duration.seconds(60)
        /// Datagrams a second of agents that have not proven their address yet.
        public var strangersPerSecond = 100
        /// Datagrams a second of one source of them.
        public var strangersPerSourceAndSecond = 10
        /// Datagrams a second of agents in a run, all together.
        public var guestsPerSecond = 5000

        /// The settings of `probe reflect`.
        public init() {}
    }

    /// Something to do.
    public enum Action: Sendable {
        /// Send this datagram.
        case answer([UInt8], to: Endpoint, from: IPAddress?)
        /// Send this ICMP message, and tell what became of it.
        case probe(ProbeOrder)
        /// Nothing to send: a run is over.
        case ended(Summary)
    }

    /// A probe to send.
    public struct ProbeOrder: Sendable {
        /// The run that it belongs to.
        public var run: UInt64
        /// Request or reply.
        public var kind: EchoMessage.Kind
        /// The ICMP message.
        public var message: [UInt8]
        /// Where to.
        public var destination: IPAddress
        /// The source address; nil for the one that routing chooses.
        public var source: IPAddress?
    }

    /// A run that is over.
    public struct Summary: Sendable {
        /// Whose it was.
        public var agent: Endpoint
        /// What was counted.
        public var receipt: Receipt
        /// Whether the agent ended it; otherwise it was never heard of again.
        public var wasEnded: Bool
    }

    /// What was done since the start.
    public internal(set) var counts = ReflectorCounts()

    let settings: Settings
    let keys: ReflectionKeys
    let cookies: CookieJar
    let names: MessageAuthenticator
    var nextName: UInt64 = 0
    var runs: [ReflectorRun] = []
    var strangers: RateLimit
    var sources: SourceLimits
    var guests: RateLimit

    /// The random octets that a reflector begins with.
    public static let randomByteCount = 48

    /// Makes a reflector.
    ///
    /// - Precondition: `random` has `randomByteCount` octets.
    public init(keys: ReflectionKeys, random: [UInt8], settings: Settings = Settings()) {
        precondition(random.count == Self.randomByteCount, "too little or too much chance")
        self.settings = settings
        self.keys = keys
        cookies = CookieJar(key: Array(random[..<16]))
        names = Array(random[16..<32]).withRawSpan { MessageAuthenticator(key: $0) }
        func number(_ start: Int) -> UInt64 {
            random[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        strangers = RateLimit(
            perSecond: settings.strangersPerSecond, burst: settings.strangersPerSecond * 2)
        sources = SourceLimits(
            count: 1024, perSecond: settings.strangersPerSourceAndSecond,
            burst: settings.strangersPerSourceAndSecond * 4, key: (number(32), number(40)))
        guests = RateLimit(perSecond: settings.guestsPerSecond, burst: settings.guestsPerSecond)
    }

    /// Runs that are kept now.
    public var runCount: Int { runs.count }

    /// When `advance` has something to do; nil when it has not.
    public var deadline: MonotonicInstant? { runs.map(\.expiresAt).min() }

    /// Forgets the runs whose time is over.
    public mutating func advance(to now: MonotonicInstant, into actions: inout [Action]) {
        for run in runs where run.expiresAt <= now && !run.isEnded {
            actions.append(.ended(Summary(agent: run.agent, receipt: run.receipt, wasEnded: false)))
        }
        runs.removeAll { $0.expiresAt <= now }
    }

    /// Takes what became of a probe.
    public mutating func note(_ order: ProbeOrder, wasSent: Bool) {
        if wasSent { counts.sent += 1 }
        if wasSent { counts.sentOctets += UInt64(order.message.count) }
        guard let place = runs.firstIndex(where: { $0.number == order.run }) else { return }
        runs[place].count(order.kind, wasSent: wasSent)
    }

    /// Takes an echo message that a raw socket received.
    ///
    /// `payload` is what follows the ICMP header.
    public mutating func receive(
        _ echo: ReceivedEcho, payload: RawSpan, at now: MonotonicInstant
    ) {
        guard let mark = ProbeMark(parsing: payload) else { return }
        // Before the tag is computed: a flood of marks costs a look at the table each.
        guard
            let place = runs.firstIndex(where: {
                $0.number == mark.run && !$0.isEnded && $0.expiresAt > now
            })
        else {
            counts.strayProbes += 1
            return
        }
        guard ProbeMark.isAuthentic(payload, keys), runs[place].take(mark, echo, at: now) else {
            counts.forgedProbes += 1
            return
        }
        counts.probes += 1
    }
}
