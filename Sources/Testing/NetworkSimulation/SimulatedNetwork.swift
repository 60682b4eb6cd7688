public import NetworkPrimitives
public import PacketFormats

/// A network without a network: it takes echo messages and says what arrives here, and when.
///
/// A value with a seed: the same calls give the same arrivals. Messages are real octets both ways,
/// so encoders and parsers are part of every simulation. A driver looks like this:
///
/// ```swift
/// var network = SimulatedNetwork(seed: 7)
/// let route = network.connect(SimulatedPath(from: here, to: there, routers: [first, second]))
/// // for every message to send:
/// let left = network.send(
///     transmission.message, checksum: transmission.checksum, hopLimit: transmission.hopLimit,
///     over: route, at: now)
/// // before the clock moves on to `next`:
/// while let arrival = network.receive(upTo: next) { … arrival.message() … }
/// ```
public struct SimulatedNetwork: Sendable {
    /// The name of a path in its network.
    public struct Route: Hashable, Sendable {
        var index: Int
    }

    /// An ICMP message that reaches this host.
    public struct Arrival: Hashable, Sendable {
        /// When.
        public var at: MonotonicInstant
        /// The path whose message brought it about.
        public var route: Route
        /// The source address of its IP header.
        public var source: IPAddress
        /// The destination address of its IP header, which is this host's.
        public var destination: IPAddress
        /// The ICMP message, without the IP header.
        public var bytes: [UInt8]

        /// Reads the message; throws what `ICMPMessage.init` throws.
        public func message() throws(PacketError) -> ICMPMessage {
            try bytes.withRawSpan { span throws(PacketError) in
                try ICMPMessage(parsing: span, family: source.family)
            }
        }
    }

    /// What really happened on a path, for comparison with what a prober made of it.
    public struct Tally: Hashable, Sendable {
        /// Messages that left this host.
        public var sent = 0
        /// Messages that this host's kernel refused.
        public var refused = 0
        /// Messages lost on a link or in an outage, either way, and copies of them.
        public var lost = 0
        /// Messages that a filter or a session table dropped, either way.
        public var filtered = 0
        /// Messages that a link did not take, either way.
        public var tooLarge = 0
        /// Messages that reached the target, copies included.
        public var reachedTarget = 0
        /// Genuine Echo Replies that arrive here, copies included.
        public var replies = 0
        /// Genuine ICMP errors that arrive here, copies included.
        public var errors = 0
        /// ICMP errors that a router did not send because of its limit.
        public var suppressedErrors = 0
        /// Forged messages that arrive here.
        public var forged = 0

        /// Nothing happened yet.
        public init() {}
    }

    private struct Bucket: Hashable {
        var router: IPAddress
        var peer: IPAddress
    }

    private struct State: Sendable {
        var tally = Tally()
        var sessions: [UInt16: MonotonicInstant] = [:]
    }

    private var generator: SeededGenerator
    private var paths: [SimulatedPath] = []
    private var states: [State] = []
    private var buckets: [Bucket: ErrorBucket] = [:]
    private var errorsDue: [IPAddress: Int] = [:]
    /// Latest first, so that the next one is taken off the end.
    private var arrivals: [Arrival] = []
    private var outgoing: [UInt8] = []

    /// A network without paths.
    public init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// Adds a path.
    ///
    /// - Precondition: all its addresses are of one family.
    public mutating func connect(_ path: SimulatedPath) -> Route {
        let family = path.target.family
        precondition(
            path.source.family == family
                && path.routers.allSatisfy { $0.address.family == family },
            "\(path.source) and the routers must be of the family of \(path.target)")
        paths.append(path)
        states.append(State())
        return Route(index: paths.count - 1)
    }

    /// The path of a route, to be changed while the simulation runs.
    public subscript(route: Route) -> SimulatedPath {
        get { paths[route.index] }
        set { paths[route.index] = newValue }
    }

    /// What happened on a route so far.
    public func tally(of route: Route) -> Tally { states[route.index].tally }

    /// When the next message arrives; nil when nothing is on its way.
    public var nextArrival: MonotonicInstant? { arrivals.last?.at }

