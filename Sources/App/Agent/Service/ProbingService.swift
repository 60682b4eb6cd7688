public import Configuration
import Diagnosis
import HostFacts
import KernelState
public import Logging
import NetworkPrimitives
import PacketSizes
import PathMTU
import RawSockets
import Rekeying
import Synchronization
import TunnelHealth

/// The agent without its doors: the probe loop, the watcher of this host, and what they know.
///
/// `probe agent` keeps one for months; `probe now` without a running agent makes one for seconds.
public final class ProbingService: Sendable {
    /// Which of the tunnels to examine.
    public enum Selection: Equatable, Sendable {
        /// All there are.
        case all
        /// Those with these names.
        case named([String])
        /// The tunnel to this endpoint, made up on the spot where none is known.
        case endpoint(RemoteHost)
    }

    /// Why an examination cannot be made.
    public enum Refusal: Error, Equatable, Sendable {
        /// No tunnel has this name; `known` are those there are.
        case unknownTunnel(String, known: [String])
    }

    /// How far an examination has come.
    public struct Progress: Equatable, Sendable {
        /// The share that is done, 0...1.
        public var share: Double
        /// What is going on, for people.
        public var text: String
    }

    struct Knowledge {
        var configuration: AgentConfiguration
        var plans: [TunnelPlan] = []
        var facts: [String?: NamespaceFacts] = [:]
        var netlinkOverruns: UInt64 = 0
        var notices: [String: String] = [:]
        var waiting: [String: [String]] = [:]
        var isSeen = false
    }

    let loop: ProbeLoop
    private let capture: CaptureService
    private let rekeys: RekeyService
    let kernel: KernelService
    private let ike: IKEService
    private let paths: PathService
    private let reflections: ReflectionService
    let keyDaemons: KeyDaemonService
    let knowledge: Mutex<Knowledge>
    let resolver: NameResolver
    let watcher = Mutex<TunnelWatcher?>(nil)
    let namespaces = Mutex<NamespaceWatch?>(nil)
    /// Settings of namespaces with unanswered checks, and when they were read.
    let settingsRead = Mutex<[String?: (at: MonotonicInstant, readings: NamespaceReadings)]>([:])
    private let startedAt = MonotonicClock.now()
    private let logger: Logger

    /// Starts the probe loop; nothing is probed yet.
    ///
    /// - Throws: `ServiceError` when the process may not make threads or descriptors.
    public init(configuration: AgentConfiguration, logger: Logger) throws(ServiceError) {
        self.logger = logger
        knowledge = Mutex(Knowledge(configuration: configuration))
        resolver = NameResolver()
        let rekeys = RekeyService()
        self.rekeys = rekeys
        capture = CaptureService(logger: logger) { rekeys.take($0, at: MonotonicClock.now()) }
        ike = IKEService(logger: logger)
        reflections = ReflectionService(resolver: resolver, logger: logger)
        let events = LoopEvents(logger: logger)
        let pacer = SharedHopPacer()
        paths = PathService(logger: logger) { PathRound.run($0, pacer: pacer, control: $1) }
        do throws(SocketError) {
            loop = try ProbeLoop(pacer: pacer) { events.take($0) }
            kernel = try KernelService(logger: logger)
            keyDaemons = try KeyDaemonService(logger: logger)
        } catch {
            throw ServiceError(description: "a thread of the agent cannot start: \(error)")
        }
        rekeys.onProbesWanted { [weak loop, weak rekeys] in
            loop?.post { [weak rekeys] state in
                rekeys?.take(
                    probes: Self.probeLogs(of: state.monitors.continuous), at: MonotonicClock.now())
            }
        }
        kernel.addHandler { [capture] namespace, event in
            for change in rekeys.take(event, namespace: namespace) {
                if change.isInstalled {
                    capture.install(change.spi, of: change.tunnel, at: event.at)
                } else {
                    capture.remove(change.spi, of: change.tunnel, at: event.at)
                }
            }
        }
        keyDaemons.follow(configuration.charonLog)
        events.onNotice = { [weak self] place, notice in
            self?.knowledge.withLock { $0.notices[place] = notice }
        }
        events.onStateChange = { [weak paths] in paths?.noteStateChange(of: $0) }
        capture.inside.onPathChange { [weak paths] in paths?.noteVanishingPackets(of: $0) }
        paths.sight = { [weak self] namespace in
            self?.knowledge.withLock { $0.facts[namespace]?.snapshot }
        }
    }

