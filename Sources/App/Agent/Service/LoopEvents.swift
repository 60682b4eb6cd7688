import Logging
import NetworkPrimitives
import Synchronization
import TunnelHealth

/// Writes what the probe loop has to tell as log lines, one for each change.
final class LoopEvents: Sendable {
    private let logger: Logger
    private let noticeHandler = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Called for what makes measurements worse than they should be.
    var onNotice: (@Sendable (String) -> Void)? {
        get { noticeHandler.withLock { $0 } }
        set { noticeHandler.withLock { $0 = newValue } }
    }

    init(logger: Logger) {
        self.logger = logger
    }

    func take(_ event: ProbeLoop.Event) {
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
        case .monitor(.sendFailed(let tunnel, let role, let reason)):
            logger.warning(
                "tunnel \(tunnel): \(role.path.rawValue)/\(role.style.rawValue) probes cannot be sent: \(reason)"
            )
        case .monitor(.sendRecovered(let tunnel, let role)):
            logger.notice(
                "tunnel \(tunnel): \(role.path.rawValue)/\(role.style.rawValue) probes leave again")
        case .transport(.stampsMissing(let device, let reason)):
            let place = device.map { "on \($0)" } ?? "on the underlay"
            let text =
                "kernel timestamps are not to be had \(place), so round-trip times include this "
                + "process's own delays: \(reason)"
            logger.warning("\(text)")
            onNotice?(text)
        }
    }
}