    /// Takes the next message that arrives by `instant`, in order of arrival.
    public mutating func receive(upTo instant: MonotonicInstant) -> Arrival? {
        guard let next = arrivals.last, next.at <= instant else { return nil }
        return arrivals.removeLast()
    }

    /// Sends an echo message from the route's source to its target.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - checksum: the constant checksum it was made for.
    ///   - hopLimit: its hop limit, at least 1; nil for 64.
    ///   - route: the path it takes.
    ///   - instant: when; not before the message sent last.
    /// - Returns: false when this host's kernel refuses it.
    public mutating func send(
        _ message: EchoMessage, checksum: UInt16, hopLimit: UInt8? = nil, over route: Route,
        at instant: MonotonicInstant
    ) -> Bool {
        precondition(hopLimit != 0, "a hop limit of 0 never leaves this host")
        let packet = SimulatedPacket(
            kind: message.kind,
            flow: UInt32(message.kind.type(in: paths[route.index].target.family)) << 24
                | UInt32(checksum))
        let path = paths[route.index].resolved(for: packet)
        if path.unsendable.contains(instant) || generator.chance(path.sendFailure) {
            states[route.index].tally.refused += 1
            return false
        }
        let byteCount = EchoMessage.headerByteCount + message.payloadByteCount
        if let limit = path.sizes.limit(ofLink: 1), path.packetByteCount(byteCount) > limit {
            states[route.index].tally.refused += 1
            return false
        }
        states[route.index].tally.sent += 1
        message.encode(family: path.target.family, checksum: checksum, into: &outgoing)
        if path.target.family == .v6 {
            ICMPBytes.fillChecksumV6(&outgoing, from: path.source, to: path.target)
        }
        if !path.sessionBreaks.isEmpty,
            isSessionStale(message.identifier, path: path, route: route, at: instant)
        {
            states[route.index].tally.filtered += 1
            return true
        }
        travelOut(message.kind, hopLimit: hopLimit ?? 64, path: path, route: route, at: instant)
        if generator.chance(path.outward.duplication) {
            travelOut(message.kind, hopLimit: hopLimit ?? 64, path: path, route: route, at: instant)
        }
        return true
    }

    /// Sends a UDP datagram from the route's source to its target, where no port is open.
    ///
    /// - Returns: false when this host's kernel refuses it.
    public mutating func send(
        datagramFrom sourcePort: UInt16, to destinationPort: UInt16, checksum: UInt16,
        payloadByteCount: Int, hopLimit: UInt8, over route: Route, at instant: MonotonicInstant
    ) -> Bool {
        precondition(hopLimit != 0, "a hop limit of 0 never leaves this host")
        let packet = SimulatedPacket(
            kind: nil, flow: UInt32(sourcePort) << 16 | UInt32(destinationPort))
        let path = paths[route.index].resolved(for: packet)
        if path.unsendable.contains(instant) || generator.chance(path.sendFailure) {
            states[route.index].tally.refused += 1
            return false
        }
        states[route.index].tally.sent += 1
        outgoing.removeAll(keepingCapacity: true)
        outgoing.append(bigEndian: sourcePort)
        outgoing.append(bigEndian: destinationPort)
        outgoing.append(bigEndian: UInt16(8 + payloadByteCount))
        outgoing.append(bigEndian: checksum)
        outgoing += NumberedDatagram.payload(
            byteCount: payloadByteCount, checksum: checksum, from: path.source, port: sourcePort,
            to: path.target, port: destinationPort)
        travelOut(nil, hopLimit: hopLimit, path: path, route: route, at: instant)
        return true
    }

    /// Makes a message arrive that nobody's probe brought about.
    public mutating func inject(
        _ bytes: [UInt8], from source: IPAddress, over route: Route, at instant: MonotonicInstant
    ) {
        states[route.index].tally.forged += 1
        arrive(bytes, from: source, route: route, at: instant)
    }

    // MARK: - The way out

