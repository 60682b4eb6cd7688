import NetworkPrimitives
import RawSockets
import Synchronization

/// Diagnoses all tunnels of the running agent again and again, and at once when a state changes.
///
/// Everybody who follows the diagnoses (log, event store) is called with each report. However many tunnels
/// there are, diagnosing takes a twentieth of one CPU at most while nothing changes.
final class DiagnosisService: Sendable {
    /// The least time between two diagnoses while no state changes.
    static let interval = Duration.seconds(2)
    /// The least time after one before a change of state calls for the next.
    static let leastPause = Duration.milliseconds(200)

    private let wakes: AsyncStream<Void>.Continuation
    private let handlers = Mutex<[@Sendable (StatusReport, MonotonicInstant) -> Void]>([])
    private let work = Mutex<Task<Void, Never>?>(nil)

    private let stream: AsyncStream<Void>

    /// Starts nothing yet.
    init() {
        (stream, wakes) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Has a handler called with each diagnosed report; it must not take long.
    func onDiagnosis(_ handler: @escaping @Sendable (StatusReport, MonotonicInstant) -> Void) {
        handlers.withLock { $0.append(handler) }
    }

    /// Asks for a diagnosis as soon as possible.
    func wake() { wakes.yield() }

    /// Begins to diagnose.
    ///
    /// - Parameter status: makes a report with its findings; nil ends it.
    func start(_ status: @escaping @Sendable () async -> StatusReport?) {
        let task = Task { [self] in
            var ticker: Task<Void, Never>?
            wakes.yield()
            for await _ in stream {
                ticker?.cancel()
                let begin = MonotonicClock.now()
                guard let report = await status() else { break }
                let now = MonotonicClock.now()
                for handler in handlers.withLock({ $0 }) { handler(report, now) }
                let took = MonotonicClock.now() - begin
                do { try await Task.sleep(for: max(Self.leastPause, took * 4)) } catch { break }
                let rest = max(Self.interval, took * 20) - (MonotonicClock.now() - begin)
                ticker = Task { [wakes] in
                    do { try await Task.sleep(for: max(.zero, rest)) } catch { return }
                    wakes.yield()
                }
            }
            ticker?.cancel()
        }
        work.withLock { $0 = task }
    }

    /// Ends it; the diagnosis that is under way is not waited for.
    func stop() {
        wakes.finish()
        work.withLock { $0 }?.cancel()
    }
}