    /// Begins to watch the configured and discovered tunnels continuously.
    public func watchContinuously() throws(ServiceError) {
        let configuration = knowledge.withLock { $0.configuration }
        do throws(SocketError) {
            let started = try TunnelWatcher(configuration: configuration, resolver: resolver) {
                [self] in take($0)
            }
            watcher.withLock { $0 = started }
            let namespaces = try NamespaceWatch(resolver: resolver)
            self.namespaces.withLock { $0 = namespaces }
        } catch {
            throw ServiceError(description: "the watcher of this host cannot start: \(error)")
        }
    }

    /// Follows another configuration; tunnels that it does not change go on undisturbed.
    public func adopt(_ configuration: AgentConfiguration) {
        knowledge.withLock { $0.configuration = configuration }
        keyDaemons.follow(configuration.charonLog)
        watcher.withLock { $0?.adopt(configuration) }
    }

    /// Ends all threads.
    public func stop() {
        watcher.withLock { $0?.stop() }
        namespaces.withLock { $0?.stop() }
        loop.stop()
        capture.stop()
        kernel.stop()
        ike.stop()
        paths.stop()
        reflections.stop()
        keyDaemons.stop()
    }

    /// Whether this host has been looked at once since the start.
    var isReady: Bool { knowledge.withLock { $0.isSeen } }

    /// How often the probe loop has come round; a loop that hangs stands still.
    public var turnCount: UInt64 { loop.turnCount }

    /// What continuous watching knows now.
    func status() async -> StatusReport {
        // The loop only hands out its values: to make reports of a thousand tunnels takes longer than
        // a probe may be late.
        let (monitors, now, wall) = await loop.run { state in
            (state.monitors.continuous, MonotonicClock.now(), WallClock.now())
        }
        return await report(
            of: monitors.map { $0.report(now: now, wall: wall, stateOf: $0) },
            kernelSeen(),
            probes: Self.probeLogs(of: monitors))
    }

    private static func probeLogs(of monitors: [TunnelMonitor]) -> [String: ProbeLog] {
        Dictionary(
            monitors.map { ($0.plan.name, $0.probeLog) }, uniquingKeysWith: { first, _ in first })
    }

    /// Who sends ESP through one tunnel, or through all.
    ///
    /// - Throws: `Refusal` for a name that no tunnel has.
    func senders(of tunnel: String?) async throws(Refusal) -> SendersReport {
        let plans = knowledge.withLock { $0.plans }
        if let tunnel, !plans.contains(where: { $0.name == tunnel }) {
            throw .unknownTunnel(tunnel, known: plans.map(\.name))
        }
        let report = await capture.report(senders: Self.reportedSenders)
        let names = plans.map(\.name).filter { tunnel == nil || $0 == tunnel }
        let captures = names.map { report[$0] }
        return SendersReport(
            streams: captures.flatMap(\.streams), tunnel: tunnel,
            reason: plans.isEmpty
                ? "no tunnel is configured or known to the kernel"
                : captures.compactMap(\.reason).first)
    }

    /// How many senders of a stream are named.
    private static let reportedSenders = 512

