import KernelState
import NetworkPrimitives
import RawSockets
import Synchronization

/// Keeps what is known of the tunnels' namespaces, on a thread of its own: nft may take seconds.
final class NamespaceWatch: Sendable {
    private static let interval = Duration.seconds(5)
    /// Between two looks at what hardly changes, and costs a child process.
    private static let thoroughInterval = Duration.seconds(60)

    private struct State {
        var questions: [String?: NamespaceQuestions] = [nil: NamespaceQuestions()]
        var generation = 0
        var isStopping = false
        var readings: [String?: NamespaceReadings] = [:]
        var errors: [String?: CounterLedger] = [:]
    }

    private let state = Mutex(State())
    private let resolver: NameResolver
    private let poll: Mutex<EventPoll>
    private let waker: Waker

    /// Starts the thread.
    init(resolver: NameResolver) throws(SocketError) {
        self.resolver = resolver
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "namespaces") { [self] in poll.withLock { run($0) } }
    }

    /// Looks at the namespaces of these tunnels from now on.
    func watch(_ plans: [TunnelPlan]) {
        let questions = NamespaceQuestions.questions(for: plans)
        state.withLock { state in
            state.questions = questions
            state.generation += 1
            state.readings = state.readings.filter { questions.keys.contains($0.key) }
            state.errors = state.errors.filter { questions.keys.contains($0.key) }
        }
        waker.wake()
    }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.isStopping = true }
        waker.wake()
    }

    /// What is known now; a namespace that was not read yet is left out.
    var readings: [String?: NamespaceReadings] { state.withLock { $0.readings } }

    /// XFRM's error counters of each namespace, known names and those the kernel has beyond, none of
    /// which ever falls.
    var errorTotals: [String?: [NamedCounters.Counter]] {
        state.withLock { state in
            Dictionary(
                uniqueKeysWithValues: state.questions.keys.map {
                    ($0, (state.errors[$0] ?? Self.noErrors).totals)
                })
        }
    }

    private static let noErrors = CounterLedger(names: TransformErrors.names)

    /// Reads everything at once, for a command that looks once.
    ///
    /// Blocks for as long as the kernel and nft take.
    static func look(
        at plans: [TunnelPlan], resolver: NameResolver
    ) -> [String?: NamespaceReadings] {
        let reader = NamespaceReader(resolver: resolver)
        return NamespaceQuestions.questions(for: plans).reduce(into: [:]) { readings, entry in
            readings[entry.key] = reader.read(
                entry.key, entry.value, isThorough: true, earlier: nil)
        }
    }

    private func run(_ poll: EventPoll) {
        let reader = NamespaceReader(resolver: resolver)
        var nextThorough = MonotonicClock.now()
        var generation = -1
        while true {
            let (questions, current, earlier, isStopping) = state.withLock {
                ($0.questions, $0.generation, $0.readings, $0.isStopping)
            }
            guard !isStopping else { return }
            let now = MonotonicClock.now()
            let isThorough = now >= nextThorough || current != generation
            if isThorough { nextThorough = now + Self.thoroughInterval }
            generation = current
            reader.beginRound()
            for (namespace, asked) in questions {
                let readings = reader.read(
                    namespace, asked, isThorough: isThorough,
                    earlier: earlier[namespace])
                state.withLock { state in
                    guard state.questions.keys.contains(namespace) else { return }
                    state.readings[namespace] = readings
                    if let errors = readings.transformErrors.value {
                        state.errors[namespace, default: Self.noErrors].note(errors)
                    }
                }
            }
            poll.wait(until: now + Self.interval) { _ in }
        }
    }
}
