import Glibc
import HostFacts
public import NetworkPrimitives

extension EventStore {
    /// The database's name in the state directory.
    public static let fileName = "events.sqlite"
    /// How many damaged files are kept.
    static let damagedKept = 2
    /// How large the log stays once it was written back, in octets.
    static let logSize = 4 << 20

    /// A store that is open, and what came of opening it.
    public struct Opening {
        /// The store.
        public var store: EventStore
        /// Where the damaged file is that was there before, and what is wrong with it; nil for none.
        public var damage: Damage?
    }

    /// A database that could not be used.
    public struct Damage: Equatable, Sendable {
        /// Where it is now.
        public var path: String
        /// What is wrong with it.
        public var reason: String
    }

    /// Opens the store of a state directory; makes directory and database where they are missing.
    ///
    /// A damaged file is moved aside as `events.sqlite.damaged-<time>`, and a new one begun; of such files
    /// the latest two are kept. The check reads the whole file: a tenth of a second for 10 MB.
    ///
    /// - Parameters:
    ///   - folder: the state directory; the one above must be there.
    ///   - now: the name of a damaged file says when it was found.
    /// - Returns: the store, and what became of a damaged one.
    /// - Throws: `StoreError`. A file of a newer version or of another program is left untouched.
    public static func open(in folder: String, now: WallTime) throws(StoreError) -> Opening {
        try open(in: folder, now: now, schema: .current)
    }

    /// `open` with other tables; for tests of migrations.
    static func open(
        in folder: String, now: WallTime, schema: StoreSchema
    ) throws(StoreError) -> Opening {
        let state = StateFolder(folder)
        do throws(FileError) {
            try state.create()
        } catch {
            throw StoreError(error.isFull ? .full : .unavailable, error.description)
        }
        let path = "\(folder)/\(fileName)"
        let reason: String
        do throws(StoreError) {
            return Opening(store: try openDatabase(path, schema))
        } catch {
            guard error.kind == .damaged else { throw error }
            reason = error.description
        }
        let aside = try moveAside(path, state, now: now)
        return Opening(
            store: try openDatabase(path, schema), damage: Damage(path: aside, reason: reason))
    }

    private static func openDatabase(
        _ path: String, _ schema: StoreSchema
    ) throws(StoreError) -> EventStore {
        try makeFile(path)
        try look(at: path, schema)
        let database = try Database(path: path, isReadOnly: false)
        database.keepLogFiles()
        // Takes effect before the first table only: the file shrinks when rows are deleted.
        try database.run("PRAGMA auto_vacuum = INCREMENTAL")
        try database.run(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA journal_size_limit = \(logSize);
            PRAGMA trusted_schema = OFF;
            """)
        let check = try database.statement("PRAGMA quick_check(1)")
        guard try check.step(), check.text(0) == "ok" else {
            throw StoreError(.damaged, "\(path): \(check.text(0))")
        }
        check.reset()
        try schema.migrate(database)
        return EventStore(database)
    }

    /// Makes an empty file with the right mode, unless one is there: SQLite's own would be for everybody.
    private static func makeFile(_ path: String) throws(StoreError) {
        let descriptor = unsafe Glibc.open(
            path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else {
            guard errno != EEXIST else { return }
            throw failure("open", path)
        }
        // Whatever the process' mask is.
        let code = fchmod(descriptor, mode_t(0o640))
        close(descriptor)
        guard code == 0 else { throw failure("fchmod", path) }
    }

    private static func failure(_ operation: String, _ path: String) -> StoreError {
        let error = FileError(operation: operation, path: path, reason: .system(errno))
        return StoreError(error.isFull ? .full : .unavailable, error.description)
    }

    /// Refuses a database that is not for this program, before anything of it is written.
    private static func look(at path: String, _ schema: StoreSchema) throws(StoreError) {
        let database = try Database(path: path, isReadOnly: true)
        let version = try database.number("PRAGMA user_version")
        let application = try database.number("PRAGMA application_id")
        let tables = try database.number("SELECT count(*) FROM sqlite_schema")
        guard tables == 0 || application == StoreSchema.applicationID else {
            throw StoreError(
                .foreign,
                "\(path) is no event store of tunnel-probe, but another program's database")
        }
        try schema.check(version, path: path)
    }

    // MARK: - Damage

    private static func moveAside(
        _ path: String, _ folder: StateFolder, now: WallTime
    ) throws(StoreError) -> String {
        let time = now.description.prefix(19).filter { $0 != "-" && $0 != ":" }
        var aside = "\(path).damaged-\(time)Z"
        var number = 2
        while unsafe access(aside, F_OK) == 0 {
            aside = "\(path).damaged-\(time)Z-\(number)"
            number += 1
        }
        // The log belongs to the file; its index is made anew.
        guard unsafe rename(path, aside) == 0 else { throw failure("rename", path) }
        if unsafe rename("\(path)-wal", "\(aside)-wal") != 0, errno != ENOENT {
            throw failure("rename", "\(path)-wal")
        }
        _ = unsafe unlink("\(path)-shm")
        do throws(FileError) {
            let prefix = "\(fileName).damaged-"
            let names = try folder.files().map(\.name).filter { $0.hasPrefix(prefix) }
            let files = names.filter { !$0.hasSuffix("-wal") }.sorted()
            for name in files.dropLast(damagedKept) {
                try folder.remove(name)
                try folder.remove("\(name)-wal")
            }
        } catch {
            throw StoreError(.unavailable, error.description)
        }
        return aside
    }
}

extension FileError {
    /// Whether there was no room.
    fileprivate var isFull: Bool { reason == .system(ENOSPC) || reason == .system(EDQUOT) }
}