    /// The counters that belong to no tunnel.
    func selfMeasurement() async -> SelfMeasurement {
        var measurement = await loop.run { state in
            SelfMeasurement(
                lateProbes: state.monitors.lateProbes, clockSteps: state.transport.clockSteps,
                receiveDrops: state.transport.receiveDrops,
                malformedMessages: state.monitors.malformedMessages
                    + state.transport.malformedPackets,
                truncatedMessages: state.monitors.truncatedMessages, netlinkOverruns: 0)
        }
        let overruns = await kernel.report().overruns
        measurement.netlinkOverruns = knowledge.withLock { $0.netlinkOverruns } + overruns
        return measurement
    }

    /// Probes the selected tunnels at once and reports.
    ///
    /// - Parameters:
    ///   - selection: which tunnels.
    ///   - limit: how long it may take; what is unfinished then says "time limit".
    ///   - progress: called a few times a second.
    /// - Returns: the report, in the order of the plans.
    /// - Throws: `Refusal` for a name that no tunnel has.
    func examine(
        _ selection: Selection, limit: Duration, progress: @Sendable (Progress) -> Void
    ) async throws(Refusal) -> StatusReport {
        let end = MonotonicClock.now() + limit
        progress(Progress(share: 0, text: "looking at this host"))
        let plans = try await select(selection, until: end)
        let ids = await loop.run { state in
            let ids = state.monitors.startExamination(plans, now: MonotonicClock.now())
            state.transport.makeRoom(for: plans)
            return ids
        }
        let guest = capture.observe(plans)
        defer { capture.forget(guest) }
        let rekeyGuest = rekeys.observe(plans)
        defer { rekeys.forget(rekeyGuest) }
        let kernelGuest = kernel.observe(plans)
        defer { kernel.forget(kernelGuest) }
        let daemonGuest = keyDaemons.observe(plans)
        defer { keyDaemons.forget(daemonGuest) }
        async let initiated: Void = initiate(plans)
        let traffic = observeTraffic()
        defer { traffic?.stop() }
        // Beside the other probes; ended by the same limit.
        async let ports: Void = ike.examine(plans, until: end)
        async let reflected: Void = reflections.examine(plans, until: end)
        let measuring = PathExamination(paths)
        async let measured: Void = measuring.run(plans, until: end)
        var look: Task<KernelSight, Never>?
        while !ids.isEmpty, MonotonicClock.now() < end, !Task.isCancelled {
            if look == nil, end - MonotonicClock.now() < min(Self.lookTime, limit / 4) {
                look = startLook(at: plans)
            }
            let monitors = await loop.run { state in
                ids.compactMap { state.monitors.monitor($0) }
            }
            measuring.note(monitors)
            let (share, text, isFinished) = Self.progress(of: monitors, measuring)
            progress(Progress(share: share, text: text))
            guard !isFinished else { break }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
        }
        await ports
        await measured
        await reflected
        await initiated
        // Nobody reads the report of a client that has gone: its place is wanted.
        let kernel =
            Task.isCancelled ? kernelSeen() : await (look ?? startLook(at: plans)).value
        let (ended, continuous, now, wall) = await loop.run { state in
            (
                state.monitors.endExamination(ids), state.monitors.continuous,
                MonotonicClock.now(), WallClock.now()
            )
        }
        return await report(
            of: ended.map { monitor in
                let judge = continuous.first { $0.plan.name == monitor.plan.name } ?? monitor
                return monitor.report(now: now, wall: wall, stateOf: judge)
            }, kernel, probes: Self.probeLogs(of: continuous))
    }

    /// Has key daemons try what is configured and down, where the configuration allows it.
    private func initiate(_ plans: [TunnelPlan]) async {
        await withTaskGroup { group in
            for plan in plans where plan.configuration.probing.ikeInitiate {
                group.addTask { [keyDaemons] in _ = await keyDaemons.initiate(plan) }
            }
        }
    }

