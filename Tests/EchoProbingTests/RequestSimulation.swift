@testable import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

/// One `RequestProber` on a simulated path, with a driver like the agent's and a ledger of its own.
///
/// The ledger knows what was sent and what genuinely arrived, and from that what the prober must
/// have counted; it shares no code with the prober.
struct RequestSimulation {
    static let here4 = IPAddress.v4(0xc000_0201)
    static let there4 = IPAddress.v4(0xc633_6401)
    static let here6 = IPAddress.v6(0x2001_0db8_0000_0000_0000_0000_0000_0001)
    static let there6 = IPAddress.v6(0x2001_0db8_0000_0000_0000_0000_0000_0002)

    /// What the ledger knows of one message.
    private struct Record {
        var number: UInt64
        var sentAt: MonotonicInstant
        var message: EchoMessage
        var isRetry: Bool
        var isDecided = false
        var isAnswered = false
    }

    private struct Key: Hashable {
        var identifier: UInt16
        var sequence: UInt16
    }

    var network: SimulatedNetwork
    let route: SimulatedNetwork.Route
    var identifiers: EchoIdentifierPool
    var prober: RequestProber
    let settings: RequestProber.Settings
    var now = MonotonicInstant.zero
    /// How long after each deadline the driver wakes up, at most.
    var wakeUpLatency = Duration.zero
    /// Spans in which the driver does not run at all.
    var stalls: [Range<MonotonicInstant>] = []
    /// Whether the ledger is kept; a day of it would be long.
    var isKeepingLedger = true
    /// How long the kernel takes from the send call to the transmit stamp; nil for no stamps.
    var localDelay: Duration? = .microseconds(20)

    private(set) var transmissions: [EchoTransmission] = []
    private(set) var sendTimes: [MonotonicInstant] = []
    private(set) var samples: [ProbeSample] = []
    private(set) var sampleTimes: [MonotonicInstant] = []
    private(set) var outcomes: [ProbeOutcome] = []
    private(set) var malformed = 0
    private(set) var expected = ProbeCounts()
    private(set) var peakLogCount = 0

    private var records: [Key: Record] = [:]
    private var undecided: [Key] = []
    private var highestAnswered: UInt64?
    private var actions: [ProbeAction] = []
    private var generator: SeededGenerator

    init(
        _ settings: RequestProber.Settings, path: SimulatedPath, seed: UInt64,
        start: MonotonicInstant = .zero
    ) {
        self.settings = settings
        network = SimulatedNetwork(seed: seed)
        route = network.connect(path)
        generator = SeededGenerator(seed: seed ^ 0x5eed)
        identifiers = EchoIdentifierPool(generator: SeededGenerator(seed: seed &* 3 &+ 1))
        prober = RequestProber(
            settings: settings, owner: 1, start: start, identifiers: &identifiers)
    }

    static func path(_ links: SimulatedLinks = SimulatedLinks()) -> SimulatedPath {
        SimulatedPath(from: here4, to: there4, links: links)
    }

    /// Probe numbers in the order they were sent, retries left out.
    var probeSendTimes: [MonotonicInstant] {
        zip(transmissions, sendTimes).compactMap { transmission, time in
            let key = Key(
                identifier: transmission.message.identifier, sequence: transmission.message.sequence
            )
            return records[key].flatMap { $0.isRetry ? nil : time }
        }
    }

    /// Runs up to and with `end`, or until a limited run is finished.
    mutating func run(until end: MonotonicInstant, check: (borrowing Self) -> Void = { _ in }) {
        while let deadline = prober.deadline {
            var next = max(now, min(deadline, network.nextArrival ?? .distantFuture))
            guard next <= end else { break }
            if wakeUpLatency > .zero {
                next = next + .nanoseconds(generator.below(wakeUpLatency.nanoseconds))
            }
            for stall in stalls where stall.contains(next) { next = stall.upperBound }
            now = next
            step()
            check(self)
        }
        now = max(now, end)
    }

    private mutating func step() {
        while let arrival = network.receive(upTo: now) { receive(arrival) }
        settleOverdue()
        prober.advance(to: now, identifiers: &identifiers, into: &actions)
        perform()
        peakLogCount = max(peakLogCount, prober.log.entries.count)
    }

