import Configuration
import EchoProbing
import HeapModule
import NetworkPrimitives
import PacketFormats
import TunnelHealth

/// All tunnels under observation, on one schedule.
///
/// A value like the engines it holds: time is passed in, packets go out through a
/// `ProbeTransport`, so a day of probing runs in a test in seconds. The probe loop owns the live one.
struct MonitorSet: Sendable {
    /// Something to tell the operator.
    enum Event: Sendable {
        case stateChanged(tunnel: String, HealthStateMachine.Transition, reason: String?)
        /// A probe was lost, no retry; by the time it was sent.
        case probeLost(tunnel: String, ProbePath, at: MonotonicInstant)
        case sendFailed(tunnel: String, ProbeRole, reason: String)
        case sendRecovered(tunnel: String, ProbeRole)
    }

    /// A probe that leaves later than this after its deadline is counted as late, and so is one that
    /// was skipped because the next was due by then.
    static let lateness = Duration.milliseconds(10)

    /// In order of creation, which is the order of their ids.
    ///
    /// An array, whose elements are read and changed where they stand: a dictionary copies the
    /// whole monitor for each look at it.
    private(set) var monitors: [TunnelMonitor] = []
    /// The place of each monitor in `monitors`, by its id.
    private var places: [Int: Int] = [:]
    /// The ids of a tunnel's monitors by its name: at most one continuous one, and examinations.
    private var ids: [String: [Int]] = [:]
    private(set) var lateProbes: UInt64 = 0
    /// ICMP messages that are not well-formed; they belong to no tunnel.
    private(set) var malformedMessages: UInt64 = 0
    /// ICMP messages cut short by the receive buffer.
    private(set) var truncatedMessages: UInt64 = 0

    private var identifiers: EchoIdentifierPool
    private let pacer: SharedHopPacer
    private var schedule = Heap<Due>()
    private var scheduled: [Int: MonotonicInstant] = [:]
    private var nextMonitor = 0
    private var events: [Event] = []
    private var actions: [ProbeAction] = []
    private var message: [UInt8] = []

    private struct Due: Comparable {
        var at: MonotonicInstant
        var owner: Int

        static func < (left: Due, right: Due) -> Bool {
            (left.at, left.owner) < (right.at, right.owner)
        }
    }

    /// Makes an empty set that shares `pacer` with whoever else sends hop-limited packets.
    init(
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        pacer: SharedHopPacer = SharedHopPacer()
    ) {
        identifiers = EchoIdentifierPool(generator: generator)
        self.pacer = pacer
    }

    // MARK: - Which tunnels

    /// Makes the continuously observed tunnels those of `plans`.
    ///
    /// A tunnel of the same name goes on with its totals and its state, as long as it is the same
    /// tunnel: one that leads to another endpoint starts afresh.
    mutating func configure(_ plans: [TunnelPlan], now: MonotonicInstant) {
        var kept: Set<Int> = []
        for plan in plans {
            if let place = continuousMonitor(named: plan.name),
                monitors[place].plan.configuration.remote == plan.configuration.remote
            {
                kept.insert(monitors[place].id)
                guard monitors[place].plan != plan else { continue }
                let transition = monitors[place].adopt(plan, now: now, identifiers: &identifiers)
                if let transition {
                    events.append(
                        .stateChanged(
                            tunnel: plan.name, transition, reason: monitors[place].stateReason))
                }
                for role in ProbeRole.all { reschedule(place, role) }
            } else {
                kept.insert(add(plan, mode: .continuous, now: now))
            }
        }
        remove { $0.mode == .continuous && !kept.contains($0.id) }
    }

    /// Starts one diagnosis on demand and returns the monitors that carry it out.
    mutating func startExamination(_ plans: [TunnelPlan], now: MonotonicInstant) -> [Int] {
        plans.map { plan in
            let known = continuousMonitor(named: plan.name).flatMap {
                monitors[$0].hasInboundTraffic
            }
            let id = add(plan, mode: .examination, now: now)
            if let place = places[id] { monitors[place].hasInboundTraffic = known }
            return id
        }
    }