    /// Watches for traffic through the tunnels where nobody does so continuously: a target that
    /// never answers is no proof of a dead tunnel while other packets arrive.
    private func observeTraffic() -> TunnelWatcher? {
        guard watcher.withLock({ $0 == nil }) else { return nil }
        let configuration = knowledge.withLock { $0.configuration }
        do throws(SocketError) {
            return try TunnelWatcher(configuration: configuration, resolver: resolver) {
                [loop, self] round in
                if let associations = round.associations { take(associations) }
                loop.post { state in
                    for (name, isFlowing) in round.inboundTraffic {
                        state.monitors.noteInboundTraffic(isFlowing, tunnel: name)
                    }
                }
            }
        } catch {
            // Then the kernel's counters are not known, as without the privilege to read them.
            return nil
        }
    }

    private static func progress(
        of monitors: [TunnelMonitor], _ measuring: PathExamination
    ) -> (share: Double, text: String, isFinished: Bool) {
        let unfinished = monitors.filter { !$0.isFinished }
        let share = monitors.map(\.progress).reduce(0, +) / Double(max(monitors.count, 1))
        if unfinished.isEmpty {
            return (
                (share + measuring.share) / 2, "measuring path MTUs and reply paths",
                measuring.isFinished
            )
        }
        let names = unfinished.prefix(3).map(\.plan.name).joined(separator: ", ")
        let more = unfinished.count > 3 ? " and \(unfinished.count - 3) more" : ""
        return ((share + measuring.share) / 2, "probing \(names)\(more)", false)
    }

    // MARK: - Knowledge

    private func report(
        of tunnels: [TunnelReport], _ sight: KernelSight, probes: [String: ProbeLog]
    ) async -> StatusReport {
        let captured = await capture.report()
        let (now, wall) = Self.bothClocks()
        let timed = rekeys.report(probes: probes, at: now, wall: wall)
        let daemons = await keyDaemons.report()
        let known = await kernel.report()
        let findings = knowledge.withLock {
            HostFindings.findings(
                facts: $0.facts, plans: $0.plans,
                notices: $0.notices.values.sorted() + captured.obstacles)
        }
        var report = StatusReport(
            generatedAt: wall,
            agent: AgentIdentity(
                version: Version.current, hostname: Host.name ?? "unknown",
                uptime: now - startedAt),
            findings: findings,
            tunnels: tunnels.map { tunnel in
                var tunnel = tunnel
                tunnel.capture = captured[tunnel.plan.name]
                tunnel.checks = tunnel.capture.inside.checks
                let namespace = tunnel.plan.configuration.netns
                if let facts = sight.facts[namespace] {
                    tunnel.kernel = TunnelKernel(
                        of: tunnel.plan, in: facts.snapshot,
                        sight.readings[namespace] ?? NamespaceReadings())
                }
                tunnel.rekeys = timed[tunnel.plan.name] ?? TunnelRekeys()
                tunnel.rekeys.captureReason = tunnel.capture.reason
                tunnel.kernel.adopt(known[tunnel.plan.name])
                tunnel.reflection = reflections.result(of: tunnel.plan, at: now, wall: wall)
                tunnel.ike = TunnelIKE(
                    probe: ike.result(of: tunnel.plan), unprobed: IKEService.unprobed(tunnel.plan),
                    wire: tunnel.capture.ike, daemon: daemons[tunnel.plan.name],
                    capture: tunnel.capture,
                    kernel: tunnel.kernel,
                    watched: now - startedAt, at: now, wall: wall)
                tunnel.path = TunnelPath(
                    of: tunnel.plan, { paths.findings(of: tunnel.plan, $0) },
                    kernel: tunnel.kernel, snapshot: sight.facts[namespace]?.snapshot, at: now,
                    wall: wall)
                tunnel.findings += CaptureFindings.findings(of: tunnel.capture, tunnel.plan)
                noteLimits(by: &tunnel)
                tunnel.findings += PacketSizeFindings.findings(of: tunnel.capture, tunnel.plan)
                return tunnel
            }, captures: captured.places,
            transformErrors: namespaces.withLock { $0?.errorTotals } ?? [:])
        report.tunnels = await judgingChecks(of: report.tunnels, sight.facts)
        return report
    }

