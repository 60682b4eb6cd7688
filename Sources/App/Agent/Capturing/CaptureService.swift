import Configuration
import ESPAnalysis
import KernelState
import Logging
import NetworkPrimitives
import PacketCapture
import RawSockets
import Synchronization

/// Captures the ESP of the watched tunnels: one `CaptureThread` for each device.
///
/// Counters are kept here for as long as a tunnel is watched, whatever becomes of devices and SAs.
final class CaptureService: Sendable {
    private struct State {
        var tunnels = WatchedTunnels()
        var threads: [CapturePlace: CaptureThread] = [:]
        /// Why a device has no thread.
        var failures: [CapturePlace: String] = [:]
        /// Totals of tunnels from devices that are no longer captured on.
        var retired: [String: TunnelTraffic] = [:]
        /// What was reported last, below which no counter falls.
        var published: [String: TunnelTraffic] = [:]
        var checks: [String: CompletenessCheck] = [:]
        var kernelWindows: [String: Int] = [:]
        /// Drops of each device at the end of each of the last comparisons.
        var drops: [CapturePlace: [UInt64]] = [:]
        var isStopped = false

        /// Forgets what tunnels came to that are no longer watched.
        mutating func forgetUnwatched() {
            let names = Set(tunnels.plans.map(\.name))
            retired = retired.filter { names.contains($0.key) }
            published = published.filter { names.contains($0.key) }
            checks = checks.filter { names.contains($0.key) }
            kernelWindows = kernelWindows.filter { names.contains($0.key) }
        }
    }

    private let state = Mutex(State())
    private let seed = UInt64.random(in: .min ... .max)
    private let events: AsyncStream<CaptureThread.Event>.Continuation
    /// What passes inside the same tunnels.
    let inside: InsideCapture
    private let onRekeying: @Sendable ([String: RekeyArrivals]) -> Void

    /// Makes a service that captures nothing yet.
    ///
    /// - Parameters:
    ///   - logger: told what becomes of devices.
    ///   - onRekeying: told what is new of rekeys on the wire, by tunnel; called on the capture's
    ///     thread, must not block.
    init(
        logger: Logger,
        onRekeying: @escaping @Sendable ([String: RekeyArrivals]) -> Void = { _ in }
    ) {
        self.onRekeying = onRekeying
        inside = InsideCapture(seed: .random(in: .min ... .max), logger: logger)
        // Whoever reads the log may be slow, and must not stop a capture.
        let (stream, events) = AsyncStream<CaptureThread.Event>.makeStream(
            bufferingPolicy: .bufferingNewest(100))
        self.events = events
        Task {
            for await event in stream { Self.write(event, to: logger) }
        }
    }

    deinit { events.finish() }

    // MARK: - Plans

    /// Captures the ESP of these tunnels from now on, and of no others.
    func watch(_ plans: [TunnelPlan]) {
        reconcile { $0.tunnels.continuous = plans }
    }

    /// Captures the ESP of these tunnels too, until `forget`.
    func observe(_ plans: [TunnelPlan]) -> Int {
        var guest = 0
        reconcile { guest = $0.tunnels.admit(plans) }
        return guest
    }

    /// Ends what `observe` began.
    func forget(_ guest: Int) { reconcile { $0.tunnels.forget(guest) } }

    /// Ends all captures.
    func stop() {
        reconcile { state in
            state.tunnels.removeAll()
            state.isStopped = true
        }
    }

    private func reconcile(_ change: (inout State) -> Void) {
        let ended = state.withLock { state in
            let before = state.tunnels.plans
            change(&state)
            guard state.tunnels.plans != before || state.isStopped else { return [CaptureThread]() }
            state.forgetUnwatched()
            let plans = state.isStopped ? [] : CapturePlan.plans(for: state.tunnels.plans)
            let places = Set(plans.map(\.place))
            let ended = state.threads.filter { !places.contains($0.key) }.map(\.value)
            state.threads = state.threads.filter { places.contains($0.key) }
            state.drops = state.drops.filter { places.contains($0.key) }
            state.failures = [:]
            for plan in plans { start(plan, &state) }
            inside.watch(state.isStopped ? [] : state.tunnels.plans)
            return ended
        }
        for thread in ended {
            Task { await retire(thread) }
        }
    }

    private func start(_ plan: CapturePlan, _ state: inout State) {
        if let thread = state.threads[plan.place] { return thread.adopt(plan) }
        do throws(SocketError) {
            state.threads[plan.place] = try CaptureThread(plan, seed: seed) {
                [events, onRekeying] in
                if case .rekeying(let arrivals) = $0 {
                    onRekeying(arrivals)
                } else {
                    events.yield($0)
                }
            }
        } catch {
            state.failures[plan.place] = "the capture cannot start: \(error)"
        }
    }

