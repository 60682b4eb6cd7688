import Configuration
import IKE
import KeyDaemon
import Logging
import NetworkPrimitives
import RawSockets

/// What the service's thread owns: sessions, errands and the log.
final class KeyDaemonThread {
    private static let logInterval = Duration.seconds(1)
    /// What a report waits for answers; a daemon that hangs is found out by then.
    private static let reportPatience = Duration.milliseconds(2500)

    private struct Pending {
        var answer: CheckedContinuation<[String: KeyDaemonReport], Never>
        var deadline: MonotonicInstant
    }

    private struct Errand {
        var errand: InitiationErrand
        var answer: CheckedContinuation<Void, Never>
    }

    private let service: KeyDaemonService
    private let poll: EventPoll
    private let logger: Logger
    private var plans: [TunnelPlan] = []
    private var generation = -1
    private var sessions: [String: ViciSession] = [:]
    private var log = DaemonLogWatch()
    private var pending: [Pending] = []
    private var errands: [Errand] = []
    private var registered: Set<Int32> = []
    private var told: [String: String?] = [:]

    init(_ service: KeyDaemonService, _ poll: EventPoll, _ logger: Logger) {
        self.service = service
        self.poll = poll
        self.logger = logger
    }

    func run() {
        while true {
            let round = service.nextRound()
            let now = MonotonicClock.now()
            if round.generation != generation {
                generation = round.generation
                plans = round.plans
                adopt(round.log)
            }
            for session in sessions.values {
                session.drain(now: now)
                session.advance(now: now)
            }
            log.read(now: now, every: Self.logInterval, isAsked: !round.questions.isEmpty)
            for (plan, answer) in round.initiations { begin(plan, answer, now) }
            for answer in round.questions {
                for session in sessions.values { session.refresh(now: now) }
                pending.append(Pending(answer: answer, deadline: now + Self.reportPatience))
            }
            settleErrands(now, isStopping: round.isStopping)
            settleReports(now, isStopping: round.isStopping)
            tell()
            guard !round.isStopping else { return }
            register()
            poll.wait(until: deadline(now)) { _ in }
        }
    }

    private func deadline(_ now: MonotonicInstant) -> MonotonicInstant? {
        var deadlines = sessions.values.map(\.deadline)
        deadlines += pending.map(\.deadline)
        deadlines += errands.map(\.errand.deadline)
        if log.isFollowing { deadlines.append(log.nextRead) }
        return deadlines.min()
    }

    private func adopt(_ place: CharonLog?) {
        let paths = Set(plans.compactMap(\.configuration.viciSocket))
        sessions = sessions.filter { paths.contains($0.key) }
        for path in paths where sessions[path] == nil { sessions[path] = ViciSession(path: path) }
        // Nobody's log is read while no tunnel is watched.
        log.follow(plans.isEmpty ? nil : place)
    }

    private func begin(
        _ plan: TunnelPlan, _ answer: CheckedContinuation<Void, Never>, _ now: MonotonicInstant
    ) {
        guard let path = plan.configuration.viciSocket, let session = sessions[path],
            let connection = session.connection(of: plan), let child = connection.children.first
        else { return answer.resume() }
        do throws(KeyDaemonError) {
            errands.append(
                Errand(
                    errand: try InitiationErrand(
                        path: path, connection: connection.name, child: child.name, now: now),
                    answer: answer))
            logger.notice("tunnel \(plan.name): the daemon was asked to initiate it")
        } catch {
            answer.resume()
        }
    }

    private func settleErrands(_ now: MonotonicInstant, isStopping: Bool) {
        for errand in errands { errand.errand.drain(now: now) }
        errands.removeAll { errand in
            guard isStopping || now >= errand.errand.deadline else { return false }
            errand.answer.resume()
            return true
        }
    }

    private func settleReports(_ now: MonotonicInstant, isStopping: Bool) {
        guard !pending.isEmpty else { return }
        let isSettled = sessions.values.allSatisfy(\.isSettled)
        var reports: [String: KeyDaemonReport]?
        pending.removeAll { question in
            guard isStopping || isSettled || now >= question.deadline else { return false }
            let answer = reports ?? makeReports()
            reports = answer
            question.answer.resume(returning: answer)
            return true
        }
    }

    private func makeReports() -> [String: KeyDaemonReport] {
        Dictionary(
            plans.map { plan in
                let session = plan.configuration.viciSocket.flatMap { sessions[$0] }
                return (plan.name, KeyDaemonReport(of: plan, session, log))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Logs when a daemon begins or ceases to answer; one that never ran is no news.
    private func tell() {
        for (path, session) in sessions {
            let before = told[path]
            guard before != .some(session.reason) else { continue }
            told[path] = .some(session.reason)
            if let reason = session.reason {
                if case .some(.none) = before { logger.warning("key daemon: \(reason)") }
            } else {
                logger.notice("key daemon: \(session.version ?? "it") answers on \(path)")
            }
        }
    }

    /// Has the poll wait for exactly what is open.
    private func register() {
        let open = Set(
            sessions.values.compactMap(\.descriptor) + errands.compactMap(\.errand.descriptor))
        // One that was closed is gone from the poll by itself, and its number may be another's now.
        for descriptor in registered.subtracting(open) {
            do throws(SocketError) { try poll.remove(descriptor) } catch { continue }
        }
        for descriptor in open {
            do throws(SocketError) {
                try poll.add(descriptor, key: UInt64(UInt32(bitPattern: descriptor)))
            } catch {
                // It is in the poll already.
                continue
            }
        }
        registered = open
    }
}
