import NetworkPrimitives
import NetworkSimulation
@testable import PathMTU

/// A path at the level of answers: which links it has, and what its routers say and hold back.
struct ModelPath {
    enum Notice {
        /// The next link's MTU, as RFC 1191 and RFC 4443 have it.
        case exact
        /// Nothing: a black hole.
        case none
        /// No MTU, as before RFC 1191.
        case unnamed
        /// This number, whatever the link takes.
        case wrong(Int)

        var isNamed: Bool { if case .unnamed = self { false } else { true } }
        var isExact: Bool { if case .exact = self { true } else { false } }
    }

    struct Router {
        var isSilent = false
        var notice = Notice.exact
        /// Of Time Exceeded and Packet Too Big together; nil for any number.
        var limit: SimulatedRouter.ErrorLimit? = .linux
    }

    var routers: [Router]
    /// MTU of each link: from here to the first router, …, to the target.
    var links: [Int]
    /// The same for the way back; nil for the same links.
    var linksBack: [Int]?
    var loss = 0.0
    var roundTrip = Duration.milliseconds(40)
    var jitter = Duration.zero
    var targetAnswers = true
    /// How many Echo Replies the target sends; nil for any number.
    var targetLimit: SimulatedRouter.ErrorLimit?
    /// What this host's kernel lets out; nil for anything.
    var deviceMTU: Int?
    /// Each message is duplicated with this probability.
    var duplication = 0.0
    /// What somebody on the path adds to each probe: answers that arrive after half a round trip.
    var forge: (@Sendable (_ size: Int, _ hopLimit: UInt8?) -> [SizeAnswer])?

    init(_ links: [Int], notice: Notice = .exact) {
        self.links = links
        routers = Array(repeating: Router(notice: notice), count: links.count - 1)
    }

    /// A path of `hops` routers with one narrow link behind router `distance`.
    init(mtu: Int, hops: Int = 4, behind distance: Int = 2, notice: Notice = .exact) {
        var links = Array(repeating: max(mtu, 1500), count: hops + 1)
        links[distance] = mtu
        self.init(links, notice: notice)
    }

    var mtu: Int { min(links.min() ?? 0, (linksBack ?? links).min() ?? 0) }

    static func address(_ distance: Int) -> IPAddress { .v4(0x0a00_0000 + UInt32(distance)) }
}

/// One search on one path, in virtual time.
struct SearchSimulation {
    var search: PathMTUSearch
    var path: ModelPath
    private(set) var now = MonotonicInstant.zero
    /// Changes of the path by time, ascending.
    var changes: [(at: MonotonicInstant, change: (inout ModelPath) -> Void)] = []
    private(set) var sentByHop: [Int: [MonotonicInstant]] = [:]
    private(set) var sizes: [Int] = []
    private(set) var isPaceKept = true
    /// Answers delivered twice as well, and to numbers never sent.
    var generator: SeededGenerator

    private struct Arrival {
        var at: MonotonicInstant
        var number: UInt64
        var answer: SizeAnswer
    }
    private var arrivals: [Arrival] = []
    private var tokens: [Int: (left: Double, at: MonotonicInstant)] = [:]
    private var hopFree: [UInt8: MonotonicInstant] = [:]

    init(_ settings: PathMTUSearch.Settings, path: ModelPath, seed: UInt64 = 1) {
        search = PathMTUSearch(settings: settings, start: .zero)
        self.path = path
        generator = SeededGenerator(seed: seed)
    }

    /// What was sent and what became of it, for failure messages.
    var trace: String {
        search.log.entries.map { entry in
            let mark =
                switch (entry.outcome, entry.refusal) {
                case (.silent, let refusal?), (.pending, let refusal?): "=\(refusal.mtu)"
                case (.echo, _): "+"
                case (.timeExceeded, _): "*"
                case (.silent, nil): "-"
                default: "?"
                }
            return "\(entry.hopLimit.map { "\($0):" } ?? "")\(entry.byteCount)\(mark)"
        }.joined(separator: " ")
    }

    /// Runs to the end; nil when the engine does not come to one.
    mutating func run(limit: Duration = .seconds(600)) -> PathMTUReport? {
        var steps = 0
        while !search.isFinished {
            guard let deadline = search.deadline else { return nil }
            var next = max(deadline, now)
            if let arrival = arrivals.last { next = min(next, max(arrival.at, now)) }
            if let change = changes.first { next = min(next, max(change.at, now)) }
            now = next
            steps += 1
            guard now <= .zero + limit, steps < 20_000 else { return nil }
            while let change = changes.first, change.at <= now {
                change.change(&path)
                changes.removeFirst()
            }
            while let arrival = arrivals.last, arrival.at <= now {
                arrivals.removeLast()
                search.receive(arrival.answer, to: arrival.number, at: arrival.at)
            }
            if let deadline = search.deadline, deadline <= now { advance() }
        }
        return search.report
    }

