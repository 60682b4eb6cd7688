import CSQLite

/// A prepared statement of a database.
@safe final class Statement {
    private let handle: OpaquePointer
    private unowned let database: Database
    private let sql: String

    /// Owns a statement that was prepared.
    @unsafe init(_ handle: OpaquePointer, of database: Database, sql: String) {
        unsafe self.handle = handle
        self.database = database
        self.sql = sql
    }

    deinit { _ = unsafe sqlite3_finalize(handle) }

    /// Forgets rows and values, and lets go of locks.
    func reset() {
        _ = unsafe sqlite3_reset(handle)
        _ = unsafe sqlite3_clear_bindings(handle)
    }

    /// Sets a value; the first has index 1.
    func bind(_ value: Int64, at index: Int32) throws(StoreError) {
        try check(unsafe sqlite3_bind_int64(handle, index, value))
    }

    /// Sets a text; the first has index 1.
    func bind(_ value: String, at index: Int32) throws(StoreError) {
        var text = value
        let code = text.withUTF8 { octets in
            unsafe octets.withMemoryRebound(to: CChar.self) { octets in
                // An empty buffer may have no address, which would be NULL.
                guard let base = octets.baseAddress else {
                    return unsafe csqlite_bind_text(handle, index, "", 0)
                }
                return unsafe csqlite_bind_text(handle, index, base, Int32(octets.count))
            }
        }
        try check(code)
    }

    /// Goes to the next row; false after the last.
    func step() throws(StoreError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            // Resetting gives up the lock, and must not hide the reason.
            let error = unsafe database.error(code, sql)
            reset()
            throw error
        }
    }

    /// Runs it to its end.
    func run() throws(StoreError) {
        while try step() {}
        reset()
    }

    /// A column of the row as a number; the first is 0.
    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    /// A column of the row as a text; the first is 0, and NULL is empty.
    func text(_ column: Int32) -> String {
        guard let octets = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: octets, count: count), as: UTF8.self)
    }

    private func check(_ code: Int32) throws(StoreError) {
        guard code == SQLITE_OK else { throw unsafe database.error(code, sql) }
    }
}