    private func retire(_ thread: CaptureThread) async {
        let last = await thread.stop()
        state.withLock { state in
            let names = Set(state.tunnels.plans.map(\.name))
            for (tunnel, traffic) in last.traffic.closed where names.contains(tunnel) {
                state.retired[tunnel, default: TunnelTraffic()].add(traffic)
            }
        }
    }

    // MARK: - Rekeys

    /// Notes that the kernel has a new inbound SA for a tunnel.
    func install(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        thread(of: tunnel)?.install(spi, of: tunnel, at: instant)
    }

    /// Notes that the kernel deleted an inbound SA of a tunnel.
    func remove(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        thread(of: tunnel)?.remove(spi, of: tunnel, at: instant)
    }

    /// The thread that captures a tunnel's ESP; nil when none does.
    private func thread(of tunnel: String) -> CaptureThread? {
        state.withLock { state in
            guard let plan = state.tunnels.plans.first(where: { $0.name == tunnel }),
                CapturePlan.obstacle(to: plan) == nil
            else { return nil }
            return CapturePlan.place(of: plan).flatMap { state.threads[$0] }
        }
    }

    // MARK: - Recordings

    /// A tunnel's far end; nil while not known.
    func remote(of tunnel: String) -> IPAddress? {
        state.withLock { state in state.tunnels.plans.first { $0.name == tunnel }?.remote }
    }

    /// The headers of the last minute on the devices that show a tunnel's packets, inside and outside.
    func recordedHeaders(of tunnel: String) async -> [RecordedDevice] {
        var devices: [RecordedDevice] = []
        if let thread = thread(of: tunnel), let rings = await thread.rings() {
            devices.append(
                RecordedDevice(
                    place: thread.place, side: .outside, thread: ObjectIdentifier(thread),
                    rings: rings))
        }
        guard let plan = inside.plan(of: tunnel) else { return devices }
        let (thread, rings) = await inside.rings()
        guard let thread else { return devices }
        for (place, side) in [(plan.device, RecordedDevice.Side.inside), (plan.wan, .plain)] {
            guard let place, let rings = rings[place] else { continue }
            devices.append(
                RecordedDevice(place: place, side: side, thread: thread, rings: rings))
        }
        return devices
    }

    // MARK: - Reports

