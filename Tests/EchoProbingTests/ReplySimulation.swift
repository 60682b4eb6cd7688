@testable import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

/// Several `ReplyPairProber`s that share a pacer, each on its own path of one simulated network.
///
/// A ledger notes what was sent and what came back, and judges the pairs by itself afterwards.
struct ReplySimulation {
    /// One message of a pair: what became of it.
    struct Record {
        var sentAt: MonotonicInstant
        var firstAnswer: (at: MonotonicInstant, isTimeExceeded: Bool)?
        var answers = 0
    }

    struct Pair {
        var distance: UInt8
        var test: Record?
        var control: Record?
    }

    struct Departure {
        var prober: Int
        var kind: EchoMessage.Kind
        var sequence: UInt16
        var distance: UInt8
        var at: MonotonicInstant
    }

    var network: SimulatedNetwork
    var identifiers: EchoIdentifierPool
    var pacer = HopPacer()
    var probers: [ReplyPairProber] = []
    private(set) var routes: [SimulatedNetwork.Route] = []
    var now = MonotonicInstant.zero
    var wakeUpLatency = Duration.zero
    var stalls: [Range<MonotonicInstant>] = []

    private(set) var departures: [Departure] = []
    private(set) var outcomes: [[ProbeOutcome]] = []
    /// By prober and sequence number.
    private(set) var ledger: [[UInt16: Pair]] = []
    private(set) var peakPairCount = 0

    private var actions: [ProbeAction] = []
    private var generator: SeededGenerator

    init(seed: UInt64) {
        network = SimulatedNetwork(seed: seed)
        generator = SeededGenerator(seed: seed ^ 0x5eed)
        identifiers = EchoIdentifierPool(generator: SeededGenerator(seed: seed &* 3 &+ 1))
    }

    /// Routers 10.0.0.1, 10.0.0.2, … with Linux' error limit.
    static func routers(_ count: Int) -> [SimulatedRouter] {
        (1...count).map { SimulatedRouter(.v4(0x0a00_0000 + UInt32($0))) }
    }

    static func path(
        _ routers: [SimulatedRouter], to target: IPAddress = RequestSimulation.there4,
        links: SimulatedLinks = SimulatedLinks()
    ) -> SimulatedPath {
        SimulatedPath(
            from: RequestSimulation.here4, to: target, routers: routers, links: links)
    }

    static func settings(
        hops: UInt8 = 1, interval: Duration = .seconds(10), limit: Int? = nil, tunnel: Int? = nil
    ) -> ReplyPairProber.Settings {
        ReplyPairProber.Settings(
            family: .v4, interval: interval, timeout: .seconds(1), payloadByteCount: 56,
            farthestHop: hops, limit: limit, tunnel: tunnel.map { "tunnel \($0)" })
    }

    mutating func add(
        _ settings: ReplyPairProber.Settings, path: SimulatedPath,
        start: MonotonicInstant = .zero
    ) {
        routes.append(network.connect(path))
        outcomes.append([])
        ledger.append([:])
        probers.append(
            ReplyPairProber(
                settings: settings, owner: probers.count, start: start, identifiers: &identifiers))
    }

    mutating func run(until end: MonotonicInstant, check: (borrowing Self) -> Void = { _ in }) {
        while true {
            let deadline = probers.compactMap(\.deadline).min() ?? .distantFuture
            var next = max(now, min(deadline, network.nextArrival ?? .distantFuture))
            guard next <= end else { break }
            if wakeUpLatency > .zero {
                next = next + .nanoseconds(generator.below(wakeUpLatency.nanoseconds))
            }
            for stall in stalls where stall.contains(next) { next = stall.upperBound }
            now = next
            while let arrival = network.receive(upTo: now) { receive(arrival) }
            for index in probers.indices {
                probers[index].advance(
                    to: now, identifiers: &identifiers, pacer: &pacer, into: &actions)
                perform(index)
                peakPairCount = max(peakPairCount, probers[index].pairs.count)
            }
            check(self)
        }
        now = max(now, end)
    }

