import Configuration
import IKE
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization

/// Probes the IKE ports of tunnels: once when an examination asks, and regularly where the
/// configuration says so; keeps the last result of each.
final class IKEService: Sendable {
    /// The last probe of one tunnel.
    struct Result: Sendable {
        var report: IKEProbeReport
        var endedAt: MonotonicInstant
    }

    private struct State {
        var plans: [TunnelPlan] = []
        var due: [String: MonotonicInstant] = [:]
        /// By the peer too: a tunnel that gets another peer is another tunnel.
        var results: [Key: Result] = [:]
        var schedule: Task<Void, Never>?
        var isStopped = false
    }

    private struct Key: Hashable {
        var name: String
        var remote: IPAddress?

        init(_ plan: TunnelPlan) { (name, remote) = (plan.name, plan.remote) }
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let startedAt = MonotonicClock.now()

    init(logger: Logger) { self.logger = logger }

    /// How long the other probes have the path for themselves.
    ///
    /// Routers answer with only so many ICMP errors a second, and those about echo probes say more.
    private static let headStart = Duration.milliseconds(500)

    /// Probes the tunnels whose configuration allows it; ends at `end` at the latest.
    func examine(_ plans: [TunnelPlan], until end: MonotonicInstant) async {
        do { try await Task.sleep(for: Self.headStart) } catch { return }
        await probe(
            plans.filter { $0.configuration.probing.ikeProbe != .never && $0.remote != nil },
            until: end)
    }

    /// Begins to probe regularly the tunnels with a duration in `ike_probe`, and forgets the others.
    func watch(_ plans: [TunnelPlan]) {
        state.withLock { state in
            state.plans = plans.filter {
                guard case .every = $0.configuration.probing.ikeProbe else { return false }
                return $0.remote != nil
            }
            let keys = Set(plans.map(Key.init))
            state.results = state.results.filter { keys.contains($0.key) }
            let names = Set(state.plans.map(\.name))
            state.due = state.due.filter { names.contains($0.key) }
            guard !state.plans.isEmpty, state.schedule == nil, !state.isStopped else { return }
            state.schedule = Task { [weak self] in
                while !Task.isCancelled, let self {
                    await self.probeWhatIsDue()
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }

    /// Ends the regular probes.
    func stop() {
        let schedule = state.withLock { state in
            state.isStopped = true
            return state.schedule.take()
        }
        schedule?.cancel()
    }

    /// The last probe of a tunnel; nil when there was none.
    func result(of plan: TunnelPlan) -> Result? {
        state.withLock { $0.results[Key(plan)] }
    }

    /// Why a tunnel was not probed.
    static func unprobed(_ plan: TunnelPlan) -> String {
        if plan.remote == nil {
            return plan.unknown["remote"] ?? "the endpoint's name has no address yet"
        }
        return switch plan.configuration.probing.ikeProbe {
        case .never: "not probed: ike_probe is \"never\""
        case .onDemand: "not probed yet: with ike_probe = \"on-demand\", `probe now` does it"
        case .every: "not probed yet"
        }
    }

    private func probeWhatIsDue() async {
        let now = MonotonicClock.now()
        let due = state.withLock { state in
            state.plans.enumerated().compactMap { index, plan -> TunnelPlan? in
                guard case .every(let interval) = plan.configuration.probing.ikeProbe else {
                    return nil
                }
                // The first ones are spread: peers of one provider may be one machine.
                let first = now + .milliseconds(2000 + index % 60 * 500)
                let at = state.due[plan.name] ?? first
                state.due[plan.name] = at <= now ? now + interval : at
                return at <= now ? plan : nil
            }
        }
        await probe(due, until: now + .seconds(10))
    }

    private func probe(_ plans: [TunnelPlan], until end: MonotonicInstant) async {
        guard !plans.isEmpty else { return }
        let answer = Answer()
        // Whoever no longer waits is let go at once; the round itself ends by its limits, unheard.
        let reports = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard answer.await(with: continuation) else { return }
                do throws(SocketError) {
                    try PinnedThread.start(name: "ike-probe") {
                        answer.give(IKEProbeRound.run(plans, until: end))
                    }
                } catch {
                    let refused = IKEProbeReport.unprobed(because: error.description)
                    answer.give(
                        Dictionary(
                            plans.map { ($0.name, refused) },
                            uniquingKeysWith: { first, _ in first }
                        ))
                }
            }
        } onCancel: {
            answer.give([:])
        }
        let now = MonotonicClock.now()
        state.withLock { state in
            for plan in plans {
                guard let report = reports[plan.name] else { continue }
                state.results[Key(plan)] = Result(report: report, endedAt: report.endedAt ?? now)
            }
        }
        for plan in plans {
            for port in reports[plan.name]?.ports ?? [] where port.state != .open {
                logger.debug("tunnel \(plan.name): UDP \(port.number) is \(port.state.rawValue)")
            }
        }
    }
}

/// What a round tells, taken once: by its end, or by the cancellation of whoever waits for it.
private final class Answer: Sendable {
    typealias Reports = [String: IKEProbeReport]

    private struct State {
        var continuation: CheckedContinuation<Reports, Never>?
        var isGiven = false
    }

    private let state = Mutex(State())

    /// Lets `continuation` wait; false when it was cancelled before, and goes on with nothing.
    func await(with continuation: CheckedContinuation<Reports, Never>) -> Bool {
        let waits = state.withLock { state in
            if !state.isGiven { state.continuation = continuation }
            return !state.isGiven
        }
        if !waits { continuation.resume(returning: [:]) }
        return waits
    }

    /// Gives the answer; only the first one counts.
    func give(_ reports: Reports) {
        let continuation = state.withLock { state in
            state.isGiven = true
            return state.continuation.take()
        }
        continuation?.resume(returning: reports)
    }
}
