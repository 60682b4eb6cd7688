import Configuration
import NetworkPrimitives
import RawSockets
import Synchronization

/// Runs the monitors on a thread of its own.
///
/// Send times and receive stamps do not survive a shared thread pool, so one thread owns all
/// monitors and sockets. Everybody else asks it to run something between two packets.
final class ProbeLoop: Sendable {
    /// What the loop has to tell; called on its thread, must not block.
    enum Event: Sendable {
        case monitor(MonitorSet.Event)
        case transport(SocketTransport.Notice)
    }

    private typealias Command = @Sendable (inout State) -> Void

    /// What lives on the loop's thread.
    struct State: ~Copyable {
        var monitors: MonitorSet
        var transport: SocketTransport
        var isStopping = false

        /// Makes the continuously observed tunnels those of `plans`.
        mutating func configure(_ plans: [TunnelPlan]) {
            // To make a tunnel's probers takes some 20 µs; what fell due meanwhile would start late.
            let ready = MonotonicClock.now() + .microseconds(50) * plans.count
            monitors.configure(plans, now: ready)
            transport.makeRoom(for: plans)
            transport.retain(only: monitors.routes)
        }
    }

    private let commands = Mutex<[Command]>([])
    /// Locked by the loop's thread for as long as it runs.
    private let poll: Mutex<EventPoll>
    private let waker: Waker
    private let turns = Atomic<UInt64>(0)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - pacer: the agent's one pacer of hop-limited packets.
    ///   - events: called on the loop's thread for everything it has to tell.
    /// - Throws: `SocketError` when the process may not make a thread or descriptors.
    init(
        pacer: SharedHopPacer, events: @escaping @Sendable (Event) -> Void
    ) throws(SocketError) {
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "probe-loop") { [self] in
            poll.withLock { run($0, pacer, events: events) }
        }
    }

    /// How often the loop has come round; a loop that hangs stands still.
    var turnCount: UInt64 { turns.load(ordering: .relaxed) }

    /// Runs `body` on the loop's thread and returns what it returns.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (inout State) -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            post { continuation.resume(returning: body(&$0)) }
        }
    }

    /// Runs `body` on the loop's thread, some time soon.
    func post(_ body: @escaping @Sendable (inout State) -> Void) {
        commands.withLock { $0.append(body) }
        waker.wake()
    }

    /// Ends the thread; what was posted before still runs.
    func stop() {
        post { $0.isStopping = true }
    }

    private func run(
        _ poll: EventPoll, _ pacer: SharedHopPacer, events: @Sendable (Event) -> Void
    ) {
        var state = State(
            monitors: MonitorSet(pacer: pacer), transport: SocketTransport(poll: poll))
        var readable: [UInt64] = []
        var nextSecond = MonotonicClock.now()
        while !state.isStopping {
            let deadline = min(state.monitors.deadline ?? .distantFuture, nextSecond)
            readable.removeAll(keepingCapacity: true)
            poll.wait(until: deadline) { readable.append($0) }
            for key in readable { Self.drain(key, &state.monitors, &state.transport) }
            for command in commands.withLock({ commands in
                defer { commands = [] }
                return commands
            }) {
                command(&state)
            }
            let now = MonotonicClock.now()
            state.monitors.advance(to: now, transport: &state.transport)
            if now >= nextSecond {
                state.monitors.advanceFlaps(to: now)
                nextSecond = now + .seconds(1)
            }
            for event in state.monitors.takeEvents() { events(.monitor(event)) }
            for notice in state.transport.takeNotices() { events(.transport(notice)) }
            turns.add(1, ordering: .relaxed)
        }
    }

    private static func drain(
        _ key: UInt64, _ monitors: inout MonitorSet, _ transport: inout SocketTransport
    ) {
        transport.drain(
            key,
            transmitted: { monitors.transmitted($0, at: $1) },
            received: { monitors.receive($0, $1, now: MonotonicClock.now()) })
    }
}