    private mutating func perform(_ index: Int) {
        for action in actions {
            switch action {
            case .send(let transmission): send(transmission, prober: index)
            case .resolved(let outcome): outcomes[index].append(outcome)
            case .sample: Issue.record("style reply never drives the state")
            }
        }
        actions.removeAll(keepingCapacity: true)
    }

    private mutating func send(_ transmission: EchoTransmission, prober index: Int) {
        let message = transmission.message
        let distance = transmission.hopLimit ?? 0
        #expect(distance >= 1)
        guard
            network.send(
                message, checksum: transmission.checksum, hopLimit: distance, over: routes[index],
                at: now)
        else {
            probers[index].failedToSend(transmission.number, reason: .send)
            return
        }
        probers[index].sent(transmission.number, at: now)
        probers[index].transmitted(transmission.number, at: now + .microseconds(20))
        departures.append(
            Departure(
                prober: index, kind: message.kind, sequence: message.sequence, distance: distance,
                at: now))
        var pair = ledger[index][message.sequence] ?? Pair(distance: distance)
        if message.kind == .reply {
            pair.test = Record(sentAt: now)
        } else {
            pair.control = Record(sentAt: now)
        }
        ledger[index][message.sequence] = pair
    }

    private mutating func receive(_ arrival: SimulatedNetwork.Arrival) {
        guard let message = try? arrival.message() else { return }
        switch message {
        case .echo(let reply):
            guard let index = identifiers.owner(of: reply.identifier) else { return }
            let isFromTarget = arrival.source == network[routes[index]].target
            probers[index].receive(reply, isFromTarget: isFromTarget)
        case .error(let error):
            guard let index = identifiers.owner(of: error.quote.identifier) else { return }
            let isAboutTarget = error.quote.destination == network[routes[index]].target
            if isAboutTarget { note(error, prober: index, at: arrival.at) }
            probers[index].receive(
                error, from: arrival.source, isAboutTarget: isAboutTarget, at: arrival.at,
                isStamped: true)
        case .datagramError: break
        }
    }

    private mutating func note(_ error: ICMPError, prober index: Int, at arrival: MonotonicInstant)
    {
        guard var pair = ledger[index][error.quote.sequence] else { return }
        func noting(_ record: Record?) -> Record? {
            guard var record else { return nil }
            record.answers += 1
            if record.firstAnswer == nil {
                record.firstAnswer = (arrival, error.meaning == .timeExceeded)
            }
            return record
        }
        if error.quote.kind == .reply {
            pair.test = noting(pair.test)
        } else {
            pair.control = noting(pair.control)
        }
        ledger[index][error.quote.sequence] = pair
    }

    // MARK: - The ledger's verdicts

    /// What the prober must have counted once all pairs are judged.
    func expected(prober index: Int) -> ProbeCounts {
        var counts = ProbeCounts()
        var runs: [UInt8: (orders: [Bool], isBlocked: Bool)] = [:]
        for (_, pair) in ledger[index].sorted(by: { $0.key < $1.key }) {
            guard let test = pair.test else { continue }
            counts.sent += 1
            var run = runs[pair.distance] ?? ([], false)
            let answer = inTime(test)
            if let first = test.firstAnswer {
                let timeout = probers[index].settings.timeout
                if first.at - test.sentAt >= timeout { counts.lateReplies += 1 }
                counts.duplicates += UInt64(test.answers - 1)
            }
            if answer == false {
                counts.lost += 1
            } else if pair.control.flatMap(inTime) != true {
                counts.inconclusive += 1
            } else if answer == true {
                counts.received += 1
                counts.inconclusive += UInt64(run.orders.count)
                run = ([], false)
            } else if run.isBlocked {
                counts.lost += 1
            } else {
                run.orders.append(test.sentAt < pair.control?.sentAt ?? .distantFuture)
                if run.orders.count >= 3, Set(run.orders).count == 2 {
                    counts.lost += UInt64(run.orders.count)
                    run = ([], true)
                }
            }
            runs[pair.distance] = run
        }
        return counts
    }

    /// Whether the first answer in time was Time Exceeded; nil without one.
    private func inTime(_ record: Record) -> Bool? {
        guard let first = record.firstAnswer, first.at - record.sentAt < .seconds(1) else {
            return nil
        }
        return first.isTimeExceeded
    }
}