    private mutating func travelOut(
        _ kind: EchoMessage.Kind?, hopLimit: UInt8, path: SimulatedPath, route: Route,
        at instant: MonotonicInstant
    ) {
        let reach = min(Int(hopLimit), path.routers.count + 1)
        let lossLink = lossLink(path.outward, path: path)
        guard !path.outages.contains(instant) else {
            states[route.index].tally.lost += 1
            return
        }
        let extra = extraDelay(path.outward)
        let byteCount = path.packetByteCount(outgoing.count)
        if let forgery = path.forgedTooBig, byteCount >= forgery.leastByteCount {
            forge(forgery, kind, path: path, route: route, at: instant)
        }
        for distance in 1...reach {
            if let limit = path.sizes.limit(ofLink: distance), byteCount > limit {
                let here = instant + share(path.outward.delay, of: distance - 1, path: path) + extra
                return drop(
                    kind, tooLargeFor: limit, at: distance - 1, path: path, route: route, now: here)
            }
            guard distance != lossLink else {
                states[route.index].tally.lost += 1
                return
            }
            guard distance <= path.routers.count else { break }
            let router = path.routers[distance - 1]
            let isExpired = distance == Int(hopLimit)
            if kind == nil, router.dropsDatagrams {
                states[route.index].tally.filtered += 1
                return
            }
            guard isExpired || !router.filters.isEmpty else { continue }
            let here = instant + share(path.outward.delay, of: distance, path: path) + extra
            if let filter = router.filter(kind, .beforeHopLimit, .outward) {
                return refuse(filter, kind, at: distance, path: path, route: route, now: here)
            }
            if isExpired {
                let type: UInt8 = path.target.family == .v4 ? 11 : 3
                return report(
                    type: type, code: 0, kind, from: distance, path: path, route: route, at: here)
            }
            if let filter = router.filter(kind, .afterHopLimit, .outward) {
                return refuse(filter, kind, at: distance, path: path, route: route, now: here)
            }
        }
        states[route.index].tally.reachedTarget += 1
        let there = instant + path.outward.delay + extra
        if kind == nil, path.targetBehavior != .silent {
            // Port Unreachable.
            let isV4 = path.target.family == .v4
            return report(
                type: isV4 ? 3 : 1, code: isV4 ? 3 : 4, kind, from: path.routers.count + 1,
                path: path, route: route, at: there)
        }
        guard kind == .request else { return }
        switch path.targetBehavior {
        case .silent: break
        case .answers: answer(path: path, route: route, at: there)
        case .unreachable(let code):
            let type: UInt8 = path.target.family == .v4 ? 3 : 1
            report(
                type: type, code: code, kind, from: path.routers.count + 1, path: path,
                route: route, at: there)
        }
    }

    /// Drops a packet that the link behind the router at `distance` does not take.
    private mutating func drop(
        _ kind: EchoMessage.Kind?, tooLargeFor limit: Int, at distance: Int, path: SimulatedPath,
        route: Route, now: MonotonicInstant
    ) {
        states[route.index].tally.tooLarge += 1
        guard distance > 0 else { return }
        let mtu: Int
        switch path.routers[distance - 1].packetTooBig {
        case .filtered: return
        case .exact: mtu = limit
        case .unnamed: mtu = 0
        case .claims(let claim): mtu = claim
        }
        let isV4 = path.target.family == .v4
        report(
            type: isV4 ? 3 : 2, code: isV4 ? 4 : 0, kind, from: distance, mtu: UInt32(mtu),
            path: path, route: route, at: now)
    }

    private mutating func forge(
        _ forgery: SimulatedForgery, _ kind: EchoMessage.Kind?, path: SimulatedPath, route: Route,
        at instant: MonotonicInstant
    ) {
        let isV4 = path.target.family == .v4
        let elsewhere: IPAddress = isV4 ? .v4(0xc000_02ff) : .v6(0xff)
        let bytes = ICMPBytes.error(
            type: isV4 ? 3 : 2, code: isV4 ? 4 : 0, from: forgery.sender, to: path.source,
            quoting: outgoing, to: forgery.quotesTruly ? path.target : elsewhere, hopLimit: 1,
            quotedByteCount: 28, isDatagram: kind == nil, mtu: UInt32(forgery.mtu))
        inject(bytes, from: forgery.sender, over: route, at: instant + .milliseconds(1))
    }

