import IKE
import KeyDaemon
import NetworkPrimitives
import RawSockets

/// One strongSwan daemon that is asked and listened to, with reconnection.
///
/// Belongs to the service's thread.
final class ViciSession {
    /// What was asked and not answered yet, in the order of the questions.
    private enum Question: Equatable {
        case registration(String)
        case version
        case connections
        case associations
    }

    private static let refreshInterval = Duration.seconds(5)
    /// A daemon that takes longer hangs.
    private static let patience = Duration.seconds(2)
    private static let firstPause = Duration.milliseconds(500)
    private static let longestPause = Duration.seconds(15)
    /// More than any daemon has; a limit all the same.
    private static let listLimit = 16_384
    /// `alert` is unknown to daemons before 6.0.3, which say so.
    private static let events = [
        "log", "ike-updown", "child-updown", "ike-rekey", "child-rekey", "alert", "list-conn",
        "list-sa",
    ]

    let path: String
    private var connection: ViciConnection?
    private var questions: [Question] = []
    private var headSince = MonotonicInstant(nanoseconds: 0)
    private var pause = ViciSession.firstPause
    private var nextAttempt = MonotonicInstant(nanoseconds: 0)
    private var refreshAt = MonotonicInstant(nanoseconds: 0)
    private var newConnections: [KeyDaemonConnection] = []
    private var newAssociations: [KeyDaemonAssociation] = []

    /// Why the daemon does not answer; nil when it does.
    private(set) var reason: String? = "the daemon was not asked yet"
    /// The daemon and its version.
    private(set) var version: String?
    /// What it is configured to have.
    private(set) var connections: [KeyDaemonConnection] = []
    /// What it has.
    private(set) var associations: [KeyDaemonAssociation] = []
    /// What it was heard to say.
    private(set) var history = KeyDaemonHistory()

    init(path: String) {
        self.path = path
    }

    /// What can be waited for; nil while there is no connection.
    var descriptor: Int32? { connection?.descriptor }

    /// The names that connections to peers had when the daemon last told.
    private var lastNames: [IPAddress: String] = [:]

    /// The name of a tunnel's connection when the daemon last told.
    func lastName(of plan: TunnelPlan) -> String? { plan.remote.flatMap { lastNames[$0] } }

    /// Whether every question has its answer, or none is to be had.
    var isSettled: Bool { questions.isEmpty }

    /// When `advance` is due.
    var deadline: MonotonicInstant {
        guard connection != nil else { return nextAttempt }
        return questions.isEmpty ? refreshAt : headSince + Self.patience
    }

    /// Asks for what may have changed.
    func refresh(now: MonotonicInstant) {
        guard connection != nil, questions.isEmpty else { return }
        refreshAt = now
        advance(now: now)
    }

    /// Does what is due.
    func advance(now: MonotonicInstant) {
        if connection == nil {
            guard now >= nextAttempt else { return }
            open(now: now)
        } else if !questions.isEmpty, now >= headSince + Self.patience {
            fail("\(path): the daemon does not answer", now: now)
        } else if questions.isEmpty, now >= refreshAt {
            attempt(now: now) { connection throws(KeyDaemonError) in
                try self.ask(.connections, connection, now)
                try self.ask(.associations, connection, now)
            }
        }
    }

    /// Takes what has come.
    func drain(now: MonotonicInstant) {
        attempt(now: now) { connection throws(KeyDaemonError) in
            for packet in try connection.receive() { try self.take(packet, now) }
        }
    }

    private func open(now: MonotonicInstant) {
        do throws(KeyDaemonError) {
            connection = try ViciConnection(path: path)
        } catch {
            fail("\(error)", now: now)
            return
        }
        attempt(now: now) { connection throws(KeyDaemonError) in
            for event in Self.events {
                try self.ask(.registration(event), connection, now)
            }
            try self.ask(.version, connection, now)
            try self.ask(.connections, connection, now)
            try self.ask(.associations, connection, now)
        }
    }

    private func attempt(
        now: MonotonicInstant, _ body: (ViciConnection) throws(KeyDaemonError) -> Void
    ) {
        guard let connection else { return }
        do throws(KeyDaemonError) { try body(connection) } catch { fail("\(error)", now: now) }
    }

    private func fail(_ reason: String, now: MonotonicInstant) {
        self.reason = reason
        connection = nil
        questions = []
        connections = []
        associations = []
        version = nil
        nextAttempt = now + pause
        pause = min(pause + pause, Self.longestPause)
    }

    private func ask(
        _ question: Question, _ connection: ViciConnection, _ now: MonotonicInstant
    ) throws(KeyDaemonError) {
        if questions.isEmpty { headSince = now }
        questions.append(question)
        switch question {
        case .registration(let event): try connection.send(.register(event))
        case .version: try connection.send(.request("version", ViciMessage()))
        case .connections:
            newConnections = []
            try connection.send(.request("list-conns", ViciMessage()))
        case .associations:
            newAssociations = []
            try connection.send(.request("list-sas", ViciMessage()))
        }
    }

    private func take(_ packet: ViciPacket, _ now: MonotonicInstant) throws(KeyDaemonError) {
        switch packet {
        case .event(let name, let message):
            take(event: name, message, now)
            // A long list is an answer that goes on.
            headSince = now
        case .response(let message):
            switch questions.first {
            case .version:
                version = [message.value("daemon"), message.value("version")]
                    .compactMap { $0 }.joined(separator: " ")
            case .connections:
                connections = newConnections
                for connection in connections {
                    for remote in connection.remoteAddresses.compactMap({ IPAddress($0) })
                    where lastNames.count < Self.listLimit {
                        lastNames[remote] = connection.name
                    }
                }
            case .associations:
                associations = newAssociations
                reason = nil
                pause = Self.firstPause
                refreshAt = now + Self.refreshInterval
            case .registration, nil: throw .unavailable("\(path): an answer to nothing")
            }
            answered(now)
        case .confirmed, .unknownEvent:
            guard case .registration = questions.first else {
                throw .unavailable("\(path): an answer to nothing")
            }
            answered(now)
        case .unknownCommand:
            answered(now)
        case .request, .register, .unregister:
            throw .unavailable("\(path): it asks instead of answering")
        }
    }

    private func answered(_ now: MonotonicInstant) {
        guard !questions.isEmpty else { return }
        questions.removeFirst()
        headSince = now
    }

    private func take(event name: String, _ message: ViciMessage, _ now: MonotonicInstant) {
        switch name {
        case "list-conn":
            guard newConnections.count < Self.listLimit else { return }
            newConnections += KeyDaemonConnection.all(in: message)
        case "list-sa":
            guard newAssociations.count < Self.listLimit else { return }
            newAssociations += KeyDaemonAssociation.all(in: message)
        case "log":
            guard let text = message.value("msg"), let statement = KeyDaemonStatement(text) else {
                return
            }
            let connection = message.value("ikesa-name")
            history.take(
                KeyDaemonMessage(
                    connection: connection, peer: nil, statement: statement, text: text), at: now)
        default:
            // Something went up or down: soon all is asked again.
            refreshAt = min(refreshAt, now + .milliseconds(200))
        }
    }
}
