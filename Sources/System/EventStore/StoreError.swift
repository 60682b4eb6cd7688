import CSQLite
import Glibc

/// Why the event store could not do something.
public struct StoreError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What kind of failure it is, and so what helps.
    public enum Kind: Equatable, Sendable {
        /// No room on the disk, or in the size that the database may have: what is committed stays.
        case full
        /// The file or its directory cannot be opened or written.
        case unavailable
        /// The file is no database, or a damaged one.
        case damaged
        /// The database is another program's, or of a newer version: it is left as it is.
        case foreign
        /// Somebody else keeps the database locked.
        case busy
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// The file, what was tried, and why it failed.
    public var description: String

    /// Makes an error.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// What SQLite's result code means.
    ///
    /// - Parameters:
    ///   - code: an extended result code.
    ///   - systemError: the errno(3) behind it, 0 for none.
    /// - Returns: the kind of failure.
    static func kind(of code: Int32, systemError: Int32) -> Kind {
        // A disk without room shows in the shared memory beside the log as an input/output error.
        if code == SQLITE_IOERR | (19 << 8) { return .full }
        switch code & 0xff {
        case SQLITE_FULL: return .full
        case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged
        case SQLITE_BUSY, SQLITE_LOCKED: return .busy
        case SQLITE_IOERR where systemError == EDQUOT || systemError == ENOSPC: return .full
        default: return .unavailable
        }
    }
}