    /// Says which TCP segments are too large, as soon as the paths say what fits.
    private func noteLimits(by tunnel: inout TunnelReport) {
        let mtu = tunnel.path.tunnelMTU
        guard let v4 = mtu.recommendedMSSIPv4 else { return }
        // Without 1280 octets inside no IPv6 fits at all.
        let limits = SegmentSizeLimits(v4: v4, v6: mtu.recommendedMSSIPv6 ?? 0)
        capture.inside.note(limits, of: tunnel.plan.name)
        // What was seen before the path was measured is held against it as well.
        tunnel.capture.inside.sizes.adopt(limits)
    }

    /// One moment on both clocks: the closest of a few readings, since a busy host may come between.
    private static func bothClocks() -> (now: MonotonicInstant, wall: WallTime) {
        var best = (now: MonotonicClock.now(), wall: WallClock.now())
        var closest = MonotonicClock.now() - best.now
        for _ in 0..<4 {
            let before = MonotonicClock.now()
            let wall = WallClock.now()
            let apart = MonotonicClock.now() - before
            if apart < closest { (best, closest) = ((before, wall), apart) }
        }
        return best
    }

    /// Takes the SAs of every namespace.
    private func take(_ readings: [String?: AssociationReading]) {
        capture.compare(readings)
        for (namespace, reading) in readings {
            guard let associations = reading.snapshot.associations.value else { continue }
            rekeys.take(associations, namespace: namespace)
        }
    }

    /// Takes what the watcher saw; runs on its thread.
    private func take(_ round: TunnelWatcher.Round) {
        let (plansChanged, waitingChanges) = knowledge.withLock { knowledge in
            let changed = knowledge.plans != round.plans
            knowledge.plans = round.plans
            knowledge.facts = round.facts
            knowledge.isSeen = true
            knowledge.netlinkOverruns = round.netlinkOverruns
            var changes: [(String, [String])] = []
            for plan in round.plans
            where knowledge.waiting[plan.name, default: []] != plan.waitingFor {
                changes.append((plan.name, plan.waitingFor))
            }
            knowledge.waiting = Dictionary(
                round.plans.map { ($0.name, $0.waitingFor) },
                uniquingKeysWith: { first, _ in first })
            return (changed, changes)
        }
        if plansChanged {
            capture.watch(round.plans)
            namespaces.withLock { $0?.watch(round.plans) }
            rekeys.watch(round.plans)
            kernel.watch(round.plans)
            ike.watch(round.plans)
            paths.watch(round.plans)
            reflections.watch(round.plans)
            keyDaemons.watch(round.plans)
        }
        if let associations = round.associations { take(associations) }
        for (name, waiting) in waitingChanges {
            if waiting.isEmpty {
                logger.notice("tunnel \(name): everything it waited for is there")
            } else {
                logger.warning("tunnel \(name) waits for \(waiting.joined(separator: "; "))")
            }
        }
        loop.post { state in
            for namespace in round.replacedNamespaces { state.transport.closeAll(in: namespace) }
            if plansChanged { state.configure(round.plans) }
            for (name, isFlowing) in round.inboundTraffic {
                state.monitors.noteInboundTraffic(isFlowing, tunnel: name)
            }
        }
    }
}

/// Why the agent cannot work at all.
public struct ServiceError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What is wrong, and what would be right.
    public var description: String
    /// Whether a file that the operator wrote is what is wrong.
    public var isConfiguration = false
}

/// The agent's measurements of itself.
struct SelfMeasurement: Sendable {
    var lateProbes: UInt64
    var clockSteps: UInt64
    var receiveDrops: UInt64
    var malformedMessages: UInt64
    var truncatedMessages: UInt64
    var netlinkOverruns: UInt64
}
