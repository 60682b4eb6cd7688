import Configuration
import Dispatch
import EventStore
import FlightRecording
import History
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization
import TunnelHealth

/// Keeps the tunnels' history in `state_dir`: takes what happens, and writes it on a thread of its own.
///
/// Nobody who hands something over waits for the disk. Changes of state are committed at once, everything
/// else within two seconds. Without a store that can be written the agent goes on, and says so.
final class HistoryService: Sendable {
    /// How the store does.
    struct Figures: Equatable, Sendable {
        /// Whether the last that was tried succeeded.
        var isWorking = false
        /// Rows that are committed.
        var written: UInt64 = 0
        /// Rows that were lost because they could not be stored for too long.
        var dropped: UInt64 = 0
        /// Times that the store could not be opened or written.
        var failures: UInt64 = 0
        /// Damaged stores that were moved aside.
        var damaged: UInt64 = 0
        /// What database and log take, in octets.
        var size = 0
    }

    struct State {
        var recorder = EventRecorder()
        var queue = HistoryQueue()
        var folder: String
        var age: Duration
        var size: Int
        var figures = Figures()
        var isEnding = false
        var isStarted = false
        var notice: String?
        var orders: [FormerOrder] = []
    }

    let state: Mutex<State>
    let logger: Logger
    let wakes = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Makes a service that keeps nothing before `start`.
    init(_ configuration: AgentConfiguration, logger: Logger) {
        state = Mutex(
            State(
                folder: configuration.stateDirectory, age: configuration.retention,
                size: Self.size(configuration)))
        self.logger = logger
    }

    /// Half the room that the configuration gives is the events', the rest the captures'.
    private static func size(_ configuration: AgentConfiguration) -> Int {
        Int(clamping: configuration.retentionSize.bytes / 2)
    }

    /// What is wrong with the store, for `agent-degraded`; nil when all is well.
    var notice: String? { state.withLock { $0.notice } }

    /// How the store does.
    var figures: Figures {
        state.withLock { state in
            var figures = state.figures
            figures.dropped += state.queue.dropped
            return figures
        }
    }

    /// Begins to keep what happens.
    func start() {
        state.withLock { $0.isStarted = true }
        keep(StoredEvent(.agentStarted(version: Version.current), at: WallClock.now()))
        do throws(SocketError) {
            try PinnedThread.start(name: "history") { [self] in
                HistoryWriter(self).run()
                ended.signal()
            }
        } catch {
            state.withLock {
                $0.isStarted = false
                $0.notice = "nothing is stored of what happens: \(error)"
            }
            logger.error("the thread of the event store cannot start: \(error)")
        }
    }

    /// Writes what is left and ends; waits for that, three seconds at most.
    func stop() {
        let (now, wall) = (MonotonicClock.now(), WallClock.now())
        let wasStarted = state.withLock { state in
            guard state.isStarted, !state.isEnding else { return false }
            let minutes = state.recorder.end(at: now, wall: wall)
            state.queue.add(
                StoreBatch(events: [StoredEvent(.agentStopped, at: wall)], minutes: minutes))
            state.isEnding = true
            return true
        }
        guard wasStarted else { return }
        wakes.signal()
        if ended.wait(timeout: .now() + 3) == .timedOut {
            logger.warning("the event store takes too long to close")
        }
    }

    /// Follows another configuration; the place of the store stays until the next start.
    func adopt(_ configuration: AgentConfiguration) {
        state.withLock {
            $0.age = configuration.retention
            $0.size = Self.size(configuration)
        }
    }

    // MARK: - What happens

    /// Takes a diagnosed report.
    func take(_ report: StatusReport, at now: MonotonicInstant) {
        state.withLock { state in
            guard state.isStarted, !state.isEnding else { return }
            state.queue.add(state.recorder.take(report, at: now))
        }
    }

    /// Takes a change of a tunnel's state, which is stored at once.
    ///
    /// - Parameters:
    ///   - change: from which state to which, when and why.
    ///   - source: which probes the state comes from; nil where that is not known.
    func take(_ change: LoopEvents.StateChange, source: ProbePath?) {
        let (now, wall) = (MonotonicClock.now(), WallClock.now())
        state.withLock { state in
            guard state.isStarted, !state.isEnding else { return }
            let event = state.recorder.take(
                change, source: source, wall: wall + (change.transition.at - now))
            state.queue.add(StoreBatch(events: [event]))
        }
        wakes.signal()
    }

    /// Takes what a load of the configuration came to.
    func take(_ outcome: ConfigurationStore.Outcome) {
        let at = WallClock.now()
        switch outcome {
        case .loaded(let summary):
            keep(StoredEvent(.configurationLoaded(succeeded: true, summary: summary), at: at))
        case .refused(let problems):
            keep(StoredEvent(.configurationLoaded(succeeded: false, summary: problems), at: at))
        }
    }

    /// Takes a flight recording that was written.
    func take(_ saved: FlightRecorder.Saved) {
        keep(
            StoredEvent(
                .captureSaved(file: saved.path, reason: saved.event.text),
                of: saved.event.tunnel, at: saved.event.wall))
    }

    /// Has an event stored.
    func keep(_ event: StoredEvent) {
        state.withLock { state in
            guard state.isStarted, !state.isEnding else { return }
            state.queue.add(StoreBatch(events: [event]))
        }
    }
}
