import Configuration
import EchoProbing
import KernelState
import NetworkPrimitives
import Rekeying
import TunnelHealth

/// One tunnel under observation: its four probers, its health state and its flap measures.
struct TunnelMonitor: Sendable {
    /// How long it is observed.
    enum Mode: Equatable, Sendable {
        /// Until it leaves the configuration, at the configured intervals.
        case continuous
        /// For one diagnosis on demand: a fixed number of probes, quickly.
        case examination
    }

    /// Probes of a request role in one examination, and the time between them: 10 in 2.7 s.
    static let examinationProbes = 10
    /// See `examinationProbes`.
    static let examinationInterval = Duration.milliseconds(300)
    /// Retries leave within this time after the silence that calls for them: their spacing, and a
    /// late wake-up.
    static let burstSlack =
        RequestProber.retrySpacing * RequestProber.retryCount + .milliseconds(40)
    /// Reply pairs at each hop in one examination.
    static let examinationPairs = 3
    /// How far reply pairs go on the underlay; in a tunnel the far end is the one hop.
    static let underlayHops: UInt8 = 3

    let id: Int
    let mode: Mode
    private(set) var plan: TunnelPlan
    /// One for each path, in the order of `ProbePath.allCases`.
    var requests: [RequestProber] = []
    /// One for each path, in the order of `ProbePath.allCases`.
    var replies: [ReplyPairProber] = []
    private(set) var health = HealthStateMachine()
    private(set) var flaps: FlapDetector
    private(set) var stateChanges: [StateChange: UInt64] = [:]
    private(set) var stateSince: MonotonicInstant
    private(set) var lastChangeAt: MonotonicInstant?
    /// Why the last send of a role failed; nil once one succeeds.
    private(set) var sendFailures: [ProbeRole: String] = [:]
    /// Outcomes for a verbose report; kept in an examination only.
    private(set) var outcomes: [ProbeRole: [ProbeOutcome]] = [:]
    /// The latest probes that the state comes from, for counts over the time of a rekey.
    private(set) var probeLog: ProbeLog
    /// What became of the latest probes of each path, in the order of `ProbePath.allCases`.
    private(set) var latest: [OutcomeLog]
    /// Whether the kernel sees traffic arriving through the tunnel; nil where it cannot say.
    var hasInboundTraffic: Bool?

    /// One kind of state change.
    struct StateChange: Hashable, Sendable {
        var from: TunnelState
        var to: TunnelState
    }

    init(
        id: Int, mode: Mode, plan: TunnelPlan, now: MonotonicInstant,
        identifiers: inout EchoIdentifierPool
    ) {
        self.id = id
        self.mode = mode
        self.plan = plan
        flaps = FlapDetector(start: now)
        stateSince = now
        probeLog = ProbeLog(capacity: Self.loggedProbes(of: plan))
        latest = ProbePath.allCases.map { _ in
            OutcomeLog(interval: plan.configuration.probing.interval)
        }
        health.thresholds.degradedMinimum = plan.configuration.probing.degradedMinimum
        for path in ProbePath.allCases {
            requests.append(requestProber(path, now: now, identifiers: &identifiers))
            replies.append(replyProber(path, now: now, identifiers: &identifiers))
        }
    }

    var state: TunnelState { health.state }

    /// Whether an examination has nothing left to send or wait for.
    var isFinished: Bool { ProbeRole.all.allSatisfy(isFinished) }

    /// Whether an examination has nothing left to send or wait for in one role.
    func isFinished(_ role: ProbeRole) -> Bool {
        switch role.style {
        case .request: requests[role.path.index].isFinished
        case .reply: replies[role.path.index].isFinished
        }
    }

    /// The share of an examination's probes that are sent, 0...1.
    var progress: Double {
        let sent = requests.map(\.scheduledShare) + replies.map(\.scheduledShare)
        return sent.reduce(0, +) / Double(sent.count)
    }

    static func owner(of id: Int, _ role: ProbeRole) -> Int {
        id * ProbeRole.all.count + role.index
    }

    func deadline(of role: ProbeRole) -> MonotonicInstant? {
        switch role.style {
        case .request: requests[role.path.index].deadline
        case .reply: replies[role.path.index].deadline
        }
    }

    /// Follows a new plan; probers whose route and settings stay the same go on undisturbed.
    ///
    /// Gives back the transition, if there is one: a tunnel that can no longer be probed is unknown.
    mutating func adopt(
        _ next: TunnelPlan, now: MonotonicInstant, identifiers: inout EchoIdentifierPool
    ) -> HealthStateMachine.Transition? {
        let previous = plan
        plan = next
        health.thresholds.degradedMinimum = next.configuration.probing.degradedMinimum
        for role in ProbeRole.all
        where previous.roles[role.index] != next.roles[role.index]
            || settings(of: role, in: previous) != settings(of: role, in: next)
        {
            restart(role, now: now, identifiers: &identifiers)
        }
        // Whether the old target ever answered says nothing about the new one.
        if previous.stateRole != next.stateRole
            || previous.stateDestination != next.stateDestination
        {
            health.forgetSamples()
        }
        guard next.roles[next.stateRole.index].route == nil,
            let transition = health.loseSight(at: now)
        else { return nil }
        count(transition, now: now)
        return transition
    }

    /// What a prober's schedule and messages depend on besides its route.
    private struct RoleSettings: Equatable {
        var interval: Duration
        var timeout: Duration
        var payloadByteCount: Int
    }

    private func settings(of role: ProbeRole, in plan: TunnelPlan) -> RoleSettings {
        let configuration = plan.configuration.probing
        let interval =
            role.style == .reply
            ? configuration.replyInterval
            : mode == .continuous
                ? configuration.interval : min(configuration.interval, Self.examinationInterval)
        return RoleSettings(
            interval: interval, timeout: configuration.timeout,
            payloadByteCount: configuration.payloadBytes)
    }

