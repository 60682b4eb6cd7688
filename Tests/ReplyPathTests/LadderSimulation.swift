import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import ReplyPath

/// A ladder on a simulated path, in virtual time, with what the agent does between the two.
struct LadderSimulation {
    static let source = IPAddress.v4(0xcb00_710a)
    static let target = IPAddress.v4(0xc633_6401)
    static let spacing = Duration.milliseconds(1200)

    var network: SimulatedNetwork
    let route: SimulatedNetwork.Route
    var ladder: ReplyLadder
    var now = MonotonicInstant.zero
    /// Kinds that this host's firewall refuses with EPERM.
    var refused: Set<LadderProbe.Kind> = []
    /// Kinds that this host drops after the send call.
    var dropped: Set<LadderProbe.Kind> = []
    /// Whether the capture sees packets leave.
    var sees = false
    /// The share of departures that the capture misses.
    var missedByCapture = 0.0
    private var captureChance = SeededGenerator(seed: 11)
    /// What happens to the path, in order of time.
    var changes: [(at: MonotonicInstant, change: (inout SimulatedPath) -> Void)] = []
    /// Flows that nobody answers.
    var silenced: Set<Int> = []
    /// Copies of every answer that come a little later.
    var copies = 0
    /// Everything sent, with its time.
    var departures: [(at: MonotonicInstant, probe: LadderProbe)] = []
    /// Answers that could not be read.
    var unreadable = 0

    private struct Key: Hashable {
        var kind: LadderProbe.Kind
        var identifier: UInt16
        var sequence: UInt16
    }

    private var numbers: [Key: UInt64] = [:]
    private var free: [UInt8: MonotonicInstant] = [:]

    init(
        _ path: SimulatedPath, seed: UInt64 = 1,
        _ change: (inout ReplyLadder.Settings) -> Void = { _ in }
    ) {
        network = SimulatedNetwork(seed: seed)
        route = network.connect(path)
        var settings = ReplyLadder.Settings(
            source: path.source, target: path.target,
            localNetworks: [IPPrefix(path.source, length: path.source.family == .v4 ? 24 : 64)])
        change(&settings)
        sees = settings.seesLeaving
        captureChance = SeededGenerator(seed: seed &+ 100)
        ladder = ReplyLadder(
            settings: settings, start: .zero, generator: SeededGenerator(seed: seed &* 77 &+ 5))
    }

    /// Runs until the ladder ends, or for an hour.
    @discardableResult
    mutating func run() -> ReplyPathReport {
        let end = MonotonicInstant.zero + .seconds(3600)
        while let deadline = ladder.deadline, deadline < end {
            let due = max(deadline, now)
            if let first = changes.first, first.at <= due {
                changes.removeFirst()
                first.change(&network[route])
                continue
            }
            if let arrival = network.receive(upTo: due) {
                now = max(now, arrival.at)
                for _ in 0...copies { deliver(arrival) }
                continue
            }
            now = due
            var actions: [LadderProbe] = []
            ladder.advance(
                to: now,
                pace: { hop, instant in
                    if let until = free[hop], until > instant { return until }
                    free[hop] = instant + Self.spacing
                    return nil
                }, into: &actions)
            for probe in actions { send(probe) }
        }
        return ladder.report
    }

    private mutating func send(_ probe: LadderProbe) {
        if refused.contains(probe.kind) {
            ladder.failedToSend(probe.number, isRefusedHere: true, at: now)
            return
        }
        departures.append((now, probe))
        ladder.sent(probe.number, at: now)
        if dropped.contains(probe.kind) || silenced.contains(probe.flow) { return }
        let isSent: Bool
        if let message = probe.echoMessage(family: Self.family(of: network[route])) {
            numbers[
                Key(kind: probe.kind, identifier: probe.identifier, sequence: probe.sequence)] =
                probe.number
            isSent = network.send(
                message, checksum: probe.checksum, hopLimit: probe.hopLimit, over: route, at: now)
            if sees, !captureChance.chance(missedByCapture) {
                ladder.seenLeaving(probe.number, at: now)
            }
        } else {
            numbers[Key(kind: .datagram, identifier: probe.identifier, sequence: probe.checksum)] =
                probe.number
            isSent = network.send(
                datagramFrom: probe.identifier, to: probe.sequence, checksum: probe.checksum,
                payloadByteCount: LadderProbe.payloadByteCount, hopLimit: probe.hopLimit,
                over: route, at: now)
        }
        if !isSent { ladder.failedToSend(probe.number, isRefusedHere: false, at: now) }
    }

