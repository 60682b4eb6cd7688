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
    private let noticeHandler = Mutex<(@Sendable (String, String?) -> Void)?>(nil)
    private let stateHandler = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Called with a place and with what makes measurements there worse than they should be, nil when
    /// nothing does any more.
    var onNotice: (@Sendable (String, String?) -> Void)? {
        get { noticeHandler.withLock { $0 } }
        set { noticeHandler.withLock { $0 = newValue } }
    }

    /// Called with a tunnel whose state changed to another that was judged.
    var onStateChange: (@Sendable (String) -> Void)? {
        get { stateHandler.withLock { $0 } }
        set { stateHandler.withLock { $0 = newValue } }
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
            // The first state of all is no change of what is on the way.
            if transition.from != .unknown { onStateChange?(tunnel) }
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
            onNotice?(place, notice)
        }
    }
}
