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
    /// What the loop has to tell.
    let events: LoopEvents
    let capture: CaptureService
    let rekeys: RekeyService
    let kernel: KernelService
    let ike: IKEService
    let paths: PathService
    let reflections: ReflectionService
    let keyDaemons: KeyDaemonService
    let recorder: FlightRecorder
    /// Keeps what happens, while the tunnels are watched continuously.
    let history: HistoryService
    let knowledge: Mutex<Knowledge>
    let resolver: NameResolver
    let watcher = Mutex<TunnelWatcher?>(nil)
    let namespaces = Mutex<NamespaceWatch?>(nil)
    /// What happened to the tunnels, and what their unhealthy episodes go with.
    let flaps = FlapService()
    /// Diagnoses again and again while the tunnels are watched continuously.
    let diagnoses = DiagnosisService()
    /// The counters of the tunnels over the last minutes.
    let counters = Mutex(CounterHistory())
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
        recorder = FlightRecorder(
            configuration, logger: logger, remote: { [capture] in capture.remote(of: $0) },
            headers: { [capture] in await capture.recordedHeaders(of: $0) })
        ike = IKEService(logger: logger)
        reflections = ReflectionService(resolver: resolver, logger: logger)
        events = LoopEvents(logger: logger)
        history = HistoryService(configuration, logger: logger)
        let pacer = SharedHopPacer()
        paths = PathService(logger: logger) { PathRound.run($0, pacer: pacer, control: $1) }
        do throws(SocketError) {
            loop = try ProbeLoop(pacer: pacer) { [events] in events.take($0) }
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
        events.onNotice.set { [weak self] place, notice in
            self?.knowledge.withLock { $0.notices[place] = notice }
        }
        events.onStateChange { [weak paths] change in
            // The first state of all is no change of what is on the way.
            guard change.transition.from != .unknown else { return }
            paths?.noteStateChange(of: change.tunnel)
        }
        events.onStateChange { [recorder] change in
            recorder.note(change.tunnel, change.transition, reason: change.reason)
        }
        events.onStateChange { [flaps] in flaps.take($0) }
        events.onLoss { [flaps] in flaps.takeLoss(of: $0, on: $1, at: $2) }
        capture.inside.onPathChange { [weak paths] in paths?.noteVanishingPackets(of: $0) }
        paths.sight.set { [weak self] namespace in
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
        let log = Mutex(FindingLog())
        diagnoses.onDiagnosis { [logger] report, _ in
            for (level, text) in log.withLock({ $0.lines(of: report) }) {
                logger.log(level: level, "\(text)")
            }
        }
        history.start()
        diagnoses.onDiagnosis { [history] report, now in history.take(report, at: now) }
        events.onStateChange { [weak self, history] change in
            let plan = self?.knowledge.withLock { known in
                known.plans.first { $0.name == change.tunnel }
            }
            history.take(change, source: plan?.stateRole.path)
        }
        recorder.onSaved = { [history] in history.take($0) }
        events.onStateChange { [diagnoses] _ in diagnoses.wake() }
        diagnoses.start { [weak self] in await self?.status() }
        recorder.start()
    }

    /// Follows another configuration; tunnels that it does not change go on undisturbed.
    public func adopt(_ configuration: AgentConfiguration) {
        knowledge.withLock { $0.configuration = configuration }
        keyDaemons.follow(configuration.charonLog)
        recorder.adopt(configuration)
        history.adopt(configuration)
        watcher.withLock { $0?.adopt(configuration) }
    }

    /// Ends all threads.
    public func stop() {
        diagnoses.stop()
        watcher.withLock { $0?.stop() }
        namespaces.withLock { $0?.stop() }
        recorder.stop()
        loop.stop()
        capture.stop()
        kernel.stop()
        ike.stop()
        paths.stop()
        reflections.stop()
        keyDaemons.stop()
        history.stop()
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

    static func probeLogs(of monitors: [TunnelMonitor]) -> [String: ProbeLog] {
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
        measurement.store = history.figures
        measurement.netlinkOverruns = knowledge.withLock { $0.netlinkOverruns } + overruns
        return measurement
    }

    /// Puts what every service knows beside what the monitors measured, and judges it.
    func report(
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
                notices: $0.notices.values.sorted() + captured.obstacles
                    + [history.notice].compactMap { $0 })
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
                tunnel.recordings = recorder.counts(of: tunnel.plan.name)
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
                noteLimits(by: &tunnel)
                return tunnel
            }, captures: captured.places,
            transformErrors: namespaces.withLock { $0?.errorTotals } ?? [:])
        report.tunnels = await judgingChecks(of: report.tunnels, sight.facts)
        for index in report.tunnels.indices {
            report.tunnels[index].flapping = flaps.report(
                on: report.tunnels[index], at: now, wall: wall)
        }
        diagnose(&report, at: now)
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
    func take(_ readings: [String?: AssociationReading]) {
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
            watchFlapping(of: round.plans)
            capture.watch(round.plans)
            recorder.watch(round.plans.map(\.name))
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
    var store = HistoryService.Figures()
}
