import NetworkPrimitives
import NetworkSimulation
import PacketFormats

@testable import Reflecting

/// An agent, a reflector and what lies between them, on one virtual clock.
struct SimulatedReflection {
    /// What the network does to packets, each way.
    struct Network {
        var delay = Duration.milliseconds(20)
        /// Added to the delay, at random up to this.
        var jitter = Duration.zero
        var loss = 0.0
        var duplication = 0.0
        /// Echo Replies that nobody asked for die on their way to the reflector.
        var dropsForwardReplies = false
        /// Those on their way to the agent do.
        var dropsReverseReplies = false
        /// The share of unsolicited Echo Replies to the reflector that a rate limit drops.
        var dropsShareOfForwardReplies = 0.0
        /// Where a translator makes datagrams and probes come from; nil for none.
        var translated: IPAddress?
        var dropsDatagrams = false
        /// Datagrams to the reflector that die before anything gets through.
        var droppedFirst = 0
    }

    enum Item {
        case datagramToReflector([UInt8])
        case datagramToAgent([UInt8])
        case echoToReflector([UInt8])
        case echoToAgent([UInt8])
    }

    static let secret = [UInt8]((0..<32).map { $0 &* 7 })
    static let agent = IPAddress.v4(0xc633_6401)
    static let reflector = IPAddress.v4(0xc000_0207)

    var network: Network
    var reflector: ReflectorEngine
    var client: ReflectorClient
    var generator: SeededGenerator
    var now: MonotonicInstant
    /// How far the reflector's clock is from the agent's.
    var skew: Duration
    /// How much faster the reflector's clock runs.
    var drift: Double
    var queue: [(at: MonotonicInstant, order: Int, item: Item)] = []
    var summaries: [ReflectorEngine.Summary] = []
    private var ordered = 0
    private let start: MonotonicInstant

    init(
        _ network: Network = Network(), seed: UInt64 = 1, skew: Duration = .seconds(500),
        drift: Double = 0, reflector: ReflectorEngine? = nil, secret: [UInt8] = secret,
        start: MonotonicInstant = MonotonicInstant(nanoseconds: 7_000_000_000)
    ) {
        self.network = network
        generator = SeededGenerator(seed: seed)
        self.skew = skew
        self.drift = drift
        now = start
        self.start = start
        self.reflector = reflector ?? Self.engine()
        var settings = ReflectorClient.Settings(family: .v4, source: Self.agent)
        settings.probes = 10
        var random = generator
        client = ReflectorClient(
            keys: Self.keys(secret), settings: settings,
            random: (0..<ReflectorClient.randomByteCount).map { _ in
                UInt8(truncatingIfNeeded: random.next())
            }, start: start)
    }

    static func keys(_ secret: [UInt8] = secret) -> ReflectionKeys {
        guard let keys = secret.withRawSpan({ ReflectionKeys(secret: $0) }) else {
            preconditionFailure("a secret of \(secret.count) octets")
        }
        return keys
    }

    static func engine(_ settings: ReflectorEngine.Settings = .init()) -> ReflectorEngine {
        ReflectorEngine(
            keys: keys(), random: (0..<UInt8(ReflectorEngine.randomByteCount)).map { $0 &* 31 },
            settings: settings)
    }

    /// The reflector's clock.
    var reflectorNow: MonotonicInstant {
        let age = (now - start).seconds * (1 + drift)
        return start + skew + .nanoseconds(Int64(age * 1e9))
    }

    /// Runs until the client is finished.
    mutating func run() -> ReflectionReport {
        var actions: [ReflectorClient.Action] = []
        while !client.isFinished {
            client.advance(to: now, into: &actions)
            take(&actions)
            guard let deadline = client.deadline else { break }
            let next = queue.min { ($0.at, $0.order) < ($1.at, $1.order) }
            if let next, next.at <= deadline {
                queue.removeAll { $0.order == next.order }
                now = next.at
                deliver(next.item, &actions)
                take(&actions)
            } else {
                now = deadline
            }
            precondition(now < start + .seconds(60), "the client never ends")
        }
        return client.report
    }

    private mutating func take(_ actions: inout [ReflectorClient.Action]) {
        for action in actions {
            switch action {
            case .datagram(let octets): put(.datagramToReflector(octets))
            case .probe(_, let message): put(.echoToReflector(message))
            }
        }
        actions = []
    }

    private mutating func put(_ item: Item, isSolicited: Bool = false) {
        var isDropped = generator.chance(network.loss)
        switch item {
        case .datagramToReflector:
            if network.dropsDatagrams || network.droppedFirst > 0 {
                network.droppedFirst -= 1
                isDropped = true
            }
        case .echoToReflector(let message):
            if message[0] == 0, !isSolicited {
                isDropped =
                    isDropped || network.dropsForwardReplies
                    || generator.chance(network.dropsShareOfForwardReplies)
            }
        case .echoToAgent(let message):
            if message[0] == 0, !isSolicited {
                isDropped = isDropped || network.dropsReverseReplies
            }
        case .datagramToAgent: break
        }
        guard !isDropped else { return }
        for _ in 0..<(generator.chance(network.duplication) ? 2 : 1) {
            ordered += 1
            let delay = network.delay + .nanoseconds(generator.below(network.jitter.nanoseconds))
            queue.append((now + delay, ordered, item))
        }
    }

    private mutating func deliver(_ item: Item, _ actions: inout [ReflectorClient.Action]) {
        let source = network.translated ?? Self.agent
        switch item {
        case .datagramToReflector(let octets):
            var answers: [ReflectorEngine.Action] = []
            octets.withRawSpan {
                reflector.receive(
                    $0, from: Endpoint(address: source, port: 40_000), to: Self.reflector,
                    hopLimit: 60, at: reflectorNow, into: &answers)
            }
            for answer in answers {
                switch answer {
                case .answer(let octets, _, _): put(.datagramToAgent(octets))
                case .probe(let order):
                    reflector.note(order, wasSent: true)
                    put(.echoToAgent(order.message))
                case .ended(let summary): summaries.append(summary)
                }
            }
        case .datagramToAgent(let octets):
            let now = now
            octets.withRawSpan { client.receive($0, at: now, into: &actions) }
        case .echoToReflector(let message):
            message.withRawSpan { bytes in
                guard let echo = ReceivedEcho(bytes, from: source, hopLimit: 60) else { return }
                reflector.receive(
                    echo, payload: bytes.extracting(8..<bytes.byteCount), at: reflectorNow)
            }
            // The kernel's own answer.
            if message[0] == 8 { put(.echoToAgent(Self.answer(message)), isSolicited: true) }
        case .echoToAgent(let message):
            message.withRawSpan { bytes in
                guard let echo = ReceivedEcho(bytes, from: Self.reflector, hopLimit: 60) else {
                    return
                }
                client.receive(echo, payload: bytes.extracting(8..<bytes.byteCount))
            }
            if message[0] == 8 { put(.echoToReflector(Self.answer(message)), isSolicited: true) }
        }
    }

    private static func answer(_ request: [UInt8]) -> [UInt8] {
        var reply = request
        (reply[0], reply[2], reply[3]) = (0, 0, 0)
        let sum = ~reply.withRawSpan { InternetChecksum.sum($0) }
        (reply[2], reply[3]) = (UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum))
        return reply
    }
}