    private mutating func restart(
        _ role: ProbeRole, now: MonotonicInstant, identifiers: inout EchoIdentifierPool
    ) {
        identifiers.releaseAll(of: Self.owner(of: id, role))
        let index = role.path.index
        switch role.style {
        case .request:
            // What another target or route did says nothing of this one.
            latest[index] = OutcomeLog(interval: settings(of: role, in: plan).interval)
            var prober = requestProber(role.path, now: now, identifiers: &identifiers)
            prober.inherit(from: requests[index])
            requests[index] = prober
        case .reply:
            var prober = replyProber(role.path, now: now, identifiers: &identifiers)
            prober.inherit(from: replies[index])
            replies[index] = prober
        }
    }

    /// A prober for the plan as it stands; one that never sends where the plan has no route, so
    /// that every role has its totals.
    private func requestProber(
        _ path: ProbePath, now: MonotonicInstant, identifiers: inout EchoIdentifierPool
    ) -> RequestProber {
        let role = ProbeRole(path, .request)
        let settings = settings(of: role, in: plan)
        let route = plan.roles[role.index].route
        let owner = Self.owner(of: id, role)
        return RequestProber(
            settings: .init(
                family: route?.family ?? .v4, interval: settings.interval,
                timeout: settings.timeout, payloadByteCount: settings.payloadByteCount,
                limit: route == nil ? 0 : mode == .examination ? Self.examinationProbes : nil),
            owner: owner, start: now + phase(of: owner, interval: settings.interval),
            identifiers: &identifiers)
    }

    private func replyProber(
        _ path: ProbePath, now: MonotonicInstant, identifiers: inout EchoIdentifierPool
    ) -> ReplyPairProber {
        let role = ProbeRole(path, .reply)
        let settings = settings(of: role, in: plan)
        let route = plan.roles[role.index].route
        let owner = Self.owner(of: id, role)
        // Without a device or policies here, inside packets leave like all others: their first hops
        // are the underlay's, the appliance of an observer above all.
        let isInTunnel = path == .inside && (plan.tunnelInterface != nil || plan.kind == .policy)
        return ReplyPairProber(
            settings: .init(
                family: route?.family ?? .v4, interval: settings.interval,
                timeout: settings.timeout, payloadByteCount: settings.payloadByteCount,
                farthestHop: isInTunnel ? 1 : Self.underlayHops,
                limit: route == nil ? 0 : mode == .examination ? Self.examinationPairs : nil,
                tunnel: isInTunnel ? plan.name : nil, namespace: route?.namespace ?? ""),
            owner: owner, start: now + phase(of: owner, interval: settings.interval),
            identifiers: &identifiers)
    }

    /// Spreads the first sends of all probers over their interval.
    ///
    /// Multiples of the golden ratio are never close together, however many there are. Nobody waits an hour for the first probe of
    /// an hourly one.
    private func phase(of owner: Int, interval: Duration) -> Duration {
        let turns = Double(owner) * 0.618_033_988_749_895
        let fraction = turns - Double(Int(turns))
        let spread = min(interval, mode == .continuous ? .seconds(30) : .milliseconds(100))
        return .nanoseconds(Int64(Double(spread.nanoseconds) * fraction))
    }

    // MARK: - Outcomes

    mutating func noteSend(_ role: ProbeRole, failure: String?) {
        guard sendFailures[role] != failure else { return }
        sendFailures[role] = failure
    }

    /// As many probes as are sent until a rekey is over and asked about, within 160 KiB.
    private static func loggedProbes(of plan: TunnelPlan) -> Int {
        let interval = max(plan.configuration.probing.interval, .milliseconds(1))
        let span = RekeyTracker.probeSpan * 2 + .seconds(120)
        return Int(min(max(span / interval, 64), 20_000))
    }

    mutating func noteOutcome(_ outcome: ProbeOutcome, of role: ProbeRole) {
        if role.style == .request, !outcome.isRetry { latest[role.path.index].note(outcome) }
        if mode == .continuous, role == plan.stateRole, !outcome.isRetry, outcome.result != .unsent
        {
            probeLog.note(sentAt: outcome.sentAt, isLost: outcome.result != .received)
        }
        guard mode == .examination else { return }
        outcomes[role, default: []].append(outcome)
    }

    /// Feeds the state machine; gives back the transition, if there is one.
    mutating func note(
        _ sample: ProbeSample, now: MonotonicInstant
    ) -> HealthStateMachine.Transition? {
        // A probe and the retries after its silence are one burst, which must fit into the window
        // however long the silence is at this round-trip time.
        let silence = requests[plan.stateRole.path.index].silence
        health.thresholds.downWindow = max(
            HealthStateMachine.Thresholds().downWindow, silence + Self.burstSlack)
        let transition = health.record(
            succeeded: sample.succeeded, sentAt: sample.sentAt,
            mayBeDown: hasInboundTraffic != true)
        guard let transition else { return nil }
        count(transition, now: now)
        return transition
    }

    private mutating func count(
        _ transition: HealthStateMachine.Transition, now: MonotonicInstant
    ) {
        stateChanges[StateChange(from: transition.from, to: transition.to), default: 0] += 1
        stateSince = now
        lastChangeAt = now
        flaps.change(to: transition.to, at: now)
    }

    mutating func advanceFlaps(to now: MonotonicInstant) {
        // Between the ends of its checks time alone only ever ends flapping.
        guard flaps.isFlapping || flaps.deadline <= now else { return }
        flaps.advance(to: now)
    }

    /// Ends an examination: what is undecided stays so.
    mutating func conclude() {
        for index in replies.indices { replies[index].concludeUndecided() }
    }
}
