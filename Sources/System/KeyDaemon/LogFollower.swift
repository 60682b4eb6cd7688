public import NetworkPrimitives

/// Reads what a key daemon logs, from the journal or a file, as it is written.
///
/// Belongs to one thread. A call takes what there is, up to a bound, and never waits for more.
public final class LogFollower {
    /// Where a key daemon logs to, the key `charon_log`.
    public enum Place: Hashable, Sendable {
        /// The system's journal.
        case journal
        /// A file by its path.
        case file(String)
    }

    /// One line.
    public struct Line: Equatable, Sendable {
        /// The text; a file's own stamps and names are part of it, the journal's are not.
        public var text: String
        /// When it was written, where the journal tells.
        public var writtenAt: WallTime?
        /// Whether it was there before anyone followed.
        public var isOld: Bool

        /// Makes a line.
        public init(text: String, writtenAt: WallTime? = nil, isOld: Bool = false) {
            self.text = text
            self.writtenAt = writtenAt
            self.isOld = isOld
        }
    }

    private enum Source {
        case journal(JournalTail)
        case file(LogFileTail)
    }

    private var source: Source

    /// Follows a log from now on; what it held before comes with the first call, up to a bound.
    public init(_ place: Place) {
        source =
            switch place {
            case .journal: .journal(JournalTail())
            case .file(let path): .file(LogFileTail(path: path))
            }
    }

    /// Why there are no lines, with the fix where there is one; nil when the log can be read.
    public var reason: String? {
        switch source {
        case .journal(let tail): tail.reason
        case .file(let tail): tail.reason
        }
    }

    /// Octets that were passed over because the log grew faster than it was read.
    public var skippedOctets: UInt64 {
        switch source {
        case .journal: 0
        case .file(let tail): tail.skippedOctets
        }
    }

    /// The lines since the last call, oldest first.
    public func poll() -> [Line] {
        switch source {
        case .journal(var tail):
            defer { source = .journal(tail) }
            return tail.poll()
        case .file(let tail): return tail.poll()
        }
    }
}
