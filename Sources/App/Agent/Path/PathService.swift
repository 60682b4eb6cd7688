import Configuration
import KernelState
import Logging
import NetworkPrimitives
import PathMTU
import RawSockets
import ReplyPath
import Synchronization

/// Measures the paths of tunnels: regularly and when something changes, and at once when an examination
/// asks; keeps what was found last of each.
final class PathService: Sendable {
    /// What carries a round out; called on a thread of its own.
    typealias Runner = @Sendable (PathRoundOrder, PathRoundControl) -> PathRoundOutcome
    /// What sends confirmations; called on a thread of its own.
    typealias Confirmer = @Sendable ([PathConfirmation.Order]) -> [Bool?]
    /// What the kernel of a namespace is known to have; nil while it was not asked.
    typealias Sight = @Sendable (_ namespace: String?) -> KernelSnapshot?

    /// How many rounds run at a time of the regular ones, each kind; a ladder takes minutes.
    static let regularRounds = 8
    /// How many run at a time for examinations: a thread, a few sockets and a MiB each.
    static let urgentRounds = 32
    /// How long a regular round may take: 30 hops, each one packet in 1.2 s, shared with other tunnels.
    static let patience = Duration.seconds(900)
    /// Between two looks at the devices' MTUs.
    private static let deviceGlance = Duration.seconds(5)
    /// Before an examination's end, to put what was found together.
    private static let margin = Duration.milliseconds(200)

    /// One round that runs.
    private struct Run {
        var key: PathKey
        var control: PathRoundControl
        var hasSearch: Bool
        var hasLadder: Bool
        var isUrgent: Bool
    }

    private struct State {
        var schedule = PathSchedule()
        var runs: [Int: Run] = [:]
        var nextRun = 0
        var ticker: Task<Void, Never>?
        var nextGlance = MonotonicInstant.zero
        var isStopped = false
    }

    private let state = Mutex(State())
    /// What the kernel is asked by; until it is set, nothing is known.
    let sight = Hook<Sight>()
    private let runner: Runner
    private let confirmer: Confirmer
    private let logger: Logger

    /// Makes a service that measures nothing yet.
    init(
        logger: Logger, runner: @escaping Runner,
        confirmer: @escaping Confirmer = { PathConfirmation.run($0) }
    ) {
        self.logger = logger
        self.runner = runner
        self.confirmer = confirmer
    }

    // MARK: - Regularly

