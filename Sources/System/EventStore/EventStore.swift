import CSQLite
import NetworkPrimitives

/// The events and minutes of the tunnels in a SQLite database, for the one process that writes it.
///
/// *Durability.* The log (WAL) is synchronised at each commit (`synchronous = FULL`), so what a call
/// reported as committed survives a crash and a loss of power. That costs one fsync a commit, and commits
/// are seconds apart. Others may read while this process writes.
///
/// A store belongs to one thread at a time: its calls block on the disk.
public final class EventStore {
    /// The file.
    public let path: String
    let database: Database
    private var tunnelNumbers: [String: Int64] = [:]

    /// Owns a database whose tables are there.
    init(_ database: Database) {
        self.database = database
        path = database.path
    }

    /// Writes a batch; when this returns, all of it survives whatever happens.
    ///
    /// - Throws: `StoreError`; then nothing of the batch is stored.
    public func append(_ batch: StoreBatch) throws(StoreError) {
        do throws(StoreError) {
            try database.transaction { () throws(StoreError) in try write(batch) }
        } catch {
            // Numbers that were given in a transaction that did not happen are nobody's.
            tunnelNumbers = [:]
            throw error
        }
    }

    private func write(_ batch: StoreBatch) throws(StoreError) {
        for event in batch.events {
            let tunnel = try number(of: event.tunnel)
            let insert = try database.statement(
                "INSERT INTO event (at, tunnel, kind, body) VALUES (?, ?, ?, ?)")
            try insert.bind(event.at.nanoseconds, at: 1)
            try insert.bind(tunnel, at: 2)
            try insert.bind(event.kind, at: 3)
            try insert.bind(event.body, at: 4)
            try insert.run()
        }
        for minute in batch.minutes {
            let tunnel = try number(of: minute.tunnel)
            let insert = try database.statement(
                "INSERT OR REPLACE INTO minute (tunnel, at, body) VALUES (?, ?, ?)")
            try insert.bind(tunnel, at: 1)
            try insert.bind(minute.at.nanoseconds, at: 2)
            try insert.bind(minute.body, at: 3)
            try insert.run()
        }
        if let heartbeat = batch.heartbeat {
            let insert = try database.statement(
                "INSERT OR REPLACE INTO heartbeat (id, at) VALUES (1, ?)")
            try insert.bind(heartbeat.nanoseconds, at: 1)
            try insert.run()
        }
    }

    /// The number of a tunnel's name, given to it at its first row.
    private func number(of tunnel: String) throws(StoreError) -> Int64 {
        if let known = tunnelNumbers[tunnel] { return known }
        let find = try database.statement("SELECT id FROM tunnel WHERE name = ?")
        try find.bind(tunnel, at: 1)
        defer { find.reset() }
        if try find.step() {
            let number = find.integer(0)
            tunnelNumbers[tunnel] = number
            return number
        }
        let insert = try database.statement("INSERT INTO tunnel (name) VALUES (?)")
        try insert.bind(tunnel, at: 1)
        try insert.run()
        let number = database.lastInsertedID
        tunnelNumbers[tunnel] = number
        return number
    }

    /// Forgets numbers whose rows retention may have deleted.
    func forgetTunnelNumbers() { tunnelNumbers = [:] }

    /// Whether the file was deleted or moved: what is written now, nobody would find.
    public var isMovedAway: Bool { database.isMovedAway }

    /// The same rows, for reading on this thread.
    public var reader: EventReader { EventReader(database) }
}
