import Configuration
import NetworkPrimitives
import RawSockets
import Synchronization

/// What `probe now` has done: the selected tunnels probed at once, within its limit.
extension ProbingService {
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
        // The report has to be made and sent within the limit as well.
        let end = MonotonicClock.now() + limit - min(Self.reportTime, limit / 8)
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
        let begin = MonotonicClock.now()
        var isSampled = false
        while !ids.isEmpty, MonotonicClock.now() < end, !Task.isCancelled {
            if look == nil, end - MonotonicClock.now() < min(Self.lookTime, limit / 4) {
                look = startLook(at: plans)
            }
            let monitors = await loop.run { state in
                ids.compactMap { state.monitors.monitor($0) }
            }
            measuring.note(monitors)
            if !isSampled, MonotonicClock.now() - begin >= Self.firstSample {
                isSampled = true
                await noteCounters(of: monitors)
            }
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
        let kernel = Task.isCancelled ? kernelSeen() : await sight(look, of: plans, until: end)
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

    /// What of an examination's time is kept for the command's start and for its report, on a slow host.
    private static let reportTime = Duration.milliseconds(1800)

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
}