    /// Runs to the end; a test whose engine does not come to one fails.
    mutating func finish(limit: Duration = .seconds(600)) throws -> PathMTUReport {
        struct Endless: Error {}
        guard let report = run(limit: limit) else { throw Endless() }
        return report
    }

    private mutating func advance() {
        var probes: [SizeProbe] = []
        var free = hopFree
        search.advance(
            to: now,
            pace: { hop, instant in
                if let last = free[hop], instant - last < .milliseconds(1200) {
                    return last + .milliseconds(1200)
                }
                free[hop] = instant
                return nil
            }, into: &probes)
        hopFree = free
        for probe in probes {
            sizes.append(probe.byteCount)
            if let hop = probe.hopLimit {
                let distance = Int(hop)
                if let last = sentByHop[distance]?.last, now - last < .milliseconds(1200) {
                    isPaceKept = false
                }
                sentByHop[distance, default: []].append(now)
            }
            if let device = path.deviceMTU, probe.byteCount > device {
                search.failedToSend(probe.number, tooLargeFor: device, at: now)
                continue
            }
            search.sent(probe.number, at: now)
            travel(probe)
        }
    }

    private mutating func travel(_ probe: SizeProbe) {
        let count = path.routers.count
        for answer in path.forge?(probe.byteCount, probe.hopLimit) ?? [] {
            arrive(answer, to: probe, after: path.roundTrip / 2)
        }
        guard !generator.chance(path.loss) else { return }
        let limit = Int(probe.hopLimit ?? 64)
        var distance = 0
        while true {
            // The link behind `distance`.
            if probe.byteCount > path.links[distance] {
                guard distance > 0 else { return }
                return report(tooBig: distance, probe)
            }
            distance += 1
            guard distance <= count else { break }
            if limit == distance {
                let router = path.routers[distance - 1]
                guard !router.isSilent, allow(distance) else { return }
                guard !generator.chance(path.loss) else { return }
                return arrive(
                    .timeExceeded(router: ModelPath.address(distance)), to: probe,
                    after: share(distance))
            }
        }
        guard path.targetAnswers, allow(count + 1) else { return }
        guard !generator.chance(path.loss) else { return }
        guard probe.byteCount <= (path.linksBack ?? path.links).min() ?? 0 else { return }
        arrive(.echo, to: probe, after: path.roundTrip)
    }

    private mutating func report(tooBig distance: Int, _ probe: SizeProbe) {
        let mtu: Int
        switch path.routers[distance - 1].notice {
        case .none: return
        case .exact: mtu = path.links[distance]
        case .unnamed: mtu = 0
        case .wrong(let number): mtu = number
        }
        guard allow(distance), !generator.chance(path.loss) else { return }
        arrive(
            .packetTooBig(router: ModelPath.address(distance), mtu: mtu), to: probe,
            after: share(distance))
    }

    private func share(_ distance: Int) -> Duration {
        path.roundTrip * distance / (path.routers.count + 1)
    }

    private mutating func allow(_ distance: Int) -> Bool {
        let limited =
            distance > path.routers.count ? path.targetLimit : path.routers[distance - 1].limit
        guard let limit = limited else { return true }
        var bucket = tokens[distance] ?? (Double(limit.burst), now)
        bucket.left = min(
            Double(limit.burst), bucket.left + (now - bucket.at).seconds / limit.period.seconds)
        bucket.at = now
        let isAllowed = bucket.left >= 1
        if isAllowed { bucket.left -= 1 }
        tokens[distance] = bucket
        return isAllowed
    }

    private mutating func arrive(_ answer: SizeAnswer, to probe: SizeProbe, after delay: Duration) {
        let copies = generator.chance(path.duplication) ? 2 : 1
        for _ in 0..<copies {
            let extra = Duration.nanoseconds(generator.below(path.jitter.nanoseconds + 1))
            let arrival = Arrival(at: now + delay + extra, number: probe.number, answer: answer)
            let index = arrivals.firstIndex { $0.at <= arrival.at } ?? arrivals.count
            arrivals.insert(arrival, at: index)
        }
    }
}
