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
        case sendFailed(tunnel: String, ProbeRole, reason: String)
        case sendRecovered(tunnel: String, ProbeRole)
    }

    /// A probe that leaves later than this after its deadline is counted as late, and so is one that
    /// was skipped because the next was due by then.
    static let lateness = Duration.milliseconds(10)

    private(set) var monitors: [Int: TunnelMonitor] = [:]
    /// The monitors of a tunnel by its name: at most one continuous one, and its examinations.
    private var ids: [String: [Int]] = [:]
    private(set) var lateProbes: UInt64 = 0
    /// ICMP messages that are not well-formed; they belong to no tunnel.
    private(set) var malformedMessages: UInt64 = 0
    /// ICMP messages cut short by the receive buffer.
    private(set) var truncatedMessages: UInt64 = 0

    private var identifiers: EchoIdentifierPool
    private var pacer = HopPacer()
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

    init(generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        identifiers = EchoIdentifierPool(generator: generator)
    }

    // MARK: - Which tunnels

    /// Makes the continuously observed tunnels those of `plans`.
    ///
    /// A tunnel of the same name goes on with its totals and its state, as long as it is the same
    /// tunnel: one that leads to another endpoint starts afresh.
    mutating func configure(_ plans: [TunnelPlan], now: MonotonicInstant) {
        var kept: Set<Int> = []
        for plan in plans {
            if let id = continuousMonitor(named: plan.name),
                monitors[id]?.plan.configuration.remote == plan.configuration.remote
            {
                kept.insert(id)
                guard monitors[id]?.plan != plan else { continue }
                monitors[id]?.adopt(plan, now: now, identifiers: &identifiers)
                for role in ProbeRole.all { reschedule(id, role) }
            } else {
                kept.insert(add(plan, mode: .continuous, now: now))
            }
        }
        for (id, monitor) in monitors where monitor.mode == .continuous && !kept.contains(id) {
            remove(id)
        }
    }

    /// Starts one diagnosis on demand and returns the monitors that carry it out.
    mutating func startExamination(_ plans: [TunnelPlan], now: MonotonicInstant) -> [Int] {
        plans.map { add($0, mode: .examination, now: now) }
    }

    /// Ends an examination and gives back its monitors in the order of `ids`.
    mutating func endExamination(_ ids: [Int]) -> [TunnelMonitor] {
        ids.compactMap { id in
            monitors[id]?.conclude()
            let monitor = monitors[id]
            remove(id)
            return monitor
        }
    }

    /// The continuously observed tunnels in order of their creation.
    var continuous: [TunnelMonitor] {
        monitors.values.filter { $0.mode == .continuous }.sorted { $0.id < $1.id }
    }

    /// The routes of all tunnels under observation, examinations included.
    var routes: [ProbeRoute] { monitors.values.flatMap { $0.plan.roles.compactMap(\.route) } }

    /// Notes whether the kernel sees traffic arriving through a tunnel.
    mutating func noteInboundTraffic(_ isFlowing: Bool?, tunnel: String) {
        for id in ids[tunnel] ?? [] { monitors[id]?.hasInboundTraffic = isFlowing }
    }

    /// Takes the events since the last call.
    mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    private func continuousMonitor(named name: String) -> Int? {
        ids[name]?.first { monitors[$0]?.mode == .continuous }
    }

    private mutating func add(
        _ plan: TunnelPlan, mode: TunnelMonitor.Mode, now: MonotonicInstant
    ) -> Int {
        let id = nextMonitor
        nextMonitor += 1
        monitors[id] = TunnelMonitor(
            id: id, mode: mode, plan: plan, now: now, identifiers: &identifiers)
        ids[plan.name, default: []].append(id)
        for role in ProbeRole.all { reschedule(id, role) }
        return id
    }

    private mutating func remove(_ id: Int) {
        guard let monitor = monitors.removeValue(forKey: id) else { return }
        ids[monitor.plan.name]?.removeAll { $0 == id }
        if ids[monitor.plan.name]?.isEmpty == true { ids[monitor.plan.name] = nil }
        for role in ProbeRole.all {
            let owner = TunnelMonitor.owner(of: id, role)
            identifiers.releaseAll(of: owner)
            scheduled[owner] = nil
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
            let (id, role) = Self.place(of: due.owner)
            guard monitors[id] != nil else { continue }
            actions.removeAll(keepingCapacity: true)
            switch role.style {
            case .request:
                let before = monitors[id]?.requests[role.path.index].skippedSlots ?? 0
                monitors[id]?.requests[role.path.index].advance(
                    to: now, identifiers: &identifiers, into: &actions)
                lateProbes += (monitors[id]?.requests[role.path.index].skippedSlots ?? 0) - before
            case .reply:
                monitors[id]?.replies[role.path.index].advance(
                    to: now, identifiers: &identifiers, pacer: &pacer, into: &actions)
            }
            perform(id, role, now: now, transport: &transport)
            reschedule(id, role)
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
        // An array of its own: a walk over `keys` holds the dictionary, so that the first change
        // would copy all monitors.
        for id in Array(monitors.keys) { monitors[id]?.advanceFlaps(to: now) }
    }

    private mutating func reschedule(_ id: Int, _ role: ProbeRole) {
        let owner = TunnelMonitor.owner(of: id, role)
        let next = monitors[id]?.deadline(of: role)
        guard scheduled[owner] != next else { return }
        scheduled[owner] = next
        if let next { schedule.insert(Due(at: next, owner: owner)) }
    }

    private static func place(of owner: Int) -> (id: Int, role: ProbeRole) {
        let (id, role) = owner.quotientAndRemainder(dividingBy: ProbeRole.all.count)
        return (id, ProbeRole.all[role])
    }

    // MARK: - Actions

    private mutating func perform(
        _ id: Int, _ role: ProbeRole, now: MonotonicInstant, transport: inout some ProbeTransport
    ) {
        // Sending can append further actions, so the array grows while it is walked.
        var index = 0
        while index < actions.count {
            if case .send(let transmission) = actions[index] {
                send(transmission, id, role, now: now, transport: &transport)
            } else {
                settle(actions[index], id, role, now: now)
            }
            index += 1
        }
    }

    private mutating func settle(
        _ action: ProbeAction, _ id: Int, _ role: ProbeRole, now: MonotonicInstant
    ) {
        switch action {
        case .send: preconditionFailure("only time makes a prober send")
        case .sample(let sample): note(sample, id, role, now: now)
        case .resolved(let outcome): monitors[id]?.noteOutcome(outcome, of: role)
        }
    }

    private mutating func send(
        _ transmission: EchoTransmission, _ id: Int, _ role: ProbeRole, now: MonotonicInstant,
        transport: inout some ProbeTransport
    ) {
        guard let route = monitors[id]?.plan.roles[role.index].route else { return }
        if now - transmission.deadline > Self.lateness { lateProbes += 1 }
        guard let destination = route.destination else {
            fail(transmission, id, role, .resolve, "its name has no address", now: now)
            return
        }
        transmission.message.encode(
            family: route.family, checksum: transmission.checksum, into: &message)
        let tag = ProbeTag(
            owner: TunnelMonitor.owner(of: id, role), number: transmission.number)
        let result = transport.send(
            message, to: destination, by: route, hopLimit: transmission.hopLimit, tag: tag)
        switch result {
        case .sent(let instant):
            switch role.style {
            case .request:
                monitors[id]?.requests[role.path.index].sent(transmission.number, at: instant)
            case .reply:
                monitors[id]?.replies[role.path.index].sent(transmission.number, at: instant)
            }
            noteSend(nil, id, role)
        case .failed(let reason):
            fail(transmission, id, role, .send, reason, now: now)
        }
    }

    private mutating func fail(
        _ transmission: EchoTransmission, _ id: Int, _ role: ProbeRole,
        _ kind: ProbeCounts.FailureReason, _ reason: String, now: MonotonicInstant
    ) {
        switch role.style {
        case .request:
            monitors[id]?.requests[role.path.index].failedToSend(
                transmission.number, reason: kind, at: now, identifiers: &identifiers,
                into: &actions)
        case .reply:
            monitors[id]?.replies[role.path.index].failedToSend(
                transmission.number, reason: kind)
        }
        noteSend(reason, id, role)
    }

    private mutating func noteSend(_ failure: String?, _ id: Int, _ role: ProbeRole) {
        guard monitors[id]?.sendFailures[role] != failure else { return }
        monitors[id]?.noteSend(role, failure: failure)
        guard monitors[id]?.mode == .continuous, let name = monitors[id]?.plan.name else { return }
        if let failure {
            events.append(.sendFailed(tunnel: name, role, reason: failure))
        } else {
            events.append(.sendRecovered(tunnel: name, role))
        }
    }

    private mutating func note(
        _ sample: ProbeSample, _ id: Int, _ role: ProbeRole, now: MonotonicInstant
    ) {
        guard monitors[id]?.plan.stateRole == role,
            let transition = monitors[id]?.note(sample, now: now),
            monitors[id]?.mode == .continuous, let name = monitors[id]?.plan.name
        else { return }
        events.append(
            .stateChanged(
                tunnel: name, transition, reason: monitors[id]?.sendFailures[role]))
    }

    // MARK: - What comes in

    /// Notes the kernel's transmit stamp of a probe.
    mutating func transmitted(_ tag: ProbeTag, at instant: MonotonicInstant) {
        let (id, role) = Self.place(of: tag.owner)
        switch role.style {
        case .request:
            monitors[id]?.requests[role.path.index].transmitted(tag.number, at: instant)
        case .reply:
            monitors[id]?.replies[role.path.index].transmitted(tag.number, at: instant)
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
        }
        guard let owner = identifiers.owner(of: identifier) else { return }
        let (id, role) = Self.place(of: owner)
        guard let route = monitors[id]?.plan.roles[role.index].route,
            ProbeChannel(route) == arrival.channel
        else { return }
        actions.removeAll(keepingCapacity: true)
        switch message {
        case .echo(let echo):
            guard echo.kind == .reply else { return }
            receive(echo, id, role, isFromTarget: arrival.source == route.destination, arrival)
        case .error(let error):
            receive(
                error, id, role, isAboutTarget: error.quote.destination == route.destination,
                arrival, now: now)
        }
        // What arrives is judged at once; what it calls for is sent when `advance` finds it due.
        for action in actions { settle(action, id, role, now: now) }
        reschedule(id, role)
    }

    private mutating func receive(
        _ echo: EchoMessage, _ id: Int, _ role: ProbeRole, isFromTarget: Bool,
        _ arrival: ProbeArrival
    ) {
        switch role.style {
        case .request:
            monitors[id]?.requests[role.path.index].receive(
                echo, isFromTarget: isFromTarget, at: arrival.at, isStamped: arrival.isStamped,
                into: &actions)
        case .reply:
            monitors[id]?.replies[role.path.index].receive(echo, isFromTarget: isFromTarget)
        }
    }

    private mutating func receive(
        _ error: ICMPError, _ id: Int, _ role: ProbeRole, isAboutTarget: Bool,
        _ arrival: ProbeArrival, now: MonotonicInstant
    ) {
        switch role.style {
        case .request:
            monitors[id]?.requests[role.path.index].receive(
                error, isAboutTarget: isAboutTarget, at: now, identifiers: &identifiers,
                into: &actions)
        case .reply:
            monitors[id]?.replies[role.path.index].receive(
                error, from: arrival.source, isAboutTarget: isAboutTarget, at: arrival.at,
                isStamped: arrival.isStamped)
        }
    }
}