    /// Measures the paths of these tunnels from now on, and forgets those of others.
    func watch(_ plans: [TunnelPlan]) {
        state.withLock { state in
            state.schedule.watch(plans, at: MonotonicClock.now())
            guard state.ticker == nil, !state.isStopped else { return }
            state.ticker = Task { [weak self] in
                while !Task.isCancelled, let self {
                    self.startWhatIsDue(at: MonotonicClock.now())
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }

    /// Ends everything.
    func stop() {
        let (ticker, runs) = state.withLock { state in
            state.isStopped = true
            return (state.ticker.take(), state.runs.values.map(\.control))
        }
        ticker?.cancel()
        for control in runs { control.cancel() }
    }

    /// Notes that a tunnel's state changed.
    func noteStateChange(of tunnel: String) {
        state.withLock { $0.schedule.noteStateChange(of: tunnel, at: MonotonicClock.now()) }
    }

    /// Notes that large packets through a tunnel vanish where small ones pass.
    func noteVanishingPackets(of tunnel: String) {
        state.withLock { $0.schedule.noteVanishingPackets(of: tunnel, at: MonotonicClock.now()) }
    }

    /// Starts the regular rounds that are due, as far as there is room.
    func startWhatIsDue(at now: MonotonicInstant) {
        let isGlanceDue = state.withLock { state in
            guard state.nextGlance <= now else { return false }
            state.nextGlance = now + Self.deviceGlance
            return true
        }
        if isGlanceDue { lookAtDevices(at: now) }
        let work = state.withLock { state in
            state.isStopped
                ? [] : state.schedule.due(at: now).map { ($0, state.schedule.isQuick($0)) }
        }
        var confirmations: [(PathKey, UInt64, Int)] = []
        for (item, isQuick) in work {
            switch item {
            case .search(let key):
                _ = start(
                    key, search: true, ladder: false, isUrgent: false, isQuick: isQuick,
                    until: now + Self.patience)
            case .ladder(let key):
                _ = start(
                    key, search: false, ladder: true, isUrgent: false, isQuick: isQuick,
                    until: now + Self.patience)
            case .confirm(let key, let number, let byteCount):
                confirmations.append((key, number, byteCount))
            }
        }
        if !confirmations.isEmpty { confirm(confirmations) }
    }

    private func lookAtDevices(at now: MonotonicInstant) {
        let namespaces = state.withLock { $0.schedule.namespaces }
        var mtus: [String?: [String: Int]] = [:]
        for namespace in namespaces {
            let links = sight.function?(namespace)?.links.value ?? []
            mtus[namespace] = Dictionary(
                links.compactMap { link in link.mtu.map { (link.name, $0) } },
                uniquingKeysWith: { first, _ in first })
        }
        let seen = mtus
        state.withLock { $0.schedule.note(deviceMTUs: seen, at: now) }
    }

    // MARK: - Rounds

    /// Starts a round of a path.
    ///
    /// - Parameters:
    ///   - key: the path.
    ///   - search: whether to look for the largest packet.
    ///   - ladder: whether to climb a ladder.
    ///   - isUrgent: whether somebody waits for it.
    ///   - isQuick: whether it is to take seconds, and not to spare the path.
    ///   - end: when it must end.
    /// - Returns: whether it runs; false when there is nothing to send, no room, or one like it that
    ///   runs already.
    private func start(
        _ key: PathKey, search: Bool, ladder: Bool, isUrgent: Bool, isQuick: Bool = true,
        until end: MonotonicInstant
    ) -> Bool {
        guard let subject = state.withLock({ $0.schedule.subject(of: key) }) else { return false }
        let namespace = subject.plan.configuration.netns
        guard
            let order = subject.order(
                search: search, ladder: ladder, isUrgent: isQuick,
                snapshot: sight.function?(namespace), until: end)
        else { return false }
        let control = PathRoundControl()
        let id = state.withLock { state -> Int? in
            guard !state.isStopped,
                Self.hasRoom(state.runs.values, search: search, isUrgent: isUrgent),
                !state.runs.values.contains(where: {
                    $0.key == key && (search && $0.hasSearch || ladder && $0.hasLadder)
                })
            else { return nil }
            let id = state.nextRun
            state.nextRun += 1
            state.runs[id] = Run(
                key: key, control: control, hasSearch: order.search != nil,
                hasLadder: order.ladder != nil, isUrgent: isUrgent)
            state.schedule.started(
                key, search: order.search != nil, ladder: order.ladder != nil,
                at: MonotonicClock.now())
            return id
        }
        guard let id else { return false }
        do throws(SocketError) {
            try PinnedThread.start(name: "path-probe") { [self] in
                finish(id, key, runner(order, control))
            }
        } catch {
            finish(id, key, .impossible(order, because: error.description))
        }
        return true
    }

    private static func hasRoom(
        _ runs: some Collection<Run>, search: Bool, isUrgent: Bool
    ) -> Bool {
        if isUrgent { return runs.count(where: \.isUrgent) < urgentRounds }
        return runs.count { !$0.isUrgent && (search ? $0.hasSearch : $0.hasLadder) }
            < regularRounds
    }

    private func finish(_ id: Int, _ key: PathKey, _ outcome: PathRoundOutcome) {
        let name = state.withLock { state in
            state.runs[id] = nil
            state.schedule.ended(key, outcome, at: MonotonicClock.now())
            return state.schedule.subject(of: key).map { ($0.plan.name, $0.path) }
        }
        guard let (tunnel, path) = name, !outcome.isCancelled else { return }
        if let mtu = outcome.mtu {
            let result = mtu.bytes.map { "\($0) octets" } ?? mtu.reason ?? "not known"
            logger.debug("tunnel \(tunnel): \(path.rawValue) path MTU: \(result)")
        }
        if let replies = outcome.replies {
            let reason = replies.reason.map { ", \($0)" } ?? ""
            logger.debug(
                "tunnel \(tunnel): \(path.rawValue) reply path: \(replies.verdict.rawValue)\(reason)"
            )
        }
        let refused = outcome.refused
        if refused.implausible + refused.malformed > 0 {
            logger.debug(
                "tunnel \(tunnel): \(path.rawValue) path: \(refused.implausible) implausible and \(refused.malformed) malformed ICMP messages"
            )
        }
    }

    private func confirm(_ confirmations: [(key: PathKey, number: UInt64, byteCount: Int)]) {
        let orders = confirmations.map { key, _, byteCount in
            state.withLock { $0.schedule.subject(of: key) }.flatMap { subject in
                subject.search.route.map {
                    PathConfirmation.Order(path: subject.path, route: $0, byteCount: byteCount)
                }
            }
        }
        let keys = confirmations.map { ($0.key, $0.number) }
        @Sendable func tell(_ answers: [Bool?]) {
            let now = MonotonicClock.now()
            state.withLock { state in
                for ((key, number), isAnswered) in zip(keys, answers) {
                    state.schedule.confirmed(key, number, isAnswered: isAnswered, at: now)
                }
            }
        }
        do throws(SocketError) {
            try PinnedThread.start(name: "path-confirm") { [self] in
                var answers = confirmer(orders.compactMap { $0 })[...]
                tell(orders.map { $0 == nil ? nil : answers.popFirst() ?? nil })
            }
        } catch {
            tell(orders.map { _ in nil })
        }
    }

    // MARK: - On demand

    /// How far an examination's rounds have come.
    struct Progress: Sendable {
        /// Rounds that ended, of all.
        var finished = 0
        var all = 0
    }

    /// Measures both paths of these tunnels now; what is unfinished at `end` says so.
    func examine(
        _ plans: [TunnelPlan], until end: MonotonicInstant,
        progress: @Sendable (Progress) -> Void = { _ in }
    ) async {
        let keys = state.withLock { $0.schedule.invite(plans, at: MonotonicClock.now()) }
        let last = end - Self.margin
        await withTaskGroup { group in
            for key in keys { group.addTask { [self] in await examine(key, until: last) } }
            var count = Progress(finished: 0, all: keys.count)
            for await _ in group {
                count.finished += 1
                progress(count)
            }
        }
    }

    private func examine(_ key: PathKey, until end: MonotonicInstant) async {
        // A regular round would take its time, and the hops are for whoever waits.
        let regular = state.withLock { state in
            state.runs.values.filter { $0.key == key && !$0.isUrgent }.map(\.control)
        }
        for control in regular { control.cancel() }
        var isStarted = false
        while MonotonicClock.now() < end, !Task.isCancelled {
            let isRunning = state.withLock { $0.runs.values.contains { $0.key == key } }
            if !isRunning {
                if isStarted { return }
                isStarted = start(key, search: true, ladder: true, isUrgent: true, until: end)
                // Nothing to send, as its plan says.
                if !isStarted, !isWaitingForRoom { return }
            } else if !isStarted {
                // Another examination's round is as good.
                isStarted = state.withLock { state in
                    state.runs.values.contains { $0.key == key && $0.isUrgent }
                }
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        if !isStarted {
            state.withLock { $0.schedule.lackedTime(key) }
            return
        }
        // It ends by itself at `end`.
        guard Task.isCancelled else {
            while state.withLock({ $0.runs.values.contains { $0.key == key && $0.isUrgent } }),
                MonotonicClock.now() < end + Self.margin
            {
                do { try await Task.sleep(for: .milliseconds(5)) } catch { break }
            }
            return
        }
        let abandoned = state.withLock { state in
            state.runs.values.filter { $0.key == key && $0.isUrgent }.map(\.control)
        }
        for control in abandoned { control.cancel() }
    }

    private var isWaitingForRoom: Bool {
        state.withLock { state in
            state.runs.values.count(where: \.isUrgent) >= Self.urgentRounds
        }
    }

    /// Tells rounds of a tunnel's paths what its reply pairs found, by hop.
    func note(_ pairs: [UInt8: PairObservations], of plan: TunnelPlan, _ path: ProbePath) {
        guard !pairs.isEmpty, let key = PathKey(plan, path) else { return }
        let controls = state.withLock { state in
            state.runs.values.filter { $0.key == key && $0.hasLadder }.map(\.control)
        }
        for control in controls { control.note(pairs) }
    }

    // MARK: - What was found

    /// What is known of one path of a tunnel.
    func findings(of plan: TunnelPlan, _ path: ProbePath) -> PathSchedule.Findings? {
        PathKey(plan, path).flatMap { key in state.withLock { $0.schedule.findings(of: key) } }
    }
}
