import Configuration
import IKE
import KeyDaemon
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization

/// Asks and hears the key daemons of the watched tunnels, on one thread.
final class KeyDaemonService: Sendable {
    private typealias Answer = CheckedContinuation<[String: KeyDaemonReport], Never>

    private struct Orders {
        var tunnels = WatchedTunnels()
        var log: CharonLog?
        var generation = 0
        var questions: [Answer] = []
        var initiations: [(TunnelPlan, CheckedContinuation<Void, Never>)] = []
        var isStopping = false
    }

    private let orders = Mutex(Orders())
    private let poll: Mutex<EventPoll>
    private let waker: Waker

    /// Starts the thread; nobody is asked yet.
    ///
    /// - Throws: `SocketError` when the process may not make a thread or descriptors.
    init(logger: Logger) throws(SocketError) {
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "key-daemon") { [self] in
            poll.withLock { KeyDaemonThread(self, $0, logger).run() }
        }
    }

    /// Asks the daemons of these tunnels from now on, and of no others.
    func watch(_ plans: [TunnelPlan]) { change { $0.tunnels.continuous = plans } }

    /// Reads this log too, where there is no vici.
    func follow(_ log: CharonLog?) { change { $0.log = log } }

    /// Asks the daemons of these tunnels too, until `forget`.
    func observe(_ plans: [TunnelPlan]) -> Int {
        var guest = 0
        change { guest = $0.tunnels.admit(plans) }
        return guest
    }

    /// Ends what `observe` began.
    func forget(_ guest: Int) { change { $0.tunnels.forget(guest) } }

    /// Ends the thread.
    func stop() { change { $0.isStopping = true } }

    /// What the daemons say now, by the name of the tunnel.
    func report() async -> [String: KeyDaemonReport] {
        await withCheckedContinuation { continuation in
            let isQueued = orders.withLock { orders in
                guard !orders.isStopping else { return false }
                orders.questions.append(continuation)
                return true
            }
            if isQueued { waker.wake() } else { continuation.resume(returning: [:]) }
        }
    }

    /// Has the daemon negotiate a tunnel that it is configured to have and has not got, once.
    ///
    /// - Returns: what the daemon says afterwards.
    func initiate(_ plan: TunnelPlan) async -> KeyDaemonReport {
        let before = await report()[plan.name] ?? KeyDaemonReport()
        guard before.reason == nil, before.isConfiguredButDown else { return before }
        await withCheckedContinuation { continuation in
            let isQueued = orders.withLock { orders in
                guard !orders.isStopping else { return false }
                orders.initiations.append((plan, continuation))
                return true
            }
            if isQueued { waker.wake() } else { continuation.resume() }
        }
        return await report()[plan.name] ?? KeyDaemonReport()
    }

    private func change(_ body: (inout Orders) -> Void) {
        orders.withLock { orders in
            body(&orders)
            orders.generation += 1
        }
        waker.wake()
    }

    /// What the thread has to do next.
    struct Round {
        var plans: [TunnelPlan]
        var log: CharonLog?
        var generation: Int
        var questions: [CheckedContinuation<[String: KeyDaemonReport], Never>]
        var initiations: [(TunnelPlan, CheckedContinuation<Void, Never>)]
        var isStopping: Bool
    }

    func nextRound() -> Round {
        orders.withLock { orders in
            defer {
                orders.questions = []
                orders.initiations = []
            }
            return Round(
                plans: orders.tunnels.plans, log: orders.log, generation: orders.generation,
                questions: orders.questions, initiations: orders.initiations,
                isStopping: orders.isStopping)
        }
    }
}
