import NetworkPrimitives
import RawSockets
import Synchronization

/// Resolves the DNS names of tunnel endpoints without making anybody wait.
///
/// getaddrinfo(3) can block for half a minute where DNS is down, exactly when a tunnel is down, so
/// each lookup runs on a thread of its own. A failure is tried again after 1 s, then 2 s, up to
/// 60 s; a success is renewed after five minutes, and stays in use while the renewal fails.
final class NameResolver: Sendable {
    private static let lifetime = Duration.seconds(300)
    private static let longestDelay = Duration.seconds(60)

    private struct Entry {
        var resolution: NameResolution
        var failures: Int
        var nextLookup: MonotonicInstant
        var isRunning: Bool
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let lookUp: @Sendable (String) -> NameResolution
    private let clock: @Sendable () -> MonotonicInstant

    /// A resolver that asks `lookUp`, the system's resolver unless a test says otherwise.
    ///
    /// - Parameters:
    ///   - lookUp: what is asked; may block.
    ///   - clock: by what lookups are spaced.
    init(
        lookUp: (@Sendable (String) -> NameResolution)? = nil,
        clock: @escaping @Sendable () -> MonotonicInstant = MonotonicClock.now
    ) {
        self.lookUp = lookUp ?? Self.systemLookup
        self.clock = clock
    }

    /// What is known of `name` now; starts a lookup where one is due.
    func resolution(of name: String) -> NameResolution {
        let now = clock()
        let (known, isDue) = entries.withLock { entries in
            var entry =
                entries[name]
                ?? Entry(
                    resolution: .pending(reason: "not resolved yet"), failures: 0, nextLookup: now,
                    isRunning: false)
            let isDue = !entry.isRunning && entry.nextLookup <= now
            if isDue { entry.isRunning = true }
            entries[name] = entry
            return (entry.resolution, isDue)
        }
        if isDue { start(name) }
        return known
    }

    /// Whether no lookup is under way.
    var isIdle: Bool { entries.withLock { $0.values.allSatisfy { !$0.isRunning } } }

    /// Waits until `name` has been looked up once, at most `limit`.
    func firstResolution(of name: String, within limit: Duration) async -> NameResolution {
        let end = MonotonicClock.now() + limit
        while true {
            _ = resolution(of: name)
            // Both under one lock, so that the answer is not older than the decision.
            let (known, isDecided) = entries.withLock { entries in
                entries[name].map { ($0.resolution, !$0.isRunning || $0.failures > 0) }
                    ?? (.pending(reason: "not resolved yet"), false)
            }
            guard !isDecided, MonotonicClock.now() < end, !Task.isCancelled else { return known }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return known }
        }
    }

    private func start(_ name: String) {
        do throws(SocketError) {
            try PinnedThread.start(name: "resolver") { [self] in finish(name, lookUp(name)) }
        } catch {
            finish(name, .pending(reason: error.description))
        }
    }

    private func finish(_ name: String, _ answer: NameResolution) {
        let now = clock()
        entries.withLock { entries in
            guard var entry = entries[name] else { return }
            entry.isRunning = false
            switch answer {
            case .addresses:
                entry.resolution = answer
                entry.failures = 0
                entry.nextLookup = now + Self.lifetime
            case .pending:
                if case .pending = entry.resolution { entry.resolution = answer }
                entry.failures += 1
                let delay = Duration.seconds(1 << min(entry.failures - 1, 6))
                entry.nextLookup = now + min(delay, Self.longestDelay)
            }
            entries[name] = entry
        }
    }

    private static let systemLookup: @Sendable (String) -> NameResolution = { name in
        do throws(HostLookup.Failure) {
            return .addresses(try HostLookup.addresses(of: name))
        } catch {
            return .pending(reason: error.description)
        }
    }
}