    /// Ends an examination and gives back its monitors in the order of `ids`.
    mutating func endExamination(_ ids: [Int]) -> [TunnelMonitor] {
        for id in ids {
            if let place = places[id] { monitors[place].conclude() }
        }
        let ended = ids.compactMap { monitor($0) }
        let endedIDs = Set(ids)
        remove { endedIDs.contains($0.id) }
        return ended
    }

    /// The monitor with this id; nil once it is gone.
    func monitor(_ id: Int) -> TunnelMonitor? { places[id].map { monitors[$0] } }

    /// The continuously observed tunnels in order of their creation.
    var continuous: [TunnelMonitor] { monitors.filter { $0.mode == .continuous } }

    /// The routes of all tunnels under observation, examinations included.
    var routes: [ProbeRoute] { monitors.flatMap { $0.plan.roles.compactMap(\.route) } }

    /// Notes whether the kernel sees traffic arriving through a tunnel.
    mutating func noteInboundTraffic(_ isFlowing: Bool?, tunnel: String) {
        for id in ids[tunnel] ?? [] {
            if let place = places[id] { monitors[place].hasInboundTraffic = isFlowing }
        }
    }

    /// Takes the events since the last call.
    mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// The place of the continuous monitor of that name.
    private func continuousMonitor(named name: String) -> Int? {
        ids[name]?.lazy.compactMap { places[$0] }.first { monitors[$0].mode == .continuous }
    }

    private mutating func add(
        _ plan: TunnelPlan, mode: TunnelMonitor.Mode, now: MonotonicInstant
    ) -> Int {
        let id = nextMonitor
        nextMonitor += 1
        let place = monitors.count
        monitors.append(
            TunnelMonitor(id: id, mode: mode, plan: plan, now: now, identifiers: &identifiers))
        places[id] = place
        ids[plan.name, default: []].append(id)
        for role in ProbeRole.all { reschedule(place, role) }
        return id
    }

    private mutating func remove(where isGone: (TunnelMonitor) -> Bool) {
        let gone = monitors.filter(isGone)
        guard !gone.isEmpty else { return }
        monitors.removeAll(where: isGone)
        places = Dictionary(
            uniqueKeysWithValues: monitors.enumerated().map { ($0.element.id, $0.offset) })
        for monitor in gone {
            let others = ids[monitor.plan.name]?.filter { $0 != monitor.id } ?? []
            ids[monitor.plan.name] = others.isEmpty ? nil : others
            for role in ProbeRole.all {
                let owner = TunnelMonitor.owner(of: monitor.id, role)
                identifiers.releaseAll(of: owner)
                scheduled[owner] = nil
            }
        }
    }

    // MARK: - Time

    /// When `advance` next has something to do.
    var deadline: MonotonicInstant? { schedule.min?.at }

    /// Does everything that is due at `now`.
    mutating func advance(to now: MonotonicInstant, transport: inout some ProbeTransport) {
        while let due = nextDue(), due.at <= now {
            _ = schedule.popMin()
            scheduled[due.owner] = nil
            guard let (place, role) = place(of: due.owner) else { continue }
            actions.removeAll(keepingCapacity: true)
            switch role.style {
            case .request:
                let before = monitors[place].requests[role.path.index].skippedSlots
                monitors[place].requests[role.path.index].advance(
                    to: now, identifiers: &identifiers, into: &actions)
                lateProbes += monitors[place].requests[role.path.index].skippedSlots - before
            case .reply:
                pacer.withLock {
                    monitors[place].replies[role.path.index].advance(
                        to: now, identifiers: &identifiers, pacer: &$0, into: &actions)
                }
            }
            perform(place, role, now: now, transport: &transport)
            reschedule(place, role)
        }
    }

    /// The earliest entry of the schedule that holds, after dropping those before it that do not: one
    /// that no longer matches was replaced, as the silence of a probe by its answer.
    ///
    /// `advance` leaves the schedule like that, so that nobody is woken for nothing.
    private mutating func nextDue() -> Due? {
        while let due = schedule.min, scheduled[due.owner] != due.at { _ = schedule.popMin() }
        return schedule.min
    }