    private mutating func refuse(
        _ filter: SimulatedRouter.Filter, _ kind: EchoMessage.Kind?, at distance: Int,
        path: SimulatedPath, route: Route, now: MonotonicInstant
    ) {
        states[route.index].tally.filtered += 1
        guard case .prohibit(let code) = filter.verdict else { return }
        let type: UInt8 = path.target.family == .v4 ? 3 : 1
        report(type: type, code: code, kind, from: distance, path: path, route: route, at: now)
    }

    /// Sends an ICMP error about `outgoing` from `distance` hops away; the target counts as one.
    private mutating func report(
        type: UInt8, code: UInt8, _ kind: EchoMessage.Kind?, from distance: Int, mtu: UInt32 = 0,
        path: SimulatedPath, route: Route, at instant: MonotonicInstant
    ) {
        let reporter =
            distance <= path.routers.count
            ? path.routers[distance - 1] : SimulatedRouter(path.target)
        guard !reporter.isSilent, mayReport(reporter) else { return }
        if let limit = reporter.errorLimit {
            let key = Bucket(router: reporter.address, peer: path.source)
            var bucket = buckets[key] ?? ErrorBucket(limit: limit, at: instant)
            let isAllowed = bucket.allow(limit, at: instant)
            buckets[key] = bucket
            guard isAllowed else {
                states[route.index].tally.suppressedErrors += 1
                return
            }
        }
        var sender = path.source
        if let translation = path.translation, distance > translation.distance {
            // Sent to a source that is unknown out there.
            if kind == .reply { return }
            if !translation.restoresQuotes { sender = translation.external }
        }
        if path.dropsErrorsInward {
            states[route.index].tally.filtered += 1
            return
        }
        let bytes = ICMPBytes.error(
            type: type, code: code, from: reporter.address, to: path.source, quoting: outgoing,
            sentBy: sender, to: path.target, hopLimit: 1,
            quotedByteCount: reporter.quotedByteCount, isDatagram: kind == nil, mtu: mtu)
        travelBack(
            bytes, kind: nil, from: reporter.address, distance: distance, path: path, route: route,
            at: instant)
    }

    private mutating func mayReport(_ router: SimulatedRouter) -> Bool {
        if router.answersEvery > 1 {
            let count = errorsDue[router.address] ?? 0
            errorsDue[router.address] = count + 1
            if count % router.answersEvery != 0 { return false }
        }
        return router.answerShare >= 1 || generator.chance(router.answerShare)
    }

    // MARK: - The way back

    private mutating func answer(
        path: SimulatedPath, route: Route, at instant: MonotonicInstant
    ) {
        guard
            path.sizes.returns(
                path.packetByteCount(outgoing.count), from: path.routers.count + 1)
        else {
            states[route.index].tally.tooLarge += 1
            return
        }
        var reply = outgoing
        ICMPBytes.turnIntoReply(&reply, family: path.target.family)
        if !path.forgeries.isNone { forge(reply, path: path, route: route, at: instant) }
        travelBack(
            reply, kind: .reply, from: path.target, distance: path.routers.count + 1, path: path,
            route: route, at: instant)
    }

    private mutating func travelBack(
        _ bytes: [UInt8], kind: EchoMessage.Kind?, from source: IPAddress, distance: Int,
        path: SimulatedPath, route: Route, at instant: MonotonicInstant
    ) {
        if let kind {
            for router in path.routers.reversed() where !router.filters.isEmpty {
                // The hop limit of an answer lasts; a filter's notice about it goes to the target.
                guard
                    router.filter(kind, .beforeHopLimit, .inward) == nil,
                    router.filter(kind, .afterHopLimit, .inward) == nil
                else {
                    states[route.index].tally.filtered += 1
                    return
                }
            }
        }
        let copies = generator.chance(path.inward.duplication) ? 2 : 1
        for _ in 0..<copies {
            let lossLink = lossLink(path.inward, path: path)
            guard lossLink == 0 || lossLink > distance, !path.outages.contains(instant) else {
                states[route.index].tally.lost += 1
                continue
            }
            if kind == nil {
                states[route.index].tally.errors += 1
            } else {
                states[route.index].tally.replies += 1
            }
            let back =
                share(path.inward.delay, of: distance, path: path) + extraDelay(path.inward)
            arrive(bytes, from: source, route: route, at: instant + back)
        }
    }