    private mutating func perform() {
        while !actions.isEmpty {
            let batch = actions
            actions.removeAll(keepingCapacity: true)
            for action in batch {
                switch action {
                case .send(let transmission): send(transmission)
                case .sample(let sample):
                    guard isKeepingLedger else { continue }
                    samples.append(sample)
                    sampleTimes.append(now)
                case .resolved(let outcome):
                    if isKeepingLedger { outcomes.append(outcome) }
                }
            }
        }
    }

    private mutating func send(_ transmission: EchoTransmission) {
        guard
            network.send(
                transmission.message, checksum: transmission.checksum,
                hopLimit: transmission.hopLimit, over: route, at: now)
        else {
            let before = prober.counts.failed[.send, default: 0]
            prober.failedToSend(
                transmission.number, reason: .send, at: now, identifiers: &identifiers,
                into: &actions)
            #expect(prober.counts.failed[.send, default: 0] - before <= 1)
            return
        }
        let before = prober.counts.sent
        prober.sent(transmission.number, at: now)
        if let localDelay { prober.transmitted(transmission.number, at: now + localDelay) }
        guard isKeepingLedger else { return }
        transmissions.append(transmission)
        sendTimes.append(now)
        let isRetry = prober.counts.sent == before
        let key = Key(
            identifier: transmission.message.identifier, sequence: transmission.message.sequence)
        records[key] = Record(
            number: transmission.number, sentAt: now, message: transmission.message,
            isRetry: isRetry)
        if isRetry { expected.retries += 1 } else { expected.sent += 1 }
        undecided.append(key)
    }

    private mutating func receive(_ arrival: SimulatedNetwork.Arrival) {
        guard let message = try? arrival.message() else {
            malformed += 1
            return
        }
        settleOverdue(at: arrival.at)
        let path = network[route]
        switch message {
        case .echo(let echo):
            if arrival.source == path.target, isKeepingLedger { expect(echo, at: arrival.at) }
            prober.receive(
                echo, isFromTarget: arrival.source == path.target, at: arrival.at, isStamped: true,
                into: &actions)
        case .error(let error):
            let isAboutTarget = error.quote.destination == path.target
            if isAboutTarget, isKeepingLedger { expect(error) }
            prober.receive(
                error, isAboutTarget: isAboutTarget, at: arrival.at, identifiers: &identifiers,
                into: &actions)
        case .datagramError: break
        }
        perform()
    }

    // MARK: - The ledger

    private mutating func expect(_ echo: EchoMessage, at arrival: MonotonicInstant) {
        let key = Key(identifier: echo.identifier, sequence: echo.sequence)
        guard let record = records[key] else { return }
        var answer = record.message
        answer.kind = .reply
        guard echo == answer else { return }
        if record.isAnswered {
            if !record.isRetry { expected.duplicates += 1 }
        } else if record.isDecided {
            if !record.isRetry { expected.lateReplies += 1 }
        } else if !record.isRetry {
            expected.received += 1
            if let highestAnswered, record.number < highestAnswered { expected.reordered += 1 }
            highestAnswered = max(highestAnswered ?? 0, record.number)
        }
        records[key]?.isAnswered = true
        records[key]?.isDecided = true
    }

    private mutating func expect(_ error: ICMPError) {
        let key = Key(identifier: error.quote.identifier, sequence: error.quote.sequence)
        guard let record = records[key] else { return }
        guard !record.isDecided else { return }
        records[key]?.isDecided = true
        guard !record.isRetry else { return }
        expected.lost += 1
        expected.failed[error.meaning == .filtered ? .filtered : .unreachable, default: 0] += 1
    }

    private mutating func settleOverdue(at instant: MonotonicInstant? = nil) {
        guard isKeepingLedger else { return }
        let instant = instant ?? now
        var remaining: [Key] = []
        for key in undecided {
            guard let record = records[key], !record.isDecided else { continue }
            guard instant - record.sentAt >= settings.timeout else {
                remaining.append(key)
                continue
            }
            records[key]?.isDecided = true
            if !record.isRetry { expected.lost += 1 }
        }
        undecided = remaining
    }
}

/// The instant so many milliseconds after the start of the clock.
func at(_ milliseconds: some BinaryInteger) -> MonotonicInstant {
    .zero + .milliseconds(milliseconds)
}

/// The instant so many seconds after the start of the clock.
func at(seconds: some BinaryInteger) -> MonotonicInstant {
    .zero + .seconds(seconds)
}