    /// Closes flap checks; to be called about once a second.
    mutating func advanceFlaps(to now: MonotonicInstant) {
        for place in monitors.indices { monitors[place].advanceFlaps(to: now) }
    }

    private mutating func reschedule(_ place: Int, _ role: ProbeRole) {
        let owner = TunnelMonitor.owner(of: monitors[place].id, role)
        let next = monitors[place].deadline(of: role)
        guard scheduled[owner] != next else { return }
        scheduled[owner] = next
        if let next { schedule.insert(Due(at: next, owner: owner)) }
    }

    /// The place of the monitor that a prober belongs to, and its role there; nil once it is gone.
    private func place(of owner: Int) -> (place: Int, role: ProbeRole)? {
        let (id, role) = owner.quotientAndRemainder(dividingBy: ProbeRole.all.count)
        return places[id].map { ($0, ProbeRole.all[role]) }
    }

    // MARK: - Actions

    private mutating func perform(
        _ place: Int, _ role: ProbeRole, now: MonotonicInstant, transport: inout some ProbeTransport
    ) {
        // Sending can append further actions, so the array grows while it is walked.
        var index = 0
        while index < actions.count {
            if case .send(let transmission) = actions[index] {
                send(transmission, place, role, now: now, transport: &transport)
            } else {
                settle(actions[index], place, role, now: now)
            }
            index += 1
        }
    }

    private mutating func settle(
        _ action: ProbeAction, _ place: Int, _ role: ProbeRole, now: MonotonicInstant
    ) {
        switch action {
        case .send: preconditionFailure("only time makes a prober send")
        case .sample(let sample): note(sample, place, role, now: now)
        case .resolved(let outcome):
            monitors[place].noteOutcome(outcome, of: role)
            noteLoss(outcome, place, role)
        }
    }

    private mutating func send(
        _ transmission: EchoTransmission, _ place: Int, _ role: ProbeRole, now: MonotonicInstant,
        transport: inout some ProbeTransport
    ) {
        guard let route = monitors[place].plan.roles[role.index].route else { return }
        if now - transmission.deadline > Self.lateness { lateProbes += 1 }
        guard let destination = route.destination else {
            fail(transmission, place, role, .resolve, "its name has no address", now: now)
            return
        }
        transmission.message.encode(
            family: route.family, checksum: transmission.checksum, into: &message)
        let tag = ProbeTag(
            owner: TunnelMonitor.owner(of: monitors[place].id, role),
            number: transmission.number)
        let result = transport.send(
            message, to: destination, by: route, hopLimit: transmission.hopLimit, tag: tag)
        switch result {
        case .sent(let instant):
            switch role.style {
            case .request:
                monitors[place].requests[role.path.index].sent(transmission.number, at: instant)
            case .reply:
                monitors[place].replies[role.path.index].sent(transmission.number, at: instant)
            }
            noteSend(nil, place, role)
        case .failed(let reason):
            fail(transmission, place, role, .send, reason, now: now)
        }
    }

    private mutating func fail(
        _ transmission: EchoTransmission, _ place: Int, _ role: ProbeRole,
        _ kind: ProbeCounts.FailureReason, _ reason: String, now: MonotonicInstant
    ) {
        switch role.style {
        case .request:
            monitors[place].requests[role.path.index].failedToSend(
                transmission.number, reason: kind, at: now, identifiers: &identifiers,
                into: &actions)
        case .reply:
            monitors[place].replies[role.path.index].failedToSend(
                transmission.number, reason: kind)
        }
        noteSend(reason, place, role)
    }

    private mutating func noteSend(_ failure: String?, _ place: Int, _ role: ProbeRole) {
        guard monitors[place].sendFailures[role] != failure else { return }
        monitors[place].noteSend(role, failure: failure)
        guard monitors[place].mode == .continuous else { return }
        let name = monitors[place].plan.name
        if let failure {
            events.append(.sendFailed(tunnel: name, role, reason: failure))
        } else {
            events.append(.sendRecovered(tunnel: name, role))
        }
    }