    /// What is captured now, with up to `senders` senders of each stream by name.
    func report(senders: Int = 0) async -> CaptureReport {
        let threads = state.withLock { Array($0.threads.values) }
        let snapshots = await withTaskGroup(
            of: (CaptureThread, CaptureThread.Snapshot).self
        ) { group in
            for thread in threads {
                group.addTask { (thread, await thread.snapshot(senders: senders)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let insides = await inside.report()
        return state.withLock { state in
            // What a thread that was ended meanwhile had counted is in `retired`, or will be.
            let current = snapshots.filter { state.threads[$0.0.place] === $0.0 }.map(\.1)
            var report = CaptureReport(
                places: current.sorted { $0.place.description < $1.place.description })
            for plan in state.tunnels.plans {
                report.tunnels[plan.name] = Self.capture(of: plan, report.places, &state)
                report.tunnels[plan.name]?.inside =
                    insides[plan.name] ?? InsideReport(unknown: "the capture is starting")
            }
            return report
        }
    }

    private static func capture(
        of plan: TunnelPlan, _ places: [CaptureThread.Snapshot], _ state: inout State
    ) -> TunnelCapture {
        let place = CapturePlan.obstacle(to: plan) == nil ? CapturePlan.place(of: plan) : nil
        let snapshot = places.first { $0.place == place }
        var capture = TunnelCapture()
        capture.place = place
        capture.kernelWindow = state.kernelWindows[plan.name]
        var traffic = state.retired[plan.name] ?? TunnelTraffic()
        if let snapshot {
            traffic.add(snapshot.traffic.traffic(of: plan.name))
            capture.reason = snapshot.condition.reason
            if case .impossible = snapshot.condition { capture.isImpossible = true }
            capture.ike = snapshot.ike[plan.name]
            capture.ikeReason = snapshot.condition.reason ?? snapshot.ikeReason
            capture.streams = snapshot.traffic.streams.filter { $0.tunnel == plan.name }
                .sorted(by: CapturedStream.isBefore)
            if capture.isKnown {
                capture.senders = TunnelSenders(of: capture.streams, at: snapshot.takenAt)
            }
            if let first = state.drops[snapshot.place]?.first, snapshot.drops > first {
                capture.recentDrops = snapshot.drops - first
            }
        } else {
            capture.reason =
                CapturePlan.obstacle(to: plan) ?? place.flatMap { state.failures[$0] }
                ?? "the capture is starting"
            capture.ikeReason = capture.reason
        }
        capture.completeness =
            capture.reason.map { .unknown($0) } ?? state.checks[plan.name]?.verdict
            ?? CompletenessCheck().verdict
        // Counters never fall: while a device's last totals are on their way here, and when streams
        // pass to another tunnel of a new configuration.
        traffic.raise(to: state.published[plan.name] ?? TunnelTraffic())
        state.published[plan.name] = traffic
        capture.traffic = traffic
        return capture
    }

    // MARK: - Completeness

    /// The most comparisons that are remembered for recent drops: a minute's.
    private static let rememberedDrops = 6

    /// Compares what was captured with the SAs of each namespace.
    ///
    /// Returns at once; a device's thread counts its packets up to the same instant, and what comes of
    /// it stands in the next report.
    func compare(_ readings: [String?: AssociationReading]) {
        inside.take(readings)
        let (plans, threads) = state.withLock { ($0.tunnels.plans, $0.threads) }
        let groups = Dictionary(
            grouping: plans.filter { CapturePlan.obstacle(to: $0) == nil },
            by: CapturePlan.place)
        for (place, plans) in groups {
            guard let place, let reading = readings[place.namespace] else { continue }
            if let associations = reading.snapshot.associations.value {
                // Known in time: an SA is read long before its numbers can wrap.
                threads[place]?.noteExtended(
                    Set(
                        associations.lazy.filter(\.extendedSequenceNumbers)
                            .compactMap(\.stream)))
            }
            let sides = plans.map { plan in (plan, Self.inbound(of: plan, in: reading)) }
            state.withLock { state in
                for (plan, side) in sides { note(side, of: plan, &state) }
            }
            threads[place]?.count(upTo: reading.at) { [weak self] counts in
                self?.take(counts, sides, at: reading.at, place)
            }
        }
    }

    /// A tunnel's inbound SAs, or why they are not to be compared with.
    private static func inbound(
        of plan: TunnelPlan, in reading: AssociationReading
    ) -> Reading<[SecurityAssociation]> {
        guard plan.configuration.role == .endpoint else {
            return .unknown(
                reason: "an appliance ends this tunnel: here are no counters to compare with")
        }
        if let reason = reading.snapshot.associations.reason { return .unknown(reason: reason) }
        guard let remote = plan.remote else { return .unknown(reason: "no address is known") }
        let inbound = TunnelDiscovery.associations(
            device: plan.tunnelInterface, local: plan.local, remote: remote, in: reading.snapshot
        ).filter { $0.direction == .inbound && $0.association.stream != nil }.map(\.association)
        return inbound.isEmpty
            ? .unknown(reason: "the kernel has no inbound SA of this tunnel") : .known(inbound)
    }

    private func note(
        _ side: Reading<[SecurityAssociation]>, of plan: TunnelPlan, _ state: inout State
    ) {
        switch side {
        case .known(let associations):
            state.kernelWindows[plan.name] = associations.first.map { Int($0.replayWindow) }
        case .unknown(let reason):
            state.kernelWindows[plan.name] = nil
            state.checks[plan.name, default: CompletenessCheck()].note(
                incomparableBecause: reason)
        }
    }

    private func take(
        _ counts: CaptureThread.Counts,
        _ sides: [(TunnelPlan, Reading<[SecurityAssociation]>)], at instant: MonotonicInstant,
        _ place: CapturePlace
    ) {
        state.withLock { state in
            state.drops[place] =
                (state.drops[place] ?? []).suffix(Self.rememberedDrops - 1)
                + [counts.drops]
            for (plan, side) in sides {
                guard let associations = side.value else { continue }
                let kernel = Dictionary(
                    associations.compactMap { association in
                        association.stream.map { ($0, association.arrivedPackets) }
                    }, uniquingKeysWith: { $0 &+ $1 })
                state.checks[plan.name, default: CompletenessCheck()].note(
                    CompletenessCheck.Sample(
                        kernel: kernel, captured: counts.packets, drops: counts.drops,
                        opening: counts.opening, at: instant))
            }
        }
    }

    // MARK: - Log

    private static func write(_ event: CaptureThread.Event, to logger: Logger) {
        switch event {
        case .rekeying: break
        case .capturing(let place, let precision):
            logger.notice("ESP is captured on \(place)")
            if precision == .anyone {
                logger.notice(
                    "all ESP on \(place) is looked at: the endpoints do not fit into a packet filter"
                )
            }
        case .interrupted(_, let reason, let isPassing):
            logger.log(
                level: isPassing ? .warning : .error,
                "\(reason)\(isPassing ? "; it is tried again" : "")")
        case .dropped(let place, let packets):
            logger.warning(
                "the capture on \(place) lost \(packets) packets: raise capture_buffer")
        }
    }
}

/// What the kernel knew of SAs at an instant.
struct AssociationReading: Sendable {
    /// When the SAs were read.
    var at: MonotonicInstant
    /// The latest look at everything else, with these SAs.
    var snapshot: KernelSnapshot
}