    private mutating func forge(
        _ reply: [UInt8], path: SimulatedPath, route: Route, at instant: MonotonicInstant
    ) {
        let arrival = instant + path.inward.delay
        let family = path.target.family
        if generator.chance(path.forgeries.wrongSource) {
            let stranger: IPAddress =
                switch path.target {
                case .v4(let bits): .v4(bits ^ 0x80)
                case .v6(let bits): .v6(bits ^ 0x80)
                }
            inject(reply, from: stranger, over: route, at: arrival)
        }
        if generator.chance(path.forgeries.changedPayload) {
            var bytes = reply
            let offset = 8 + 2 * Int(generator.below(Int64((reply.count - 8) / 2)))
            let word = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            let changed = word ^ 1 << UInt16(generator.below(16))
            ICMPBytes.replaceWord(&bytes, at: offset, with: changed)
            inject(bytes, from: path.target, over: route, at: arrival)
        }
        if generator.chance(path.forgeries.unknownSequence) {
            var bytes = reply
            let sequence = UInt16(bytes[6]) << 8 | UInt16(bytes[7])
            ICMPBytes.replaceWord(&bytes, at: 6, with: sequence &+ 0x8000)
            inject(bytes, from: path.target, over: route, at: arrival)
        }
        if generator.chance(path.forgeries.wrongQuote) {
            let elsewhere: IPAddress = family == .v4 ? .v4(0xc000_02ff) : .v6(0xff)
            let bytes = ICMPBytes.error(
                type: family == .v4 ? 3 : 1, code: 1, from: path.target, to: path.source,
                quoting: outgoing, to: elsewhere, hopLimit: 1, quotedByteCount: 8)
            inject(bytes, from: path.target, over: route, at: arrival)
        }
        if family == .v4, generator.chance(path.forgeries.corruption) {
            var bytes = reply
            bytes[4 + Int(generator.below(Int64(bytes.count - 4)))] ^= 1 << generator.below(8)
            inject(bytes, from: path.target, over: route, at: arrival)
        }
    }

    // MARK: - Chance and time

    private mutating func isSessionStale(
        _ identifier: UInt16, path: SimulatedPath, route: Route, at instant: MonotonicInstant
    ) -> Bool {
        let since = states[route.index].sessions[identifier] ?? instant
        states[route.index].sessions[identifier] = since
        return path.sessionBreaks.contains { since < $0 && $0 <= instant }
    }

    /// The link, counted from this host, where a message is lost; 0 when it is not.
    private mutating func lossLink(_ links: SimulatedLinks, path: SimulatedPath) -> Int {
        guard generator.chance(links.loss) else { return 0 }
        return 1 + Int(generator.below(Int64(path.routers.count + 1)))
    }

    private mutating func extraDelay(_ links: SimulatedLinks) -> Duration {
        let jitter = links.jitter.nanoseconds
        var extra = jitter > 0 ? generator.below(jitter + 1) : 0
        if generator.chance(links.holding) { extra += links.holdingTime.nanoseconds }
        return .nanoseconds(extra)
    }

    private func share(_ delay: Duration, of distance: Int, path: SimulatedPath) -> Duration {
        let links = path.routers.count + 1
        guard distance < links else { return delay }
        return .nanoseconds(delay.nanoseconds * Int64(distance) / Int64(links))
    }

    private mutating func arrive(
        _ bytes: [UInt8], from source: IPAddress, route: Route, at instant: MonotonicInstant
    ) {
        // Before the first that does not arrive later: of two at one instant the older goes first.
        var index = 0
        var end = arrivals.count
        while index < end {
            let middle = (index + end) / 2
            if arrivals[middle].at > instant { index = middle + 1 } else { end = middle }
        }
        let arrival = Arrival(
            at: instant, route: route, source: source, destination: paths[route.index].source,
            bytes: bytes)
        arrivals.insert(arrival, at: index)
    }
}

extension SimulatedRouter {
    func filter(
        _ kind: EchoMessage.Kind?, _ place: Filter.Place, _ direction: Filter.Direction
    ) -> Filter? {
        filters.first { $0.kind == kind && $0.place == place && $0.direction == direction }
    }
}
