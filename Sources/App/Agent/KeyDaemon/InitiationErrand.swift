import IKE
import KeyDaemon
import NetworkPrimitives

/// One request that a daemon negotiates a child SA, on a connection of its own: the daemon answers when it
/// has come up or failed.
///
/// Belongs to the service's thread.
final class InitiationErrand {
    /// What one attempt may take.
    private static let limit = Duration.seconds(8)
    /// Log messages reach the other connection at about the time of the answer.
    private static let aftermath = Duration.milliseconds(300)

    private let connection: ViciConnection
    /// When it is over.
    private(set) var deadline: MonotonicInstant
    private var isAnswered = false

    /// Sends the request.
    init(
        path: String, connection name: String, child: String, now: MonotonicInstant
    ) throws(KeyDaemonError) {
        connection = try ViciConnection(path: path)
        deadline = now + Self.limit
        let milliseconds = Self.limit.components.seconds * 1000
        try connection.send(
            .request(
                "initiate",
                ViciMessage([
                    .init("child", .value(child)), .init("ike", .value(name)),
                    .init("timeout", .value("\(milliseconds)")),
                    .init("loglevel", .value("-1")),
                ])))
    }

    /// What can be waited for.
    var descriptor: Int32? { isAnswered ? nil : connection.descriptor }

    /// Takes what has come.
    func drain(now: MonotonicInstant) {
        guard !isAnswered else { return }
        do throws(KeyDaemonError) {
            guard try connection.receive().contains(where: { $0.isAnswer }) else { return }
        } catch {
            // A daemon that went away answers nothing more.
        }
        isAnswered = true
        deadline = min(deadline, now + Self.aftermath)
    }
}

extension ViciPacket {
    fileprivate var isAnswer: Bool {
        switch self {
        case .response, .unknownCommand: true
        default: false
        }
    }
}
