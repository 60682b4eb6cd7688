import Configuration
import KernelState
import Logging
import Netlink
import NetworkPrimitives
import RawSockets
import Synchronization

/// Follows the SAs of the watched tunnels in their network namespaces, on one thread.
///
/// Events tell of changes at once; every five seconds, and for a report, the tables are read too, which
/// brings counters and finds what events missed.
final class KernelService: Sendable {
    /// What a handler is told: the namespace (nil is the agent's own) and the event.
    typealias Handler = @Sendable (String?, TimedKernelEvent) -> Void
    private typealias Command = @Sendable ([String?: AssociationWatch]) -> Void

    private struct Orders {
        var tunnels = WatchedTunnels()
        var generation = 0
        var handlers: [Handler] = []
        var commands: [Command] = []
        var isStopping = false
    }

    /// Counters that were read within this time are good enough for a report.
    private static let freshness = Duration.milliseconds(100)

    private let orders = Mutex(Orders())
    private let poll: Mutex<EventPoll>
    private let waker: Waker

    /// Starts the thread; nothing is followed yet.
    ///
    /// - Throws: `SocketError` when the process may not make a thread or descriptors.
    init(logger: Logger) throws(SocketError) {
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "kernel-watcher") { [self] in
            poll.withLock { run($0, logger) }
        }
    }

    /// Calls `handler` on the thread with each event from now on; it must not block.
    func addHandler(_ handler: @escaping Handler) {
        orders.withLock { $0.handlers.append(handler) }
    }

    /// Follows these tunnels from now on, and no others.
    func watch(_ plans: [TunnelPlan]) {
        change { $0.tunnels.continuous = plans }
    }

    /// Follows these tunnels too, until `forget`.
    func observe(_ plans: [TunnelPlan]) -> Int {
        var guest = 0
        change { guest = $0.tunnels.admit(plans) }
        return guest
    }

    /// Ends what `observe` began.
    func forget(_ guest: Int) { change { $0.tunnels.forget(guest) } }

    /// Ends the thread.
    func stop() { change { $0.isStopping = true } }

    /// What is known now, with counters of this moment.
    func report() async -> KernelReport {
        await withCheckedContinuation { continuation in
            let isQueued = orders.withLock { orders in
                guard !orders.isStopping else { return false }
                let plans = orders.tunnels.plans
                orders.commands.append { watches in
                    continuation.resume(returning: Self.report(of: plans, watches))
                }
                return true
            }
            if isQueued { waker.wake() } else { continuation.resume(returning: KernelReport()) }
        }
    }

    private static func report(
        of plans: [TunnelPlan], _ watches: [String?: AssociationWatch]
    ) -> KernelReport {
        var report = KernelReport()
        for plan in plans {
            report.tunnels[plan.name] = watches[plan.configuration.netns]?.reading(of: plan.name)
        }
        for watch in watches.values {
            report.overruns += watch.overruns
            report.malformedMessages += watch.malformedMessages
        }
        return report
    }

    private func change(_ body: (inout Orders) -> Void) {
        orders.withLock { orders in
            body(&orders)
            orders.generation += 1
        }
        waker.wake()
    }

    // MARK: - The thread

    private func run(_ poll: EventPoll, _ logger: Logger) {
        var watches: [String?: AssociationWatch] = [:]
        var registered: [Int32] = []
        var generation = -1
        while true {
            let (current, handlers, commands, isStopping) = orders.withLock { orders in
                defer { orders.commands = [] }
                return (
                    orders.generation, orders.handlers, orders.commands, orders.isStopping
                )
            }
            if current != generation {
                generation = current
                adopt(orders.withLock { $0.tunnels.plans }, &watches)
            }
            for watch in watches.values {
                let tell = { (event: TimedKernelEvent) in
                    for handler in handlers { handler(watch.namespace, event) }
                }
                watch.drain(tell)
                let now = MonotonicClock.now()
                if now >= watch.deadline
                    || !commands.isEmpty && now - watch.readAt > Self.freshness
                {
                    watch.read(tell)
                }
            }
            for command in commands { command(watches) }
            guard !isStopping else { return }
            register(
                watches.values.flatMap { $0.socket?.descriptors ?? [] }, &registered, poll, logger)
            poll.wait(until: watches.values.map(\.deadline).min()) { _ in }
        }
    }

    private func adopt(_ plans: [TunnelPlan], _ watches: inout [String?: AssociationWatch]) {
        let groups = Dictionary(grouping: plans, by: \.configuration.netns)
        watches = watches.filter { groups[$0.key] != nil }
        for (namespace, plans) in groups {
            let watch = watches[namespace] ?? AssociationWatch(namespace: namespace)
            watches[namespace] = watch
            watch.adopt(
                plans.compactMap { plan in
                    plan.remote.map {
                        AssociationOwners.Tunnel(
                            name: plan.name, device: plan.tunnelInterface, local: plan.local,
                            remote: $0)
                    }
                })
        }
    }

    /// Has the poll wait for exactly these descriptors.
    private func register(
        _ descriptors: [Int32], _ registered: inout [Int32], _ poll: EventPoll, _ logger: Logger
    ) {
        guard Set(descriptors) != Set(registered) else { return }
        // One that was closed is gone from the poll by itself, and its number may be another's now.
        for descriptor in registered {
            do throws(SocketError) { try poll.remove(descriptor) } catch { continue }
        }
        registered = []
        for (index, descriptor) in descriptors.enumerated() {
            do throws(SocketError) {
                try poll.add(descriptor, key: UInt64(index))
                registered.append(descriptor)
            } catch {
                logger.warning("events of the kernel are read late: \(error)")
            }
        }
    }
}
