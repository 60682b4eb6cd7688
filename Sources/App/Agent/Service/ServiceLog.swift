import HostFacts
public import Logging
import NetworkPrimitives
import RawSockets
import Synchronization

/// Writes log lines to standard error: with syslog priorities for journald, with the time elsewhere.
///
/// sd-daemon(3): a line that begins with `<N>` is stored by journald with priority N.
public struct ServiceLog: LogHandler {
    /// The level that all handlers made with the same value share, so that a reload can change it.
    public final class Level: Sendable {
        private let level: Mutex<Logger.Level>

        /// A shared level.
        public init(_ level: Logger.Level) {
            self.level = Mutex(level)
        }

        /// The least severe level that is written.
        public var current: Logger.Level {
            get { level.withLock { $0 } }
            set { level.withLock { $0 = newValue } }
        }
    }

    /// Fields added to every line.
    public var metadata: Logger.Metadata = [:]

    /// The least severe level that is written.
    public var logLevel: Logger.Level {
        get { level.current }
        set { level.current = newValue }
    }

    private let level: Level
    private let isJournal: Bool

    /// A handler with a shared level.
    ///
    /// - Parameters:
    ///   - level: what is written.
    ///   - isJournal: whether standard error goes to journald (its `JOURNAL_STREAM`).
    public init(level: Level, isJournal: Bool) {
        self.level = level
        self.isJournal = isJournal
    }

    /// One field of `metadata`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one event.
    public func log(event: LogEvent) {
        let prefix =
            isJournal
            ? "<\(event.level.priority)>"
            : "\(WallClock.now().description.prefix(19))Z \(event.level.rawValue) "
        // journald and people read lines: a message of several is several lines, each with its prefix.
        let lines = event.message.description.split(separator: "\n").map { "\(prefix)\($0)\n" }
        StandardStream.error.write(lines.joined())
    }
}

extension Logger.Level {
    /// The syslog priority (RFC 5424 §6.2.1).
    fileprivate var priority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