    private mutating func noteLoss(_ outcome: ProbeOutcome, _ place: Int, _ role: ProbeRole) {
        guard monitors[place].mode == .continuous, role.style == .request, !outcome.isRetry,
            outcome.result == .lost || outcome.result == .refused
        else { return }
        events.append(
            .probeLost(tunnel: monitors[place].plan.name, role.path, at: outcome.sentAt))
    }

    private mutating func note(
        _ sample: ProbeSample, _ place: Int, _ role: ProbeRole, now: MonotonicInstant
    ) {
        guard monitors[place].plan.stateRole == role,
            let transition = monitors[place].note(sample, now: now),
            monitors[place].mode == .continuous
        else { return }
        events.append(
            .stateChanged(
                tunnel: monitors[place].plan.name, transition,
                reason: monitors[place].sendFailures[role]))
    }

    // MARK: - What comes in

    /// Notes the kernel's transmit stamp of a probe.
    mutating func transmitted(_ tag: ProbeTag, at instant: MonotonicInstant) {
        guard let (place, role) = place(of: tag.owner) else { return }
        switch role.style {
        case .request:
            monitors[place].requests[role.path.index].transmitted(tag.number, at: instant)
        case .reply:
            monitors[place].replies[role.path.index].transmitted(tag.number, at: instant)
        }
    }

    /// Takes an ICMP message that arrived; whatever is not for a prober here is passed over.
    mutating func receive(
        _ bytes: RawSpan, _ arrival: ProbeArrival, now: MonotonicInstant
    ) {
        let message: ICMPMessage
        do throws(PacketError) {
            message = try ICMPMessage(
                parsing: bytes, family: arrival.channel.family, isTruncated: arrival.isTruncated)
        } catch {
            switch error {
            case .unsupported: break
            case .truncated: truncatedMessages += 1
            case .malformed: malformedMessages += 1
            }
            return
        }
        let identifier: UInt16
        switch message {
        case .echo(let echo): identifier = echo.identifier
        case .error(let error): identifier = error.quote.identifier
        // The monitors send none.
        case .datagramError: return
        }
        guard let owner = identifiers.owner(of: identifier) else { return }
        guard let (place, role) = place(of: owner),
            let route = monitors[place].plan.roles[role.index].route,
            ProbeChannel(route) == arrival.channel
        else { return }
        actions.removeAll(keepingCapacity: true)
        switch message {
        case .echo(let echo):
            guard echo.kind == .reply else { return }
            receive(echo, place, role, isFromTarget: arrival.source == route.destination, arrival)
        case .error(let error):
            receive(
                error, place, role, isAboutTarget: error.quote.destination == route.destination,
                arrival, now: now)
        case .datagramError: break
        }
        // What arrives is judged at once; what it calls for is sent when `advance` finds it due.
        for action in actions { settle(action, place, role, now: now) }
        reschedule(place, role)
    }

    private mutating func receive(
        _ echo: EchoMessage, _ place: Int, _ role: ProbeRole, isFromTarget: Bool,
        _ arrival: ProbeArrival
    ) {
        switch role.style {
        case .request:
            monitors[place].requests[role.path.index].receive(
                echo, isFromTarget: isFromTarget, at: arrival.at, isStamped: arrival.isStamped,
                into: &actions)
        case .reply:
            monitors[place].replies[role.path.index].receive(echo, isFromTarget: isFromTarget)
        }
    }

    private mutating func receive(
        _ error: ICMPError, _ place: Int, _ role: ProbeRole, isAboutTarget: Bool,
        _ arrival: ProbeArrival, now: MonotonicInstant
    ) {
        switch role.style {
        case .request:
            monitors[place].requests[role.path.index].receive(
                error, isAboutTarget: isAboutTarget, at: now, identifiers: &identifiers,
                into: &actions)
        case .reply:
            monitors[place].replies[role.path.index].receive(
                error, from: arrival.source, isAboutTarget: isAboutTarget, at: arrival.at,
                isStamped: arrival.isStamped)
        }
    }
}