    private mutating func deliver(_ arrival: SimulatedNetwork.Arrival) {
        let key: Key
        let answer: LadderAnswer
        do {
            switch try arrival.message() {
            case .echo(let message):
                guard message.kind == .reply, arrival.source == network[route].target else {
                    return
                }
                key = Key(
                    kind: .request, identifier: message.identifier, sequence: message.sequence)
                answer = .echo
            case .error(let error):
                guard error.quote.destination == network[route].target else { return }
                key = Key(
                    kind: error.quote.kind == .request ? .request : .reply,
                    identifier: error.quote.identifier, sequence: error.quote.sequence)
                guard
                    let made = LadderAnswer(error.meaning, from: arrival.source, error.quote.source)
                else { return }
                answer = made
            case .datagramError(let error):
                key = Key(
                    kind: .datagram, identifier: error.quote.sourcePort,
                    sequence: error.quote.checksum)
                guard
                    let made = LadderAnswer(error.meaning, from: arrival.source, error.quote.source)
                else { return }
                answer = made
            }
        } catch {
            unreadable += 1
            return
        }
        guard let number = numbers[key] else { return }
        ladder.receive(answer, to: number, at: now)
    }

    private static func family(of path: SimulatedPath) -> IPAddress.Family { path.target.family }
}

extension LadderAnswer {
    init?(_ meaning: ICMPError.Meaning, from router: IPAddress, _ quotedSource: IPAddress) {
        switch meaning {
        case .timeExceeded: self = .timeExceeded(router: router, quotedSource: quotedSource)
        case .filtered: self = .filtered(router: router, quotedSource: quotedSource)
        case .unreachable: self = .unreachable(router: router, quotedSource: quotedSource)
        default: return nil
        }
    }
}

/// Paths for ladders.
enum LadderPath {
    /// A path with `count` routers; the first is a neighbour of the source.
    static func plain(_ count: Int, family: IPAddress.Family = .v4) -> SimulatedPath {
        switch family {
        case .v4:
            SimulatedPath(
                from: LadderSimulation.source, to: LadderSimulation.target,
                routers: (0..<count).map { SimulatedRouter(router($0 + 1)) },
                links: SimulatedLinks(delay: .milliseconds(10)))
        case .v6:
            SimulatedPath(
                from: .v6(0x2001_0db8 << 96 | 0xa), to: .v6(0x2001_0db8_ffff << 80 | 1),
                routers: (0..<count).map {
                    SimulatedRouter(
                        .v6(0x2001_0db8 << 96 | UInt128($0) << 80 | 1))
                },
                links: SimulatedLinks(delay: .milliseconds(10)))
        }
    }

    /// The router at a hop: 203.0.113.1, then 192.0.2.h.
    static func router(_ hop: Int, way: Int = 0) -> IPAddress {
        hop == 1 && way == 0
            ? .v4(0xcb00_7101) : .v4(0xc000_0200 + UInt32(hop) + UInt32(way) * 64)
    }

    /// A path whose router at `hop` drops Echo Replies.
    static func filtered(
        _ count: Int, at hop: Int, _ place: SimulatedRouter.Filter.Place,
        verdict: SimulatedRouter.Filter.Verdict = .drop, family: IPAddress.Family = .v4
    ) -> SimulatedPath {
        var path = plain(count, family: family)
        path.routers[hop - 1].filters.append(.init(.reply, place, verdict: verdict))
        return path
    }
}
