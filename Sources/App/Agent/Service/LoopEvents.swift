import Logging
import NetworkPrimitives
import Synchronization
import TunnelHealth

/// Writes what the probe loop has to tell as log lines, one for each change.
///
/// The loop only hands the events over: whoever reads the log may be slow, and must not stop probing.
/// Of a flood, the newest thousand are kept and the number of the others is logged.
final class LoopEvents: Sendable {
    private let logger: Logger
    private let queue: AsyncStream<ProbeLoop.Event>.Continuation
    private let droppedEvents = Atomic<UInt64>(0)
    private let lossHandler = Hook<@Sendable (String, ProbePath, MonotonicInstant) -> Void>()
    private let stateHandlers = Mutex<[@Sendable (StateChange) -> Void]>([])

    /// Called with a place and with what makes measurements there worse than they should be, nil when
    /// nothing does any more.
    let onNotice = Hook<@Sendable (String, String?) -> Void>()

    /// A tunnel's state became another.
    struct StateChange: Sendable {
        var tunnel: String
        /// From which to which, and when.
        var transition: HealthStateMachine.Transition
        /// Why, where the probes' numbers do not tell.
        var reason: String?
    }

    /// Has a handler called with every change of a state, the first determination too, in their order.
    ///
    /// It is called off the probe loop, yet not for long: the others wait for it.
    func onStateChange(_ handler: @escaping @Sendable (StateChange) -> Void) {
        stateHandlers.withLock { $0.append(handler) }
    }

    /// Has a handler called with every lost probe of a path, by the time it was sent.
    ///
    /// It is called on the probe loop, and must not wait for anything: a loss a second of a thousand tunnels
    /// is too much for the queue.
    func onLoss(_ handler: @escaping @Sendable (String, ProbePath, MonotonicInstant) -> Void) {
        lossHandler.set(handler)
    }

    init(logger: Logger) {
        self.logger = logger
        let (events, queue) = AsyncStream<ProbeLoop.Event>.makeStream(
            bufferingPolicy: .bufferingNewest(1000))
        self.queue = queue
        Task { [weak self] in
            for await event in events {
                guard let self else { return }
                let dropped = droppedEvents.exchange(0, ordering: .relaxed)
                if dropped > 0 { logger.warning("\(dropped) events were not logged") }
                write(event)
            }
        }
    }

    deinit { queue.finish() }

    /// Hands an event over; never waits.
    func take(_ event: ProbeLoop.Event) {
        if case .monitor(.probeLost(let tunnel, let path, let instant)) = event {
            lossHandler.function?(tunnel, path, instant)
            return
        }
        if case .dropped = queue.yield(event) { droppedEvents.add(1, ordering: .relaxed) }
    }

    private func write(_ event: ProbeLoop.Event) {
        switch event {
        case .monitor(.stateChanged(let tunnel, let transition, let reason)):
            let level: Logger.Level =
                switch transition.to {
                case .healthy: .notice
                case .degraded, .unknown: .warning
                case .down: .error
                }
            let why = reason.map { ": \($0)" } ?? ""
            logger.log(
                level: level,
                "tunnel \(tunnel): \(transition.from.rawValue) -> \(transition.to.rawValue)\(why)")
            let change = StateChange(tunnel: tunnel, transition: transition, reason: reason)
            for handler in stateHandlers.withLock({ $0 }) { handler(change) }
        // `take` has handed it over.
        case .monitor(.probeLost): break
        case .monitor(.sendFailed(let tunnel, let role, let reason)):
            logger.warning(
                "tunnel \(tunnel): \(role.path.rawValue)/\(role.style.rawValue) probes cannot be sent: \(reason)"
            )
        case .monitor(.sendRecovered(let tunnel, let role)):
            logger.notice(
                "tunnel \(tunnel): \(role.path.rawValue)/\(role.style.rawValue) probes leave again")
        case .transport(.stamps(let device, let refusal)):
            let place = device.map { "on \($0)" } ?? "on the underlay"
            let notice = refusal.map { reason in
                "kernel timestamps are not to be had \(place), so round-trip times include this "
                    + "process's own delays: \(reason)"
            }
            if let notice { logger.warning("\(notice)") }
            onNotice.function?(place, notice)
        }
    }
}
