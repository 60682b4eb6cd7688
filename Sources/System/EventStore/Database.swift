import CSQLite

/// One connection to a SQLite database; of one thread at a time.
@safe final class Database {
    /// The path it was opened by.
    let path: String
    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]

    /// How long a lock of another process is waited for, in milliseconds.
    static let busyTimeout: Int32 = 5000

    /// Opens a database that is there.
    ///
    /// - Throws: `StoreError`; a file that is no database shows at the first statement only.
    init(path: String, isReadOnly: Bool) throws(StoreError) {
        self.path = path
        var opened: OpaquePointer?
        let access = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let code = unsafe sqlite3_open_v2(
            path, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let opened = unsafe opened else {
            throw StoreError(.unavailable, "\(path): no memory to open it")
        }
        guard code == SQLITE_OK else {
            let error = unsafe Self.error(code, of: opened, path: path, operation: "open")
            _ = unsafe sqlite3_close_v2(opened)
            throw error
        }
        unsafe handle = opened
        _ = unsafe sqlite3_busy_timeout(handle, Self.busyTimeout)
    }

    deinit {
        statements = [:]
        _ = unsafe sqlite3_close_v2(handle)
    }

    /// Runs statements that give no rows, one after the other.
    func run(_ sql: String) throws(StoreError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw unsafe error(code, sql) }
    }

    /// A prepared statement, ready for its values; kept, so that it is parsed once.
    func statement(_ sql: String) throws(StoreError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        var prepared: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared = unsafe prepared else {
            throw unsafe error(code, sql)
        }
        let statement = unsafe Statement(prepared, of: self, sql: sql)
        statements[sql] = statement
        return statement
    }

    /// The first column of the first row, 0 where there is none.
    func number(_ sql: String) throws(StoreError) -> Int64 {
        let statement = try statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : 0
    }

    /// Does something as a whole or not at all.
    func transaction<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            for statement in statements.values { statement.reset() }
            // SQLite itself has gone back already after some failures, a full disk among them.
            if unsafe sqlite3_get_autocommit(handle) == 0 {
                _ = unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            }
            throw error
        }
    }

    /// Rows changed by the last statement.
    var changes: Int { unsafe Int(sqlite3_changes64(handle)) }

    /// The id of the row inserted last.
    var lastInsertedID: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// Keeps the log and its index when the last connection closes.
    ///
    /// A member of the group may read the directory but not write to it, so cannot make them anew.
    func keepLogFiles() {
        var isKept: Int32 = 1
        _ = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &isKept)
    }

    /// Whether the file is no longer where it was opened.
    var isMovedAway: Bool {
        var isMoved: Int32 = 0
        let code = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &isMoved)
        return code == SQLITE_OK && isMoved != 0
    }

    /// What a result code of this connection means.
    @unsafe func error(_ code: Int32, _ operation: String) -> StoreError {
        unsafe Self.error(code, of: handle, path: path, operation: operation)
    }

    @unsafe private static func error(
        _ code: Int32, of handle: OpaquePointer, path: String, operation: String
    ) -> StoreError {
        let text = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) }
        let systemError = unsafe sqlite3_system_errno(handle)
        let words = operation.split(separator: " ").prefix(2).joined(separator: " ")
        return StoreError(
            StoreError.kind(of: code, systemError: systemError),
            "\(path): \(words): \(text ?? "SQLite error") (\(code))")
    }
}
